// Chooses the instruction set of all vector loops, once.
#include "kernels/dispatch.h"

#include <cstdlib>
#include <string_view>

namespace headrace {

#if defined(__x86_64__) && !defined(HEADRACE_ONE_ISA)

bool IsSupported(InstructionSet isa) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  switch (isa) {
    case InstructionSet::kAvx512:
      return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512cd");
    case InstructionSet::kAvx2:
      return avx2;
    case InstructionSet::kSse4:
      return true;
  }
  return false;
}

InstructionSet BestInstructionSet() {
  static const InstructionSet best = [] {
    const char* wanted = std::getenv("HEADRACE_ISA");
    const std::string_view limit = wanted ? wanted : "";
    if (limit == "sse4") return InstructionSet::kSse4;
    if (limit != "avx2" && IsSupported(InstructionSet::kAvx512)) return InstructionSet::kAvx512;
    return IsSupported(InstructionSet::kAvx2) ? InstructionSet::kAvx2 : InstructionSet::kSse4;
  }();
  return best;
}

#else

bool IsSupported(InstructionSet) {
  return true;
}
InstructionSet BestInstructionSet() {
  return InstructionSet::kBaseline;
}

#endif

}  // namespace headrace
