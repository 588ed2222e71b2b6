// CRC-32C (Castagnoli), by the SSE4.2 instruction where the CPU has it, and the masked form that files store.
#pragma once

#include <cstdint>
#include <string_view>

namespace headrace {

// The CRC of `bytes`; with `crc`, of what that covers followed by `bytes`.
uint32_t Crc32c(std::string_view bytes, uint32_t crc = 0);

// Stored CRCs are rotated and offset, so that the CRC of data that holds CRCs stays a good check.
inline uint32_t MaskCrc(uint32_t crc) {
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}
inline uint32_t UnmaskCrc(uint32_t masked) {
  uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

}  // namespace headrace
