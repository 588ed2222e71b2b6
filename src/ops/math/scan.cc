// Along one axis: cumulative sums and products, positions of extremes, the largest k.
#include "headrace/ops/math.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "kernels/arg_extreme.h"
#include "kernels/convert.h"
#include "kernels/dispatch.h"

namespace headrace {
namespace {

int ResolveAxis(int64_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    throw InvalidArgument("Expected dimension in the range [", -rank, ", ", rank, "), but got ", axis);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

// ---------------------------------------------------------------------------------------------------------- cumulative

template <class T, class Combine>
void ScanRow(const T* in, T* out, int64_t n, int64_t step, bool exclusive, T neutral, Combine combine) {
  T running = neutral;
  for (int64_t i = 0; i < n; ++i, in += step, out += step) {
    const T next = static_cast<T>(combine(running, *in));
    *out = exclusive ? running : next;
    running = next;
  }
}

// n rows of `width` elements, `step` apart: each is combined with the one before.
template <class T, class Combine>
void ScanColumns(const T* in, T* out, int64_t n, int64_t width, int64_t step, bool exclusive, T neutral,
                 Combine combine) {
  for (int64_t k = 0; k < width; ++k) out[k] = exclusive ? neutral : static_cast<T>(combine(neutral, in[k]));
  if (!exclusive) in += step;
  for (int64_t i = 1; i < n; ++i, in += step, out += step) {
#pragma GCC ivdep
    for (int64_t k = 0; k < width; ++k) out[k + step] = static_cast<T>(combine(out[k], in[k]));
  }
}

template <class T, class Combine>
void Scan(ThreadPool& pool, const Tensor& input, int axis, bool exclusive, bool reverse, T neutral, Combine combine,
          T* output) {
  if (input.num_elements() == 0) return;
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= input.dim(i);
  for (int i = axis + 1; i < input.rank(); ++i) inner *= input.dim(i);
  const int64_t n = input.dim(axis), step = reverse ? -inner : inner;
  constexpr int64_t kElementsPerTask = 1 << 15;
  pool.ParallelFor(outer, 1 + kElementsPerTask / (n * inner), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const int64_t first = (o * n + (reverse ? n - 1 : 0)) * inner;
      const T* in = input.data<T>() + first;
      T* out = output + first;
      if (inner == 1) {
        ScanRow(in, out, n, step, exclusive, neutral, combine);
      } else {
        Vectorised([](auto... a) { ScanColumns(a...); }, in, out, n, inner, step, exclusive, neutral, combine);
      }
    }
  });
}

KernelFactory ScanKernel(bool product) {
  return [product](const Node& node) -> Kernel {
    return [product, exclusive = node.attr<bool>("exclusive"),
            reverse = node.attr<bool>("reverse")](KernelContext& context) {
      const Tensor& input = context.input(0);
      if (input.rank() == 0) return context.set_output(0, input);
      const int axis = ResolveAxis(context.input(1).AsInt64(), input.rank());
      VisitNumeric(input.dtype(), "a cumulative op", [&](auto zero) {
        using T = decltype(zero);
        T* out = context.AllocateOutput(0, input.shape()).template data<T>();
        if (product) {
          Scan(
              context.pool(), input, axis, exclusive, reverse, T(1), [](T a, T b) { return a * b; }, out);
        } else {
          Scan(
              context.pool(), input, axis, exclusive, reverse, T(0), [](T a, T b) { return a + b; }, out);
        }
      });
    };
  };
}

DEFINE_OP("Cumsum")
    .Input("x: T")
    .Input("axis: Tidx")
    .Output("out: T")
    .Attr("exclusive: bool = false")
    .Attr("reverse: bool = false")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      context.WithRank(1, 0);
      context.set_output(0, context.input(0));
    })
    .Kernel(ScanKernel(false))
    .Gradient([](Backward& b) {
      b.Return(Cumsum(b.dy(), b.x(1), {.exclusive = b.attr<bool>("exclusive"), .reverse = !b.attr<bool>("reverse")}),
               Gradient());
    });

DEFINE_OP("Cumprod").SameSignatureAs("Cumsum").Kernel(ScanKernel(true)).Gradient([](Backward& b) {
  const bool exclusive = b.attr<bool>("exclusive"), reverse = b.attr<bool>("reverse");
  const Output product = Cumprod(b.x(0), b.x(1), {.exclusive = exclusive, .reverse = reverse});
  const Output sum = Cumsum(product * b.dy(), b.x(1), {.exclusive = exclusive, .reverse = !reverse});
  b.Return(sum / b.x(0), Gradient());
});

// ------------------------------------------------------------------------------------------------- argmax and the top
// k

Kernel ArgKernel(bool largest) {
  return [largest](KernelContext& context) {
    const Tensor& input = context.input(0);
    const int axis = ResolveAxis(context.input(1).AsInt64(), input.rank());
    Shape shape;
    int64_t inner = 1, outer = 1;
    for (int i = 0; i < input.rank(); ++i) {
      if (i != axis) shape.Append(input.dim(i));
      if (i < axis) outer *= input.dim(i);
      if (i > axis) inner *= input.dim(i);
    }
    const int64_t n = input.dim(axis);
    if (n == 0) throw InvalidArgument("Reduction axis ", axis, " is empty in shape ", input.shape());
    Tensor& output = context.AllocateOutput(0, shape);
    Tensor positions =
        output.dtype() == DType::kInt64 ? output : context.Scratch(DType::kInt64, {output.num_elements()});
    ArgExtremes(context.pool(), largest, input.dtype(), input.raw(), outer, n, inner, positions.data<int64_t>());
    if (output.dtype() != DType::kInt64) {
      FindConversion(DType::kInt64, output.dtype())(positions.raw(), output.raw(), output.num_elements());
    }
  };
}

