// How results are shown: --format, --filter, --sort-by, --limit over JSON resources, as gcloud does it.
//   json | yaml | value(a,b.c) | table(a:label=NAME, b.basename()) | csv[no-heading](a,b) | list | none
// A key is a dotted path, with [i] for list items; transforms: basename(), date(), len(), join(SEP), yesno(YES,NO).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.h"

namespace headrace::cli {

using Json = nlohmann::ordered_json;

// One column of a projection.
struct Column {
  std::vector<std::string> path;
  std::string label;
  std::vector<std::pair<std::string, std::vector<std::string>>> transforms;  // name, arguments
};

struct Format {
  std::string name;                     // "json", "table", …
  std::vector<std::string> attributes;  // [no-heading, box]
  std::vector<Column> columns;
};

// Throws InvalidArgument on a malformed format.
Format ParseFormat(const std::string& text);

// The resource (an object, a list of them, or a scalar) as text with a line end, or "" when there is nothing to show.
std::string Render(const Json& resource, const Format& format);

// What a dotted path leads to, or null.
Json Resolve(const Json& resource, const std::vector<std::string>& path);
std::string ScalarText(const Json& value);

std::string ToYaml(const Json& value);

// Whether the resource satisfies a gcloud filter: `state=FAILED AND NOT jobId:trial*`, `createTime>2026-01-01`,
// `labels.owner=me`, `(a=1 OR b~regex)`; a term without an operator looks into every value.
// Throws InvalidArgument on a malformed filter.
bool Matches(const Json& resource, const std::string& filter);

// Filters, sorts and limits a list by the call's flags, and prints by --format or the command's own default.
void Print(const Invocation& call, Json resource);
// A message for people (stderr; not under --quiet's control, as gcloud's aren't).
void Note(const std::string& text);

}  // namespace headrace::cli
