// Bounds on values and on norms, for gradients as for other tensors: what tf.clip_by_… does.
//
//   auto gradients = optimizer->ComputeGradients(loss);
//   std::vector<hr::Gradient> values;
//   for (auto& [gradient, variable] : gradients) values.push_back(gradient);
//   values = hr::ClipByGlobalNorm(values, hr::Constant(hr::Tensor::Scalar(5.f))).clipped;
#pragma once

#include <string_view>
#include <vector>

#include "headrace/op.h"
#include "headrace/reductions.h"

namespace headrace {

namespace nn {
// Every element moved into [low, high], which may be of any shape that broadcasts to x. (The op of this name, in
// headrace::, takes scalars.)
Output ClipByValue(Output x, Output low, Output high, std::string_view name = "clip_by_value");
}  // namespace nn

// x scaled so that its L2 norm over the axes is at most `norm`.
Gradient ClipByNorm(const Gradient& x, Output norm, const Axes& axes = {}, std::string_view name = "clip_by_norm");
// The same for the L2 norm divided by the number of elements.
Output ClipByAverageNorm(Output x, Output norm, std::string_view name = "clip_by_average_norm");

// The L2 norm of all elements of all tensors; absent ones are left out. Errors: InvalidArgument if all are absent.
Output GlobalNorm(const std::vector<Gradient>& tensors, std::string_view name = "global_norm");

struct ClippedGradients {
  std::vector<Gradient> clipped;  // absent ones stay absent
  Output norm;                    // before
};
// All scaled by one factor, so that their global norm (or `use_norm`, if given) is at most `norm`; NaN if it is not
// finite.
ClippedGradients ClipByGlobalNorm(const std::vector<Gradient>& tensors, Output norm, Output use_norm = {},
                                  std::string_view name = "clip_by_global_norm");

}  // namespace headrace
