// Projections over JSON and their renderings.
#include "cli/output.h"

#include <algorithm>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

// What is cut by a transform, or came as a flag, need not be UTF-8: it is shown all the same.
std::string Dump(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// Splits at `separator` outside of parentheses and quotes.
std::vector<std::string> SplitTopLevel(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  int depth = 0;
  char quote = 0;
  for (char c : text) {
    if (quote) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      --depth;
    } else if (c == separator && depth == 0) {
      parts.emplace_back();
      continue;
    }
    parts.back() += c;
  }
  return parts;
}

std::string Unquote(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

// jobId -> JOB_ID
std::string DefaultLabel(const std::string& key) {
  std::string label;
  for (size_t i = 0; i < key.size(); ++i) {
    if (i > 0 && absl::ascii_isupper(key[i]) && absl::ascii_islower(key[i - 1])) label += '_';
    label += absl::ascii_toupper(key[i]);
  }
  return label;
}

Column ParseColumn(const std::string& text) {
  Column column;
  std::vector<std::string> parts = SplitTopLevel(text, ':');
  for (size_t i = 1; i < parts.size(); ++i) {
    const size_t equals = parts[i].find('=');
    const std::string name = parts[i].substr(0, equals);
    if (name == "label") column.label = Unquote(parts[i].substr(equals + 1));
  }
  for (std::string piece : SplitTopLevel(std::string(absl::StripAsciiWhitespace(parts[0])), '.')) {
    const size_t open = piece.find('(');
    if (open != std::string::npos) {
      if (piece.back() != ')') throw InvalidArgument("expected a ) at the end of the transform [", piece, "]");
      std::vector<std::string> arguments;
      for (const std::string& argument : SplitTopLevel(piece.substr(open + 1, piece.size() - open - 2), ',')) {
        if (!argument.empty()) arguments.push_back(Unquote(argument));
      }
      column.transforms.emplace_back(piece.substr(0, open), arguments);
      continue;
    }
    for (size_t bracket = piece.find('['); bracket != std::string::npos; bracket = piece.find('[')) {
      const size_t close = piece.find(']', bracket);
      if (close == std::string::npos) throw InvalidArgument("expected a ] in the key [", text, "]");
      if (bracket > 0) column.path.push_back(piece.substr(0, bracket));
      if (close > bracket + 1) column.path.push_back(piece.substr(bracket + 1, close - bracket - 1));
      piece = piece.substr(close + 1);
    }
    if (!piece.empty()) column.path.push_back(piece);
  }
  if (column.label.empty() && !column.path.empty()) column.label = DefaultLabel(column.path.back());
  return column;
}

Json Apply(const std::string& transform, const std::vector<std::string>& arguments, const Json& value) {
  const std::string text = ScalarText(value);
  if (transform == "basename") return text.substr(text.rfind('/') + 1);
  if (transform == "date") return text.size() >= 19 ? Json(text.substr(0, 19)) : Json(text);
  if (transform == "len") return value.is_string() ? Json(text.size()) : Json(value.size());
  if (transform == "join" || transform == "list") {
    std::vector<std::string> items;
    if (!value.is_array()) return text;
    for (const Json& item : value) items.push_back(ScalarText(item));
    return absl::StrJoin(items, arguments.empty() ? "," : arguments[0]);
  }
  if (transform == "yesno") {
    const bool yes = !value.is_null() && value != false && text != "" && text != "0" && text != "false";
    const std::string word = yes ? (arguments.empty() ? text : arguments[0]) : "";
    return yes ? word : (arguments.size() > 1 ? arguments[1] : "");
  }
  if (transform == "upper") return absl::AsciiStrToUpper(text);
  throw InvalidArgument("unknown transform [", transform, "()]; known: basename, date, join, len, list, upper, yesno");
}

Json Evaluate(const Json& resource, const Column& column) {
  Json value = Resolve(resource, column.path);
  for (const auto& [name, arguments] : column.transforms) value = Apply(name, arguments, value);
  return value;
}

// The columns to show when a table or value names none: every scalar key of the first resource.
std::vector<Column> AllScalars(const Json& items) {
  std::vector<Column> columns;
  if (items.empty() || !items[0].is_object()) return {Column{}};
  for (const auto& [key, value] : items[0].items()) {
    if (!value.is_structured()) columns.push_back(Column{{key}, DefaultLabel(key), {}});
  }
  return columns;
}

// Display width: code points, which is right for all but wide scripts.
size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

std::string RenderTable(const Json& items, const Format& format) {
  const std::vector<Column> columns = format.columns.empty() ? AllScalars(items) : format.columns;
  std::vector<std::vector<std::string>> rows;
  const bool heading =
      std::find(format.attributes.begin(), format.attributes.end(), "no-heading") == format.attributes.end();
  if (heading) {
    rows.emplace_back();
    for (const Column& column : columns) rows.back().push_back(column.label);
  }
  for (const Json& item : items) {
    rows.emplace_back();
    for (const Column& column : columns) rows.back().push_back(ScalarText(Evaluate(item, column)));
  }
  std::vector<size_t> widths(columns.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - Width(row[i]) + 2, ' ');
    }
    text += std::string(absl::StripTrailingAsciiWhitespace(line)) + "\n";
  }
  return text;
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted.append(c == '"' ? 2 : 1, c);
  return absl::StrCat(quoted, "\"");
}

