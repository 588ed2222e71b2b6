// Plain YAML scalars become JSON's types as YAML 1.2's core schema resolves them.
#include "cli/yaml.h"

#include <simdjson.h>
#include <yaml-cpp/yaml.h>

#include "absl/strings/numbers.h"
#include "cli/home.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

// JSON is UTF-8; yaml-cpp takes any bytes.
const std::string& Text(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (!simdjson::validate_utf8(text)) throw InvalidArgument("expected UTF-8 in line ", node.Mark().line + 1);
  return text;
}

Json Scalar(const YAML::Node& node) {
  const std::string& text = Text(node);
  if (node.Tag() == "!") return text;  // quoted
  if (text == "true" || text == "True") return true;
  if (text == "false" || text == "False") return false;
  if (text.empty() || text == "null" || text == "~") return nullptr;
  int64_t integer;
  if (absl::SimpleAtoi(text, &integer)) return integer;
  double number;
  if (text.find_first_not_of("0123456789.eE+-") == std::string::npos && absl::SimpleAtod(text, &number)) return number;
  return text;
}

const std::string& KeyOf(const YAML::Node& node) {
  if (!node.IsScalar()) throw InvalidArgument("expected a text as the key in line ", node.Mark().line + 1);
  return Text(node);
}

// Aliases are replaced by what they stand for. That may contain the alias, or grow with every level: hence the limits,
// which no file written by hand comes near.
class Converter {
 public:
  Json Convert(const YAML::Node& node, int depth = 0) {
    if (depth > kDeepest || ++nodes_ > kMostNodes) throw InvalidArgument("its aliases never end, or it is too large");
    if (node.IsMap()) {
      Json object = Json::object();
      for (const auto& entry : node) object[KeyOf(entry.first)] = Convert(entry.second, depth + 1);
      return object;
    }
    if (node.IsSequence()) {
      Json list = Json::array();
      for (const YAML::Node& item : node) list.push_back(Convert(item, depth + 1));
      return list;
    }
    return node.IsScalar() ? Scalar(node) : Json(nullptr);
  }

 private:
  static constexpr int kDeepest = 100;
  static constexpr int64_t kMostNodes = 1'000'000;
  int64_t nodes_ = 0;
};

}  // namespace

Json ParseYaml(const std::string& text, const std::string& where) {
  try {
    return Converter().Convert(YAML::Load(text));
  } catch (const Error& error) {
    throw InvalidArgument("cannot use the YAML in ", where, ": ", error.what());
  } catch (const YAML::Exception& error) {
    throw InvalidArgument("expected YAML in ", where, ": ", error.what());
  }
}

Json ReadYaml(const std::string& path) {
  return ParseYaml(ReadTextFile(path), path);
}

}  // namespace headrace::cli
