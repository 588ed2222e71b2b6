// Percent-encoding, query strings and base URLs.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace headrace::http {

// Encodes everything but letters, digits and "-._~"; '/' too, unless `keep_slash`.
std::string PercentEncode(std::string_view text, bool keep_slash = false);

// Throws InvalidArgument on a broken escape. '+' stays '+', except with `plus_is_space` (form and query encoding).
std::string PercentDecode(std::string_view text, bool plus_is_space = false);

// "a=1&b=x%20y" -> {a: 1, b: "x y"}.
std::multimap<std::string, std::string> ParseQuery(std::string_view query);
std::string FormatQuery(const std::multimap<std::string, std::string>& query);

// Where a server listens: a host and a port, or a unix socket.
struct Endpoint {
  std::string host;
  int port = 0;
  std::string unix_path;

  // "http://host:port" (a path behind it is ignored) or "unix:/path/of/socket". Throws InvalidArgument.
  static Endpoint Parse(std::string_view url);
  std::string ToString() const;
};

}  // namespace headrace::http