void ArgShape(ShapeContext& context) {
  context.WithRank(1, 0);
  const PartialShape& input = context.input(0);
  const Tensor* axis = context.constant(1);
  if (!input.has_rank()) return context.set_output(0, PartialShape());
  if (!axis) return context.set_output(0, PartialShape::UnknownOfRank(std::max(0, input.rank() - 1)));
  const int at = ResolveAxis(axis->AsInt64(), input.rank());
  PartialShape output = Shape();
  for (int i = 0; i < input.rank(); ++i) {
    if (i != at) output.Append(input[i]);
  }
  context.set_output(0, output);
}

DEFINE_OP("ArgMax")
    .Input("input: T")
    .Input("dimension: Tidx")
    .Output("output: output_type")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64, bool}")
    .Attr("Tidx: {int16, int32, int64} = DT_INT32")
    .Attr("output_type: {int16, uint16, int32, int64} = DT_INT64")
    .Shape(ArgShape)
    .Kernel(ArgKernel(true))
    .NoGradient();

DEFINE_OP("ArgMin")
    .Input("input: T")
    .Input("dimension: Tidx")
    .Output("output: output_type")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64, bool}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("output_type: {int32, int64} = DT_INT64")
    .Shape(ArgShape)
    .Kernel(ArgKernel(false))
    .NoGradient();

// Equal values: the lower index first. Unsorted results keep the order of the values.
void RunTopK(KernelContext& context, int64_t k, bool sorted) {
  const Tensor& input = context.input(0);
  if (input.rank() < 1) throw InvalidArgument("input must be >= 1-D, got shape ", input.shape());
  const int64_t n = input.dim(input.rank() - 1);
  if (k < 0) throw InvalidArgument("Need k >= 0, got ", k);
  if (n < k) throw InvalidArgument("input must have at least k columns. Had ", n, ", needed ", k);
  Shape shape = input.shape();
  shape.set_dim(shape.rank() - 1, k);
  VisitNumeric(input.dtype(), "TopK", [&](auto zero) {
    using T = decltype(zero);
    T* values = context.AllocateOutput(0, shape).template data<T>();
    int32_t* indices = context.AllocateOutput(1, shape).template data<int32_t>();
    const int64_t rows = n == 0 ? 0 : input.num_elements() / n;
    std::vector<int32_t> order(static_cast<size_t>(n));
    for (int64_t r = 0; r < rows; ++r) {
      const T* row = input.data<T>() + r * n;
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + k, order.end(),
                        [row](int32_t a, int32_t b) { return row[a] > row[b] || (row[a] == row[b] && a < b); });
      if (!sorted) std::sort(order.begin(), order.begin() + k);
      for (int64_t i = 0; i < k; ++i) {
        indices[r * k + i] = order[static_cast<size_t>(i)];
        values[r * k + i] = row[order[static_cast<size_t>(i)]];
      }
    }
  });
}

void TopKShape(ShapeContext& context, int64_t k) {
  PartialShape shape = context.WithRankAtLeast(0, 1);
  if (shape.has_rank()) shape.set_dim(shape.rank() - 1, k);
  context.set_output(0, shape);
  context.set_output(1, shape);
}

// Each chosen element hands its gradient back to its place in its row.
void TopKGradient(Backward& b) {
  const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
  const Output minus_one = Constant(Tensor::Vector(std::vector<int32_t>{-1}));
  const Output shape = ShapeOf(b.x(0)), columns = GatherV2(shape, Rank(b.x(0)) - one, zero);
  const Output indices_shape = ShapeOf(b.y(1));
  const Output k = GatherV2(indices_shape, Size(indices_shape) - one, zero);
  const Output flat_indices = Reshape(b.y(1), Pack({ConstantLike(DType::kInt32, -1), k}));
  const Output row_starts = Range(zero, GatherV2(ShapeOf(flat_indices), zero, zero), one) * columns;
  const Output positions = Reshape(flat_indices + ExpandDims(row_starts, minus_one), minus_one);
  const Output scattered = ScatterNd(ExpandDims(positions, one), Reshape(b.dy(0), minus_one),
                                     Reshape(Size(b.x(0)), Constant(Tensor::Vector(std::vector<int32_t>{1}))));
  std::vector<Gradient> gradients(b.node()->inputs().size());
  gradients[0] = Reshape(scattered, shape);
  b.ReturnList(std::move(gradients));
}

DEFINE_OP("TopKV2")
    .Input("input: T")
    .Input("k: Tk")
    .Output("values: T")
    .Output("indices: index_type")
    .Attr("sorted: bool = true")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Attr("Tk: {int16, int32, int64} = DT_INT32")
    .Attr("index_type: {int32} = DT_INT32")
    .Shape([](ShapeContext& context) {
      context.WithRank(1, 0);
      TopKShape(context, context.constant(1) ? context.constant(1)->AsInt64() : -1);
    })
    .Kernel([](const Node& node) -> Kernel {
      return [sorted = node.attr<bool>("sorted")](KernelContext& context) {
        RunTopK(context, context.input(1).AsInt64(), sorted);
      };
    })
    .Gradient(TopKGradient);

DEFINE_OP("TopK")
    .Input("input: T")
    .Output("values: T")
    .Output("indices: int32")
    .Attr("k: int >= 0")
    .Attr("sorted: bool = true")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Shape([](ShapeContext& context) { TopKShape(context, context.attr<int64_t>("k")); })
    .Kernel([](const Node& node) -> Kernel {
      return [k = node.attr<int64_t>("k"), sorted = node.attr<bool>("sorted")](KernelContext& context) {
        RunTopK(context, k, sorted);
      };
    })
    .Gradient(TopKGradient);

}  // namespace
}  // namespace headrace
