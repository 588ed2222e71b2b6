// Reductions over axes given as numbers: hr::Sum(x), hr::Mean(x, 0), hr::Max(x, {0, 2}). Negative axes count from the
// end. (The ops of the same names, with a tensor of axes, are in headrace/ops/math.h.)
#pragma once

#include <initializer_list>
#include <optional>
#include <string_view>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

// Axes of a tensor; all of them by default.
struct Axes {
  Axes() = default;
  Axes(int axis) : list(std::vector<int>{axis}) {}        // NOLINT
  Axes(std::vector<int> axes) : list(std::move(axes)) {}  // NOLINT
  std::optional<std::vector<int>> list;
  // As reductions take them: a constant, or for all axes of a tensor of unknown rank what is computed from that.
  Output Of(Output x) const;
};

Output Reduce(std::string_view op, Output x, const Axes& axes, bool keep_dims = false, std::string_view name = {});

#define HEADRACE_REDUCTION(Name)                                                          \
  inline Output Name(Output x) {                                                          \
    return Reduce(#Name, x, {});                                                          \
  }                                                                                       \
  inline Output Name(Output x, int axis, bool keep_dims = false) {                        \
    return Reduce(#Name, x, axis, keep_dims);                                             \
  }                                                                                       \
  inline Output Name(Output x, std::initializer_list<int> axes, bool keep_dims = false) { \
    return Reduce(#Name, x, std::vector<int>(axes), keep_dims);                           \
  }
HEADRACE_REDUCTION(Sum)
HEADRACE_REDUCTION(Mean)
HEADRACE_REDUCTION(Prod)
HEADRACE_REDUCTION(Max)
HEADRACE_REDUCTION(Min)
HEADRACE_REDUCTION(All)
HEADRACE_REDUCTION(Any)
#undef HEADRACE_REDUCTION

// log(sum(exp(x))) without overflow (tf.reduce_logsumexp).
Output LogSumExp(Output x, const Axes& axes = {}, bool keep_dims = false, std::string_view name = "ReduceLogSumExp");

struct Moments {
  Output mean, variance;
};
// tf.nn.moments.
Moments ComputeMoments(Output x, const Axes& axes, bool keep_dims = false, std::string_view name = "moments");

// x divided by its L2 norm along the axes, or by sqrt(epsilon) where that is larger (tf.nn.l2_normalize).
Output L2Normalize(Output x, const Axes& axes, double epsilon = 1e-12, std::string_view name = "l2_normalize");

}  // namespace headrace
