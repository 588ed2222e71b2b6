// Rows and elements chosen by index: gathers and scatters, one-hot rows, dynamic partitions, sets.
#include "headrace/ops/array.h"

#include <absl/container/flat_hash_map.h>
#include <absl/hash/hash.h>
#include <absl/types/span.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/math.h"
#include "kernels/copy.h"
#include "kernels/dispatch.h"

namespace headrace {
namespace {

PartialShape JoinShapes(const PartialShape& first, const PartialShape& second) {
  if (!first.has_rank() || !second.has_rank()) return {};
  PartialShape joined = first;
  for (int64_t size : second.dims()) joined.Append(size);
  return joined;
}
PartialShape AxesBehind(const PartialShape& shape, int axis) {
  if (!shape.has_rank()) return {};
  return PartialShape(shape.dims().subspan(static_cast<size_t>(std::clamp(axis, 0, shape.rank()))));
}

// ------------------------------------------------------------------------------------------------------------- gather

// params[:, indices, :] along `axis`.
void GatherAlong(KernelContext& context, const Tensor& params, const Tensor& indices, int axis) {
  Shape shape;
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) {
    shape.Append(params.dim(i));
    outer *= params.dim(i);
  }
  for (int64_t size : indices.shape()) shape.Append(size);
  for (int i = axis + 1; i < params.rank(); ++i) {
    shape.Append(params.dim(i));
    inner *= params.dim(i);
  }
  const int64_t rows = params.dim(axis), n = indices.num_elements();
  thread_local std::vector<int64_t> chosen;
  chosen.resize(static_cast<size_t>(n));
  VisitNumeric(indices.dtype(), "a gather's indices",
               [&](auto zero) { std::copy_n(static_cast<const decltype(zero)*>(indices.raw()), n, chosen.data()); });
  for (int64_t i = 0; i < n; ++i) {
    if (chosen[i] < 0 || chosen[i] >= rows) {
      throw InvalidArgument("indices[", i, "] = ", chosen[i], " is not in [0, ", rows, ")");
    }
  }
  Tensor& output = context.AllocateOutput(0, shape);
  for (int64_t o = 0; o < outer; ++o) {
    CopyRows(params.dtype(), ElementAt(params.dtype(), params.raw(), o * rows * inner), chosen, inner,
             ElementAt(params.dtype(), output.raw(), o * n * inner));
  }
}

// Elements of a vector of sizes, by known positions.
std::optional<StaticValue> ChosenNumbers(ValueContext& context) {
  const auto params = context.input(0), indices = context.input(1);
  if (!params || params->scalar || !indices) return std::nullopt;
  if (context.num_inputs() > 2 && context.number(2) != 0) return std::nullopt;
  StaticValue chosen{.scalar = indices->scalar, .elements = {}};
  for (const auto& index : indices->elements) {
    if (!index || *index < 0 || *index >= static_cast<int64_t>(params->elements.size())) return std::nullopt;
    chosen.elements.push_back(params->elements[static_cast<size_t>(*index)]);
  }
  return chosen;
}

DEFINE_OP("Gather")
    .Input("params: Tparams")
    .Input("indices: Tindices")
    .Output("output: Tparams")
    .Attr("validate_indices: bool = true")
    .Attr("Tparams: type")
    .Attr("Tindices: {int32, int64}")
    .Shape([](ShapeContext& context) {
      context.set_output(0, JoinShapes(context.input(1), AxesBehind(context.input(0), 1)));
    })
    .Kernel([](KernelContext& context) {
      if (context.input(0).rank() == 0) throw InvalidArgument("params must be at least 1 dimensional");
      GatherAlong(context, context.input(0), context.input(1), 0);
    })
    .Value(ChosenNumbers)
    .Gradient([](Backward& b) {
      const Output shape = ShapeOf(b.x(0));
      const Output minus_one = Constant(Tensor::Vector(std::vector<int32_t>{-1}));
      const Output one = Constant(Tensor::Vector(std::vector<int32_t>{1}));
      const Output row = Slice(shape, one, minus_one), zero = ConstantLike(DType::kInt32, 0);
      b.Return(Gradient(Reshape(b.dy(), ConcatV2({minus_one, row}, zero)), Reshape(b.x(1), minus_one), shape),
               Gradient());
    });

DEFINE_OP("GatherV2")
    .Input("params: Tparams")
    .Input("indices: Tindices")
    .Input("axis: Taxis")
    .Output("output: Tparams")
    .Attr("batch_dims: int = 0")
    .Attr("Tparams: type")
    .Attr("Tindices: {int16, int32, int64}")
    .Attr("Taxis: {int32, int64}")
    .Shape([](ShapeContext& context) {
      const PartialShape& params = context.input(0);
      const Tensor* axis = context.constant(2);
      if (!params.has_rank() || !axis) return context.set_output(0, PartialShape());
      const int64_t given = std::clamp<int64_t>(axis->AsInt64(), -kMaxRank, kMaxRank);  // what is wrong fails when run
      const int64_t at = given < 0 ? given + params.rank() : given;
      const PartialShape outer(params.dims().first(static_cast<size_t>(std::clamp<int64_t>(at, 0, params.rank()))));
      context.set_output(0,
                         JoinShapes(JoinShapes(outer, context.input(1)), AxesBehind(params, static_cast<int>(at) + 1)));
    })
    .Kernel([](const Node& node) -> Kernel {
      if (node.attr<int64_t>("batch_dims") != 0) throw Unimplemented("GatherV2 with batch_dims at ", node.name());
      return [](KernelContext& context) {
        const Tensor& params = context.input(0);
        const int64_t axis = context.input(2).AsInt64();
        if (axis < -params.rank() || axis >= params.rank()) {
          throw InvalidArgument("Expected axis in the range [", -params.rank(), ", ", params.rank(), "), but got ",
                                axis);
        }
        GatherAlong(context, params, context.input(1), static_cast<int>(axis < 0 ? axis + params.rank() : axis));
      };
    })
    .Value(ChosenNumbers)
    .Gradient([](Backward& b) {
      const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
      const Output minus_one = Constant(Tensor::Vector(std::vector<int32_t>{-1}));
      const Output shape = ShapeOf(b.x(0)), rank = Rank(b.x(0));
      const Output axis = Cast(b.x(2), DType::kInt32), at = FloorMod(axis, rank);
      const Output flat = Reshape(b.x(1), minus_one);
      auto vector = [](Output scalar) { return ExpandDims(scalar, ConstantLike(DType::kInt32, 0)); };
      // Indices of axis 0 give sparse rows; of others, the axis is brought to the front and back again.
      if (const Tensor* known = ConstantBehind(b.x(2)); known && known->AsInt64() == 0) {
        const Output row = Slice(shape, vector(one), minus_one);
        b.Return(Gradient(Reshape(b.dy(), ConcatV2({minus_one, row}, zero)), flat, shape), Gradient(), Gradient());
        return;
      }
      const Output outer = Slice(shape, vector(zero), vector(at)), inner = Slice(shape, vector(at + one), minus_one);
      const Output values = Reshape(b.dy(), ConcatV2({outer, ShapeOf(flat), inner}, zero));
      const Output to_front = ConcatV2({vector(at), Range(zero, at, one), Range(at + one, rank, one)}, zero);
      const Output summed = UnsortedSegmentSum(Transpose(values, to_front), flat, GatherV2(shape, at, zero));
      b.Return(Transpose(summed, InvertPermutation(to_front)), Gradient(), Gradient());
    });

// Rows of indices point into the first axes of a tensor of `shape`: the flat offset of the slice that row i chooses.
int64_t SliceOffset(const Tensor& indices, int64_t i, int64_t depth, const Shape& shape) {
  int64_t offset = 0;
  for (int64_t k = 0; k < depth; ++k) {
    const int64_t at = indices.AsInt64(i * depth + k), size = shape[static_cast<int>(k)];
    if (at < 0 || at >= size) {
      throw InvalidArgument("indices[", i, "] has ", at, " at position ", k, ", which does not index into shape ",
                            shape);
    }
    offset = offset * size + at;
  }
  return offset;
}

DEFINE_OP("GatherNd")
    .Input("params: Tparams")
    .Input("indices: Tindices")
    .Output("output: Tparams")
    .Attr("Tparams: type")
    .Attr("Tindices: {int16, int32, int64}")
    .Shape([](ShapeContext& context) {
      const PartialShape &params = context.input(0), &indices = context.input(1);
      if (!params.has_rank() || !indices.has_rank() || indices.rank() == 0 || indices[indices.rank() - 1] < 0) {
        return context.set_output(0, PartialShape());
      }
      const PartialShape outer(indices.dims().first(static_cast<size_t>(indices.rank() - 1)));
      context.set_output(0, JoinShapes(outer, AxesBehind(params, static_cast<int>(indices[indices.rank() - 1]))));
    })
    .Kernel([](KernelContext& context) {
      const Tensor &params = context.input(0), &indices = context.input(1);
      if (params.rank() == 0 || indices.rank() == 0)
        throw InvalidArgument("params and indices must be at least vectors");
      const int64_t depth = indices.dim(indices.rank() - 1);
      if (depth > params.rank()) {
        throw InvalidArgument("index innermost dimension length must be <= params rank; saw: ", depth, " vs. ",
                              params.rank());
      }
      Shape shape(indices.shape().dims().first(static_cast<size_t>(indices.rank() - 1)));
      const int64_t n = shape.num_elements();
      int64_t inner = 1;
      for (int i = static_cast<int>(depth); i < params.rank(); ++i) {
        shape.Append(params.dim(i));
        inner *= params.dim(i);
      }
      Tensor& output = context.AllocateOutput(0, shape);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t offset = SliceOffset(indices, i, depth, params.shape());
        CopyElements(params.dtype(), ElementAt(params.dtype(), params.raw(), offset * inner),
                     ElementAt(params.dtype(), output.raw(), i * inner), inner);
      }
    })
    .Gradient([](Backward& b) {
      b.Return(ScatterNd(b.x(1), b.dy(), ShapeOf(b.x(0), {.out_type = b.x(1).dtype()})), Gradient());
    });

