// Sparse tensors: their entries reordered, reshaped, sliced, spread into a dense tensor, and rows without entries given
// one. Entries are moved as rows chosen by position; nothing is sorted that is in order already.
#include "headrace/ops/sparse.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/math.h"
#include "kernels/copy.h"
#include "ops/sparse/view.h"

namespace headrace {
namespace {

int64_t SizeOrUnknown(const PartialShape& shape, int axis) {
  return shape.has_rank() && shape.rank() > axis ? shape[axis] : -1;
}

std::string Print(std::span<const int64_t> numbers) {
  std::string text = "[";
  for (size_t i = 0; i < numbers.size(); ++i) text += (i > 0 ? "," : "") + std::to_string(numbers[i]);
  return text + "]";
}

// Outputs 0 and 1: the indices and values of the entries at these positions. Returns the indices.
int64_t* OutputEntries(KernelContext& c, const SparseView& from, const Tensor& values,
                       std::span<const int64_t> positions) {
  const auto n = static_cast<int64_t>(positions.size());
  int64_t* indices = c.AllocateOutput(0, {n, from.rank}).data<int64_t>();
  CopyRows(DType::kInt64, from.indices, positions, from.rank, indices);
  CopyRows(values.dtype(), values.raw(), positions, 1, c.AllocateOutput(1, {n}).raw());
  return indices;
}

// ------------------------------------------------------------------------------------------------------------- reorder

bool Precedes(const int64_t* a, const int64_t* b, int64_t rank) {
  return std::lexicographical_compare(a, a + rank, b, b + rank);
}

void Reorder(KernelContext& c) {
  const Tensor& values = c.input(1);
  const SparseView view = ViewSparse(c.input(0), &values, c.input(2));
  bool sorted = true;
  for (int64_t i = 1; i < view.count && sorted; ++i) sorted = !Precedes(view.Index(i), view.Index(i - 1), view.rank);
  if (sorted) {
    c.set_output(0, c.input(0));
    c.set_output(1, values);
    return;
  }
  std::vector<int64_t> order(static_cast<size_t>(view.count));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return Precedes(view.Index(a), view.Index(b), view.rank); });
  OutputEntries(c, view, values, order);
}

DEFINE_OP("SparseReorder")
    .Input("input_indices: int64")
    .Input("input_values: T")
    .Input("input_shape: int64")
    .Output("output_indices: int64")
    .Output("output_values: T")
    .Attr("T: type")
    .Shape([](ShapeContext& c) {
      c.set_output(0, c.WithRank(0, 2));
      c.set_output(1, c.WithRank(1, 1));
    })
    .Kernel(Reorder)
    .Gradient([](Backward& b) {
      // Where each entry went: the positions, reordered alike, inverted.
      const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
      const Output positions = Range(zero, Size(b.x(1)), one);
      const Output moved = SparseReorder(b.x(0), positions, b.x(2)).output_values;
      b.Return(Gradient(), GatherV2(b.dy(1), InvertPermutation(moved), zero), Gradient());
    });

// ------------------------------------------------------------------------------------------------------------- reshape

int64_t Product(std::span<const int64_t> sizes) {
  int64_t product = 1;
  for (const int64_t size : sizes) {
    if (__builtin_mul_overflow(product, size, &product)) {
      throw InvalidArgument("overflow when multiplying the sizes of shape ", Print(sizes));
    }
  }
  return product;
}

// `wanted`, in which one size may be -1, for as many elements as `from` has.
std::vector<int64_t> InferShape(std::span<const int64_t> from, std::span<const int64_t> wanted) {
  std::vector<int64_t> shape(wanted.begin(), wanted.end());
  const auto unknown = std::find(shape.begin(), shape.end(), -1);
  if (unknown != shape.end()) *unknown = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      throw InvalidArgument("only one output dimension may be -1, not both ", unknown - shape.begin(), " and ", i);
    }
    if (shape[i] < 0) throw InvalidArgument("size ", i, " must be non-negative, not ", shape[i]);
  }
  const int64_t elements = Product(from), given = Product(shape);
  if (unknown != shape.end()) {
    if (given == 0) {
      throw InvalidArgument("reshape cannot infer the missing size of ", Print(wanted),
                            " unless all specified sizes are non-zero");
    }
    *unknown = elements / given;
  }
  if (given == 0 ? elements != 0 : elements % given != 0 || (unknown == shape.end() && elements != given)) {
    throw InvalidArgument("cannot reshape a sparse tensor of ", elements, " dense elements, shape ", Print(from),
                          ", to ", Print(wanted));
  }
  return shape;
}

