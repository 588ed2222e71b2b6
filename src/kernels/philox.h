// Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011) and the conversions of its bits
// to numbers, exactly as TensorFlow makes them: equal seeds give equal numbers.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/lanes.h"

namespace headrace {

class Philox {
 public:
  using Group = std::array<uint32_t, 4>;  // what one step yields: 128 bits

  Philox() = default;
  Philox(uint64_t seed, uint64_t stream)
      : counter_{0, 0, static_cast<uint32_t>(stream), static_cast<uint32_t>(stream >> 32)},
        key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {}

  // Leaves out `groups` groups.
  void Skip(uint64_t groups) {
    const uint64_t low = (static_cast<uint64_t>(counter_[1]) << 32 | counter_[0]) + groups;
    if (low < groups && ++counter_[2] == 0) ++counter_[3];
    counter_[0] = static_cast<uint32_t>(low);
    counter_[1] = static_cast<uint32_t>(low >> 32);
  }
  Group operator()() {
    const Group group = At(0);
    Skip(1);
    return group;
  }
  // The group that is `ahead` of the next one. A loop over groups runs in vectors, of 64 bits for the products.
  [[gnu::always_inline]] Group At(uint64_t ahead) const {
    constexpr uint64_t kLow = 0xffffffff;
    const uint64_t low = (static_cast<uint64_t>(counter_[1]) << 32 | counter_[0]) + ahead;
    const uint64_t high = (static_cast<uint64_t>(counter_[3]) << 32 | counter_[2]) + (low < ahead ? 1 : 0);
    uint64_t x0 = low & kLow, x1 = low >> 32, x2 = high & kLow, x3 = high >> 32;
    uint32_t key0 = key_[0], key1 = key_[1];
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * x0, b = uint64_t{0xCD9E8D57} * x2;
      x0 = (b >> 32) ^ x1 ^ key0;
      x1 = b & kLow;
      x2 = (a >> 32) ^ x3 ^ key1;
      x3 = a & kLow;
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    return {static_cast<uint32_t>(x0), static_cast<uint32_t>(x1), static_cast<uint32_t>(x2), static_cast<uint32_t>(x3)};
  }

 private:
  Group counter_{};
  std::array<uint32_t, 2> key_{};
};

// The same generator, 32 bits at a time.
class SinglePhilox {
 public:
  explicit SinglePhilox(Philox generator) : generator_(generator) {}
  uint32_t operator()() {
    if (used_ == 4) {
      group_ = generator_();
      used_ = 0;
    }
    return group_[static_cast<size_t>(used_++)];
  }

 private:
  Philox generator_;
  Philox::Group group_{};
  int used_ = 4;
};

// Uniform in [0, 1): the bits become the mantissa of a number in [1, 2).
HEADRACE_LANE float UniformFloat(uint32_t bits) {
  return std::bit_cast<float>((127u << 23) | (bits & 0x7fffff)) - 1.0f;
}
HEADRACE_LANE double UniformDouble(uint32_t high, uint32_t low) {
  return std::bit_cast<double>((uint64_t{1023} << 52) | (static_cast<uint64_t>(high & 0xfffff) << 32) | low) - 1.0;
}

namespace internal {
// The cosine under other names: the compiler would join sine and cosine of one angle into a call that has no vector
// form.
extern "C" __attribute__((simd("notinbranch"), const)) float CosineBesideSine(float) noexcept __asm__("cosf");
extern "C" __attribute__((simd("notinbranch"), const)) double DoubleCosineBesideSine(double) noexcept __asm__("cos");
}  // namespace internal

// Two normal numbers out of two uniform ones (Box and Muller).
HEADRACE_LANE void NormalFloats(uint32_t x0, uint32_t x1, float* first, float* second) {
  const float uniform = UniformFloat(x0), u = Select(uniform > 1.0e-7f, uniform, 1.0e-7f);
  const float angle = static_cast<float>(2.0 * M_PI * static_cast<double>(UniformFloat(x1)));
  const float radius = Sqrt(-2.0f * Log(u));
  *first = Sin(angle) * radius;
  *second = internal::CosineBesideSine(angle) * radius;
}
HEADRACE_LANE void NormalDoubles(uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, double* first, double* second) {
  const double uniform = UniformDouble(x0, x1), u = Select(uniform > 1.0e-7, uniform, 1.0e-7);
  const double angle = 2.0 * M_PI * UniformDouble(x2, x3);
  const double radius = Sqrt(-2.0 * Log(u));
  *first = Sin(angle) * radius;
  *second = internal::DoubleCosineBesideSine(angle) * radius;
}

}  // namespace headrace
