// Requests put together, lists filtered and cut into pages.
#include "engine/method.h"

#include <charconv>
#include <set>

namespace headrace::engine {
namespace {

const std::set<std::string>& SystemParameters() {
  static const std::set<std::string> names = {
      "alt",         "key",      "fields",          "prettyPrint", "quotaUser", "access_token",
      "oauth_token", "callback", "upload_protocol", "uploadType",  "$.xgafv",   "userIp"};
  return names;
}

const Json* AtPath(const Json& item, std::string_view path) {
  const Json* at = &item;
  while (true) {
    const size_t dot = path.find('.');
    const auto found = at->is_object() ? at->find(std::string(path.substr(0, dot))) : at->end();
    if (!at->is_object() || found == at->end()) return nullptr;
    at = &*found;
    if (dot == path.npos) return at;
    path.remove_prefix(dot + 1);
  }
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

struct Clause {
  std::string field, value;
  enum { kEquals, kDiffers, kContains } relation;

  bool Holds(const Json& item) const {
    const Json* found = AtPath(item, field);
    const std::string text = found == nullptr ? "" : found->is_string() ? found->get<std::string>() : found->dump();
    switch (relation) {
      case kEquals:
        return text == value;
      case kDiffers:
        return text != value;
      default:
        return text.find(value == "*" ? "" : value) != text.npos && found != nullptr;
    }
  }
};

Clause ParseClause(std::string_view text, const std::string& filter) {
  const size_t at = text.find_first_of("!=:");
  if (at == text.npos || at == 0) {
    throw InvalidArgument("expected clauses FIELD=VALUE, FIELD!=VALUE or FIELD:VALUE joined by AND, got filter '",
                          filter, "'");
  }
  const bool differs = text[at] == '!';
  Clause clause;
  clause.relation = differs ? Clause::kDiffers : text[at] == '=' ? Clause::kEquals : Clause::kContains;
  clause.field = Trim(text.substr(0, at));
  std::string_view value = Trim(text.substr(at + (differs ? 2 : 1)));
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
    value = value.substr(1, value.size() - 2);
  }
  clause.value = value;
  return clause;
}

}  // namespace

Json RequestJson(const http::Request& request, const std::string& body_field) {
  Json json = Json::object();
  if (!body_field.empty()) {
    Json body = request.body.empty() ? Json::object() : Json::parse(request.body, nullptr, false);
    if (body.is_discarded()) throw InvalidArgument("Invalid JSON payload received: the body is not valid JSON.");
    if (body_field != "*") {
      json[body_field] = std::move(body);
    } else if (body.is_object()) {
      json = std::move(body);
    } else {
      throw InvalidArgument("Invalid JSON payload received: expected an object.");
    }
  }
  for (const auto& [name, value] : request.query) {
    if (SystemParameters().count(name) == 0) json[name] = value;
  }
  for (const auto& [name, value] : request.path_params) json[name] = value;
  return json;
}

void ApplyFilter(const std::string& filter, std::vector<Json>* items) {
  std::string_view rest = Trim(filter);
  while (!rest.empty()) {
    const size_t end = rest.find(" AND ");
    const Clause clause = ParseClause(Trim(rest.substr(0, end)), filter);
    std::erase_if(*items, [&](const Json& item) { return !clause.Holds(item); });
    rest = end == rest.npos ? "" : Trim(rest.substr(end + 5));
  }
}

Json Paginate(const std::string& field, const std::vector<Json>& items, const http::Request& request) {
  constexpr int64_t kMaxPage = 1000;
  const auto number = [&](const std::string& name, int64_t otherwise) {
    const std::string text = request.Query(name);
    if (text.empty()) return otherwise;
    int64_t value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size() || value < 0) {
      throw InvalidArgument("Invalid value for ", name, ": '", text, "'");
    }
    return value;
  };
  // A token is how many items the pages before it had.
  const int64_t begin = std::min<int64_t>(number("pageToken", 0), static_cast<int64_t>(items.size()));
  int64_t size = std::min(number("pageSize", 0), kMaxPage);
  if (size == 0) size = kMaxPage;
  const int64_t end = std::min<int64_t>(begin + size, static_cast<int64_t>(items.size()));
  Json page = Json::object();
  if (begin < end) page[field] = std::vector<Json>(items.begin() + begin, items.begin() + end);
  if (end < static_cast<int64_t>(items.size())) page["nextPageToken"] = std::to_string(end);
  return page;
}

}  // namespace headrace::engine