void Reshape(KernelContext& c) {
  const Tensor &indices = c.input(0), &wanted = c.input(2);
  const SparseView view = ViewSparse(indices, nullptr, c.input(1));
  if (wanted.rank() != 1) throw InvalidArgument("the new shape should be a vector, got shape ", wanted.shape());
  const std::vector<int64_t> shape = InferShape(view.shape, wanted.flat<int64_t>());
  const auto rank = static_cast<int64_t>(shape.size());
  std::copy(shape.begin(), shape.end(), c.AllocateOutput(1, {rank}).data<int64_t>());
  if (std::ranges::equal(shape, view.shape)) return c.set_output(0, indices);
  if (view.count > 0 && Product(shape) == 0) {
    throw InvalidArgument("a sparse tensor with ", view.count, " entries has the empty shape ", Print(view.shape));
  }
  int64_t* to = c.AllocateOutput(0, {view.count, rank}).data<int64_t>();
  for (int64_t entry = 0; entry < view.count; ++entry, to += rank) {
    // Unsigned: what indices out of bounds come to is of no use, but it is defined.
    uint64_t position = 0;
    for (int64_t k = 0; k < view.rank; ++k) {
      position = position * static_cast<uint64_t>(view.shape[static_cast<size_t>(k)]) +
                 static_cast<uint64_t>(view.Index(entry)[k]);
    }
    auto rest = static_cast<int64_t>(position);
    for (int64_t k = rank - 1; k > 0; --k) {
      to[k] = rest % shape[static_cast<size_t>(k)];
      rest /= shape[static_cast<size_t>(k)];
    }
    if (rank > 0) to[0] = rest;
  }
}

DEFINE_OP("SparseReshape")
    .Input("input_indices: int64")
    .Input("input_shape: int64")
    .Input("new_shape: int64")
    .Output("output_indices: int64")
    .Output("output_shape: int64")
    .Shape([](ShapeContext& c) {
      const int64_t rank = SizeOrUnknown(c.WithRank(2, 1), 0);
      c.set_output(0, {SizeOrUnknown(c.WithRank(0, 2), 0), rank});
      c.set_output(1, {rank});
    })
    .Kernel(Reshape)
    .NoGradient();

// --------------------------------------------------------------------------------------------------------------- slice

std::span<const int64_t> VectorOf(const Tensor& tensor, const char* name, int64_t length) {
  if (tensor.rank() != 1 || tensor.dim(0) != length) {
    throw InvalidArgument("expected ", name, " to be a vector of length ", length, ", got shape ", tensor.shape());
  }
  return tensor.flat<int64_t>();
}

// a - b, at most the largest number.
int64_t Difference(int64_t a, int64_t b) {
  int64_t difference;
  return __builtin_sub_overflow(a, b, &difference) ? std::numeric_limits<int64_t>::max() : difference;
}

void Slice(KernelContext& c) {
  const Tensor& values = c.input(1);
  const SparseView view = ViewSparse(c.input(0), &values, c.input(2));
  const auto start = VectorOf(c.input(3), "start", view.rank), size = VectorOf(c.input(4), "size", view.rank);
  int64_t* shape = c.AllocateOutput(2, {view.rank}).data<int64_t>();
  for (size_t k = 0; k < start.size(); ++k) {
    if (size[k] < 0) throw InvalidArgument("expected a non-negative size, got ", size[k]);
    shape[k] = start[k] >= view.shape[k] ? 0 : std::min(size[k], Difference(view.shape[k], start[k]));
  }
  std::vector<int64_t> kept;
  kept.reserve(static_cast<size_t>(view.count));
  for (int64_t entry = 0; entry < view.count; ++entry) {
    const int64_t* index = view.Index(entry);
    bool inside = true;
    for (size_t k = 0; k < start.size(); ++k) {
      inside &= index[k] >= start[k] && Difference(index[k], start[k]) < size[k];
    }
    if (inside) kept.push_back(entry);
  }
  int64_t* to = OutputEntries(c, view, values, kept);
  for (size_t i = 0; i < kept.size(); ++i) {
    for (const int64_t first : start) *to++ -= first;
  }
}

