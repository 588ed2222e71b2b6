// Looking up rows for categorical ids. Ids that come as so many a record, which is nearly always, need no sparse
// machinery: gather, and combine along an axis.
#include <cmath>

#include "features/transforms.h"

namespace headrace {
namespace {

Output Cast(Output x, DType to) {
  return x.dtype() == to ? x : ApplyOp("Cast", {{x}}, {{"DstT", to}});
}
Output Gather(Output weights, Output ids) {
  return ApplyOp("GatherV2", {{weights}, {ids}, {Int32Scalar(0, "GatherV2/axis")}});
}
Output SumOver(Output x, int axis) {
  return ApplyOp("Sum", {{x}, {Int32Constant({axis}, "Sum/reduction_indices")}}, {{"keep_dims", false}});
}
Output Scalar(float value) {
  return Constant(Tensor::Scalar(value));
}
// 1 for ids, 0 for negative ones.
Output PresentMask(Output ids) {
  return Cast(ApplyOp("GreaterEqual", {{ids}, {Int64Constant(0, "GreaterEqual/y")}}), DType::kFloat);
}
Output NotNegative(Output ids) {
  return ApplyOp("Maximum", {{ids}, {Int64Constant(0, "Maximum/y")}});
}

// The sum of so many rows as mean or sqrtn.
Output Combined(Output sums, Output counts, const std::string& combiner) {
  if (combiner == "sum") return sums;
  const Output at_least_one = ApplyOp("Maximum", {{counts}, {Scalar(1)}});
  return ApplyOp("RealDiv", {{sums}, {combiner == "mean" ? at_least_one : ApplyOp("Sqrt", {{at_least_one}})}});
}

Output RowsOf(const SparseTensor& sparse) {  // [n]: the record of each value
  const Output column = ApplyOp(
      "Slice", {{sparse.indices}, {Int32Constant({0, 0}, "Slice/begin")}, {Int32Constant({-1, 1}, "Slice/size")}});
  return ApplyOp("Reshape", {{column}, {Int32Constant({-1}, "Reshape/shape")}});
}
Output BatchSize(const SparseTensor& sparse) {
  const Output first =
      ApplyOp("Slice", {{sparse.dense_shape}, {Int32Constant({0}, "Slice/begin")}, {Int32Constant({1}, "Slice/size")}});
  return ApplyOp("Reshape", {{first}, {Int32Constant({}, "Reshape/shape")}});
}
Output SumByRecord(const SparseTensor& sparse, Output values) {
  return ApplyOp("UnsortedSegmentSum", {{values}, {RowsOf(sparse)}, {BatchSize(sparse)}});
}

Output LookUpDense(Output weights, const CategoricalIds& ids, const std::string& combiner) {
  const int64_t per_record = ids.dense.shape().rank() == 2 ? ids.dense.shape()[1] : -1;
  if (per_record == 1 && ids.complete) {
    return Gather(weights, ApplyOp("Reshape", {{ids.dense}, {Int32Constant({-1}, "Reshape/shape")}}));
  }
  if (ids.complete) {
    const Output sums = SumOver(Gather(weights, ids.dense), 1);
    if (combiner == "sum") return sums;
    if (per_record < 0) throw InvalidArgument("the number of ids a record must be known, got ", ids.dense.shape());
    const auto count = static_cast<float>(per_record);
    return ApplyOp("RealDiv", {{sums}, {Scalar(combiner == "mean" ? count : std::sqrt(count))}});
  }
  const Output mask = ApplyOp("ExpandDims", {{PresentMask(ids.dense)}, {Int32Scalar(2, "ExpandDims/dim")}});
  const Output rows = Gather(weights, NotNegative(ids.dense));
  return Combined(SumOver(ApplyOp("Mul", {{rows}, {mask}}), 1), SumOver(mask, 1), combiner);
}

}  // namespace

Output LookUpCombined(Output weights, const CategoricalIds& ids, const std::string& combiner) {
  if (combiner != "mean" && combiner != "sqrtn" && combiner != "sum") {
    throw InvalidArgument("combiner must be one of 'mean', 'sqrtn' or 'sum', got '", combiner, "'");
  }
  if (ids.dense) return LookUpDense(weights, ids, combiner);
  const SparseTensor& sparse = *ids.sparse;
  const Output mask = ApplyOp("ExpandDims", {{PresentMask(sparse.values)}, {Int32Scalar(1, "ExpandDims/dim")}});
  const Output rows = ApplyOp("Mul", {{Gather(weights, NotNegative(sparse.values))}, {mask}});
  return Combined(SumByRecord(sparse, rows), SumByRecord(sparse, mask), combiner);
}

Output CountIds(const CategoricalIds& ids, int64_t depth) {
  const auto one_hot = [&](Output of) {
    return ApplyOp("OneHot",
                   {{of},
                    {Int32Scalar(static_cast<int32_t>(depth), "one_hot/depth")},
                    {Constant(Tensor::Scalar(1.0f), "one_hot/on_value")},
                    {Constant(Tensor::Scalar(0.0f), "one_hot/off_value")}},
                   {}, "one_hot");
  };
  return ids.dense ? SumOver(one_hot(ids.dense), 1) : SumByRecord(*ids.sparse, one_hot(ids.sparse->values));
}

SparseTensor ToSparse(Output dense, const Tensor& missing) {
  const Output present = ApplyOp("NotEqual", {{dense}, {Constant(missing, "ignore_value")}});
  const Output indices = ApplyOp("Where", {{present}}, {}, "indices");
  return {indices, ApplyOp("GatherNd", {{dense}, {indices}}, {}, "values"),
          ApplyOp("Shape", {{dense}}, {{"out_type", DType::kInt64}}, "dense_shape")};
}

}  // namespace headrace