DEFINE_OP("ScatterNd")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Input("shape: Tindices")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tindices: {int16, int32, int64}")
    .Shape([](ShapeContext& context) { context.set_output(0, context.ShapeFromInput(2)); })
    .Kernel([](KernelContext& context) {
      const Tensor &indices = context.input(0), &updates = context.input(1);
      const Shape shape(context.input(2).AsInt64s());
      const int64_t depth = indices.rank() == 0 ? 1 : indices.dim(indices.rank() - 1);
      if (depth > shape.rank()) throw InvalidArgument("indices of depth ", depth, " do not index into shape ", shape);
      int64_t inner = 1;
      for (int i = static_cast<int>(depth); i < shape.rank(); ++i) inner *= shape[i];
      const int64_t n = depth == 0 ? 0 : indices.num_elements() / depth;
      if (updates.num_elements() != n * inner) {
        throw InvalidArgument("updates of shape ", updates.shape(), " do not fit indices of shape ", indices.shape(),
                              " into shape ", shape);
      }
      VisitNumeric(updates.dtype(), "ScatterNd", [&](auto zero) {
        using T = decltype(zero);
        Tensor& output = context.AllocateOutput(0, shape);
        T* to = output.data<T>();
        std::fill_n(to, output.num_elements(), T(0));
        for (int64_t i = 0; i < n; ++i) {
          T* row = to + SliceOffset(indices, i, depth, shape) * inner;
          const T* update = updates.data<T>() + i * inner;
          for (int64_t j = 0; j < inner; ++j) row[j] = static_cast<T>(row[j] + update[j]);
        }
      });
    })
    .Gradient([](Backward& b) { b.Return(Gradient(), GatherNd(b.dy(), b.x(0)), Gradient()); });