DEFINE_OP("SparseSlice")
    .Input("indices: int64")
    .Input("values: T")
    .Input("shape: int64")
    .Input("start: int64")
    .Input("size: int64")
    .Output("output_indices: int64")
    .Output("output_values: T")
    .Output("output_shape: int64")
    .Attr("T: type")
    .Shape([](ShapeContext& c) {
      c.set_output(0, {-1, SizeOrUnknown(c.WithRank(2, 1), 0)});
      c.set_output(1, {-1});
      c.set_output(2, c.WithRank(2, 1));
    })
    .Kernel(Slice)
    .Gradient([](Backward& b) {
      b.Return(Gradient(), SparseSliceGrad(b.dy(1), b.x(0), b.x(3), b.y(0)), Gradient(), Gradient(), Gradient());
    });

// Each entry that was kept receives its gradient; both lists are in the same order.
void SliceGrad(KernelContext& c) {
  const Tensor &dy = c.input(0), &indices = c.input(1), &kept = c.input(3);
  if (dy.rank() != 1 || indices.rank() != 2 || kept.rank() != 2) {
    throw InvalidArgument("expected a vector of gradients and two matrices of indices, got shapes ", dy.shape(), ", ",
                          indices.shape(), " and ", kept.shape());
  }
  const int64_t rank = indices.dim(1), n = dy.dim(0);
  const auto start = VectorOf(c.input(2), "input_start", rank);
  if (kept.dim(1) != rank) {
    throw InvalidArgument("the ranks of input_indices and output_indices should match, got ", rank, " and ",
                          kept.dim(1));
  }
  if (kept.dim(0) != n) {
    throw InvalidArgument("expected a gradient for each of the ", kept.dim(0), " output_indices, got ", n);
  }
  VisitNumeric(dy.dtype(), "SparseSliceGrad", [&](auto zero) {
    using T = decltype(zero);
    T* to = c.AllocateOutput(0, {indices.dim(0)}).template data<T>();
    const int64_t *index = indices.data<int64_t>(), *sliced = kept.data<int64_t>();
    int64_t used = 0;
    for (int64_t i = 0; i < indices.dim(0); ++i, index += rank) {
      bool same = used < n;
      for (size_t k = 0; same && k < start.size(); ++k) same = Difference(index[k], start[k]) == sliced[k];
      to[i] = same ? dy.data<T>()[used] : zero;
      used += same;
      sliced += same ? rank : 0;
    }
    if (used < n) throw Internal("of ", n, " gradients of a slice only ", used, " belong to entries of its input");
  });
}

DEFINE_OP("SparseSliceGrad")
    .Input("backprop_val_grad: T")
    .Input("input_indices: int64")
    .Input("input_start: int64")
    .Input("output_indices: int64")
    .Output("val_grad: T")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Shape([](ShapeContext& c) { c.set_output(0, {SizeOrUnknown(c.WithRank(1, 2), 0)}); })
    .Kernel(SliceGrad)
    .NoGradient();

// ------------------------------------------------------------------------------------------------------------ to dense

// The offsets of entries in a dense tensor; indices are a matrix of `rank` columns.
template <class Index>
std::vector<int64_t> CheckedOffsets(const Index* indices, int64_t count, const Shape& shape, bool in_order) {
  std::vector<int64_t> offsets(static_cast<size_t>(count));
  int64_t last = -1;
  for (int64_t entry = 0; entry < count; ++entry) {
    uint64_t position = 0;  // unsigned: an index out of bounds may overflow it
    bool inside = true;
    for (const int64_t size : shape) {
      const int64_t at = *indices++;
      inside &= at >= 0 && at < size;
      position = position * static_cast<uint64_t>(size) + static_cast<uint64_t>(at);
    }
    const auto offset = static_cast<int64_t>(position);
    if (!inside || (in_order && offset <= last)) {
      const std::vector<int64_t> index(indices - shape.rank(), indices);
      if (!inside) throw InvalidArgument("indices[", entry, "] = ", Print(index), " is out of bounds of shape ", shape);
      throw InvalidArgument(
          "indices[", entry, "] = ", Print(index),
          offset == last ? " is repeated" : " is out of order; tf.sparse.reorder puts indices in order");
    }
    offsets[static_cast<size_t>(entry)] = last = offset;
  }
  return offsets;
}

