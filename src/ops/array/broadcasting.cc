// Broadcasting as ops: the shapes and axes that gradients of broadcast operands need.
#include "ops/array/broadcasting.h"

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/math.h"

namespace headrace {
namespace {

// True if x is known to have the shape of the whole result: it was not repeated.
bool IsWhole(const PartialShape& x, const PartialShape& other, const PartialShape& result) {
  if (x.IsFullyDefined() && result.IsFullyDefined()) return x == result;
  if (!x.has_rank() || !other.IsFullyDefined() || other.rank() > x.rank()) return false;
  return other.ToShape().num_elements() == 1;
}

template <class T>
void BroadcastAxes(KernelContext& context) {
  const std::vector<int64_t> shapes[2] = {context.input(0).AsInt64s(), context.input(1).AsInt64s()};
  const size_t rank = std::max(shapes[0].size(), shapes[1].size());
  auto size = [&](int k, size_t axis) {
    const size_t missing = rank - shapes[k].size();
    return axis < missing ? 1 : shapes[k][axis - missing];
  };
  std::vector<T> axes[2];
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t a = size(0, axis), b = size(1, axis);
    if (a != b && a != 1 && b != 1) {
      throw InvalidArgument("shapes ", Shape(shapes[0]), " and ", Shape(shapes[1]), " do not broadcast together");
    }
    // Where both are 1 both are listed, as TensorFlow does: the sum over such an axis changes nothing.
    if (a == 1) axes[0].push_back(static_cast<T>(axis));
    if (b == 1) axes[1].push_back(static_cast<T>(axis));
  }
  for (int k = 0; k < 2; ++k) context.set_output(k, Tensor::Vector(axes[k]));
}

DEFINE_OP("BroadcastGradientArgs")
    .Input("s0: T")
    .Input("s1: T")
    .Output("r0: T")
    .Output("r1: T")
    .Attr("T: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      context.set_output(0, PartialShape::UnknownOfRank(1));
      context.set_output(1, PartialShape::UnknownOfRank(1));
    })
    .Kernel([](KernelContext& context) {
      context.input(0).dtype() == DType::kInt32 ? BroadcastAxes<int32_t>(context) : BroadcastAxes<int64_t>(context);
    })
    .NoGradient();

}  // namespace

void ReturnBroadcast(Backward& b, Output dx, Output dy) {
  const Output x = b.x(0), y = b.x(1);
  const PartialShape& result = b.y().shape();
  const bool whole_x = IsWhole(x.shape(), y.shape(), result), whole_y = IsWhole(y.shape(), x.shape(), result);
  if (whole_x && whole_y) return b.Return(dx, dy);
  const Output shape_x = ShapeOf(x), shape_y = ShapeOf(y);
  const BroadcastGradientArgsOutputs axes = BroadcastGradientArgs(shape_x, shape_y);
  b.Return(whole_x ? dx : Reshape(Sum(dx, axes.r0), shape_x), whole_y ? dy : Reshape(Sum(dy, axes.r1), shape_y));
}

}  // namespace headrace