// ------------------------------------------------------------------------------------------------------------ one-hot

DEFINE_OP("OneHot")
    .Input("indices: TI")
    .Input("depth: int32")
    .Input("on_value: T")
    .Input("off_value: T")
    .Output("output: T")
    .Attr("axis: int = -1")
    .Attr("T: type")
    .Attr("TI: {uint8, int8, int32, int64} = DT_INT64")
    .Shape([](ShapeContext& context) {
      const PartialShape& indices = context.input(0);
      if (!indices.has_rank()) return context.set_output(0, PartialShape());
      const int64_t axis = context.attr<int64_t>("axis"), at = axis < 0 ? indices.rank() : axis;
      if (axis < -1 || at > indices.rank()) {
        throw InvalidArgument("axis must be -1 or in [0, ", indices.rank() + 1, "), got ", axis);
      }
      PartialShape output = Shape();
      for (int i = 0; i <= indices.rank(); ++i) {
        if (i == at) output.Append(context.constant(1) ? context.constant(1)->AsInt64() : -1);
        if (i < indices.rank()) output.Append(indices[i]);
      }
      context.set_output(0, output);
    })
    .Kernel([](const Node& node) -> Kernel {
      return [axis = node.attr<int64_t>("axis")](KernelContext& context) {
        const Tensor &indices = context.input(0), &on = context.input(2), &off = context.input(3);
        for (int i = 1; i <= 3; ++i) {
          if (context.input(i).rank() == 0) continue;
          constexpr const char* kNames[] = {"depth", "on_value", "off_value"};
          throw InvalidArgument(kNames[i - 1], " must be a scalar, but got shape ", context.input(i).shape());
        }
        const int64_t depth = context.input(1).AsInt64(), at = axis < 0 ? indices.rank() : axis;
        if (depth < 0) throw InvalidArgument("depth must be non-negative, got: ", depth);
        if (axis < -1 || at > indices.rank()) {
          throw InvalidArgument("Expected axis to be -1 or between [0, ", indices.rank() + 1,
                                "). But received: ", axis);
        }
        Shape shape;
        int64_t outer = 1, inner = 1;
        for (int i = 0; i <= indices.rank(); ++i) {
          if (i == at) shape.Append(depth);
          if (i == indices.rank()) break;
          shape.Append(indices.dim(i));
          (i < at ? outer : inner) *= indices.dim(i);
        }
        Tensor& output = context.AllocateOutput(0, shape);
        const DType dtype = output.dtype();
        const int64_t block = depth * inner;  // what one step of `outer` gives
        context.pool().ParallelFor(outer, 1 + (1 << 15) / (block + 1), [&](int64_t begin, int64_t end) {
          FillElements(dtype, off.raw(), ElementAt(dtype, output.raw(), begin * block), (end - begin) * block);
          for (int64_t i = begin * inner; i < end * inner; ++i) {
            const int64_t hot = indices.AsInt64(i);
            if (hot < 0 || hot >= depth) continue;
            CopyElements(dtype, on.raw(), ElementAt(dtype, output.raw(), (i / inner * depth + hot) * inner + i % inner),
                         1);
          }
        });
      };
    })
    .NeverFails()
    .Lift([](RowLift& node) {
      return !node.has_rows(1) && !node.has_rows(2) && !node.has_rows(3) && node.node().attr<int64_t>("axis") == -1;
    })
    .NoGradient();

