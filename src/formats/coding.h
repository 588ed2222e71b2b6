// Little-endian fixed integers and base-128 varints, as tables, records and bundles use them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace headrace::coding {

inline void PutFixed32(std::string& out, uint32_t value) {
  out.append(reinterpret_cast<const char*>(&value), 4);
}
inline void PutFixed64(std::string& out, uint64_t value) {
  out.append(reinterpret_cast<const char*>(&value), 8);
}
inline uint32_t GetFixed32(const char* data) {
  uint32_t value;
  std::memcpy(&value, data, 4);
  return value;
}
inline uint64_t GetFixed64(const char* data) {
  uint64_t value;
  std::memcpy(&value, data, 8);
  return value;
}

inline void PutVarint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}
// Takes a varint off the front of `in`; false if there is no whole one.
inline bool GetVarint(std::string_view& in, uint64_t& value) {
  value = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    auto byte = static_cast<uint8_t>(in[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little-endian, and so must be the machine");

}  // namespace headrace::coding
