// Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011) and the conversions of its bits
// to numbers, exactly as TensorFlow makes them: equal seeds give equal numbers.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

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
    Group state = counter_;
    uint32_t key0 = key_[0], key1 = key_[1];
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * state[0], b = uint64_t{0xCD9E8D57} * state[2];
      state = {static_cast<uint32_t>(b >> 32) ^ state[1] ^ key0, static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ state[3] ^ key1, static_cast<uint32_t>(a)};
      key0 += 0x9E3779B9;
      key1 += 0xBB67AE85;
    }
    Skip(1);
    return state;
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
inline float UniformFloat(uint32_t bits) {
  const uint32_t number = (127u << 23) | (bits & 0x7fffff);
  float value;
  std::memcpy(&value, &number, sizeof(value));
  return value - 1.0f;
}
inline double UniformDouble(uint32_t high, uint32_t low) {
  const uint64_t number = (uint64_t{1023} << 52) | (static_cast<uint64_t>(high & 0xfffff) << 32) | low;
  double value;
  std::memcpy(&value, &number, sizeof(value));
  return value - 1.0;
}

// Two normal numbers out of two uniform ones (Box and Muller).
inline void NormalFloats(uint32_t x0, uint32_t x1, float* first, float* second) {
  const float u = std::fmax(UniformFloat(x0), 1.0e-7f);
  const float angle = static_cast<float>(2.0 * M_PI * UniformFloat(x1));
  const float radius = std::sqrt(-2.0f * std::log(u));
  *first = std::sin(angle) * radius;
  *second = std::cos(angle) * radius;
}
inline void NormalDoubles(uint32_t x0, uint32_t x1, uint32_t x2, uint32_t x3, double* first, double* second) {
  const double u = std::fmax(UniformDouble(x0, x1), 1.0e-7);
  const double angle = 2.0 * M_PI * UniformDouble(x2, x3);
  const double radius = std::sqrt(-2.0 * std::log(u));
  *first = std::sin(angle) * radius;
  *second = std::cos(angle) * radius;
}

}  // namespace headrace