DEFINE_OP("Where")
    .Input("input: T")
    .Output("index: int64")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64, bool} = DT_BOOL")
    .Shape([](ShapeContext& context) {
      const PartialShape& input = context.input(0);
      context.set_output(0, PartialShape({-1, input.has_rank() ? input.rank() : -1}));
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      const int64_t n = input.num_elements();
      std::vector<int64_t> found;
      VisitNumeric(input.dtype(), "Where", [&](auto zero) {
        using T = decltype(zero);
        const T* values = input.data<T>();
        Vectorised(
            [&found](const T* values, int64_t n) {
              int64_t count = 0;
              for (int64_t i = 0; i < n; ++i) count += values[i] != T(0) ? 1 : 0;
              found.resize(static_cast<size_t>(count) + 1);  // what is not found is written behind the end
            },
            values, n);
        int64_t* to = found.data();
        for (int64_t i = 0; i < n; ++i) {
          *to = i;
          to += values[i] != T(0) ? 1 : 0;
        }
      });
      found.pop_back();
      const int rank = input.rank();
      Tensor& output = context.AllocateOutput(0, {static_cast<int64_t>(found.size()), rank});
      int64_t* to = output.data<int64_t>();
      if (rank == 1) {
        std::copy(found.begin(), found.end(), to);
        return;
      }
      for (size_t i = 0; i < found.size(); ++i) {
        int64_t rest = found[i];
        for (int axis = rank - 1; axis >= 0; --axis) {
          to[static_cast<int64_t>(i) * rank + axis] = rest % input.dim(axis);
          rest /= input.dim(axis);
        }
      }
    })
    .NoGradient();

