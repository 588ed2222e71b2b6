// Vectorised(f): runs f compiled for the widest vectors this processor has. The body is an ordinary loop; it is
// compiled once for each instruction set (everything it calls must be inlinable) and chosen at run time, so what is
// shipped runs on any x86-64.
#pragma once

#include <utility>

namespace headrace::simd {

enum class Isa { kBaseline, kAvx2, kAvx512 };

inline Isa CurrentIsa() {
#if defined(__x86_64__)
  static const Isa isa = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      return Isa::kAvx512;
    }
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? Isa::kAvx2 : Isa::kBaseline;
  }();
  return isa;
#else
  return Isa::kBaseline;
#endif
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(HEADRACE_ONE_ISA)
template <class F>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi,bmi2,prefer-vector-width=512"), flatten,
               noinline)) void
RunAvx512(F& f) {
  f();
}
template <class F>
__attribute__((target("avx2,fma,bmi,bmi2"), flatten, noinline)) void RunAvx2(F& f) {
  f();
}
template <class F>
void Vectorised(F&& f) {
  switch (CurrentIsa()) {
    case Isa::kAvx512:
      return RunAvx512(f);
    case Isa::kAvx2:
      return RunAvx2(f);
    case Isa::kBaseline:
      return f();
  }
}
#else
template <class F>
void Vectorised(F&& f) {
  f();
}
#endif

}  // namespace headrace::simd
