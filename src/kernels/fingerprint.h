// 64-bit fingerprints of byte strings, as TensorFlow's hashed features use them: FarmHash's Fingerprint64 (Pike,
// github.com/google/farmhash), which is stable across machines and versions, its combination of two, and SipHash for
// hashes that nobody without the key can foresee.
#pragma once

#include <cstdint>
#include <string_view>

namespace headrace {

uint64_t Fingerprint64(std::string_view bytes);

// The fingerprint of a sequence, one element at a time; not symmetric.
inline uint64_t CombineFingerprints(uint64_t first, uint64_t second) {
  constexpr uint64_t kMultiplier = 0xc6a4a7935bd1e995;
  const auto mix = [](uint64_t x) { return x ^ (x >> 47); };
  const uint64_t combined = (first ^ kMultiplier ^ (mix(second * kMultiplier) * kMultiplier)) * kMultiplier;
  return mix(mix(combined) * kMultiplier);
}

struct HashKey {
  uint64_t low = 0, high = 0;
};
// SipHash-2-4 (Aumasson and Bernstein, 2012).
uint64_t KeyedHash64(const HashKey& key, std::string_view bytes);

}  // namespace headrace