// Sets the output's elements `offsets` to the values, the others to the default.
void Spread(KernelContext& c, const Shape& shape, std::span<const int64_t> offsets) {
  const Tensor &values = c.input(2), &fallback = c.input(3);
  Tensor& output = c.AllocateOutput(0, shape);
  FillElements(output.dtype(), fallback.raw(), output.raw(), output.num_elements());
  if (values.rank() > 0) return ScatterRows(values.dtype(), values.raw(), offsets, 1, output.raw());
  for (const int64_t offset : offsets) {
    CopyElements(values.dtype(), values.raw(), ElementAt(values.dtype(), output.raw(), offset), 1);
  }
}

void ToDense(KernelContext& c, bool validate) {
  const Tensor &indices = c.input(0), &shape = c.input(1), &values = c.input(2);
  if (indices.rank() > 2) {
    throw InvalidArgument("sparse_indices should be a scalar, vector, or matrix, got shape ", indices.shape());
  }
  const int64_t count = indices.rank() == 0 ? 1 : indices.dim(0), rank = indices.rank() < 2 ? 1 : indices.dim(1);
  if (shape.rank() != 1 || shape.dim(0) != rank) {
    throw InvalidArgument("output_shape should be a vector of ", rank, " elements, got shape ", shape.shape());
  }
  if (values.rank() > 1 || (values.rank() == 1 && values.dim(0) != count)) {
    throw InvalidArgument("sparse_values has incorrect shape ", values.shape(), ", should be [] or [", count, "]");
  }
  if (c.input(3).rank() != 0) throw InvalidArgument("default_value should be a scalar, got ", c.input(3).shape());
  const Shape dense(shape.AsInt64s());
  (void)dense.num_elements();  // throws if there are too many
  Spread(c, dense,
         indices.dtype() == DType::kInt32 ? CheckedOffsets(indices.data<int32_t>(), count, dense, validate)
                                          : CheckedOffsets(indices.data<int64_t>(), count, dense, validate));
}

DEFINE_OP("SparseToDense")
    .Input("sparse_indices: Tindices")
    .Input("output_shape: Tindices")
    .Input("sparse_values: T")
    .Input("default_value: T")
    .Output("dense: T")
    .Attr("validate_indices: bool = true")
    .Attr("T: type")
    .Attr("Tindices", kIndex)
    .Shape([](ShapeContext& c) { c.set_output(0, c.ShapeFromInput(1)); })
    .Kernel([](const Node& node) -> Kernel {
      return [validate = node.attr<bool>("validate_indices")](KernelContext& c) { ToDense(c, validate); };
    })
    .Gradient([](Backward& b) {
      const Output dvalues = GatherNd(b.dy(), b.x(0));
      const auto total = [](Output x) {
        return Sum(Reshape(x, Constant(Tensor::Vector(std::vector<int32_t>{-1}))), ConstantLike(DType::kInt32, 0));
      };
      b.Return(Gradient(), Gradient(), dvalues, total(b.dy()) - total(dvalues));
    });

// ---------------------------------------------------------------------------------------------------------- empty rows

// How many entries each row has. Errors: InvalidArgument for a row that the shape does not have.
std::vector<int64_t> CountRows(const SparseView& view, int64_t rows) {
  std::vector<int64_t> counts(static_cast<size_t>(rows), 0);
  for (int64_t entry = 0; entry < view.count; ++entry) {
    const int64_t row = *view.Index(entry);
    if (row < 0 || row >= rows) {
      throw InvalidArgument("indices(", entry, ", 0) is invalid: ", row, " is not in [0, ", rows, ")");
    }
    ++counts[static_cast<size_t>(row)];
  }
  return counts;
}

