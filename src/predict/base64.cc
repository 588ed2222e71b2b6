// Three bytes are four digits of six bits.
#include "predict/base64.h"

#include <array>
#include <cstdint>

#include "headrace/error.h"

namespace headrace {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> MakeValues() {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (size_t i = 0; i < kDigits.size(); ++i) values[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  values['-'] = 62;
  values['_'] = 63;
  return values;
}

}  // namespace

std::string EncodeBase64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    size_t n = std::min<size_t>(3, bytes.size() - i);
    for (size_t j = 0; j < 3; ++j) group = group << 8 | (j < n ? static_cast<uint8_t>(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j) text.push_back(j <= n ? kDigits[group >> (18 - 6 * j) & 63] : '=');
  }
  return text;
}

std::string DecodeBase64(std::string_view text) {
  static constexpr std::array<int8_t, 256> kValues = MakeValues();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t group = 0;
  int bits = 0;
  for (char c : text) {
    int8_t value = kValues[static_cast<uint8_t>(c)];
    if (value < 0) throw InvalidArgument("expected base64, got the character '", c, "'");
    group = group << 6 | static_cast<uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(group >> bits & 0xff));
    }
  }
  if (text.size() % 4 == 1) throw InvalidArgument("expected base64, got ", text.size(), " digits");
  return bytes;
}

}  // namespace headrace
