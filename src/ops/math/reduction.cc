// Reductions over axes: sums, means, products, extremes, any and all.
#include "headrace/ops/math.h"

#include <utility>

#include "absl/container/inlined_vector.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "kernels/reduce.h"

namespace headrace {
namespace {

// The mask of the axes that a tensor lists.
uint32_t AxesOf(const Tensor& axes, int rank) {
  absl::InlinedVector<int64_t, kMaxRank> indices(axes.num_elements());
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = axes.AsInt64(static_cast<int64_t>(i));
  return AxisMask(indices, rank);
}

void ReducedOutputShape(ShapeContext& context) {
  const PartialShape& input = context.input(0);
  const bool keep_dims = context.attr<bool>("keep_dims");
  const Tensor* axes = context.constant(1);
  if (!input.has_rank()) return context.set_output(0, PartialShape());
  if (!axes) return context.set_output(0, keep_dims ? PartialShape::UnknownOfRank(input.rank()) : PartialShape());
  const uint32_t mask = AxesOf(*axes, input.rank());
  PartialShape output = Shape();
  for (int i = 0; i < input.rank(); ++i) {
    if (!(mask >> i & 1)) {
      output.Append(input[i]);
    } else if (keep_dims) {
      output.Append(1);
    }
  }
  context.set_output(0, output);
}

KernelFactory ReductionKernel(Reduction reduction) {
  return [reduction](const Node& node) -> Kernel {
    return [reduction, keep_dims = node.attr<bool>("keep_dims")](KernelContext& context) {
      const Tensor& input = context.input(0);
      const uint32_t axes = AxesOf(context.input(1), input.rank());
      const Shape shape = ReducedShape(input.shape(), axes, keep_dims);
      if (axes == 0) {  // nothing to reduce
        context.set_output(0, input);
        return;
      }
      Tensor& output = context.AllocateOutput(0, shape);
      Reduce(context.pool(), reduction, input.dtype(), input.shape(), axes, input.raw(), output.raw());
    };
  };
}

// The shape of the result with the reduced axes kept as 1.
Output KeptShape(Output input_shape, Output axes) {
  const Output rank = Size(input_shape);
  const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
  const Output positive = FloorMod(Cast(axes, DType::kInt32) + rank, rank);
  const Output flat = Reshape(positive, Constant(Tensor::Vector(std::vector<int32_t>{-1})));
  return DynamicStitch({Range(zero, rank, one), flat}, {input_shape, Fill(ShapeOf(flat), one)});
}

// The gradient in the input's shape: each element is repeated over what was reduced into it.
Output SpreadGradient(Backward& b) {
  const Output x = b.x(0);
  const Output shape = ShapeOf(x);
  if (x.shape().has_rank() && x.shape().rank() == 0) return b.dy();
  Output dy = b.dy();
  if (!b.attr<bool>("keep_dims")) dy = Reshape(dy, KeptShape(shape, b.x(1)));
  return BroadcastTo(dy, shape);
}

void ExtremeGradient(Backward& b) {
  const Output x = b.x(0), shape = ShapeOf(x);
  Output y = b.y(), dy = b.dy();
  if (!b.attr<bool>("keep_dims")) {
    const Output kept = KeptShape(shape, b.x(1));
    y = Reshape(y, kept);
    dy = Reshape(dy, kept);
  }
  // Shared evenly among all that attain the extreme.
  const Output attained = Cast(Equal(y, x), dy.dtype());
  const Output count = Sum(attained, b.x(1), {.keep_dims = true});
  b.Return(attained / count * dy, Gradient());
}

// Of a vector of sizes to one number; `f` joins two.
ValueRule JoinNumbers(int64_t start, std::optional<int64_t> (*f)(int64_t x, int64_t y)) {
  return [start, f](ValueContext& context) -> std::optional<StaticValue> {
    const auto numbers = context.input(0), axes = context.input(1);
    if (!numbers || numbers->scalar || !numbers->complete() || context.node().attr<bool>("keep_dims")) {
      return std::nullopt;
    }
    if (!axes || axes->elements.size() != 1 || (axes->elements[0] != 0 && axes->elements[0] != -1)) return std::nullopt;
    std::optional<int64_t> joined = start;
    for (const auto& number : numbers->elements) {
      if (joined) joined = f(*joined, *number);
    }
    return StaticValue::Scalar(joined);
  };
}
std::optional<int64_t> PlusNumbers(int64_t x, int64_t y) {
  return __builtin_add_overflow(x, y, &x) ? std::nullopt : std::optional(x);
}
std::optional<int64_t> TimesNumbers(int64_t x, int64_t y) {
  return __builtin_mul_overflow(x, y, &x) ? std::nullopt : std::optional(x);
}

DEFINE_OP("Sum")
    .Input("input: T")
    .Input("reduction_indices: Tidx")
    .Output("output: T")
    .Attr("T", kReal)
    .Attr("keep_dims: bool = false")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Shape(ReducedOutputShape)
    .Kernel(ReductionKernel(Reduction::kSum))
    .Value(JoinNumbers(0, PlusNumbers))
    .Gradient([](Backward& b) { b.Return(SpreadGradient(b), Gradient()); });

DEFINE_OP("Mean").SameSignatureAs("Sum").Kernel(ReductionKernel(Reduction::kMean)).Gradient([](Backward& b) {
  const Output factor = FloorDiv(Size(b.x(0)), Maximum(Size(b.y()), ConstantLike(DType::kInt32, 1)));
  b.Return(SpreadGradient(b) / Cast(factor, b.dy().dtype()), Gradient());
});

DEFINE_OP("Prod")
    .SameSignatureAs("Sum")
    .Kernel(ReductionKernel(Reduction::kProd))
    .Value(JoinNumbers(1, TimesNumbers))
    .Gradient([](Backward& b) {
      // The product of the others, also where one of them is zero: products of what stands before and behind. The
      // reduced axes are brought to the front and made one.
      const Output x = b.x(0), shape = ShapeOf(x), rank = Rank(x);
      const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
      const Output minus_one = Constant(Tensor::Vector(std::vector<int32_t>{-1}));
      const Output reduced = FloorMod(Reshape(Cast(b.x(1), DType::kInt32), minus_one) + rank, rank);
      const Output all = Range(zero, rank, one);
      const Output others = ListDiff(all, reduced).out;
      const Output permutation = ConcatV2({reduced, others}, zero);
      const Output columns = Prod(GatherV2(shape, others, zero), zero);
      const Output rows = Prod(GatherV2(shape, reduced, zero), zero);
      const Output permuted = Transpose(x, permutation);
      const Output flat = Reshape(permuted, Pack({rows, columns}));
      const Output before = Cumprod(flat, zero, {.exclusive = true});
      const Output behind = Cumprod(flat, zero, {.exclusive = true, .reverse = true});
      const Output product = Reshape(before * behind, ShapeOf(permuted));
      b.Return(SpreadGradient(b) * Transpose(product, InvertPermutation(permutation)), Gradient());
    });

DEFINE_OP("Max").SameSignatureAs("Sum").Kernel(ReductionKernel(Reduction::kMax)).Gradient(ExtremeGradient);

DEFINE_OP("Min").SameSignatureAs("Sum").Kernel(ReductionKernel(Reduction::kMin)).Gradient(ExtremeGradient);

DEFINE_OP("All")
    .Input("input: bool")
    .Input("reduction_indices: Tidx")
    .Output("output: bool")
    .Attr("keep_dims: bool = false")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Shape(ReducedOutputShape)
    .Kernel(ReductionKernel(Reduction::kAll))
    .NoGradient();

DEFINE_OP("Any").SameSignatureAs("All").Kernel(ReductionKernel(Reduction::kAny)).NoGradient();

}  // namespace
}  // namespace headrace