// --------------------------------------------------------------------------------------------- stitch, partition, sets

DEFINE_OP("DynamicStitch")
    .Input("indices: N * int32")
    .Input("data: N * T")
    .Output("merged: T")
    .Attr("N: int >= 1")
    .Attr("T: type")
    .Shape([](ShapeContext& context) {
      const int n = context.num_inputs() / 2;
      int64_t rows = 0;
      for (int i = 0; i < n && rows >= 0; ++i) {
        const Tensor* indices = context.constant(i);
        if (!indices) rows = -1;
        for (int64_t k = 0; indices && k < indices->num_elements(); ++k) rows = std::max(rows, indices->AsInt64(k) + 1);
      }
      const PartialShape &indices = context.input(0), &data = context.input(n);
      if (!indices.has_rank()) return context.set_output(0, PartialShape());
      context.set_output(0, JoinShapes(PartialShape({rows}), AxesBehind(data, indices.rank())));
    })
    .Kernel([](KernelContext& context) {
      const int n = context.num_inputs() / 2;
      int64_t rows = 0;
      for (int i = 0; i < n; ++i) {
        const Tensor& indices = context.input(i);
        for (int64_t k = 0; k < indices.num_elements(); ++k) {
          if (indices.AsInt64(k) < 0) throw InvalidArgument("indices[", k, "] = ", indices.AsInt64(k), " is negative");
          rows = std::max(rows, indices.AsInt64(k) + 1);
        }
      }
      const Tensor& first = context.input(n);
      Shape shape = {rows};
      for (int k = context.input(0).rank(); k < first.rank(); ++k) shape.Append(first.dim(k));
      Tensor& output = context.AllocateOutput(0, shape);
      if (SizeOf(output.dtype()) > 0) {
        const Tensor zero = Tensor::Zeros(output.dtype(), {});
        FillElements(output.dtype(), zero.raw(), output.raw(), output.num_elements());
      }
      const int64_t inner = rows == 0 ? 0 : output.num_elements() / rows;
      for (int i = 0; i < n; ++i) {
        const Tensor &indices = context.input(i), &data = context.input(n + i);
        if (data.num_elements() != indices.num_elements() * inner) {
          throw InvalidArgument("data[", i, "] of shape ", data.shape(), " does not fit indices of shape ",
                                indices.shape());
        }
        for (int64_t k = 0; k < indices.num_elements(); ++k) {
          CopyElements(output.dtype(), ElementAt(output.dtype(), data.raw(), k * inner),
                       ElementAt(output.dtype(), output.raw(), indices.AsInt64(k) * inner), inner);
        }
      }
    })
    .Gradient([](Backward& b) {
      const int n = static_cast<int>(b.node()->inputs().size()) / 2;
      std::vector<Gradient> gradients(static_cast<size_t>(n));
      for (int i = 0; i < n; ++i) {
        gradients.emplace_back(GatherV2(b.dy(), b.x(i), ConstantLike(DType::kInt32, 0)));
      }
      b.ReturnList(std::move(gradients));
    });

