// Matrix products.
#include "headrace/ops/linalg.h"

#include "base/thread_pool.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"

#include "declare/declare.h"
#include "headrace/ops/math.h"
#include "kernels/copy.h"
#include "kernels/gemm.h"

namespace headrace {
namespace {

// The product's rows and columns, from matrices as they are stored. Errors: InvalidArgument.
MatMulShape ProductShape(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  if (a.rank() != 2) throw InvalidArgument("In[0] is not a matrix. Instead it has shape ", a.shape());
  if (b.rank() != 2) throw InvalidArgument("In[1] is not a matrix. Instead it has shape ", b.shape());
  const MatMulShape shape = {.m = a.dim(transpose_a ? 1 : 0),
                             .n = b.dim(transpose_b ? 0 : 1),
                             .k = a.dim(transpose_a ? 0 : 1),
                             .transpose_a = transpose_a,
                             .transpose_b = transpose_b};
  if (shape.k != b.dim(transpose_b ? 1 : 0)) {
    throw InvalidArgument("Matrix size-incompatible: In[0]: ", a.shape(), ", In[1]: ", b.shape());
  }
  return shape;
}

// The product goes to the epilogue a block of rows at a time, while the block is in the cache.
template <class T>
void MatMulByRows(KernelContext& context, Epilogue& epilogue, const MatMulShape& s) {
  const T *a = context.input(0).data<T>(), *b = context.input(1).data<T>();
  T* const product = static_cast<T*>(epilogue.Begin({s.m, s.n}));
  constexpr int64_t kBlockBytes = 1 << 16;  // stays in the second-level cache beside its operands
  const int64_t block = std::clamp<int64_t>(kBlockBytes / std::max<int64_t>(1, s.n * sizeof(T)), 64, 4096);
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += block) {
      const int64_t m = std::min(block, end - row);
      Gemm<T>(s.transpose_a, s.transpose_b, m, s.n, s.k, s.transpose_a ? a + row : a + row * s.k, s.lda(), b, s.ldb(),
              product + row * s.n, s.n);
      epilogue.Run(row * s.n, (row + m) * s.n);
    }
  };
  constexpr double kWorkPerTask = 8e6;
  const double work_per_row = 2.0 * static_cast<double>(s.n) * static_cast<double>(s.k) + 1;
  const auto grain = static_cast<int64_t>(kWorkPerTask / work_per_row) + 64;
  context.pool().ParallelFor(s.m, grain, rows);
}

KernelWithEpilogue MatMulWithEpilogue(const Node& node) {
  const DType dtype = node.output_dtype(0);
  if (dtype != DType::kFloat && dtype != DType::kDouble) return {};
  return [dtype, ta = node.attr<bool>("transpose_a"), tb = node.attr<bool>("transpose_b")](KernelContext& context,
                                                                                           Epilogue& epilogue) {
    const MatMulShape shape = ProductShape(context.input(0), context.input(1), ta, tb);
    if (dtype == DType::kFloat) return MatMulByRows<float>(context, epilogue, shape);
    MatMulByRows<double>(context, epilogue, shape);
  };
}

DEFINE_OP("MatMul")
    .Input("a: T")
    .Input("b: T")
    .Output("product: T")
    .Attr("transpose_a: bool = false")
    .Attr("transpose_b: bool = false")
    .Attr("T: {bfloat16, half, float, double, int32, int64}")
    .Shape([](ShapeContext& context) {
      const PartialShape a = context.WithRank(0, 2), b = context.WithRank(1, 2);
      const bool ta = context.attr<bool>("transpose_a"), tb = context.attr<bool>("transpose_b");
      const int64_t inner_a = a[ta ? 0 : 1], inner_b = b[tb ? 1 : 0];
      if (inner_a >= 0 && inner_b >= 0 && inner_a != inner_b) {
        throw InvalidArgument("Dimensions must be equal, but are ", inner_a, " and ", inner_b);
      }
      context.set_output(0, PartialShape({a[ta ? 1 : 0], b[tb ? 0 : 1]}));
    })
    .Kernel([](const Node& node) -> Kernel {
      return [ta = node.attr<bool>("transpose_a"), tb = node.attr<bool>("transpose_b")](KernelContext& context) {
        const Tensor &a = context.input(0), &b = context.input(1);
        const MatMulShape shape = ProductShape(a, b, ta, tb);
        Tensor& c = context.AllocateOutput(0, {shape.m, shape.n});
        MatMul(context.pool(), a.dtype(), shape, a.raw(), b.raw(), c.raw());
      };
    })
    .TakesEpilogue(MatMulWithEpilogue)
    .Gradient([](Backward& b) {
      const Output x = b.x(0), y = b.x(1), dz = b.dy();
      const bool tx = b.attr<bool>("transpose_a"), ty = b.attr<bool>("transpose_b");
      if (!tx && !ty) {
        b.Return(MatMul(dz, y, {.transpose_b = true}), MatMul(x, dz, {.transpose_a = true}));
      } else if (!tx && ty) {
        b.Return(MatMul(dz, y), MatMul(dz, x, {.transpose_a = true}));
      } else if (tx && !ty) {
        b.Return(MatMul(y, dz, {.transpose_b = true}), MatMul(x, dz));
      } else {
        b.Return(MatMul(y, dz, {.transpose_a = true, .transpose_b = true}),
                 MatMul(dz, x, {.transpose_a = true, .transpose_b = true}));
      }
    });

// ------------------------------------------------------------------------------------------------- batches of matrices

template <class AnyShape>
AnyShape BatchAxes(const AnyShape& shape) {
  return AnyShape(shape.dims().first(static_cast<size_t>(shape.rank() - 2)));
}

