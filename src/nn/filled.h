// Constants and random samples as the nodes that TensorFlow's Python makes of them.
#pragma once

#include <optional>
#include <string_view>

#include "headrace/graph.h"

namespace headrace {

// A tensor whose elements all are `value`. Errors: InvalidArgument for dtypes without numbers.
Tensor FilledTensor(DType dtype, const Shape& shape, double value);
// A scalar constant of this dtype.
Output ScalarConstant(DType dtype, double value, std::string_view name = "Const");
// Uniform in [0, 1), in a name scope "random_uniform", with the seeds that GetSeed gives.
Output RandomUniformOf(Output shape, DType dtype, std::optional<int64_t> seed);
// The axes of a tensor, as reductions over all of them take it: "Const".
Output AllAxes(Output x, std::string_view name = "Const");
Output SumAll(Output x, std::string_view name = "Sum");
// The same values as float32; `x` itself if it is that already.
Output AsFloat(Output x);

}  // namespace headrace