std::string RenderDelimited(const Json& items, const Format& format, const char* delimiter, bool csv) {
  const std::vector<Column> columns = format.columns.empty() ? AllScalars(items) : format.columns;
  std::string text;
  if (csv && std::find(format.attributes.begin(), format.attributes.end(), "no-heading") == format.attributes.end()) {
    std::vector<std::string> names;
    for (const Column& column : columns) names.push_back(absl::StrJoin(column.path, "."));
    absl::StrAppend(&text, absl::StrJoin(names, delimiter), "\n");
  }
  for (const Json& item : items) {
    std::vector<std::string> fields;
    for (const Column& column : columns) {
      const std::string field = ScalarText(Evaluate(item, column));
      fields.push_back(csv ? CsvField(field) : field);
    }
    absl::StrAppend(&text, absl::StrJoin(fields, delimiter), "\n");
  }
  return text;
}

// json(a,b) and yaml(a,b): the resources with nothing but these keys.
Json Project(const Json& resource, const std::vector<Column>& columns) {
  if (resource.is_array()) {
    Json list = Json::array();
    for (const Json& item : resource) list.push_back(Project(item, columns));
    return list;
  }
  Json kept = Json::object();
  for (const Column& column : columns) {
    Json* place = &kept;
    for (const std::string& key : column.path) place = &(*place)[key];
    *place = Evaluate(resource, column);
  }
  return kept;
}

bool PlainYaml(const std::string& text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return false;
  if (text.find_first_of("\n\t\"'#{}[],&*!|>%@`") == 0 || text.find('\n') != std::string::npos) return false;
  if (text.find(": ") != std::string::npos || text.find(" #") != std::string::npos || text.back() == ':') return false;
  if (text[0] == '-' && (text.size() == 1 || text[1] == ' ')) return false;
  if (text[0] == '?' && text.size() == 1) return false;
  const std::string lower = absl::AsciiStrToLower(text);
  for (const char* word : {"true", "false", "null", "yes", "no", "on", "off", "~"}) {
    if (lower == word) return false;
  }
  if (text.find_first_not_of("0123456789+-.eE_:xXoO") == std::string::npos) return false;
  // A timestamp would be read as one, so it is quoted as gcloud quotes it.
  return !(text.size() >= 10 && text.find_first_not_of("0123456789-T:.Z+ ") == std::string::npos);
}

