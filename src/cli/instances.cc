// Line by line in, a table out.
#include "cli/instances.h"

#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/home.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

std::string ReadInput(const std::string& path) {
  if (path != "-") return ReadTextFile(path);
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

Json ParseJson(const std::string& text, const std::string& where) {
  try {
    return Json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw InvalidArgument("Input instances are not in JSON format (", where, "): ", error.what());
  }
}

Json Instances(const std::string& path, bool text_lines) {
  std::istringstream lines(ReadInput(path));
  Json instances = Json::array();
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (text_lines) {
      instances.push_back(line);
    } else if (!absl::StripAsciiWhitespace(line).empty()) {
      instances.push_back(ParseJson(line, absl::StrCat(path, " line ", number)));
    }
  }
  if (instances.empty()) throw InvalidArgument("No valid instance was found in input file ", path, ".");
  return instances;
}

}  // namespace

Json ReadInstances(const Invocation& call) {
  const int given = call.Has("json-instances") + call.Has("text-instances") + call.Has("json-request");
  if (given != 1) {
    throw UsageError(call.path,
                     "Exactly one of (--json-instances | --text-instances | --json-request) must be specified.");
  }
  if (call.Has("json-request")) {
    const std::string path = call.Flag("json-request");
    Json request = ParseJson(ReadInput(path), path);
    if (!request.is_object() || !request.contains("instances")) {
      throw InvalidArgument("expected a JSON object with the key instances in ", path);
    }
    return request;
  }
  const bool text_lines = call.Has("text-instances");
  return {{"instances", Instances(call.Flag(text_lines ? "text-instances" : "json-instances"), text_lines)}};
}

void PrintPredictions(const Invocation& call, const Json& answer) {
  const Json predictions = answer.value("predictions", Json());
  if (call.Has("format") || !predictions.is_array() || predictions.empty()) {
    std::cout << Render(answer, ParseFormat(call.Flag("format", "json"))) << std::flush;
    return;
  }
  std::string format = "table[no-heading](.)";
  if (predictions[0].is_object()) {
    std::set<std::string> keys;
    for (const auto& [key, value] : predictions[0].items()) keys.insert(key);
    format = absl::StrCat("table(", absl::StrJoin(keys, ", "), ")");
  }
  std::cout << Render(predictions, ParseFormat(format)) << std::flush;
}

}  // namespace headrace::cli
