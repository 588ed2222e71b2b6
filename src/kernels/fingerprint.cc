// Fingerprint64. Strings of up to 64 bytes are covered by a few overlapping words at both ends; longer ones go through
// a state of 56 bytes, 64 bytes at a time, and end with the last 64 bytes whatever the length.
#include "kernels/fingerprint.h"

#include <bit>
#include <cstring>
#include <utility>

namespace headrace {
namespace {

constexpr uint64_t kA = 0xc3a5c85c97cb3127, kB = 0xb492b66fbe98f273, kC = 0x9ae16a3b2f90404f;

uint64_t Word(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}
uint32_t HalfWord(const char* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}
uint64_t Mix(uint64_t x) {
  return x ^ (x >> 47);
}
uint64_t Rotate(uint64_t x, int right) {
  return std::rotr(x, right);
}
uint64_t Fold(uint64_t u, uint64_t v, uint64_t multiplier) {
  const uint64_t a = Mix((u ^ v) * multiplier);
  return Mix((v ^ a) * multiplier) * multiplier;
}

uint64_t UpTo16(const char* s, size_t n) {
  const uint64_t multiplier = kC + n * 2;
  if (n >= 8) {
    const uint64_t a = Word(s) + kC;
    const uint64_t b = Word(s + n - 8);
    return Fold(Rotate(b, 37) * multiplier + a, (Rotate(a, 25) + b) * multiplier, multiplier);
  }
  if (n >= 4) return Fold(n + (uint64_t{HalfWord(s)} << 3), HalfWord(s + n - 4), multiplier);
  if (n > 0) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(s[i])); };
    const uint32_t y = byte(0) + (byte(n >> 1) << 8);
    const uint32_t z = static_cast<uint32_t>(n) + (byte(n - 1) << 2);
    return Mix(y * kC ^ z * kA) * kC;
  }
  return kC;
}

uint64_t UpTo32(const char* s, size_t n) {
  const uint64_t multiplier = kC + n * 2;
  const uint64_t a = Word(s) * kB;
  const uint64_t b = Word(s + 8);
  const uint64_t c = Word(s + n - 8) * multiplier;
  const uint64_t d = Word(s + n - 16) * kC;
  return Fold(Rotate(a + b, 43) + Rotate(c, 30) + d, a + Rotate(b + kC, 18) + c, multiplier);
}

uint64_t UpTo64(const char* s, size_t n) {
  const uint64_t multiplier = kC + n * 2;
  const uint64_t a = Word(s) * kC;
  const uint64_t b = Word(s + 8);
  const uint64_t c = Word(s + n - 8) * multiplier;
  const uint64_t d = Word(s + n - 16) * kC;
  const uint64_t y = Rotate(a + b, 43) + Rotate(c, 30) + d;
  const uint64_t z = Fold(y, a + Rotate(b + kC, 18) + c, multiplier);
  const uint64_t e = Word(s + 16) * multiplier;
  const uint64_t f = Word(s + 24);
  const uint64_t g = (y + Word(s + n - 32)) * multiplier;
  const uint64_t h = (z + Word(s + n - 24)) * multiplier;
  return Fold(Rotate(e + f, 43) + Rotate(g, 30) + h, e + Rotate(f + a, 18) + g, multiplier);
}

using Pair = std::pair<uint64_t, uint64_t>;

Pair Absorb32(const char* s, uint64_t a, uint64_t b) {
  const uint64_t last = Word(s + 24);
  a += Word(s);
  b = Rotate(b + a + last, 21);
  const uint64_t c = a;
  a += Word(s + 8) + Word(s + 16);
  b += Rotate(a, 44);
  return {a + last, b + c};
}

uint64_t Long(const char* s, size_t n) {
  constexpr uint64_t kSeed = 81;
  uint64_t x = kSeed * kC + Word(s);
  uint64_t y = kSeed * kB + 113;
  uint64_t z = Mix(y * kC + 113) * kC;
  Pair v{0, 0}, w{0, 0};
  const size_t rest = (n - 1) & 63;
  const char* const end = s + (n - 1) / 64 * 64;
  const auto absorb = [&](const char* p, uint64_t multiplier, uint64_t weight) {
    x = Rotate(x + y + v.first + Word(p + 8), 37) * multiplier;
    y = Rotate(y + v.second + Word(p + 48), 42) * multiplier;
    x ^= w.second * weight;
    y += v.first * weight + Word(p + 40);
    z = Rotate(z + w.first, 33) * multiplier;
    v = Absorb32(p, v.second * multiplier, x + w.first);
    w = Absorb32(p + 32, z + w.second, y + Word(p + 16));
    std::swap(z, x);
  };
  for (; s != end; s += 64) absorb(s, kB, 1);
  const uint64_t multiplier = kB + ((z & 0xff) << 1);
  w.first += rest;
  v.first += w.first;
  w.first += v.first;
  absorb(end + rest - 63, multiplier, 9);
  return Fold(Fold(v.first, w.first, multiplier) + Mix(y) * kA + z, Fold(v.second, w.second, multiplier) + x,
              multiplier);
}

// SipHash's state: four words, stirred by additions, rotations and exclusive ors.
class SipState {
 public:
  explicit SipState(const HashKey& key)
      : a_(key.low ^ 0x736f6d6570736575),
        b_(key.high ^ 0x646f72616e646f6d),
        c_(key.low ^ 0x6c7967656e657261),
        d_(key.high ^ 0x7465646279746573) {}

  void Absorb(uint64_t word) {
    d_ ^= word;
    Stir(2);
    a_ ^= word;
  }
  uint64_t Finish() {
    c_ ^= 0xff;
    Stir(4);
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  void Stir(int rounds) {
    for (; rounds > 0; --rounds) {
      a_ += b_;
      c_ += d_;
      b_ = std::rotl(b_, 13) ^ a_;
      d_ = std::rotl(d_, 16) ^ c_;
      a_ = std::rotl(a_, 32) + d_;
      c_ += b_;
      d_ = std::rotl(d_, 21) ^ a_;
      b_ = std::rotl(b_, 17) ^ c_;
      c_ = std::rotl(c_, 32);
    }
  }
  uint64_t a_, b_, c_, d_;
};

}  // namespace

uint64_t KeyedHash64(const HashKey& key, std::string_view bytes) {
  SipState state(key);
  const size_t whole = bytes.size() / 8 * 8;
  for (size_t i = 0; i < whole; i += 8) state.Absorb(Word(bytes.data() + i));
  uint64_t last = uint64_t{bytes.size() & 0xff} << 56;  // what is left, with the length in the highest byte
  for (size_t i = whole; i < bytes.size(); ++i) last |= uint64_t{static_cast<uint8_t>(bytes[i])} << 8 * (i - whole);
  state.Absorb(last);
  return state.Finish();
}

uint64_t Fingerprint64(std::string_view bytes) {
  const char* s = bytes.data();
  const size_t n = bytes.size();
  if (n <= 16) return UpTo16(s, n);
  if (n <= 32) return UpTo32(s, n);
  return n <= 64 ? UpTo64(s, n) : Long(s, n);
}

}  // namespace headrace
