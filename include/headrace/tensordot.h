// Products of tensors summed over any axes (tf.tensordot).
#pragma once

#include <string_view>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

// The sum of a's and b's products over axes_a of a and axes_b of b, which belong together one by one: the shape is a's
// other axes, then b's. Negative axes count from the end. Errors: InvalidArgument for tensors of unknown rank, for axes
// that are not there or twice, and for sizes that differ.
Output Tensordot(Output a, Output b, const std::vector<int>& axes_a, const std::vector<int>& axes_b,
                 std::string_view name = "Tensordot");
// Over the last `axes` of a and the first of b.
Output Tensordot(Output a, Output b, int axes, std::string_view name = "Tensordot");

}  // namespace headrace
