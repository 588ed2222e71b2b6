// Text to numbers: fast_float for the digits, and around it the syntax that TensorFlow's parser takes.
#include "ops/strings/parse_number.h"

#include <fast_float/fast_float.h>

#include <cmath>
#include <limits>

namespace headrace {
namespace {

constexpr size_t kLongestFloat = 31;

bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string_view Strip(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

template <class T>
bool ParseHexadecimal(std::string_view digits, T* value) {
  if (digits.empty()) return false;
  double sum = 0;  // at most 29 digits: no overflow
  for (const char c : digits) {
    const char lower = static_cast<char>(c | 0x20);
    if (c >= '0' && c <= '9') {
      sum = sum * 16 + (c - '0');
    } else if (lower >= 'a' && lower <= 'f') {
      sum = sum * 16 + (lower - 'a' + 10);
    } else {
      return false;
    }
  }
  *value = static_cast<T>(sum);
  return true;
}

template <class T>
bool ParseFloating(std::string_view text, T* value) {
  if (text.size() > kLongestFloat) return false;
  text = Strip(text);
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return false;
  if (EqualsIgnoringCase(text, "inf")) {
    *value = std::numeric_limits<T>::infinity();
  } else if (EqualsIgnoringCase(text, "nan")) {
    *value = std::numeric_limits<T>::quiet_NaN();
  } else if (text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
    if (!ParseHexadecimal(text.substr(2), value)) return false;
  } else {
    if (text[0] != '.' && (text[0] < '0' || text[0] > '9')) return false;  // no second sign, no other names
    const auto [end, error] = fast_float::from_chars(text.data(), text.data() + text.size(), *value);
    const bool out_of_range = error == std::errc::result_out_of_range;
    if ((error != std::errc() && !out_of_range) || end != text.data() + text.size()) return false;
  }
  if (negative) *value = -*value;
  return true;
}

template <class T>
bool ParseInteger(std::string_view text, T* value) {
  text = Strip(text);
  const bool negative = !text.empty() && text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty()) return false;
  const uint64_t limit = static_cast<uint64_t>(std::numeric_limits<T>::max()) + (negative ? 1 : 0);
  uint64_t sum = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (sum > (limit - digit) / 10) return false;
    sum = sum * 10 + digit;
  }
  *value = static_cast<T>(negative ? 0 - sum : sum);
  return true;
}

}  // namespace

bool ParseNumber(std::string_view text, float* value) {
  return ParseFloating(text, value);
}
bool ParseNumber(std::string_view text, double* value) {
  return ParseFloating(text, value);
}
bool ParseNumber(std::string_view text, int32_t* value) {
  return ParseInteger(text, value);
}
bool ParseNumber(std::string_view text, int64_t* value) {
  return ParseInteger(text, value);
}

}  // namespace headrace
