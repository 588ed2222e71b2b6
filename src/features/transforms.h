// What the files of feature columns share.
#pragma once

#include "headrace/feature_column.h"

namespace headrace {

Output Int32Constant(const std::vector<int32_t>& values, std::string_view name);
Output Int64Constant(int64_t value, std::string_view name);
Output Int32Scalar(int32_t value, std::string_view name);
// The column as a D. Errors: InvalidArgument naming the column and what was wanted of it.
template <class D>
const D& ColumnAs(const FeatureColumnPtr& column, const char* wanted) {
  const auto* typed = dynamic_cast<const D*>(column.get());
  if (!typed) throw InvalidArgument("expected ", wanted, ", got the column ", column ? column->name() : "(none)");
  return *typed;
}

// The positions of values in a vector of strings or int64s, -1 for others: int64.
Output LookUpInVocabulary(Output values, const Tensor& vocabulary, const std::string& name);
// A dense tensor [batch, n] as a sparse one, without the elements equal to `missing`.
SparseTensor ToSparse(Output dense, const Tensor& missing);
// Rows of `weights` [buckets, dim] for each record's ids, combined ("mean", "sqrtn", "sum"): [batch, dim]. Records
// without ids give zeros.
Output LookUpCombined(Output weights, const CategoricalIds& ids, const std::string& combiner);
// How often each of `depth` ids stands in each record: [batch, depth] float.
Output CountIds(const CategoricalIds& ids, int64_t depth);

}  // namespace headrace
