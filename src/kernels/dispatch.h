// The one scheme of vectorisation, for lanes and kernels: ordinary loops whose bodies the compiler can inline, compiled
// once for each instruction set below and chosen when the program runs, so that what is shipped is fast on any machine.
// On ARM there is one version, since NEON is part of every 64-bit processor. exp, log and their like become calls of a
// vector library (kernels/vector_math.h).
#pragma once

#include <type_traits>

namespace headrace {

// HEADRACE_FOR_EACH_ISA(X) expands X(Name, attributes of the functions compiled for it), least first.
#if defined(__x86_64__) && !defined(HEADRACE_ONE_ISA)
#define HEADRACE_FOR_EACH_ISA(X)                                                                                    \
  X(Sse4, __attribute__((target("sse4.2"), flatten)))                                                               \
  X(Avx2, __attribute__((target("avx2,fma,bmi,bmi2"), flatten)))                                                    \
  X(Avx512,                                                                                                         \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi,bmi2,prefer-vector-width=512"), \
                   flatten)))
#else
#define HEADRACE_FOR_EACH_ISA(X) X(Baseline, __attribute__((flatten)))
#endif

enum class InstructionSet {
#define HEADRACE_ISA_NAME(Name, attributes) k##Name,
  HEADRACE_FOR_EACH_ISA(HEADRACE_ISA_NAME)
#undef HEADRACE_ISA_NAME
};

// The best one that this machine and these loops know. HEADRACE_ISA=sse4|avx2 chooses a lesser one.
InstructionSet BestInstructionSet();
// Whether this machine can run what was compiled for it.
bool IsSupported(InstructionSet isa);

namespace internal {
// f(arguments...), compiled for one instruction set.
template <class F, class... A>
struct IsaVersions {
#define HEADRACE_ISA_VERSION(Name, attributes)                                  \
  attributes __attribute__((noinline)) static void Name(F& f, A... arguments) { \
    f(arguments...);                                                            \
  }
  HEADRACE_FOR_EACH_ISA(HEADRACE_ISA_VERSION)
#undef HEADRACE_ISA_VERSION
};
}  // namespace internal

// Calls f(arguments...) as compiled for `isa`, which this machine supports. Arguments are copied: pointers and sizes.
template <class F, class... A>
void VectorisedFor(InstructionSet isa, F&& f, A... arguments) {
  using Versions = internal::IsaVersions<std::remove_reference_t<F>, A...>;
  switch (isa) {
#define HEADRACE_ISA_CASE(Name, attributes) \
  case InstructionSet::k##Name:             \
    return Versions::Name(f, arguments...);
    HEADRACE_FOR_EACH_ISA(HEADRACE_ISA_CASE)
#undef HEADRACE_ISA_CASE
  }
}

// The same for the best instruction set. What the loop reads in each turn is better an argument than a capture.
template <class F, class... A>
void Vectorised(F&& f, A... arguments) {
  VectorisedFor(BestInstructionSet(), f, arguments...);
}

}  // namespace headrace
