// Percent-encoding, query strings and base URLs.
#include "http/url.h"

#include <cctype>
#include <charconv>

#include "headrace/error.h"

namespace headrace::http {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string PercentEncode(std::string_view text, bool keep_slash) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (unsigned char c : text) {
    if (std::isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~' || (keep_slash && c == '/')) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += kHex[c >> 4];
      out += kHex[c & 15];
    }
  }
  return out;
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
      if (high < 0 || low < 0) throw InvalidArgument("broken percent escape at position ", i, " of '", text, "'");
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::multimap<std::string, std::string> ParseQuery(std::string_view query) {
  std::multimap<std::string, std::string> result;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    result.emplace(PercentDecode(pair.substr(0, equals), true),
                   equals == pair.npos ? "" : PercentDecode(pair.substr(equals + 1), true));
  }
  return result;
}

std::string FormatQuery(const std::multimap<std::string, std::string>& query) {
  std::string out;
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    out += PercentEncode(name) + '=' + PercentEncode(value);
  }
  return out;
}

Endpoint Endpoint::Parse(std::string_view url) {
  Endpoint endpoint;
  if (url.substr(0, 5) == "unix:" && url.size() > 5) {
    endpoint.unix_path = url.substr(5);
    return endpoint;
  }
  constexpr std::string_view kScheme = "http://";
  if (url.substr(0, kScheme.size()) != kScheme) {
    throw InvalidArgument("expected http://HOST:PORT or unix:PATH, got '", url, "'");
  }
  std::string_view rest = url.substr(kScheme.size());
  rest = rest.substr(0, rest.find('/'));
  const size_t colon = rest.rfind(':');
  endpoint.host = rest.substr(0, colon);
  endpoint.port = 80;
  if (colon != rest.npos) {
    const std::string_view digits = rest.substr(colon + 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (failed != std::errc() || end != digits.data() + digits.size() || endpoint.port < 0 || endpoint.port > 65535) {
      throw InvalidArgument("expected a port number after the colon in '", url, "'");
    }
  }
  if (endpoint.host.empty()) throw InvalidArgument("no host in '", url, "'");
  return endpoint;
}

std::string Endpoint::ToString() const {
  return unix_path.empty() ? "http://" + host + ":" + std::to_string(port) : "unix:" + unix_path;
}

}  // namespace headrace::http
