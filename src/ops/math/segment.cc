// Reductions over segments: rows that share a segment's number are summed, averaged, multiplied, or give an extreme.
// The Sparse forms first choose rows by index, as lookups of weighted embeddings do.
#include "headrace/ops/math.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "kernels/convert.h"

namespace headrace {
namespace {

enum class SegmentReduction { kSum, kMean, kMax, kMin, kProd, kSqrtN };

template <class T>
T SegmentIdentity(SegmentReduction reduction) {
  switch (reduction) {
    case SegmentReduction::kMax:
      return std::numeric_limits<T>::lowest();
    case SegmentReduction::kMin:
      return std::numeric_limits<T>::max();
    case SegmentReduction::kProd:
      return T(1);
    default:
      return T(0);
  }
}

// The elements of an integer tensor as int64.
class Integers {
 public:
  Integers(KernelContext& context, const Tensor& tensor) : wide_(tensor) {
    if (tensor.dtype() == DType::kInt64) return;
    wide_ = context.Scratch(DType::kInt64, tensor.shape());
    FindConversion(tensor.dtype(), DType::kInt64)(tensor.raw(), wide_.raw(), tensor.num_elements());
  }
  std::span<const int64_t> values() const { return wide_.flat<int64_t>(); }

 private:
  Tensor wide_;
};

// output[segments[i]] = reduction over data rows i (rows indices[i] if given). Segments out of range: negative ones are
// dropped.
template <class T>
void ReduceSegments(KernelContext& context, SegmentReduction reduction, const Tensor& data, const Tensor* indices,
                    const Tensor& segment_ids, int64_t inner, int64_t rows, T empty, T* to) {
  const Integers segments(context, segment_ids), sources(context, indices ? *indices : segment_ids);
  std::vector<int64_t> counts(static_cast<size_t>(rows), 0);
  std::fill_n(to, rows * inner, SegmentIdentity<T>(reduction));
  for (size_t i = 0; i < segments.values().size(); ++i) {
    const int64_t segment = segments.values()[i];
    if (segment < 0) continue;
    if (segment >= rows) {
      throw InvalidArgument("segment_ids[", i, "] = ", segment, " is out of range [0, ", rows, ")");
    }
    const int64_t source = indices ? sources.values()[i] : static_cast<int64_t>(i);
    if (indices && (source < 0 || source >= data.dim(0))) {
      throw InvalidArgument("indices[", i, "] = ", source, " is out of range [0, ", data.dim(0), ")");
    }
    ++counts[static_cast<size_t>(segment)];
    const T* from = data.data<T>() + source * inner;
    T* row = to + segment * inner;
    switch (reduction) {
      case SegmentReduction::kMax:
        for (int64_t j = 0; j < inner; ++j) row[j] = std::max(row[j], from[j]);
        break;
      case SegmentReduction::kMin:
        for (int64_t j = 0; j < inner; ++j) row[j] = std::min(row[j], from[j]);
        break;
      case SegmentReduction::kProd:
        for (int64_t j = 0; j < inner; ++j) row[j] = static_cast<T>(row[j] * from[j]);
        break;
      default:
        for (int64_t j = 0; j < inner; ++j) row[j] = static_cast<T>(row[j] + from[j]);
    }
  }
  for (int64_t s = 0; s < rows; ++s) {
    const int64_t count = counts[static_cast<size_t>(s)];
    if (count == 0) {
      std::fill_n(to + s * inner, inner, empty);
    } else if (reduction == SegmentReduction::kMean) {
      for (int64_t j = 0; j < inner; ++j) to[s * inner + j] = static_cast<T>(to[s * inner + j] / static_cast<T>(count));
    } else if (reduction == SegmentReduction::kSqrtN) {
      const T scale = static_cast<T>(std::sqrt(static_cast<double>(count)));
      for (int64_t j = 0; j < inner; ++j) to[s * inner + j] = static_cast<T>(to[s * inner + j] / scale);
    }
  }
}

// The number of rows that input i, a scalar, asks for.
int64_t RowsInput(KernelContext& context, int i) {
  const Tensor& rows = context.input(i);
  if (rows.num_elements() != 1) throw InvalidArgument("the number of rows should be a scalar, got ", rows.shape());
  if (rows.AsInt64() < 0) throw InvalidArgument("the number of rows must be non-negative, got ", rows.AsInt64());
  return rows.AsInt64();
}

// `rows` rows of what is behind the first `axes` axes of data.
PartialShape RowsOf(const PartialShape& data, int axes, int64_t rows) {
  if (!data.has_rank()) return {};
  PartialShape shape = {rows};
  for (int i = axes; i < data.rank(); ++i) shape.Append(data[i]);
  return shape;
}

Kernel UnsortedSegmentKernel(SegmentReduction reduction) {
  return [reduction](KernelContext& context) {
    const Tensor &data = context.input(0), &segments = context.input(1);
    const int64_t rows = RowsInput(context, 2);
    Shape shape = {rows};
    bool fits = segments.rank() <= data.rank();
    for (int i = 0; i < data.rank(); ++i) {
      if (i >= segments.rank()) {
        shape.Append(data.dim(i));
      } else {
        fits &= segments.dim(i) == data.dim(i);
      }
    }
    if (!fits) {
      throw InvalidArgument("data.shape = ", data.shape(),
                            " does not start with segment_ids.shape = ", segments.shape());
    }
    int64_t inner = 1;
    for (int i = segments.rank(); i < data.rank(); ++i) inner *= data.dim(i);
    VisitNumeric(data.dtype(), "UnsortedSegment", [&](auto zero) {
      using T = decltype(zero);
      T* to = context.AllocateOutput(0, shape).template data<T>();
      ReduceSegments<T>(context, reduction, data, nullptr, segments, inner, rows, SegmentIdentity<T>(reduction), to);
    });
  };
}

void UnsortedSegmentShape(ShapeContext& context) {
  const PartialShape& segments = context.input(1);
  if (!segments.has_rank()) return context.set_output(0, PartialShape());
  const Tensor* rows = context.constant(2);
  context.set_output(0, RowsOf(context.input(0), segments.rank(), rows ? rows->AsInt64() : -1));
}

DEFINE_OP("UnsortedSegmentSum")
    .Input("data: T")
    .Input("segment_ids: Tindices")
    .Input("num_segments: Tnumsegments")
    .Output("output: T")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Attr("Tindices: {int16, int32, int64}")
    .Attr("Tnumsegments: {int32, int64} = DT_INT32")
    .Shape(UnsortedSegmentShape)
    .Kernel(UnsortedSegmentKernel(SegmentReduction::kSum))
    .Gradient([](Backward& b) {
      // Rows whose segment is negative were dropped.
      const Output zero = ConstantLike(DType::kInt32, 0), one = ConstantLike(DType::kInt32, 1);
      const Output segments = b.x(1), none = ZerosLike(segments);
      const Output rows = GatherV2(b.dy(), Maximum(segments, none), zero);
      const Output ones = Fill(ExpandDims(Rank(rows) - Rank(segments), zero), one);
      const Output kept = Reshape(GreaterEqual(segments, none), ConcatV2({ShapeOf(segments), ones}, zero));
      b.Return(SelectV2(kept, rows, ZerosLike(rows)), Gradient(), Gradient());
    });

DEFINE_OP("UnsortedSegmentMax")
    .Input("data: T")
    .Input("segment_ids: Tindices")
    .Input("num_segments: Tnumsegments")
    .Output("output: T")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Attr("Tindices: {int32, int64}")
    .Attr("Tnumsegments: {int32, int64} = DT_INT32")
    .Shape(UnsortedSegmentShape)
    .Kernel(UnsortedSegmentKernel(SegmentReduction::kMax));

DEFINE_OP("UnsortedSegmentMin")
    .SameSignatureAs("UnsortedSegmentMax")
    .Kernel(UnsortedSegmentKernel(SegmentReduction::kMin));

DEFINE_OP("UnsortedSegmentProd")
    .SameSignatureAs("UnsortedSegmentMax")
    .Kernel(UnsortedSegmentKernel(SegmentReduction::kProd));

// -------------------------------------------------------------------------------------------------------------- sorted

// Rows of `data` (those that `indices` names, if given) reduced by their sorted segment numbers. The number of output
// rows is the last segment's plus one, or `rows` if given.
void ReduceSorted(KernelContext& context, SegmentReduction reduction, const Tensor* indices, const Tensor& segments,
                  std::optional<int64_t> rows) {
  const Tensor& data = context.input(0);
  if (data.rank() < 1) throw InvalidArgument("Shape must be at least rank 1, got shape ", data.shape());
  if (segments.rank() != 1) throw InvalidArgument("segment_ids should be a vector, got shape ", segments.shape());
  const int64_t n = segments.num_elements();
  if ((indices ? indices->num_elements() : data.dim(0)) != n) {
    throw InvalidArgument("segment_ids should be the same size as dimension 0 of input, got ", segments.shape(),
                          " for ", indices ? indices->shape() : data.shape());
  }
  const Integers ids(context, segments);
  int64_t last = 0;
  for (const int64_t id : ids.values()) {
    if (id < last) throw InvalidArgument("segment ids are not increasing from a non-negative number: ", segments);
    last = id;
  }
  const int64_t used = n == 0 ? 0 : last + 1;
  const int64_t count = rows.value_or(used);
  if (count < used) throw InvalidArgument("segment ids must be < num_segments ", count, ", got ", used - 1);
  Shape shape = data.shape();
  shape.set_dim(0, count);
  const int64_t inner = data.dim(0) == 0 ? 0 : data.num_elements() / data.dim(0);
  VisitNumeric(data.dtype(), "a segment op", [&](auto zero) {
    using T = decltype(zero);
    T* to = context.AllocateOutput(0, shape).template data<T>();
    const T empty = reduction == SegmentReduction::kProd ? T(1) : T(0);
    ReduceSegments<T>(context, reduction, data, indices, segments, inner, count, empty, to);
  });
}

void SortedShape(ShapeContext& context) {
  context.set_output(0, RowsOf(context.input(0), 1, -1));
}
Kernel SegmentKernel(SegmentReduction reduction) {
  return [reduction](KernelContext& context) { ReduceSorted(context, reduction, nullptr, context.input(1), {}); };
}
Kernel SparseSegmentKernel(SegmentReduction reduction) {
  return [reduction](KernelContext& context) {
    ReduceSorted(context, reduction, &context.input(1), context.input(2),
                 context.num_inputs() > 3 ? std::optional(RowsInput(context, 3)) : std::nullopt);
  };
}
void SparseSegmentShape(ShapeContext& context) {
  const Tensor* rows = context.num_inputs() > 3 ? context.constant(3) : nullptr;
  context.set_output(0, RowsOf(context.input(0), 1, rows ? rows->AsInt64() : -1));
}

DEFINE_OP("SegmentSum")
    .Input("data: T")
    .Input("segment_ids: Tindices")
    .Output("output: T")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Attr("Tindices: {int32, int64}")
    .Shape(SortedShape)
    .Kernel(SegmentKernel(SegmentReduction::kSum))
    .Gradient([](Backward& b) { b.Return(GatherV2(b.dy(), b.x(1), ConstantLike(DType::kInt32, 0)), Gradient()); });

DEFINE_OP("SegmentMean")
    .SameSignatureAs("SegmentSum")
    .Kernel(SegmentKernel(SegmentReduction::kMean))
    .Gradient([](Backward& b) {
      const Output zero = ConstantLike(DType::kInt32, 0);
      const Output rank = ExpandDims(Rank(b.x(0)) - 1.0, zero);
      const Output column = ConcatV2({ShapeOf(b.x(1)), Fill(rank, ConstantLike(DType::kInt32, 1))}, zero);
      const Output counts = SegmentSum(Fill(column, ConstantLike(b.dy().dtype(), 1)), b.x(1));
      b.Return(GatherV2(b.dy() / counts, b.x(1), zero), Gradient());
    });

DEFINE_OP("SegmentMax").SameSignatureAs("SegmentSum").Kernel(SegmentKernel(SegmentReduction::kMax));

DEFINE_OP("SegmentMin").SameSignatureAs("SegmentSum").Kernel(SegmentKernel(SegmentReduction::kMin));

DEFINE_OP("SegmentProd").SameSignatureAs("SegmentSum").Kernel(SegmentKernel(SegmentReduction::kProd));

Output RowCount(Output data) {
  return GatherV2(ShapeOf(data), ConstantLike(DType::kInt32, 0), ConstantLike(DType::kInt32, 0));
}
// By the op of this name, or by its second version where the lookup wants sparse rows.
GradientFunction SparseSegmentGradient(const char* op) {
  return [op](Backward& b) {
    const bool sparse = b.attr<bool>("sparse_gradient");
    Node* const d = Graph::Current().Apply(sparse ? std::string(op) + "V2" : op,
                                           {{b.dy()}, {b.x(1)}, {b.x(2)}, {RowCount(b.x(0))}});
    std::vector<Gradient> gradients(b.node()->inputs().size());
    gradients[0] = sparse ? Gradient(d->output(0), d->output(1), ShapeOf(b.x(0))) : Gradient(d->output(0));
    b.ReturnList(std::move(gradients));
  };
}

DEFINE_OP("SparseSegmentSum")
    .Input("data: T")
    .Input("indices: Tidx")
    .Input("segment_ids: Tsegmentids")
    .Output("output: T")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("Tsegmentids: {int32, int64} = DT_INT32")
    .Attr("sparse_gradient: bool = false")
    .Shape(SparseSegmentShape)
    .Kernel(SparseSegmentKernel(SegmentReduction::kSum))
    .Gradient(SparseSegmentGradient("SparseSegmentSumGrad"));

DEFINE_OP("SparseSegmentSumWithNumSegments")
    .Input("data: T")
    .Input("indices: Tidx")
    .Input("segment_ids: Tsegmentids")
    .Input("num_segments: Tnumsegments")
    .Output("output: T")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, uint16, uint32, uint64}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("Tnumsegments: {int32, int64} = DT_INT32")
    .Attr("Tsegmentids: {int32, int64} = DT_INT32")
    .Attr("sparse_gradient: bool = false")
    .Shape(SparseSegmentShape)
    .Kernel(SparseSegmentKernel(SegmentReduction::kSum))
    .Gradient(SparseSegmentGradient("SparseSegmentSumGrad"));

DEFINE_OP("SparseSegmentMean")
    .Input("data: T")
    .Input("indices: Tidx")
    .Input("segment_ids: Tsegmentids")
    .Output("output: T")
    .Attr("T: {float, double}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("Tsegmentids: {int32, int64} = DT_INT32")
    .Attr("sparse_gradient: bool = false")
    .Shape(SparseSegmentShape)
    .Kernel(SparseSegmentKernel(SegmentReduction::kMean))
    .Gradient(SparseSegmentGradient("SparseSegmentMeanGrad"));

DEFINE_OP("SparseSegmentMeanWithNumSegments")
    .Input("data: T")
    .Input("indices: Tidx")
    .Input("segment_ids: Tsegmentids")
    .Input("num_segments: Tnumsegments")
    .Output("output: T")
    .Attr("T: {float, double}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("Tnumsegments: {int32, int64} = DT_INT32")
    .Attr("Tsegmentids: {int32, int64} = DT_INT32")
    .Attr("sparse_gradient: bool = false")
    .Shape(SparseSegmentShape)
    .Kernel(SparseSegmentKernel(SegmentReduction::kMean))
    .Gradient(SparseSegmentGradient("SparseSegmentMeanGrad"));

DEFINE_OP("SparseSegmentSqrtN")
    .SameSignatureAs("SparseSegmentMean")
    .Kernel(SparseSegmentKernel(SegmentReduction::kSqrtN))
    .Gradient(SparseSegmentGradient("SparseSegmentSqrtNGrad"));

DEFINE_OP("SparseSegmentSqrtNWithNumSegments")
    .SameSignatureAs("SparseSegmentMeanWithNumSegments")
    .Kernel(SparseSegmentKernel(SegmentReduction::kSqrtN))
    .Gradient(SparseSegmentGradient("SparseSegmentSqrtNGrad"));

// The segments of a gradient: how much of segment s each of its rows receives.
std::vector<double> SegmentScales(SegmentReduction reduction, const std::vector<int64_t>& segments, int64_t count) {
  std::vector<double> scales(static_cast<size_t>(count), 0);
  for (const int64_t segment : segments) {
    if (segment < 0 || segment >= count) {
      throw InvalidArgument("Segment id ", segment, " out of range [0, ", count, ").");
    }
    ++scales[static_cast<size_t>(segment)];
  }
  for (double& scale : scales) {
    scale =
        reduction == SegmentReduction::kSum ? 1 : 1 / (reduction == SegmentReduction::kMean ? scale : std::sqrt(scale));
  }
  return scales;
}

// The distinct numbers among `rows`, ascending; `rows` become positions among them.
std::vector<int64_t> Compact(std::vector<int64_t>* rows) {
  std::vector<int64_t> distinct = *rows;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  for (int64_t& row : *rows) row = std::lower_bound(distinct.begin(), distinct.end(), row) - distinct.begin();
  return distinct;
}

// The gradient of a sum, mean or sum over the root of the count: row indices[i] receives the gradient of its segment,
// divided by what the segment was divided by. With a second output, only rows that receive some come out, and which.
Kernel SparseSegmentGradKernel(SegmentReduction reduction) {
  return [reduction](KernelContext& context) {
    const Tensor& dy = context.input(0);
    if (dy.rank() < 1) throw InvalidArgument("grad must be at least a vector, got shape ", dy.shape());
    if (context.input(1).rank() != 1 || !(context.input(1).shape() == context.input(2).shape())) {
      throw InvalidArgument("segment_ids and indices should be vectors of the same size, got shapes ",
                            context.input(2).shape(), " and ", context.input(1).shape());
    }
    std::vector<int64_t> targets = context.input(1).AsInt64s();
    const std::vector<int64_t> segments = context.input(2).AsInt64s();
    int64_t rows = RowsInput(context, 3);
    for (const int64_t row : targets) {
      if (row < 0 || row >= rows) throw InvalidArgument("Index ", row, " out of range [0, ", rows, ").");
    }
    const std::vector<double> scales = SegmentScales(reduction, segments, dy.dim(0));
    if (context.num_outputs() > 1) {
      const std::vector<int64_t> distinct = Compact(&targets);
      rows = static_cast<int64_t>(distinct.size());
      VisitNumeric(context.node().output_dtype(1), "SparseSegmentGrad", [&](auto zero) {
        std::copy(distinct.begin(), distinct.end(), context.AllocateOutput(1, {rows}).template data<decltype(zero)>());
      });
    }
    Shape shape = dy.shape();
    shape.set_dim(0, rows);
    const int64_t inner = dy.dim(0) == 0 ? 0 : dy.num_elements() / dy.dim(0);
    auto run = [&](auto zero) {
      using T = decltype(zero);
      Tensor& output = context.AllocateOutput(0, shape);
      std::fill_n(output.data<T>(), output.num_elements(), zero);
      for (size_t i = 0; i < segments.size(); ++i) {
        const T scale = static_cast<T>(scales[static_cast<size_t>(segments[i])]);
        const T* from = dy.data<T>() + segments[i] * inner;
        T* to = output.data<T>() + targets[i] * inner;
        for (int64_t j = 0; j < inner; ++j) to[j] += from[j] * scale;
      }
    };
    dy.dtype() == DType::kDouble ? run(double{}) : run(float{});
  };
}
void SparseSegmentGradShape(ShapeContext& context) {
  const bool compact = context.node().num_outputs() > 1;
  const Tensor* rows = compact ? nullptr : context.constant(3);
  context.set_output(0, RowsOf(context.input(0), 1, rows ? rows->AsInt64() : -1));
  if (compact) context.set_output(1, PartialShape::UnknownOfRank(1));
}

DEFINE_OP("SparseSegmentSumGrad")
    .Input("grad: T")
    .Input("indices: Tidx")
    .Input("segment_ids: Tsegmentids")
    .Input("output_dim0: int32")
    .Output("output: T")
    .Attr("T: {float, double}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("Tsegmentids: {int32, int64} = DT_INT32")
    .Shape(SparseSegmentGradShape)
    .Kernel(SparseSegmentGradKernel(SegmentReduction::kSum));

DEFINE_OP("SparseSegmentSumGradV2")
    .Input("grad: T")
    .Input("indices: Tidx")
    .Input("segment_ids: Tsegmentids")
    .Input("dense_output_dim0: int32")
    .Output("output: T")
    .Output("sorted_unique_indices: Tidx")
    .Attr("T: {float, double}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("Tsegmentids: {int32, int64} = DT_INT32")
    .Shape(SparseSegmentGradShape)
    .Kernel(SparseSegmentGradKernel(SegmentReduction::kSum));

DEFINE_OP("SparseSegmentMeanGrad")
    .SameSignatureAs("SparseSegmentSumGrad")
    .Kernel(SparseSegmentGradKernel(SegmentReduction::kMean));

DEFINE_OP("SparseSegmentMeanGradV2")
    .SameSignatureAs("SparseSegmentSumGradV2")
    .Kernel(SparseSegmentGradKernel(SegmentReduction::kMean));

DEFINE_OP("SparseSegmentSqrtNGrad")
    .SameSignatureAs("SparseSegmentSumGrad")
    .Kernel(SparseSegmentGradKernel(SegmentReduction::kSqrtN));

DEFINE_OP("SparseSegmentSqrtNGradV2")
    .SameSignatureAs("SparseSegmentSumGradV2")
    .Kernel(SparseSegmentGradKernel(SegmentReduction::kSqrtN));

}  // namespace
}  // namespace headrace
