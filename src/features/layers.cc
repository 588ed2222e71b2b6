// InputLayer and LinearModel: the graph of a set of columns, with 1.15's scopes and variables.
#include <algorithm>

#include "features/transforms.h"

namespace headrace {
namespace {

// By name, as 1.15 orders them. Errors: InvalidArgument on two columns of one name.
std::vector<FeatureColumnPtr> Sorted(std::vector<FeatureColumnPtr> columns) {
  if (columns.empty()) throw InvalidArgument("feature_columns must not be empty");
  std::sort(columns.begin(), columns.end(),
            [](const FeatureColumnPtr& a, const FeatureColumnPtr& b) { return a->name() < b->name(); });
  for (size_t i = 1; i < columns.size(); ++i) {
    if (columns[i]->name() == columns[i - 1]->name()) {
      throw InvalidArgument("Duplicate feature column name found for columns: ", columns[i]->name(),
                            ". This usually means that these columns refer to the same base feature. Either one must "
                            "be discarded or a duplicated but renamed item must be inserted in features dict.");
    }
  }
  return columns;
}

// [batch, n] out of a tensor with n elements a record.
Output FlatRows(Output tensor, int64_t n) {
  return ApplyOp("Reshape", {{tensor}, {Int32Constant({-1, static_cast<int32_t>(n)}, "Reshape/shape")}});
}

}  // namespace

Output InputLayer(const FeatureTensors& features, const std::vector<FeatureColumnPtr>& columns,
                  const InputLayerOptions& options) {
  const auto scope = VariableScope::Unique(options.scope);
  FeatureTransforms transforms(features);
  std::vector<Output> parts;
  for (const FeatureColumnPtr& column : Sorted(columns)) {
    const auto& dense =
        ColumnAs<DenseColumn>(column, "a dense column (wrap a categorical one in EmbeddingColumn or IndicatorColumn)");
    const auto column_scope = VariableScope::Unique(column->scope_name());
    parts.push_back(FlatRows(dense.Dense(transforms, options.trainable), dense.num_elements()));
  }
  if (parts.size() == 1) return ApplyOp("Identity", {{parts[0]}}, {}, "concat");
  return ApplyOp("ConcatV2", {parts, {Int32Scalar(1, "concat/axis")}}, {}, "concat");
}

Output LinearModel(const FeatureTensors& features, const std::vector<FeatureColumnPtr>& columns,
                   const LinearModelOptions& options,
                   std::map<std::string, std::shared_ptr<Variable>>* column_weights) {
  const auto scope = VariableScope::Unique(options.scope);
  FeatureTransforms transforms(features);
  std::vector<Output> sums;
  for (const FeatureColumnPtr& column : Sorted(columns)) {
    const auto column_scope = VariableScope::Unique(column->scope_name());
    const auto* categorical = dynamic_cast<const CategoricalColumn*>(column.get());
    const int64_t rows =
        categorical ? categorical->num_buckets() : ColumnAs<DenseColumn>(column, "a column").num_elements();
    const auto weights =
        GetVariable("weights", Shape{rows, options.units},
                    {.dtype = DType::kFloat, .initializer = ZerosInitializer(), .trainable = options.trainable});
    if (column_weights) (*column_weights)[column->name()] = weights;
    if (categorical) {
      const CategoricalIds ids = categorical->Ids(transforms);
      sums.push_back(LookUpCombined(ReadVariable(*weights), ids, options.sparse_combiner));
    } else {
      const auto& dense = ColumnAs<DenseColumn>(column, "a column");
      const Output flat = FlatRows(dense.Dense(transforms, options.trainable), rows);
      sums.push_back(ApplyOp("MatMul", {{flat}, {ReadVariable(*weights)}}, {}, "weighted_sum"));
    }
  }
  const auto bias =
      GetVariable("bias_weights", Shape{options.units},
                  {.dtype = DType::kFloat, .initializer = ZerosInitializer(), .trainable = options.trainable});
  if (column_weights) (*column_weights)["bias_weights"] = bias;
  const Output total = sums.size() == 1 ? sums[0] : ApplyOp("AddN", {sums}, {}, "weighted_sum_no_bias");
  return ApplyOp("BiasAdd", {{total}, {ReadVariable(*bias)}}, {}, "weighted_sum");
}

ParseExampleSpec MakeParseExampleSpec(const std::vector<FeatureColumnPtr>& columns) {
  ParseExampleSpec spec;
  for (const FeatureColumnPtr& column : columns) column->AddParseSpec(&spec);
  return spec;
}

}  // namespace headrace