DEFINE_OP("DynamicPartition")
    .Input("data: T")
    .Input("partitions: int32")
    .Output("outputs: num_partitions * T")
    .Attr("num_partitions: int >= 1")
    .Attr("T: type")
    .Shape([](ShapeContext& context) {
      const PartialShape &data = context.input(0), &partitions = context.input(1);
      if (data.has_rank() && partitions.has_rank()) {
        if (partitions.rank() > data.rank()) {
          throw InvalidArgument("data.shape must start with partitions.shape, got ", data, " and ", partitions);
        }
        (void)PartialShape(data.dims().first(static_cast<size_t>(partitions.rank()))).MergeWith(partitions);
      }
      for (int i = 0; i < context.attr<int64_t>("num_partitions") && partitions.has_rank(); ++i) {
        context.set_output(i, JoinShapes(PartialShape({-1}), AxesBehind(data, partitions.rank())));
      }
    })
    .Kernel([](KernelContext& context) {
      const Tensor &data = context.input(0), &partitions = context.input(1);
      const int64_t n = partitions.num_elements(), parts = context.num_outputs();
      std::vector<int64_t> counts(static_cast<size_t>(parts), 0);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t part = partitions.AsInt64(i);
        if (part < 0 || part >= parts) {
          throw InvalidArgument("partitions[", i, "] = ", part, " is not in [0, ", parts, ")");
        }
        ++counts[static_cast<size_t>(part)];
      }
      bool prefix = partitions.rank() <= data.rank();
      for (int k = 0; prefix && k < partitions.rank(); ++k) prefix = data.dim(k) == partitions.dim(k);
      if (!prefix) {
        throw InvalidArgument("data.shape must start with partitions.shape, got data.shape = ", data.shape(),
                              ", partitions.shape = ", partitions.shape());
      }
      int64_t inner = 1;
      Shape row;
      for (int k = partitions.rank(); k < data.rank(); ++k) {
        row.Append(data.dim(k));
        inner *= data.dim(k);
      }
      std::vector<Tensor> outputs;
      for (int64_t part = 0; part < parts; ++part) {
        Shape shape = {counts[static_cast<size_t>(part)]};
        for (int64_t size : row) shape.Append(size);
        outputs.push_back(context.AllocateOutput(static_cast<int>(part), shape));
      }
      std::fill(counts.begin(), counts.end(), 0);
      for (int64_t i = 0; i < n; ++i) {
        const size_t part = static_cast<size_t>(partitions.AsInt64(i));
        CopyElements(data.dtype(), ElementAt(data.dtype(), data.raw(), i * inner),
                     ElementAt(data.dtype(), outputs[part].raw(), counts[part]++ * inner), inner);
      }
    })
    .Gradient([](Backward& b) {
      const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
      const int64_t parts = b.attr<int64_t>("num_partitions");
      const Output positions = Reshape(Range(zero, Size(b.x(1)), one), ShapeOf(b.x(1)));
      std::vector<Output> dys;
      for (int i = 0; i < parts; ++i) dys.push_back(b.dy(i));
      const Output stitched = DynamicStitch(DynamicPartition(positions, b.x(1), parts), dys);
      b.Return(Reshape(stitched, ShapeOf(b.x(0))), Gradient());
    });

// Calls f(first, last, hash-able key of element i) by element type: strings and integers alike.
template <class F>
void VisitKeys(const Tensor& tensor, const char* what, F&& f) {
  if (tensor.dtype() == DType::kString) return f(tensor.flat<std::string>());
  VisitNumeric(tensor.dtype(), what, [&](auto zero) { f(tensor.flat<decltype(zero)>()); });
}

Tensor Indices(DType dtype, const std::vector<int64_t>& values) {
  if (dtype == DType::kInt64) return Tensor::Vector(values);
  return Tensor::Vector(std::vector<int32_t>(values.begin(), values.end()));
}

template <class T>
using KeyOf = std::conditional_t<std::is_same_v<T, std::string>, std::string_view, T>;

