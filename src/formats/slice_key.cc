// Order-preserving numbers and strings: an unsigned number is its byte count and its bytes, big end first; a signed one
// carries its length in leading bits; a string has 0x00 and 0xff escaped and ends in 00 01.
#include "formats/slice_key.h"

#include <cstdint>

#include "wire/tensor.pb.h"

namespace headrace {
namespace {

void PutUnsigned(std::string& out, uint64_t value) {
  std::string bytes;
  for (; value > 0; value >>= 8) bytes.insert(bytes.begin(), static_cast<char>(value & 0xff));
  out.push_back(static_cast<char>(bytes.size()));
  out += bytes;
}

void PutString(std::string& out, const std::string& value) {
  for (char c : value) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
    if (c == '\xff') out.push_back('\0');
  }
  out += std::string("\0\1", 2);
}

// n bytes hold 7n - 1 bits besides the sign. The n leading bits of a non-negative number are ones and the bit behind
// them is zero; a negative number has the opposite of each.
void PutSigned(std::string& out, int64_t value) {
  uint64_t magnitude = value < 0 ? ~static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  int n = 1;
  while (n < 10 && (magnitude >> (7 * n - 1)) != 0) ++n;
  std::string bytes(static_cast<size_t>(n), value < 0 ? '\xff' : '\0');
  for (int i = 0; i < n && i < 8; ++i) bytes[n - 1 - i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  for (int bit = 0; bit < n; ++bit) bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (0x80 >> (bit % 8)));
  out += bytes;
}

}  // namespace

std::string SliceKey(const std::string& name, const wire::TensorSliceProto& slice) {
  std::string key;
  PutUnsigned(key, 0);
  PutString(key, name);
  PutUnsigned(key, static_cast<uint64_t>(slice.extent_size()));
  for (const auto& extent : slice.extent()) {
    bool whole = extent.has_length_case() == wire::TensorSliceProto::Extent::HAS_LENGTH_NOT_SET;
    PutSigned(key, extent.start());
    PutSigned(key, whole ? -1 : extent.length());
  }
  return key;
}

}  // namespace headrace
