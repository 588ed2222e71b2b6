// Sums of many tensors, clipping, and norms.
#include "headrace/ops/math.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "kernels/dispatch.h"
#include "kernels/fold.h"
#include "ops/control/tensor_list.h"

namespace headrace {
namespace {

void SumShapes(ShapeContext& context) {
  PartialShape output = context.input(0);
  for (int i = 1; i < context.num_inputs(); ++i) output = output.MergeWith(context.input(i));
  context.set_output(0, output);
}

Kernel SumKernel(const Node& node) {
  if (node.output_dtype(0) == DType::kVariant) {
    return [](KernelContext& context) {
      Tensor sum = context.input(0);
      for (int i = 1; i < context.num_inputs(); ++i) {
        sum = AddLists(TensorListOf(sum), TensorListOf(context.input(i)));
      }
      context.set_output(0, sum);
    };
  }
  static const Lanes lanes = LanesOf<float, double, int32_t, int64_t>([](auto x, auto y) { return x + y; });
  const TileFunction add = lanes.Tile(node.output_dtype(0));
  if (!add) throw Unimplemented("AddN has no kernel for ", node.output_dtype(0), " at ", node.name());
  return [add, size = static_cast<int64_t>(SizeOf(node.output_dtype(0)))](KernelContext& context) {
    const Tensor& first = context.input(0);
    if (context.num_inputs() == 1) return context.set_output(0, first);
    for (int i = 1; i < context.num_inputs(); ++i) {
      if (!(context.input(i).shape() == first.shape())) {
        throw InvalidArgument("Inputs to operation ", context.node().name(),
                              " of type AddN must have the same size and ", "shape.  Input 0: ", first.shape(),
                              " != input ", i, ": ", context.input(i).shape());
      }
    }
    Tensor& output = context.ReuseOrAllocateOutput(0, 0, first.shape());
    char* const out = static_cast<char*>(output.raw());
    context.pool().ParallelFor(output.num_elements(), 32768, [&](int64_t begin, int64_t end) {
      const void* inputs[] = {static_cast<const char*>(first.raw()) + begin * size, nullptr};
      for (int i = 1; i < context.num_inputs(); ++i) {
        inputs[1] = static_cast<const char*>(context.input(i).raw()) + begin * size;
        add(inputs, out + begin * size, end - begin);
        inputs[0] = out + begin * size;
      }
    });
  };
}

void SumGradient(Backward& b) {
  b.ReturnList(std::vector<Gradient>(b.node()->inputs().size(), b.dy()));
}

DEFINE_OP("AddN")
    .Input("inputs: N * T")
    .Output("sum: T")
    .Attr("N: int >= 1")
    .Attr("T: {float, double, int32, int64, variant}")
    .Shape(SumShapes)
    .Kernel(SumKernel)
    .ReusesInput()
    .Lift(LiftSameShapes)
    .Gradient(SumGradient);

DEFINE_OP("AccumulateNV2")
    .Input("inputs: N * T")
    .Output("sum: T")
    .Attr("N: int >= 1")
    .Attr("T: {float, double, int32, int64}")
    .Attr("shape: shape")
    .Shape(SumShapes)
    .Kernel(SumKernel)
    .ReusesInput()
    .Gradient(SumGradient);

DEFINE_OP("ClipByValue")
    .Input("t: T")
    .Input("clip_value_min: T")
    .Input("clip_value_max: T")
    .Output("output: T")
    .Attr("T", kReal)
    .Shape(SameAsInput(0))
    .Lane([](auto x, auto low, auto high) { return Min(Max(x, low), high); })
    .Gradient([](Backward& b) {
      const Output x = b.x(0), zeros = ZerosLike(b.dy());
      const Output below = Less(x, b.x(1)), above = Greater(x, b.x(2));
      auto summed = [](Output gradient, Output like) {
        const Output shape = ShapeOf(like);
        return Reshape(Sum(gradient, BroadcastGradientArgs(shape, ShapeOf(gradient)).r0), shape);
      };
      b.Return(SelectV2(LogicalOr(below, above), zeros, b.dy()), summed(SelectV2(below, b.dy(), zeros), b.x(1)),
               summed(SelectV2(above, b.dy(), zeros), b.x(2)));
    });

DEFINE_OP("L2Loss")
    .Input("t: T")
    .Output("output: T")
    .Attr("T", kFloating)
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) {
      const Tensor& t = context.input(0);
      auto run = [&](auto zero) {
        using T = decltype(zero);
        constexpr int64_t kPart = 1 << 16;  // elements; the parts are the same whatever the number of threads
        const T* values = t.data<T>();
        const int64_t n = t.num_elements();
        std::vector<double> parts(static_cast<size_t>((n + kPart - 1) / kPart));
        context.pool().ParallelFor(static_cast<int64_t>(parts.size()), 1, [&](int64_t begin, int64_t end) {
          for (int64_t part = begin; part < end; ++part) {
            Vectorised(
                [](const T* x, int64_t count, double* sum) {
                  *sum = SumOver<double>(count, [x](int64_t i) { return Square(static_cast<double>(x[i])); });
                },
                values + part * kPart, std::min(kPart, n - part * kPart), &parts[static_cast<size_t>(part)]);
          }
        });
        const double total = std::accumulate(parts.begin(), parts.end(), 0.0);
        *context.AllocateOutput(0, {}).template data<T>() = static_cast<T>(total / 2);
      };
      if (t.dtype() == DType::kDouble) return run(double{});
      if (t.dtype() == DType::kFloat) return run(float{});
      throw Unimplemented("L2Loss has no kernel for ", t.dtype(), " at ", context.node().name());
    })
    .Gradient([](Backward& b) { b.Return(b.x() * b.dy()); });

}  // namespace
}  // namespace headrace
