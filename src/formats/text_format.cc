// protobuf's TextFormat with a finder of types that knows the package's two names.
#include "formats/text_format.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/message.h>
#include <google/protobuf/text_format.h>

#include <string_view>

#include "headrace/error.h"
#include "headrace/file_system.h"

namespace headrace {
namespace {

class TypesByTensorFlowsNames : public google::protobuf::TextFormat::Finder {
 public:
  const google::protobuf::Descriptor* FindAnyType(const google::protobuf::Message& message, const std::string& prefix,
                                                  const std::string& name) const override {
    constexpr std::string_view kPackage = "tensorflow.";
    if (!name.starts_with(kPackage)) return Finder::FindAnyType(message, prefix, name);
    return message.GetDescriptor()->file()->pool()->FindMessageTypeByName("headrace.wire." +
                                                                          name.substr(kPackage.size()));
  }
};

class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text.empty()) {
      text = "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " + message;
    }
  }
  std::string text;
};

}  // namespace

void ParseText(const std::string& text, const char* what, google::protobuf::Message* message) {
  const TypesByTensorFlowsNames finder;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.SetFinder(&finder);
  parser.RecordErrorsTo(&error);
  if (!parser.ParseFromString(text, message)) {
    throw InvalidArgument("expected the text form of a ", what, ": ", error.text);
  }
}

void ReadTextProto(const std::string& path, const char* what, google::protobuf::Message* message) {
  const std::string text = ReadFile(path);
  try {
    ParseText(text, what, message);
  } catch (const Error& error) {
    throw DataLoss("cannot read ", path, ": ", error.what());
  }
}

std::string PrintText(const google::protobuf::Message& message) {
  const TypesByTensorFlowsNames finder;
  google::protobuf::TextFormat::Printer printer;
  printer.SetFinder(&finder);
  std::string text;
  printer.PrintToString(message, &text);
  return text;
}

}  // namespace headrace
