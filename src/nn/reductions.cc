// Reductions, and what is made of them.
#include "headrace/reductions.h"

#include <algorithm>

#include "nn/filled.h"

namespace headrace {
namespace {

Output Binary(const char* op, Output x, Output y) {
  return ApplyOp(op, {{x}, {y}});
}

// Without the axes that a reduction kept with size 1.
Output WithoutAxes(Output x, const Axes& axes) {
  std::vector<int64_t> dims;
  if (axes.list) dims.assign(axes.list->begin(), axes.list->end());
  return ApplyOp("Squeeze", {{x}}, {{"squeeze_dims", dims}});
}

}  // namespace

Output Axes::Of(Output x) const {
  if (!list) return AllAxes(x);
  return Constant(Tensor::Vector(std::vector<int32_t>(list->begin(), list->end())), "reduction_indices");
}

Output Reduce(std::string_view op, Output x, const Axes& axes, bool keep_dims, std::string_view name) {
  return ApplyOp(op, {{x}, {axes.Of(x)}}, {{"keep_dims", keep_dims}}, name);
}

Output LogSumExp(Output x, const Axes& axes, bool keep_dims, std::string_view name) {
  NameScope scope(name);
  const Output raw = Reduce("Max", x, axes, true);
  const Output is_finite = ApplyOp("IsFinite", {{raw}});
  const Output finite = ApplyOp("Select", {{is_finite}, {raw}, {ApplyOp("ZerosLike", {{raw}})}});
  Output top = ApplyOp("StopGradient", {{finite}});
  const Output exponentials = ApplyOp("Exp", {{Binary("Sub", x, top)}});
  const Output logarithm = ApplyOp("Log", {{Reduce("Sum", exponentials, axes, keep_dims)}});
  if (!keep_dims) top = ApplyOp("Reshape", {{top}, {ApplyOp("Shape", {{logarithm}})}});
  return Binary("AddV2", logarithm, top);
}

Moments ComputeMoments(Output x, const Axes& axes, bool keep_dims, std::string_view name) {
  NameScope scope(name);
  // Half precision is too coarse for sums of squares.
  const bool narrow = x.dtype() == DType::kHalf;
  const Output y = narrow ? AsFloat(x) : x;
  Output mean = Reduce("Mean", y, axes, true, "mean");
  const Output distance = Binary("SquaredDifference", y, ApplyOp("StopGradient", {{mean}}));
  Output variance = Reduce("Mean", distance, axes, true, "variance");
  if (!keep_dims) mean = WithoutAxes(mean, axes), variance = WithoutAxes(variance, axes);
  if (!narrow) return {mean, variance};
  const auto as_half = [](Output wide) { return ApplyOp("Cast", {{wide}}, {{"DstT", DType::kHalf}}); };
  return {as_half(mean), as_half(variance)};
}

Output L2Normalize(Output x, const Axes& axes, double epsilon, std::string_view name) {
  NameScope scope(name);
  const Output squares = Reduce("Sum", ApplyOp("Square", {{x}}), axes, true);
  const Output bounded = Binary("Maximum", squares, ScalarConstant(x.dtype(), epsilon, "Maximum/y"));
  return ApplyOp("Mul", {{x}, {ApplyOp("Rsqrt", {{bounded}})}}, {}, scope.name());
}

}  // namespace headrace
