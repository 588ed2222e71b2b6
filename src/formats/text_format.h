// The text form of messages (.pbtxt). Messages are compiled under the package headrace.wire; where text names a type,
// inside an Any, it is TensorFlow's name of it.
#pragma once

#include <string>

namespace google::protobuf {
class Message;
}

namespace headrace {

// Errors: InvalidArgument "expected the text form of a WHAT: line L, column C: …".
void ParseText(const std::string& text, const char* what, google::protobuf::Message* message);
// The same of a file. Errors: DataLoss naming the file; NotFound.
void ReadTextProto(const std::string& path, const char* what, google::protobuf::Message* message);
std::string PrintText(const google::protobuf::Message& message);

}  // namespace headrace
