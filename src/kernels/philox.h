// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3"), keyed as TensorFlow keys
// it: the first seed is the key, the second seed the upper half of the counter. Random ops and shuffling draw from it.
#pragma once

#include <array>
#include <cstdint>

namespace headrace {

class Philox {
 public:
  using Block = std::array<uint32_t, 4>;

  Philox(uint64_t seed, uint64_t seed2) : key_{Low(seed), High(seed)}, counter_{0, 0, Low(seed2), High(seed2)} {}

  // The next four numbers.
  Block operator()() {
    Block x = counter_;
    std::array<uint32_t, 2> key = key_;
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * x[0];
      const uint64_t b = uint64_t{0xCD9E8D57} * x[2];
      x = {High(b) ^ x[1] ^ key[0], Low(b), High(a) ^ x[3] ^ key[1], Low(a)};
      key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
    }
    Skip(1);
    return x;
  }

  // Passes over `blocks` blocks of four.
  void Skip(uint64_t blocks) {
    const uint64_t low = (uint64_t{counter_[1]} << 32 | counter_[0]) + blocks;
    if (low < blocks && ++counter_[2] == 0) ++counter_[3];
    counter_[0] = Low(low);
    counter_[1] = High(low);
  }

 private:
  static uint32_t Low(uint64_t x) { return static_cast<uint32_t>(x); }
  static uint32_t High(uint64_t x) { return static_cast<uint32_t>(x >> 32); }
  std::array<uint32_t, 2> key_;
  Block counter_;
};

}  // namespace headrace