std::string YamlScalar(const Json& value) {
  if (!value.is_string()) return Dump(value);
  const std::string& text = value.get_ref<const std::string&>();
  if (PlainYaml(text)) return text;
  if (text.find_first_of("\n\t\\") != std::string::npos) return Dump(value);
  std::string quoted = "'";
  for (char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return absl::StrCat(quoted, "'");
}

void AppendYaml(const Json& value, int indent, std::string* text) {
  const std::string pad(indent, ' ');
  auto nested = [&](const Json& child, int child_indent) {
    if (child.is_structured() && !child.empty()) {
      *text += "\n";
      AppendYaml(child, child_indent, text);
    } else {
      absl::StrAppend(text, " ", child.is_structured() ? (child.is_array() ? "[]" : "{}") : YamlScalar(child), "\n");
    }
  };
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, child] : value.items()) {
      absl::StrAppend(text, pad, YamlScalar(key), ":");
      nested(child, child.is_array() ? indent : indent + 2);
    }
  } else if (value.is_array() && !value.empty()) {
    for (const Json& child : value) {
      if (child.is_structured() && !child.empty()) {
        // The first line of the child moves up behind the dash.
        std::string inner;
        AppendYaml(child, indent + 2, &inner);
        inner.replace(indent, 1, "-");
        *text += inner;
      } else {
        absl::StrAppend(text, pad, "-");
        nested(child, indent);
      }
    }
  } else {
    absl::StrAppend(text, pad, value.is_structured() ? (value.is_array() ? "[]" : "{}") : YamlScalar(value), "\n");
  }
}

void AppendFlattened(const Json& value, const std::string& path, std::string* text) {
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      AppendFlattened(child, path.empty() ? key : path + "." + key, text);
    }
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i) AppendFlattened(value[i], absl::StrCat(path, "[", i, "]"), text);
  } else {
    absl::StrAppend(text, path, ": ", ScalarText(value), "\n");
  }
}

std::string RenderFlattened(const Json& items) {
  std::string text;
  for (const Json& item : items) {
    text += "---\n";
    AppendFlattened(item, "", &text);
  }
  return text;
}

std::string RenderList(const Json& items, const Format& format) {
  std::string text;
  for (const Json& item : items) {
    std::string line = " -";
    const std::vector<Column> columns = format.columns.empty() ? AllScalars(Json::array({item})) : format.columns;
    for (const Column& column : columns) absl::StrAppend(&line, " ", ScalarText(Evaluate(item, column)));
    text += line + "\n";
  }
  return text;
}

}  // namespace

Format ParseFormat(const std::string& given) {
  const std::string text(absl::StripAsciiWhitespace(given));
  Format format;
  const size_t end = text.find_first_of("([");
  format.name = text.substr(0, end);
  std::string left = end == std::string::npos ? "" : text.substr(end);
  if (!left.empty() && left[0] == '[') {
    const size_t close = left.find(']');
    if (close == std::string::npos) throw InvalidArgument("expected a ] in the format [", given, "]");
    for (absl::string_view attribute : absl::StrSplit(left.substr(1, close - 1), ',')) {
      format.attributes.emplace_back(absl::StripAsciiWhitespace(attribute));
    }
    left = left.substr(close + 1);
  }
  if (!left.empty()) {
    if (left[0] != '(' || left.back() != ')') throw InvalidArgument("expected NAME(KEYS) in the format [", given, "]");
    for (const std::string& key : SplitTopLevel(left.substr(1, left.size() - 2), ',')) {
      format.columns.push_back(ParseColumn(key));
    }
  }
  static const std::vector<std::string> kNames = {"json", "yaml", "value", "get",       "table",   "csv",
                                                  "list", "none", "text",  "flattened", "disable", "default"};
  if (std::find(kNames.begin(), kNames.end(), format.name) == kNames.end()) {
    throw InvalidArgument("unknown format [", format.name, "]; known: ", absl::StrJoin(kNames, ", "));
  }
  return format;
}

