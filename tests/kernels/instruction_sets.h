// The instruction sets that tests of vector loops go through.
#pragma once

#include <vector>

#include "kernels/dispatch.h"

namespace headrace {

// Those that loops were compiled for and this machine runs.
inline std::vector<InstructionSet> SupportedInstructionSets() {
  std::vector<InstructionSet> sets;
#define HEADRACE_LIST_ISA(Name, attributes) \
  if (IsSupported(InstructionSet::k##Name)) sets.push_back(InstructionSet::k##Name);
  HEADRACE_FOR_EACH_ISA(HEADRACE_LIST_ISA)
#undef HEADRACE_LIST_ISA
  return sets;
}

}  // namespace headrace
