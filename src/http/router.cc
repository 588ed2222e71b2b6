// Templates are compiled to a flat list of segments; a match walks the path's segments once beside it.
#include "http/router.h"

#include "http/url.h"

namespace headrace::http {
namespace {

enum class Kind { kLiteral, kOne, kRest };

struct Segment {
  Kind kind;
  std::string literal;
};

struct Variable {
  std::string name;
  size_t begin, end;  // its segments
};

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty() && path.front() == '/') {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

}  // namespace

struct Router::Compiled {
  Route route;
  std::vector<Segment> segments;
  std::vector<Variable> variables;
  std::string verb;

  explicit Compiled(Route r) : route(std::move(r)) { Compile(); }
  void Compile();
  void CompileSegment(std::string_view text);
  bool Matches(const std::vector<std::string_view>& path, std::map<std::string, std::string>* params) const;
};

void Router::Compiled::Compile() {
  std::string_view text = route.path;
  if (text.empty() || text.front() != '/') throw InvalidArgument("route template must start with '/': ", route.path);
  // The verb is behind the last colon outside of braces.
  const size_t colon = text.rfind(':');
  const size_t brace = text.rfind('}');
  const size_t slash = text.rfind('/');
  if (colon != text.npos && colon > slash && (brace == text.npos || colon > brace)) {
    verb = text.substr(colon + 1);
    text = text.substr(0, colon);
  }
  while (!text.empty()) {
    text.remove_prefix(1);  // the slash
    if (!text.empty() && text.front() == '{') {
      const size_t close = text.find('}');
      if (close == text.npos) throw InvalidArgument("unclosed '{' in route template ", route.path);
      const std::string_view inside = text.substr(1, close - 1);
      const size_t equals = inside.find('=');
      const size_t begin = segments.size();
      const std::string pattern = "/" + std::string(equals == inside.npos ? "*" : inside.substr(equals + 1));
      for (std::string_view piece : SplitPath(pattern)) {
        CompileSegment(piece);
      }
      variables.push_back({std::string(inside.substr(0, equals)), begin, segments.size()});
      text.remove_prefix(close + 1);
    } else {
      const size_t end = std::min(text.find('/'), text.size());
      CompileSegment(text.substr(0, end));
      text.remove_prefix(end);
    }
    if (!text.empty() && text.front() != '/') {
      throw InvalidArgument("expected '/' before '", text, "' in route template ", route.path);
    }
  }
  for (size_t i = 0; i + 1 < segments.size(); ++i) {
    if (segments[i].kind == Kind::kRest) throw InvalidArgument("'**' must be last in route template ", route.path);
  }
}

void Router::Compiled::CompileSegment(std::string_view text) {
  const Kind kind = text == "**" ? Kind::kRest : text == "*" ? Kind::kOne : Kind::kLiteral;
  segments.push_back({kind, std::string(text)});
}

bool Router::Compiled::Matches(const std::vector<std::string_view>& path,
                               std::map<std::string, std::string>* params) const {
  const bool rest = !segments.empty() && segments.back().kind == Kind::kRest;
  if (path.empty() || (rest ? path.size() < segments.size() : path.size() != segments.size())) return false;
  std::string_view last = path.back();
  if (!verb.empty()) {
    if (last.size() <= verb.size() || last.substr(last.size() - verb.size()) != verb ||
        last[last.size() - verb.size() - 1] != ':') {
      return false;
    }
    last.remove_suffix(verb.size() + 1);
  }
  const auto segment = [&](size_t i) { return i + 1 == path.size() ? last : path[i]; };
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].kind == Kind::kLiteral ? segment(i) != segments[i].literal : segment(i).empty() && !rest) {
      return false;
    }
  }
  for (const Variable& variable : variables) {
    const size_t end = rest && variable.end == segments.size() ? path.size() : variable.end;
    std::string value;
    for (size_t i = variable.begin; i < end; ++i) {
      if (i > variable.begin) value += '/';
      value += PercentDecode(segment(i));
    }
    (*params)[variable.name] = std::move(value);
  }
  return true;
}

Route Route::Sync(std::string method, std::string path, Handler handler, Body body) {
  Route route{std::move(method), std::move(path)};
  route.body = body;
  route.handler = [handler = std::move(handler)](Request request, const Reply& reply) { reply(handler(request)); };
  return route;
}

Router::Router() = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

void Router::Add(Route route) {
  routes_.push_back(std::make_unique<Compiled>(std::move(route)));
}

const Route& Router::Match(Request& request) const {
  const std::string_view target = request.target;
  const size_t question = target.find('?');
  const std::vector<std::string_view> path = SplitPath(target.substr(0, question));
  bool other_method = false;
  for (const auto& compiled : routes_) {
    const bool same_method =
        compiled->route.method == request.method || (request.method == "HEAD" && compiled->route.method == "GET");
    if (!same_method && other_method) continue;
    std::map<std::string, std::string> params;
    if (!compiled->Matches(path, &params)) continue;
    if (!same_method) {
      other_method = true;
      continue;
    }
    request.path_params = std::move(params);
    if (question != target.npos) request.query = ParseQuery(target.substr(question + 1));
    return compiled->route;
  }
  if (other_method) throw Unimplemented("method ", request.method, " is not offered at ", target.substr(0, question));
  throw NotFound("no method of this API is at ", request.method, " ", target.substr(0, question));
}

}  // namespace headrace::http
