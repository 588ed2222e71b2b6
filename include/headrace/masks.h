// Masks by length and selection by mask.
#pragma once

#include <string_view>

#include "headrace/graph.h"

namespace headrace {

// [..., max_length]: true (1) for the first lengths[...] positions of the last axis. Without `max_length`, an integer
// scalar, that is the largest of the lengths; 0 for none. Errors: InvalidArgument for lengths that are no integers.
Output SequenceMask(Output lengths, Output max_length = {}, DType dtype = DType::kBool,
                    std::string_view name = "SequenceMask");

// The slices of x where the mask holds, which stands for the axes of x from `axis` on and is of known rank: those axes
// become one. Errors: InvalidArgument for a scalar mask, and for one of another shape than these axes.
Output BooleanMask(Output x, Output mask, int axis = 0, std::string_view name = "boolean_mask");

}  // namespace headrace
