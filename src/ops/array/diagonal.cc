// Diagonals and bands of matrices, and rotations along axes.
#include "headrace/ops/array.h"

#include <cstring>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "kernels/copy.h"

namespace headrace {
namespace {

// A tensor of twice the rank: the input lies on the diagonal, zeros beside it.
DEFINE_OP("Diag")
    .Input("diagonal: T")
    .Output("output: T")
    .Attr("T: {bfloat16, half, float, double, int32, int64, complex64, complex128}")
    .Shape([](ShapeContext& context) {
      PartialShape shape = context.input(0);
      if (!shape.has_rank()) return context.set_output(0, PartialShape());
      for (int64_t size : context.input(0).dims()) shape.Append(size);
      context.set_output(0, shape);
    })
    .Kernel([](KernelContext& context) {
      const Tensor& diagonal = context.input(0);
      Shape shape = diagonal.shape();
      for (int64_t size : diagonal.shape()) shape.Append(size);
      Tensor& output = context.AllocateOutput(0, shape);
      std::memset(output.raw(), 0, output.bytes());
      const int64_t n = diagonal.num_elements();
      for (int64_t i = 0; i < n; ++i) {
        CopyElements(diagonal.dtype(), ElementAt(diagonal.dtype(), std::as_const(diagonal).raw(), i),
                     ElementAt(output.dtype(), output.raw(), i * (n + 1)), 1);
      }
    })
    .Gradient([](Backward& b) { b.Return(DiagPart(b.dy())); });

DEFINE_OP("DiagPart")
    .Input("input: T")
    .Output("diagonal: T")
    .Attr("T: {bfloat16, half, float, double, int32, int64, complex64, complex128}")
    .Shape([](ShapeContext& context) {
      const PartialShape& input = context.input(0);
      if (!input.has_rank()) return context.set_output(0, PartialShape());
      if (input.rank() % 2 != 0 || input.rank() == 0) {
        throw InvalidArgument("expected an even and nonzero rank, got shape ", input);
      }
      PartialShape shape{std::initializer_list<int64_t>{}};
      for (int i = 0; i < input.rank() / 2; ++i) {
        const PartialShape first{input[i]}, second{input[i + input.rank() / 2]};
        shape.Append(first.MergeWith(second)[0]);
      }
      context.set_output(0, shape);
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      if (input.rank() % 2 != 0 || input.rank() == 0) {
        throw InvalidArgument("expected an even and nonzero rank, got shape ", input.shape());
      }
      Shape shape;
      for (int i = 0; i < input.rank() / 2; ++i) {
        if (input.dim(i) != input.dim(i + input.rank() / 2)) {
          throw InvalidArgument("expected two equal halves of a shape, got ", input.shape());
        }
        shape.Append(input.dim(i));
      }
      Tensor& diagonal = context.AllocateOutput(0, shape);
      const int64_t n = diagonal.num_elements();
      for (int64_t i = 0; i < n; ++i) {
        CopyElements(input.dtype(), ElementAt(input.dtype(), std::as_const(input).raw(), i * (n + 1)),
                     ElementAt(input.dtype(), diagonal.raw(), i), 1);
      }
    })
    .Gradient([](Backward& b) { b.Return(Diag(b.dy())); });

// Keeps `num_lower` diagonals below the main one and `num_upper` above (all of them if negative), in every matrix.
DEFINE_OP("MatrixBandPart")
    .Input("input: T")
    .Input("num_lower: Tindex")
    .Input("num_upper: Tindex")
    .Output("band: T")
    .Attr("T: type")
    .Attr("Tindex: {int32, int64} = DT_INT64")
    .Shape([](ShapeContext& context) { context.set_output(0, context.WithRankAtLeast(0, 2)); })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      if (input.rank() < 2) throw InvalidArgument("expected matrices, got shape ", input.shape());
      const int64_t rows = input.dim(input.rank() - 2), columns = input.dim(input.rank() - 1);
      const int64_t lower = context.input(1).AsInt64(), upper = context.input(2).AsInt64();
      if (lower > rows) throw InvalidArgument("num_lower must be negative or at most ", rows, ", got ", lower);
      if (upper > columns) throw InvalidArgument("num_upper must be negative or at most ", columns, ", got ", upper);
      Tensor& band = context.AllocateOutput(0, input.shape());
      std::memset(band.raw(), 0, band.bytes());
      const int64_t matrices = rows * columns == 0 ? 0 : input.num_elements() / (rows * columns);
      for (int64_t row = 0; row < matrices * rows; ++row) {
        const int64_t i = row % rows;
        const int64_t begin = lower < 0 ? 0 : std::max<int64_t>(0, i - lower);
        const int64_t end = upper < 0 ? columns : std::min(columns, i + upper + 1);
        if (begin >= end) continue;
        const int64_t at = row * columns + begin;
        CopyElements(input.dtype(), ElementAt(input.dtype(), std::as_const(input).raw(), at),
                     ElementAt(input.dtype(), band.raw(), at), end - begin);
      }
    })
    .Gradient([](Backward& b) { b.Return(MatrixBandPart(b.dy(), b.x(1), b.x(2)), Gradient(), Gradient()); });

// Rotates the elements along each axis by its shift: what leaves at the end comes in at the beginning.
DEFINE_OP("Roll")
    .Input("input: T")
    .Input("shift: Tshift")
    .Input("axis: Taxis")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tshift: {int32, int64}")
    .Attr("Taxis: {int32, int64}")
    .Shape(SameAsInput(0))
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      if (input.rank() < 1) throw InvalidArgument("input must be 1-D or higher, got shape ", input.shape());
      if (!(context.input(1).shape() == context.input(2).shape())) {
        throw InvalidArgument("shift and axis must have the same size, got ", context.input(1).shape(), " and ",
                              context.input(2).shape());
      }
      std::vector<int64_t> shifts(input.rank());
      for (int64_t i = 0; i < context.input(1).num_elements(); ++i) {
        int64_t axis = context.input(2).AsInt64(i);
        if (axis < -input.rank() || axis >= input.rank()) {
          throw InvalidArgument("axis ", axis, " is out of range for a tensor of rank ", input.rank());
        }
        if (axis < 0) axis += input.rank();
        const int64_t size = std::max<int64_t>(1, input.dim(static_cast<int>(axis)));
        shifts[axis] = ((shifts[axis] + context.input(1).AsInt64(i)) % size + size) % size;
      }
      Tensor& output = context.AllocateOutput(0, input.shape());
      int64_t strides[kMaxRank];
      DenseStrides(input.shape(), strides);
      for (int64_t from = 0; from < input.num_elements(); ++from) {
        int64_t to = 0;
        for (int axis = 0; axis < input.rank(); ++axis) {
          to += (from / strides[axis] % input.dim(axis) + shifts[axis]) % input.dim(axis) * strides[axis];
        }
        CopyElements(input.dtype(), ElementAt(input.dtype(), std::as_const(input).raw(), from),
                     ElementAt(input.dtype(), output.raw(), to), 1);
      }
    })
    .Gradient([](Backward& b) { b.Return(Roll(b.dy(), -b.x(1), b.x(2)), Gradient(), Gradient()); });

}  // namespace
}  // namespace headrace