Json Resolve(const Json& resource, const std::vector<std::string>& path) {
  Json value = resource;
  for (const std::string& key : path) {
    if (value.is_object() && value.contains(key)) {
      value = Json(value[key]);
    } else if (value.is_array()) {
      const bool index = key.find_first_not_of("-0123456789") == std::string::npos;
      if (!index) {  // a.b over a list of objects: the list of their b
        Json all = Json::array();
        for (const Json& item : value) all.push_back(Resolve(item, {key}));
        value = all;
        continue;
      }
      int64_t at;
      if (!absl::SimpleAtoi(key, &at)) return nullptr;
      if (at < 0) at += static_cast<int64_t>(value.size());
      if (at < 0 || at >= static_cast<int64_t>(value.size())) return nullptr;
      value = Json(value[at]);
    } else {
      return nullptr;
    }
  }
  return value;
}

std::string ScalarText(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (!value.is_structured()) return Dump(value);
  // A list or an object inside a cell: JSON with a space behind each comma and colon.
  std::vector<std::string> items;
  for (const auto& [key, item] : value.items()) {
    const std::string text = item.is_structured() ? ScalarText(item) : Dump(item);
    items.push_back(value.is_object() ? absl::StrCat(Dump(key), ": ", text) : text);
  }
  const std::string joined = absl::StrJoin(items, ", ");
  return value.is_object() ? absl::StrCat("{", joined, "}") : absl::StrCat("[", joined, "]");
}

std::string ToYaml(const Json& value) {
  std::string text;
  AppendYaml(value, 0, &text);
  return text;
}

std::string Render(const Json& resource, const Format& format) {
  if (resource.is_null() || format.name == "none" || format.name == "disable") return "";
  if (format.name == "json") {
    return Dump(format.columns.empty() ? resource : Project(resource, format.columns), 2) + "\n";
  }
  const Json items = resource.is_array() ? resource : Json::array({resource});
  if (format.name == "yaml" || format.name == "default") {
    const Json shown = format.columns.empty() ? resource : Project(resource, format.columns);
    if (!shown.is_array()) return ToYaml(shown);
    std::string text;
    for (const Json& item : shown) absl::StrAppend(&text, shown.size() > 1 ? "---\n" : "", ToYaml(item));
    return text;
  }
  if (format.name == "value" || format.name == "get") return RenderDelimited(items, format, "\t", false);
  if (format.name == "csv") return RenderDelimited(items, format, ",", true);
  if (format.name == "list") return RenderList(items, format);
  if (format.name == "text" || format.name == "flattened") return RenderFlattened(items);
  return RenderTable(items, format);
}

void Note(const std::string& text) {
  std::cerr << text << "\n";
}

void Print(const Invocation& call, Json resource) {
  if (resource.is_array()) {
    Json kept = Json::array();
    const std::string filter = call.Flag("filter");
    for (Json& item : resource) {
      if (filter.empty() || Matches(item, filter)) kept.push_back(std::move(item));
    }
    const std::vector<std::string> sort_by = call.List("sort-by");
    if (!sort_by.empty()) {
      const bool down = sort_by[0][0] == '~';
      const Column key = ParseColumn(sort_by[0].substr(down ? 1 : 0));
      std::stable_sort(kept.begin(), kept.end(), [&](const Json& a, const Json& b) {
        const Json x = Evaluate(a, key), y = Evaluate(b, key);
        return down ? y < x : x < y;
      });
    }
    const int64_t limit = call.Integer("limit", -1);
    if (limit >= 0 && limit < static_cast<int64_t>(kept.size())) kept.erase(kept.begin() + limit, kept.end());
    resource = std::move(kept);
  }
  const std::string own = call.command && !call.command->format.empty() ? call.command->format : "yaml";
  const Format format = ParseFormat(call.Flag("format", own));
  if (resource.is_array() && resource.empty() && (format.name == "table" || format.name == "yaml")) {
    Note("Listed 0 items.");
    return;
  }
  std::cout << Render(resource, format) << std::flush;
}

}  // namespace headrace::cli