void BatchMatMulShape(ShapeContext& context) {
  const PartialShape a = context.WithRankAtLeast(0, 2), b = context.WithRankAtLeast(1, 2);
  if (!a.has_rank() || !b.has_rank()) return context.set_output(0, PartialShape());
  PartialShape output = BroadcastShapes(BatchAxes(a), BatchAxes(b));
  const bool ta = context.attr<bool>("adj_x"), tb = context.attr<bool>("adj_y");
  const int64_t inner_a = a[a.rank() - (ta ? 2 : 1)], inner_b = b[b.rank() - (tb ? 1 : 2)];
  if (inner_a >= 0 && inner_b >= 0 && inner_a != inner_b) {
    throw InvalidArgument("Dimensions must be equal, but are ", inner_a, " and ", inner_b);
  }
  output.Append(a[a.rank() - (ta ? 1 : 2)]);
  output.Append(b[b.rank() - (tb ? 2 : 1)]);
  context.set_output(0, output);
}

Kernel BatchMatMulKernel(const Node& node) {
  return [ta = node.attr<bool>("adj_x"), tb = node.attr<bool>("adj_y")](KernelContext& context) {
    const Tensor &a = context.input(0), &b = context.input(1);
    if (a.rank() < 2 || b.rank() < 2) {
      throw InvalidArgument("In[0] and In[1] must be at least matrices, got shapes ", a.shape(), " and ", b.shape());
    }
    const MatMulShape shape = {.m = a.dim(a.rank() - (ta ? 1 : 2)),
                               .n = b.dim(b.rank() - (tb ? 2 : 1)),
                               .k = a.dim(a.rank() - (ta ? 2 : 1)),
                               .transpose_a = ta,
                               .transpose_b = tb};
    if (shape.k != b.dim(b.rank() - (tb ? 1 : 2))) {
      throw InvalidArgument("Matrix size-incompatible: In[0]: ", a.shape(), ", In[1]: ", b.shape());
    }
    const Shape batch_a = BatchAxes(a.shape()), batch_b = BatchAxes(b.shape());
    const Shape batch = BroadcastShapes(batch_a, batch_b);
    Shape out_shape = batch;
    out_shape.Append(shape.m);
    out_shape.Append(shape.n);
    Tensor& c = context.AllocateOutput(0, out_shape);
    auto matrix_of = [&batch](const Shape& own, int64_t i) {  // the matrix of an operand that serves product i
      int64_t at = 0, stride = 1;
      for (int axis = batch.rank() - 1; axis >= 0; --axis) {
        const int k = axis - (batch.rank() - own.rank());
        if (k >= 0) {
          at += (own[k] == 1 ? 0 : i % batch[axis]) * stride;
          stride *= own[k];
        }
        i /= batch[axis];
      }
      return at;
    };
    const DType dtype = a.dtype();
    auto run = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        MatMul(context.pool(), dtype, shape, ElementAt(dtype, a.raw(), matrix_of(batch_a, i) * shape.m * shape.k),
               ElementAt(dtype, b.raw(), matrix_of(batch_b, i) * shape.k * shape.n),
               ElementAt(dtype, c.raw(), i * shape.m * shape.n));
      }
    };
    const int64_t work = shape.m * shape.n * shape.k + 1;
    context.pool().ParallelFor(batch.num_elements(), std::max<int64_t>(1, (1 << 18) / work), run);
  };
}

void BatchMatMulGradient(Backward& b) {
  const Output x = b.x(0), y = b.x(1), dz = b.dy();
  const bool tx = b.attr<bool>("adj_x"), ty = b.attr<bool>("adj_y");
  const Output dx = tx ? BatchMatMulV2(y, dz, {.adj_x = ty, .adj_y = true}) : BatchMatMulV2(dz, y, {.adj_y = !ty});
  const Output dy = ty ? BatchMatMulV2(dz, x, {.adj_x = true, .adj_y = tx}) : BatchMatMulV2(x, dz, {.adj_x = !tx});
  if (x.shape().IsFullyDefined() && y.shape().IsFullyDefined() && BatchAxes(x.shape()) == BatchAxes(y.shape())) {
    return b.Return(dx, dy);
  }
  // Batch axes that were broadcast are summed.
  const Output shape_x = ShapeOf(x), shape_y = ShapeOf(y);
  auto batch_axes = [](Output shape) {
    const Output zero = Constant(Tensor::Vector(std::vector<int32_t>{0}));
    const Output end = Constant(Tensor::Vector(std::vector<int32_t>{-2}));
    return StridedSlice(shape, zero, end, Constant(Tensor::Vector(std::vector<int32_t>{1})));
  };
  const BroadcastGradientArgsOutputs axes = BroadcastGradientArgs(batch_axes(shape_x), batch_axes(shape_y));
  b.Return(Reshape(Sum(dx, axes.r0), shape_x), Reshape(Sum(dy, axes.r1), shape_y));
}

DEFINE_OP("BatchMatMul")
    .Input("x: T")
    .Input("y: T")
    .Output("output: T")
    .Attr("T: {bfloat16, half, float, double, int32, int64}")
    .Attr("adj_x: bool = false")
    .Attr("adj_y: bool = false")
    .Shape(BatchMatMulShape)
    .Kernel(BatchMatMulKernel)
    .Gradient(BatchMatMulGradient);

DEFINE_OP("BatchMatMulV2").SameSignatureAs("BatchMatMul").Kernel(BatchMatMulKernel).Gradient(BatchMatMulGradient);

}  // namespace
}  // namespace headrace
