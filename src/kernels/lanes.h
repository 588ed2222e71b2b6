// Scalar functions of which lane functions are made, and the loop that runs one over arrays. The loop is compiled once
// for each instruction set (SSE4.2, AVX2, AVX-512) and left to the vectoriser; exp, log, tanh and their like are calls
// that it turns into glibc's vector math (libmvec, within 4 ulp) because they are declared so here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <type_traits>
#include <utility>

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
template <LaneScalar T>
HEADRACE_LANE T Select(bool condition, T x, T y) {
  return condition ? x : y;
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

namespace internal {

template <size_t, class T>
using Repeat = T;

// One lane function F over arrays of T, once for each instruction set. `out` may be one of `in`.
template <class F, class T, class Positions>
struct LaneLoop;
template <class F, class T, size_t... I>
struct LaneLoop<F, T, std::index_sequence<I...>> {
  using Result = std::invoke_result_t<F, Repeat<I, T>...>;
  // Arithmetic on small integers gives int; only true predicates make bools.
  using Out = std::conditional_t<std::is_same_v<Result, bool>, bool, T>;

#define HEADRACE_LANE_LOOP(Name, isa)                                                                   \
  __attribute__((target(isa), flatten)) static void Name(const void* const* in, void* out, int64_t n) { \
    Run(F{}, static_cast<Out*>(out), n, static_cast<const T*>(in[I])...);                               \
  }
  HEADRACE_LANE_LOOP(Sse, "sse4.2")
  HEADRACE_LANE_LOOP(Avx2, "avx2,fma,bmi,bmi2")
  HEADRACE_LANE_LOOP(Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,fma,bmi,bmi2,prefer-vector-width=512")
#undef HEADRACE_LANE_LOOP

 private:
  template <class... In>
  HEADRACE_LANE static void Run(F f, Out* out, int64_t n, const In*... in) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) out[i] = static_cast<Out>(f(in[i]...));
  }
};

}  // namespace internal

enum class InstructionSet { kSse, kAvx2, kAvx512 };
// The best one that this machine and these loops know. HEADRACE_ISA=sse|avx2 chooses a lesser one.
InstructionSet BestInstructionSet();

using LaneFunction = void (*)(const void* const* inputs, void* output, int64_t n);

// The loop over a lane function of `Arity` scalars of type T for this machine.
template <class T, int Arity, class F>
LaneFunction LaneLoopFor(F) {
  using Loop = internal::LaneLoop<F, T, std::make_index_sequence<Arity>>;
  switch (BestInstructionSet()) {
    case InstructionSet::kAvx512:
      return Loop::Avx512;
    case InstructionSet::kAvx2:
      return Loop::Avx2;
    default:
      return Loop::Sse;
  }
}

// Code that is more than one lane: F::Run(arguments...), compiled once for each instruction set; Dispatch calls this
// machine's.
template <class F>
struct IsaVersions {
  template <class... A>
  __attribute__((target("sse4.2"), flatten)) static void Sse(A... arguments) {
    F::Run(arguments...);
  }
  template <class... A>
  __attribute__((target("avx2,fma,bmi,bmi2"), flatten)) static void Avx2(A... arguments) {
    F::Run(arguments...);
  }
  template <class... A>
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,fma,bmi,bmi2,prefer-vector-width=512"),
                 flatten)) static void
  Avx512(A... arguments) {
    F::Run(arguments...);
  }
};
template <class F, class... A>
void Dispatch(A... arguments) {
  switch (BestInstructionSet()) {
    case InstructionSet::kAvx512:
      return IsaVersions<F>::Avx512(arguments...);
    case InstructionSet::kAvx2:
      return IsaVersions<F>::Avx2(arguments...);
    default:
      return IsaVersions<F>::Sse(arguments...);
  }
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
