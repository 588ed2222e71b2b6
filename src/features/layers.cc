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

bool SameFeature(const std::variant<FixedLenFeature, VarLenFeature>& a,
                 const std::variant<FixedLenFeature, VarLenFeature>& b) {
  if (a.index() != b.index()) return false;
  if (const auto* sparse = std::get_if<VarLenFeature>(&a)) return sparse->dtype == std::get<VarLenFeature>(b).dtype;
  const auto &x = std::get<FixedLenFeature>(a), &y = std::get<FixedLenFeature>(b);
  const auto text = [](const FixedLenFeature& f) { return f.default_value ? f.default_value->ToString() : "none"; };
  return x.dtype == y.dtype && x.shape == y.shape && text(x) == text(y);
}

// [batch, n] out of a tensor with n elements a record.
Output FlatRows(Output tensor, int64_t n) {
  return ApplyOp("Reshape", {{tensor}, {Int32Constant({-1, static_cast<int32_t>(n)}, "Reshape/shape")}});
}

}  // namespace

namespace {

ColumnVariables VariablesOf(bool trainable, const std::vector<std::string>& more) {
  ColumnVariables variables{.trainable = trainable, .collections = {keys::kGlobalVariables, keys::kModelVariables}};
  for (const std::string& collection : more) {
    if (std::ranges::count(variables.collections, collection) == 0) variables.collections.push_back(collection);
  }
  return variables;
}

// The variables that the current graph has got since it had `before` of them.
std::vector<std::shared_ptr<Variable>> VariablesSince(size_t before) {
  auto variables = Graph::Current().variables();
  variables.erase(variables.begin(), variables.begin() + static_cast<std::ptrdiff_t>(before));
  return variables;
}

}  // namespace

Output InputLayer(const FeatureTensors& features, const std::vector<FeatureColumnPtr>& columns,
                  const InputLayerOptions& options, ColumnParts* parts) {
  const auto scope = VariableScope::Unique(options.scope);
  const ColumnVariables variables = VariablesOf(options.trainable, options.weight_collections);
  FeatureTransforms transforms(features);
  std::vector<Output> flat;
  for (const FeatureColumnPtr& column : Sorted(columns)) {
    const auto& dense =
        ColumnAs<DenseColumn>(column, "a dense column (wrap a categorical one in EmbeddingColumn or IndicatorColumn)");
    const auto column_scope = VariableScope::Unique(column->scope_name());
    const size_t before = parts ? Graph::Current().variables().size() : 0;
    flat.push_back(FlatRows(dense.Dense(transforms, variables), dense.num_elements()));
    if (!parts) continue;
    parts->outputs[column.get()] = flat.back();
    parts->variables[column.get()] = VariablesSince(before);
  }
  if (flat.size() == 1) return ApplyOp("Identity", {{flat[0]}}, {}, "concat");
  return ApplyOp("ConcatV2", {flat, {Int32Scalar(1, "concat/axis")}}, {}, "concat");
}

Output LinearModel(const FeatureTensors& features, const std::vector<FeatureColumnPtr>& columns,
                   const LinearModelOptions& options, ColumnParts* parts) {
  const auto scope = VariableScope::Unique(options.scope);
  const ColumnVariables variables = VariablesOf(options.trainable, options.weight_collections);
  FeatureTransforms transforms(features);
  const auto zeros = [&](const char* name, const Shape& shape) {
    return GetVariable(name, shape,
                       {.dtype = DType::kFloat,
                        .initializer = ZerosInitializer(),
                        .trainable = variables.trainable,
                        .collections = variables.collections});
  };
  std::vector<Output> sums;
  for (const FeatureColumnPtr& column : Sorted(columns)) {
    const auto column_scope = VariableScope::Unique(column->scope_name());
    const auto* categorical = dynamic_cast<const CategoricalColumn*>(column.get());
    const int64_t rows =
        categorical ? categorical->num_buckets() : ColumnAs<DenseColumn>(column, "a column").num_elements();
    const auto weights = zeros("weights", Shape{rows, options.units});
    if (categorical) {
      const CategoricalIds ids = categorical->Ids(transforms);
      sums.push_back(LookUpCombined(ReadVariable(*weights), ids, options.sparse_combiner));
    } else {
      const auto& dense = ColumnAs<DenseColumn>(column, "a column");
      const Output flat = FlatRows(dense.Dense(transforms, variables), rows);
      sums.push_back(ApplyOp("MatMul", {{flat}, {ReadVariable(*weights)}}, {}, "weighted_sum"));
    }
    if (!parts) continue;
    parts->outputs[column.get()] = sums.back();
    parts->variables[column.get()] = {weights};
  }
  const auto bias = zeros("bias_weights", Shape{options.units});
  if (parts) parts->bias = bias;
  const Output total = sums.size() == 1 ? sums[0] : ApplyOp("AddN", {sums}, {}, "weighted_sum_no_bias");
  return ApplyOp("BiasAdd", {{total}, {ReadVariable(*bias)}}, {}, "weighted_sum");
}

ParseExampleSpec MakeParseExampleSpec(const std::vector<FeatureColumnPtr>& columns) {
  ParseExampleSpec spec;
  for (const FeatureColumnPtr& column : columns) {
    ParseExampleSpec of_column;
    column->AddParseSpec(&of_column);
    for (const auto& [key, feature] : of_column) {
      const auto [known, added] = spec.emplace(key, feature);
      if (added || SameFeature(known->second, feature)) continue;
      throw InvalidArgument("feature_columns contain different parse_spec for key ", key, ": the column ",
                            column->name(), " reads it otherwise than a column before it");
    }
  }
  return spec;
}

}  // namespace headrace