// Slices of a tensor along an axis as keys: slice i is `outer` runs of `inner` values.
template <class T>
struct SliceKeys {
  const T* values;
  int64_t outer, slices, inner;
  bool of_one_value() const { return outer == 1 && inner == 1; }
  absl::Span<const T> Run(int64_t o, int64_t slice) const {
    return absl::Span<const T>(values + (o * slices + slice) * inner, static_cast<size_t>(inner));
  }
  struct Hash {
    const SliceKeys* keys;
    size_t operator()(int64_t slice) const {
      if (keys->of_one_value()) return absl::HashOf(keys->values[slice]);
      size_t hash = 0;
      for (int64_t o = 0; o < keys->outer; ++o) hash = absl::HashOf(hash, keys->Run(o, slice));
      return hash;
    }
  };
  struct Equal {
    const SliceKeys* keys;
    bool operator()(int64_t a, int64_t b) const {
      if (keys->of_one_value()) return keys->values[a] == keys->values[b];
      for (int64_t o = 0; o < keys->outer; ++o) {
        if (keys->Run(o, a) != keys->Run(o, b)) return false;
      }
      return true;
    }
  };
};

// The distinct slices of x along the axis, in the order of their first appearance.
void RunUnique(KernelContext& context, int axis) {
  const Tensor& x = context.input(0);
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < x.rank(); ++i) (i < axis ? outer : inner) *= i == axis ? 1 : x.dim(i);
  const int64_t n = x.dim(axis);
  std::vector<int64_t> where(static_cast<size_t>(n)), counts, firsts;
  const bool counted = context.num_outputs() > 2;
  auto note = [&](int64_t i, int64_t& position, bool added) {
    if (added) {
      position = static_cast<int64_t>(firsts.size());
      firsts.push_back(i);
      if (counted) counts.push_back(0);
    }
    where[static_cast<size_t>(i)] = position;
    if (counted) ++counts[static_cast<size_t>(position)];
  };
  VisitKeys(x, "Unique", [&](auto values) {
    using T = std::remove_cv_t<typename decltype(values)::element_type>;
    const SliceKeys<T> keys = {values.data(), outer, n, inner};
    if (!keys.of_one_value()) {
      absl::flat_hash_map<int64_t, int64_t, typename SliceKeys<T>::Hash, typename SliceKeys<T>::Equal> position(
          0, {&keys}, {&keys});
      for (int64_t i = 0; i < n; ++i) {
        const auto [found, added] = position.try_emplace(i);
        note(i, found->second, added);
      }
      return;
    }
    if constexpr (std::is_integral_v<T>) {  // a table of all values in between, if there aren't many
      const auto [least, most] = std::minmax_element(values.begin(), values.end());
      const uint64_t range = n == 0 ? 0 : static_cast<uint64_t>(*most) - static_cast<uint64_t>(*least);
      if (n > 0 && range < 4 * static_cast<uint64_t>(n)) {
        std::vector<int64_t> position(static_cast<size_t>(range) + 1, -1);
        for (int64_t i = 0; i < n; ++i) {
          int64_t& at = position[static_cast<uint64_t>(values[i]) - static_cast<uint64_t>(*least)];
          note(i, at, at < 0);
        }
        return;
      }
    }
    absl::flat_hash_map<KeyOf<T>, int64_t> position;
    for (int64_t i = 0; i < n; ++i) {
      const auto [found, added] = position.try_emplace(KeyOf<T>(values[i]));
      note(i, found->second, added);
    }
  });
  Shape shape = x.shape();
  shape.set_dim(axis, static_cast<int64_t>(firsts.size()));
  Tensor& y = context.AllocateOutput(0, shape);
  for (int64_t o = 0; o < outer; ++o) {
    CopyRows(x.dtype(), ElementAt(x.dtype(), x.raw(), o * n * inner), firsts, inner,
             ElementAt(x.dtype(), y.raw(), o * shape[axis] * inner));
  }
  context.set_output(1, Indices(context.node().output_dtype(1), where));
  if (context.num_outputs() > 2) context.set_output(2, Indices(context.node().output_dtype(2), counts));
}

