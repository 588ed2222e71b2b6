// The product of a sparse matrix and a dense one, entry by entry: each adds a multiple of a row to a row.
#include "headrace/ops/sparse.h"

#include <vector>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/math.h"
#include "kernels/transpose.h"

namespace headrace {
namespace {

// A row of the dense matrix that goes into a row of the product.
struct Step {
  int64_t from, to;
};

template <class T>
void AddRows(const Step* steps, const T* factors, int64_t count, const T* b, int64_t width, T* out) {
  for (int64_t i = 0; i < count; ++i) {
    const T factor = factors[i], *from = b + steps[i].from * width;
    T* to = out + steps[i].to * width;
    for (int64_t j = 0; j < width; ++j) to[j] += factor * from[j];
  }
}

struct Sizes {
  int64_t rows, inner, width;
};

// Errors: InvalidArgument unless the inputs are a sparse matrix and a matrix that fit together.
Sizes CheckedSizes(KernelContext& c, bool adjoint_a, bool adjoint_b) {
  const Tensor &indices = c.input(0), &values = c.input(1), &shape = c.input(2), &b = c.input(3);
  if (b.rank() != 2) throw InvalidArgument("Tensor 'b' is not a matrix, its shape is ", b.shape());
  if (shape.rank() != 1 || shape.dim(0) != 2) {
    throw InvalidArgument("Tensor 'a_shape' must have 2 elements, got shape ", shape.shape());
  }
  if (values.rank() != 1) throw InvalidArgument("Tensor 'a_values' is not a vector, its shape is ", values.shape());
  if (indices.rank() != 2 || indices.dim(1) != 2 || indices.dim(0) != values.dim(0)) {
    throw InvalidArgument("Tensor 'a_indices' should have shape [", values.dim(0), ",2], got ", indices.shape());
  }
  const Shape a(shape.AsInt64s());
  const Sizes sizes = {a[adjoint_a ? 1 : 0], a[adjoint_a ? 0 : 1], b.dim(adjoint_b ? 0 : 1)};
  if (b.dim(adjoint_b ? 1 : 0) != sizes.inner) {
    throw InvalidArgument("Cannot multiply A and B because inner dimension does not match: ", sizes.inner, " vs. ",
                          b.dim(adjoint_b ? 1 : 0), ". Dimensions of A: ", a, ", of B: ", b.shape());
  }
  return sizes;
}

template <class Index>
std::vector<Step> CheckedSteps(const Tensor& indices, const Sizes& sizes, bool adjoint_a) {
  std::vector<Step> steps(static_cast<size_t>(indices.dim(0)));
  const Index* index = indices.data<Index>();
  for (size_t i = 0; i < steps.size(); ++i, index += 2) {
    const Step step = {index[adjoint_a ? 0 : 1], index[adjoint_a ? 1 : 0]};
    if (step.from < 0 || step.from >= sizes.inner || step.to < 0 || step.to >= sizes.rows) {
      throw InvalidArgument("a_indices[", i, "] = [", index[0], ",", index[1], "] is out of bounds of a_shape");
    }
    steps[i] = step;
  }
  return steps;
}

template <class T>
void Multiply(KernelContext& c, bool adjoint_a, bool adjoint_b) {
  const Sizes sizes = CheckedSizes(c, adjoint_a, adjoint_b);
  const Tensor &indices = c.input(0), &values = c.input(1);
  const std::vector<Step> steps = indices.dtype() == DType::kInt32 ? CheckedSteps<int32_t>(indices, sizes, adjoint_a)
                                                                   : CheckedSteps<int64_t>(indices, sizes, adjoint_a);
  Tensor b = c.input(3);
  if (adjoint_b) {
    Tensor transposed = c.Scratch(b.dtype(), {sizes.inner, sizes.width});
    constexpr int64_t kSwapped[] = {1, 0};
    Transpose(c.pool(), b, kSwapped, transposed);
    b = transposed;
  }
  Tensor& product = c.AllocateOutput(0, {sizes.rows, sizes.width});
  std::fill_n(product.data<T>(), product.num_elements(), T(0));
  Vectorised([](auto... arguments) { AddRows<T>(arguments...); }, static_cast<const Step*>(steps.data()),
             static_cast<const T*>(values.data<T>()), static_cast<int64_t>(steps.size()),
             static_cast<const T*>(b.data<T>()), sizes.width, product.data<T>());
}

Output Transposed(Output matrix) {
  return Transpose(matrix, Constant(Tensor::Vector(std::vector<int32_t>{1, 0})));
}

DEFINE_OP("SparseTensorDenseMatMul")
    .Input("a_indices: Tindices")
    .Input("a_values: T")
    .Input("a_shape: int64")
    .Input("b: T")
    .Output("product: T")
    .Attr("T: {float, double, int32}")
    .Attr("Tindices: {int32, int64} = DT_INT64")
    .Attr("adjoint_a: bool = false")
    .Attr("adjoint_b: bool = false")
    .Shape([](ShapeContext& c) {
      const PartialShape a = c.ShapeFromInput(2), b = c.WithRank(3, 2);
      if (a.has_rank() && a.rank() != 2) throw InvalidArgument("a_shape must have 2 elements, got ", a.rank());
      const int64_t rows = a.has_rank() ? a[c.attr<bool>("adjoint_a") ? 1 : 0] : -1;
      c.set_output(0, {rows, b[c.attr<bool>("adjoint_b") ? 0 : 1]});
    })
    .Kernel([](const Node& node) -> Kernel {
      return [ta = node.attr<bool>("adjoint_a"), tb = node.attr<bool>("adjoint_b"),
              dtype = node.output_dtype(0)](KernelContext& c) {
        if (dtype == DType::kFloat) return Multiply<float>(c, ta, tb);
        dtype == DType::kDouble ? Multiply<double>(c, ta, tb) : Multiply<int32_t>(c, ta, tb);
      };
    })
    .Gradient([](Backward& g) {
      const bool ta = g.attr<bool>("adjoint_a"), tb = g.attr<bool>("adjoint_b");
      const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
      const Output b = g.x(3), rows = GatherV2(g.x(0), ta ? one : zero, one),
                   columns = GatherV2(g.x(0), ta ? zero : one, one);
      // An entry met one row of dy with one row of b.
      const Output da = Sum(GatherV2(g.dy(), rows, zero) * GatherV2(tb ? Transposed(b) : b, columns, zero), one);
      const Output db = SparseTensorDenseMatMul(g.x(0), g.x(1), g.x(2), g.dy(), {.adjoint_a = !ta});
      g.Return(Gradient(), da, Gradient(), tb ? Transposed(db) : db);
    });

}  // namespace
}  // namespace headrace
