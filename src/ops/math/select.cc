// Choices between tensors by condition.
#include "headrace/ops/math.h"

#include <cstring>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/ops/array.h"
#include "kernels/copy.h"

namespace headrace {
namespace {

// For values of the types that are plain numbers: lanes by the size of an element.
Lanes Choices() {
  Lanes lanes{.arity = 3, .functions = {}};
  const auto add = [&](auto word, std::initializer_list<DType> dtypes) {
    using Word = decltype(word);
    const TileFunction choose =
        LaneLoopFor<Word, bool, Word, Word>([](bool condition, Word t, Word e) { return condition ? t : e; });
    for (const DType dtype : dtypes) lanes.functions.push_back({{{DType::kBool, dtype, dtype}, dtype}, choose});
  };
  add(uint8_t{}, {DType::kBool, DType::kInt8, DType::kUInt8});
  add(uint16_t{}, {DType::kHalf, DType::kBFloat16, DType::kInt16, DType::kUInt16});
  add(uint32_t{}, {DType::kFloat, DType::kInt32, DType::kUInt32});
  add(uint64_t{}, {DType::kDouble, DType::kInt64, DType::kUInt64, DType::kComplex64});
  return lanes;
}

// All three dense and of one size. Strings and objects are assigned one by one.
void SelectElements(DType dtype, const bool* condition, const void* t, const void* e, void* out, int64_t n) {
  static const Lanes choices = Choices();
  if (const auto* choose = choices.Find({{DType::kBool, dtype, dtype}, dtype})) {
    const void* operands[] = {condition, t, e};
    return choose->tile(operands, out, n);
  }
  for (int64_t i = 0; i < n; ++i) {
    CopyElements(dtype, ElementAt(dtype, condition[i] ? t : e, i), ElementAt(dtype, out, i), 1);
  }
}

// `tensor` itself if it has `shape`, else a copy broadcast to it.
Tensor Broadcasted(KernelContext& context, const Tensor& tensor, const Shape& shape) {
  if (tensor.shape() == shape) return tensor;
  Tensor copy = context.Scratch(tensor.dtype(), shape);
  int64_t dense[kMaxRank], from[kMaxRank] = {}, to[kMaxRank];
  DenseStrides(tensor.shape(), dense);
  DenseStrides(shape, to);
  const int missing = shape.rank() - tensor.rank();
  for (int i = 0; i < tensor.rank(); ++i) from[i + missing] = tensor.dim(i) == 1 ? 0 : dense[i];
  CopyStrided(context.pool(), tensor.dtype(), shape, tensor.raw(), {from, kMaxRank}, copy.raw(), {to, kMaxRank});
  return copy;
}

void RunSelect(KernelContext& context, const Tensor& condition, const Shape& shape) {
  const Tensor c = Broadcasted(context, condition, shape), t = Broadcasted(context, context.input(1), shape),
               e = Broadcasted(context, context.input(2), shape);
  Tensor& output = context.AllocateOutput(0, shape);
  const DType dtype = output.dtype();
  context.pool().ParallelFor(output.num_elements(), 1 << 15, [&](int64_t begin, int64_t end) {
    SelectElements(dtype, c.data<bool>() + begin, ElementAt(dtype, t.raw(), begin), ElementAt(dtype, e.raw(), begin),
                   ElementAt(dtype, output.raw(), begin), end - begin);
  });
}

DEFINE_OP("SelectV2")
    .Input("condition: bool")
    .Input("t: T")
    .Input("e: T")
    .Output("output: T")
    .Attr("T: type")
    .Lane(Choices())
    .Kernel([](const Node& node) -> Kernel {
      if (node.op().lanes.Find(node)) return ElementwiseKernel(node, node.op().lanes);
      return [](KernelContext& context) {
        RunSelect(context, context.input(0),
                  BroadcastShapes(context.input(0).shape(),
                                  BroadcastShapes(context.input(1).shape(), context.input(2).shape())));
      };
    })
    .NeverFails()
    .Gradient([](Backward& b) {
      const Output zeros = ZerosLike(b.dy());
      const Output chosen[2] = {SelectV2(b.x(0), b.dy(), zeros), SelectV2(b.x(0), zeros, b.dy())};
      Gradient gradients[2];
      for (int i = 0; i < 2; ++i) {
        const Output x = b.x(i + 1);
        if (x.shape().IsFullyDefined() && x.shape() == b.y().shape()) {
          gradients[i] = chosen[i];
        } else {
          const Output shape = ShapeOf(x);
          gradients[i] = Reshape(Sum(chosen[i], BroadcastGradientArgs(shape, ShapeOf(b.y())).r0), shape);
        }
      }
      b.Return(Gradient(), gradients[0], gradients[1]);
    });

// TensorFlow 1's: the condition is of the values' shape, or a scalar, or a vector that chooses rows.
DEFINE_OP("Select")
    .Input("condition: bool")
    .Input("t: T")
    .Input("e: T")
    .Output("output: T")
    .Attr("T: type")
    .Shape([](ShapeContext& context) { context.set_output(0, context.input(1).MergeWith(context.input(2))); })
    .Kernel([](KernelContext& context) {
      const Tensor &condition = context.input(0), &t = context.input(1), &e = context.input(2);
      if (!(t.shape() == e.shape())) {
        throw InvalidArgument("'then' and 'else' must have the same size, but received: ", t.shape(), " vs. ",
                              e.shape());
      }
      if (condition.rank() != 1 || t.rank() <= 1 || condition.dim(0) != t.dim(0)) {
        if (condition.rank() != 0 && !(condition.shape() == t.shape())) {
          throw InvalidArgument("'condition' must be a scalar, a vector of as many elements as 'then' has rows, or of ",
                                "the shape ", t.shape(), ", got ", condition.shape());
        }
        RunSelect(context, condition, t.shape());
        return;
      }
      Shape column = condition.shape();
      while (column.rank() < t.rank()) column.Append(1);
      RunSelect(context, condition.Reshaped(column), t.shape());
    })
    .NeverFails()
    .Lift(LiftSameShapes)
    .Lower([](Lowering& lowering) -> Output {
      const Node& node = lowering.node();
      const PartialShape &c = node.input(0).shape(), &t = node.input(1).shape(), &e = node.input(2).shape();
      const bool plain = t.IsFullyDefined() && e == t && (c.rank() == 0 || (c.IsFullyDefined() && c == t));
      return plain ? lowering.Add("SelectV2", node.inputs(), {{"T", node.output_dtype(0)}}) : Output();
    })
    .Gradient([](Backward& b) {
      const Output zeros = ZerosLike(b.dy());
      b.Return(Gradient(), Select(b.x(0), b.dy(), zeros), Select(b.x(0), zeros, b.dy()));
    });

}  // namespace
}  // namespace headrace