void UniqueOfVector(KernelContext& context) {
  const Tensor& x = context.input(0);
  if (x.rank() != 1) throw InvalidArgument("unique expects a 1D vector, got shape ", x.shape());
  RunUnique(context, 0);
}

// Along the axis that input 1 names; without one x is a vector.
void UniqueAlongAxis(KernelContext& context) {
  const Tensor &x = context.input(0), &axes = context.input(1);
  if (axes.rank() != 1 || axes.dim(0) > 1) {
    throw InvalidArgument("axis should be a vector of at most one element, got shape ", axes.shape());
  }
  if (axes.dim(0) == 0) return UniqueOfVector(context);
  const int64_t axis = axes.AsInt64(), at = axis < 0 ? axis + x.rank() : axis;
  if (at < 0 || at >= x.rank()) {
    throw InvalidArgument("axis has to be between [", -x.rank(), ", ", x.rank(), "), got ", axis);
  }
  RunUnique(context, static_cast<int>(at));
}

void UniqueShape(ShapeContext& context) {
  const bool along_axis = context.num_inputs() > 1;
  const PartialShape& x = context.input(0);
  context.set_output(0, along_axis && x.has_rank() ? PartialShape::UnknownOfRank(x.rank())
                        : along_axis               ? PartialShape()
                                                   : PartialShape::UnknownOfRank(1));
  context.set_output(1, along_axis ? PartialShape::UnknownOfRank(1) : x);
  if (context.node().num_outputs() > 2) context.set_output(2, PartialShape::UnknownOfRank(1));
}

DEFINE_OP("Unique")
    .Input("x: T")
    .Output("y: T")
    .Output("idx: out_idx")
    .Attr("T: type")
    .Attr("out_idx: {int32, int64} = DT_INT32")
    .Shape(UniqueShape)
    .Kernel(UniqueOfVector)
    .NoGradient();

DEFINE_OP("UniqueWithCounts").SameSignatureAs("Unique").Output("count: out_idx").Kernel(UniqueOfVector).NoGradient();

DEFINE_OP("UniqueV2")
    .Input("x: T")
    .Input("axis: Taxis")
    .Output("y: T")
    .Output("idx: out_idx")
    .Attr("T: type")
    .Attr("Taxis: {int32, int64} = DT_INT64")
    .Attr("out_idx: {int32, int64} = DT_INT32")
    .Shape(UniqueShape)
    .Kernel(UniqueAlongAxis)
    .NoGradient();

DEFINE_OP("UniqueWithCountsV2")
    .SameSignatureAs("UniqueV2")
    .Output("count: out_idx")
    .Kernel(UniqueAlongAxis)
    .NoGradient();

// What is in x and not in y, and where it stands in x.
DEFINE_OP("ListDiff")
    .Input("x: T")
    .Input("y: T")
    .Output("out: T")
    .Output("idx: out_idx")
    .Attr("T: type")
    .Attr("out_idx: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      context.set_output(0, PartialShape::UnknownOfRank(1));
      context.set_output(1, PartialShape::UnknownOfRank(1));
    })
    .Kernel([](KernelContext& context) {
      VisitKeys(context.input(0), "ListDiff", [&](auto x) {
        using T = std::remove_cv_t<typename decltype(x)::element_type>;
        const std::span<T> y = context.input(1).flat<T>();
        const std::unordered_set<T> excluded(y.begin(), y.end());
        std::vector<int64_t> kept;
        for (size_t i = 0; i < x.size(); ++i) {
          if (!excluded.contains(x[i])) kept.push_back(static_cast<int64_t>(i));
        }
        Tensor& out = context.AllocateOutput(0, {static_cast<int64_t>(kept.size())});
        for (size_t i = 0; i < kept.size(); ++i) out.data<T>()[i] = x[static_cast<size_t>(kept[i])];
        context.set_output(1, Indices(context.node().output_dtype(1), kept));
      });
    })
    .NoGradient();

}  // namespace
}  // namespace headrace
