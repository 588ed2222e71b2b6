// Plain YAML scalars become JSON's types as YAML 1.2's core schema resolves them.
#include "cli/yaml.h"

#include <yaml-cpp/yaml.h>

#include "absl/strings/numbers.h"
#include "cli/home.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

Json Scalar(const YAML::Node& node) {
  const std::string text = node.Scalar();
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

Json Convert(const YAML::Node& node) {
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) object[entry.first.as<std::string>()] = Convert(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    Json list = Json::array();
    for (const YAML::Node& item : node) list.push_back(Convert(item));
    return list;
  }
  return node.IsScalar() ? Scalar(node) : Json(nullptr);
}

}  // namespace

Json ParseYaml(const std::string& text, const std::string& where) {
  try {
    return Convert(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    throw InvalidArgument("expected YAML in ", where, ": ", error.what());
  }
}

Json ReadYaml(const std::string& path) {
  return ParseYaml(ReadTextFile(path), path);
}

}  // namespace headrace::cli
