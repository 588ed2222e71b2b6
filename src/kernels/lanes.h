// Scalar functions of which lane functions are made, and the loop that runs one over arrays, which the compiler
// vectorises for each instruction set (kernels/dispatch.h). exp, log, tanh and their like are calls that it turns into
// glibc's vector math (libmvec, within 4 ulp) because they are declared so here.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "kernels/dispatch.h"

namespace headrace {

#define HEADRACE_VECTOR_MATH(Name, function)                                         \
  extern "C" __attribute__((simd("notinbranch"))) double function(double) noexcept;  \
  extern "C" __attribute__((simd("notinbranch"))) float function##f(float) noexcept; \
  [[gnu::always_inline]] inline float Name(float x) {                                \
    return headrace::function##f(x);                                                 \
  }                                                                                  \
  [[gnu::always_inline]] inline double Name(double x) {                              \
    return headrace::function(x);                                                    \
  }
HEADRACE_VECTOR_MATH(Exp, exp)
HEADRACE_VECTOR_MATH(Expm1, expm1)
HEADRACE_VECTOR_MATH(Log, log)
HEADRACE_VECTOR_MATH(Log1p, log1p)
HEADRACE_VECTOR_MATH(Sin, sin)
HEADRACE_VECTOR_MATH(Cos, cos)
HEADRACE_VECTOR_MATH(Tan, tan)
HEADRACE_VECTOR_MATH(Asin, asin)
HEADRACE_VECTOR_MATH(Acos, acos)
HEADRACE_VECTOR_MATH(Atan, atan)
HEADRACE_VECTOR_MATH(Sinh, sinh)
HEADRACE_VECTOR_MATH(Cosh, cosh)
HEADRACE_VECTOR_MATH(Asinh, asinh)
HEADRACE_VECTOR_MATH(Acosh, acosh)
HEADRACE_VECTOR_MATH(Atanh, atanh)
HEADRACE_VECTOR_MATH(Tanh, tanh)
HEADRACE_VECTOR_MATH(Erf, erf)
HEADRACE_VECTOR_MATH(Erfc, erfc)
#undef HEADRACE_VECTOR_MATH
extern "C" __attribute__((simd("notinbranch"))) double pow(double, double) noexcept;
extern "C" __attribute__((simd("notinbranch"))) float powf(float, float) noexcept;
extern "C" __attribute__((simd("notinbranch"))) double atan2(double, double) noexcept;
extern "C" __attribute__((simd("notinbranch"))) float atan2f(float, float) noexcept;

#define HEADRACE_LANE [[gnu::always_inline]] inline
HEADRACE_LANE float Pow(float x, float y) {
  return headrace::powf(x, y);
}
HEADRACE_LANE double Pow(double x, double y) {
  return headrace::pow(x, y);
}
HEADRACE_LANE float Atan2(float y, float x) {
  return headrace::atan2f(y, x);
}
HEADRACE_LANE double Atan2(double y, double x) {
  return headrace::atan2(y, x);
}
// Integer powers wrap around; a negative exponent gives 0 except for bases 1 and -1.
template <class T>
requires std::is_integral_v<T> HEADRACE_LANE T Pow(T x, T y) {
  using U = std::make_unsigned_t<T>;
  if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
  U result = 1, base = static_cast<U>(x);
  for (U n = static_cast<U>(y); n != 0; n >>= 1, base *= base) {
    if (n & 1) result *= base;
  }
  return static_cast<T>(result);
}

template <class T>
concept LaneScalar = std::is_arithmetic_v<T>;

template <LaneScalar T>
HEADRACE_LANE T Zero(T) {
  return T(0);
}
template <LaneScalar T>
HEADRACE_LANE T One(T) {
  return T(1);
}
// Both x and y are computed. For floating numbers the choice is made by bits: of a conditional the compiler makes a
// branch around a function's call, and leaves a loop with a branch unvectorised.
template <LaneScalar T>
HEADRACE_LANE T Select(bool condition, T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    const Bits mask = -static_cast<Bits>(condition);
    return std::bit_cast<T>((std::bit_cast<Bits>(x) & mask) | (std::bit_cast<Bits>(y) & ~mask));
  } else {
    return condition ? x : y;
  }
}
// As Eigen's: if either is NaN, the result is the second.
template <LaneScalar T>
HEADRACE_LANE T Max(T x, T y) {
  return x > y ? x : y;
}
template <LaneScalar T>
HEADRACE_LANE T Min(T x, T y) {
  return x < y ? x : y;
}
template <LaneScalar T>
HEADRACE_LANE T Abs(T x) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fabs(x);
  } else {
    return x < 0 ? static_cast<T>(T(0) - x) : x;
  }
}
template <LaneScalar T>
HEADRACE_LANE bool IsNan(T x) {
  return x != x;
}
template <LaneScalar T>
HEADRACE_LANE T Sign(T x) {
  return IsNan(x) ? x : static_cast<T>((x > 0) - (x < 0));
}
template <LaneScalar T>
HEADRACE_LANE T Square(T x) {
  return x * x;
}
template <LaneScalar T>
HEADRACE_LANE T Sqrt(T x) {
  return std::sqrt(x);
}
template <LaneScalar T>
HEADRACE_LANE T Floor(T x) {
  return std::floor(x);
}
template <LaneScalar T>
HEADRACE_LANE T Ceil(T x) {
  return std::ceil(x);
}
template <LaneScalar T>
HEADRACE_LANE T Trunc(T x) {
  return std::trunc(x);
}
// Half to even.
template <LaneScalar T>
HEADRACE_LANE T Rint(T x) {
  return std::nearbyint(x);
}
template <LaneScalar T>
HEADRACE_LANE T Sigmoid(T x) {
  return T(1) / (T(1) + Exp(-x));
}

