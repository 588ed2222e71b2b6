// Chooses the instruction set of the lane loops, once, when the library is loaded.
#include "kernels/lanes.h"

#include <cstdlib>
#include <string_view>

namespace headrace {

InstructionSet BestInstructionSet() {
  static const InstructionSet best = [] {
    __builtin_cpu_init();
    const char* wanted = std::getenv("HEADRACE_ISA");
    const std::string_view limit = wanted ? wanted : "";
    if (limit == "sse" || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
      return InstructionSet::kSse;
    }
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512cd");
    return avx512 && limit != "avx2" ? InstructionSet::kAvx512 : InstructionSet::kAvx2;
  }();
  return best;
}

}  // namespace headrace