void FillEmptyRows(KernelContext& c) {
  const Tensor &values = c.input(1), &fallback = c.input(3);
  const SparseView view = ViewSparse(c.input(0), &values, c.input(2));
  if (fallback.rank() != 0) throw InvalidArgument("default_value must be a scalar, got shape ", fallback.shape());
  if (view.rank == 0) throw InvalidArgument("dense_shape must have at least one size, for the rows");
  const int64_t rows = view.shape[0];
  std::vector<int64_t> next = CountRows(view, rows);  // then: where a row's next entry goes
  bool* empty = c.AllocateOutput(2, {rows}).data<bool>();
  int64_t n = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t count = std::exchange(next[static_cast<size_t>(row)], n);
    empty[row] = count == 0;
    n += std::max<int64_t>(count, 1);
  }
  Tensor& reverse = c.AllocateOutput(3, {view.count});
  int64_t* to = reverse.data<int64_t>();
  for (int64_t entry = 0; entry < view.count; ++entry) to[entry] = next[static_cast<size_t>(*view.Index(entry))]++;
  if (n == view.count && std::is_sorted(to, to + n)) {
    c.set_output(0, c.input(0));
    c.set_output(1, values);
    return;
  }
  int64_t* indices = c.AllocateOutput(0, {n, view.rank}).data<int64_t>();
  Tensor& filled = c.AllocateOutput(1, {n});
  ScatterRows(DType::kInt64, view.indices, reverse.flat<int64_t>(), view.rank, indices);
  ScatterRows(values.dtype(), values.raw(), reverse.flat<int64_t>(), 1, filled.raw());
  for (int64_t row = 0; row < rows; ++row) {
    if (!empty[row]) continue;
    const int64_t at = next[static_cast<size_t>(row)];
    std::fill_n(indices + at * view.rank, view.rank, 0);
    indices[at * view.rank] = row;
    CopyElements(values.dtype(), fallback.raw(), ElementAt(values.dtype(), filled.raw(), at), 1);
  }
}

DEFINE_OP("SparseFillEmptyRows")
    .Input("indices: int64")
    .Input("values: T")
    .Input("dense_shape: int64")
    .Input("default_value: T")
    .Output("output_indices: int64")
    .Output("output_values: T")
    .Output("empty_row_indicator: bool")
    .Output("reverse_index_map: int64")
    .Attr("T: type")
    .Shape([](ShapeContext& c) {
      const PartialShape indices = c.WithRank(0, 2);
      const Tensor* shape = c.constant(2);
      c.set_output(0, {-1, std::max(SizeOrUnknown(indices, 1), SizeOrUnknown(c.WithRank(2, 1), 0))});
      c.set_output(1, {-1});
      c.set_output(2, {shape && shape->num_elements() > 0 ? shape->AsInt64(0) : -1});
      c.set_output(3, {SizeOrUnknown(indices, 0)});
    })
    .Kernel(FillEmptyRows)
    .Gradient([](Backward& b) {
      const auto d = SparseFillEmptyRowsGrad(b.y(3), b.dy(1));
      b.Return(Gradient(), d.d_values, Gradient(), d.d_default_value);
    });

void FillEmptyRowsGrad(KernelContext& c) {
  const Tensor &reverse = c.input(0), &dy = c.input(1);
  if (reverse.rank() != 1) throw InvalidArgument("reverse_index_map must be a vector, got shape ", reverse.shape());
  if (dy.rank() != 1) throw InvalidArgument("grad_values must be a vector, got shape ", dy.shape());
  const int64_t n = dy.dim(0);
  const auto positions = reverse.flat<int64_t>();
  std::vector<char> given(static_cast<size_t>(n), false);
  for (const int64_t at : positions) {
    if (at < 0 || at >= n) throw InvalidArgument("Elements in reverse index must be in [0, ", n, ") but got ", at);
    given[static_cast<size_t>(at)] = true;
  }
  CopyRows(dy.dtype(), dy.raw(), positions, 1, c.AllocateOutput(0, reverse.shape()).raw());
  VisitNumeric(dy.dtype(), "SparseFillEmptyRowsGrad", [&](auto zero) {
    using T = decltype(zero);
    T total = zero;
    for (int64_t i = 0; i < n; ++i) {
      if (!given[static_cast<size_t>(i)]) total = static_cast<T>(total + dy.data<T>()[i]);
    }
    *c.AllocateOutput(1, {}).template data<T>() = total;
  });
}

DEFINE_OP("SparseFillEmptyRowsGrad")
    .Input("reverse_index_map: int64")
    .Input("grad_values: T")
    .Output("d_values: T")
    .Output("d_default_value: T")
    .Attr("T: type")
    .Shape([](ShapeContext& c) {
      c.set_output(0, c.WithRank(0, 1));
      c.set_output(1, Shape());
    })
    .Kernel(FillEmptyRowsGrad)
    .NoGradient();

}  // namespace
}  // namespace headrace