using LaneFunction = void (*)(const void* const* inputs, void* output, int64_t n);

namespace internal {

// Bools are loaded as bytes and compared with 0: of bools in memory the compiler makes no vectors.
template <class T>
using StoredAs = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;

// One lane function F from arrays of In to one of Out, once for each instruction set. `out` may be one of `in` that has
// elements of the same size.
template <class F, class Positions, class Out, class... In>
struct LaneLoop;
template <class F, size_t... I, class Out, class... In>
struct LaneLoop<F, std::index_sequence<I...>, Out, In...> {
#define HEADRACE_LANE_LOOP(Name, attributes)                                         \
  attributes static void Name(const void* const* in, void* out, int64_t n) {         \
    Run(F{}, static_cast<Out*>(out), n, static_cast<const StoredAs<In>*>(in[I])...); \
  }
  HEADRACE_FOR_EACH_ISA(HEADRACE_LANE_LOOP)
#undef HEADRACE_LANE_LOOP

 private:
  HEADRACE_LANE static void Run(F f, Out* out, int64_t n, const StoredAs<In>*... in) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Out>(f(static_cast<In>(in[i])...));
  }
};

}  // namespace internal

// The loop over a lane function from scalars of the types In to one of the type Out, for an instruction set.
template <class Out, class... In, class F>
LaneFunction LaneLoopFor(F, InstructionSet isa = BestInstructionSet()) {
  using Loop = internal::LaneLoop<F, std::index_sequence_for<In...>, Out, In...>;
  switch (isa) {
#define HEADRACE_LANE_CASE(Name, attributes) \
  case InstructionSet::k##Name:              \
    return Loop::Name;
    HEADRACE_FOR_EACH_ISA(HEADRACE_LANE_CASE)
#undef HEADRACE_LANE_CASE
  }
  return nullptr;
}

// How many arguments a generic lane function takes, tried with T.
template <class T, class F>
constexpr int LaneArity() {
  if constexpr (std::is_invocable_v<F, T>) {
    return 1;
  } else if constexpr (std::is_invocable_v<F, T, T>) {
    return 2;
  } else if constexpr (std::is_invocable_v<F, T, T, T>) {
    return 3;
  } else {
    static_assert(std::is_invocable_v<F, T, T, T, T>, "a lane function takes one to four scalars of one type");
    return 4;
  }
}

}  // namespace headrace
