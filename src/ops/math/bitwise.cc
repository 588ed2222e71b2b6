// The bits of integers.
#include "declare/declare.h"

namespace headrace {
namespace {

// Shifts and complements depend on the width and the sign, so every integer type has lanes of its own.
constexpr TypeSet<LaneTypes<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>> kIntegers{
    "int8, int16, int32, int64, uint8, uint16, uint32, uint64"};

// The number of places to shift by: what would push out every bit is taken as one place less.
template <class T>
T Places(T y) {
  constexpr T most = static_cast<T>(sizeof(T) * 8 - 1);
  return y < T(0) ? T(0) : y > most ? most : y;
}

DEFINE_OP("BitwiseAnd")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kIntegers)
    .Lane([](auto x, auto y) { return static_cast<decltype(x)>(x & y); })
    .NoGradient();

DEFINE_OP("BitwiseOr")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kIntegers)
    .Lane([](auto x, auto y) { return static_cast<decltype(x)>(x | y); })
    .NoGradient();

DEFINE_OP("BitwiseXor")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kIntegers)
    .Lane([](auto x, auto y) { return static_cast<decltype(x)>(x ^ y); })
    .NoGradient();

DEFINE_OP("Invert")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kIntegers)
    .Lane([](auto x) { return static_cast<decltype(x)>(~x); })
    .NoGradient();

DEFINE_OP("LeftShift")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kIntegers)
    .Lane([](auto x, auto y) {
      using Bits = std::make_unsigned_t<decltype(x)>;
      return static_cast<decltype(x)>(static_cast<Bits>(x) << Places(y));
    })
    .NoGradient();

DEFINE_OP("RightShift")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kIntegers)
    .Lane([](auto x, auto y) { return static_cast<decltype(x)>(x >> Places(y)); })
    .NoGradient();

}  // namespace
}  // namespace headrace
