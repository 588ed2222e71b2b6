// Features in the form that columns take, cached within a layer.
#include "features/transforms.h"

namespace headrace {

Output Int32Constant(const std::vector<int32_t>& values, std::string_view name) {
  return Constant(Tensor::Vector(values), name);
}
Output Int32Scalar(int32_t value, std::string_view name) {
  return Constant(Tensor::Scalar<int32_t>(value), name);
}
Output Int64Constant(int64_t value, std::string_view name) {
  return Constant(Tensor::Scalar<int64_t>(value), name);
}

SparseTensor CategoricalColumn::SparseIds(FeatureTransforms& transforms) const {
  const CategoricalIds ids = Ids(transforms);
  return ids.dense ? ToSparse(ids.dense, Tensor::Scalar<int64_t>(-1)) : *ids.sparse;
}

FeatureTensor FeatureTransforms::Raw(const std::string& key) {
  if (const auto found = raw_.find(key); found != raw_.end()) return found->second;
  const auto feature = features_.find(key);
  if (feature == features_.end()) {
    std::string known;
    for (const auto& [name, tensor] : features_) known += (known.empty() ? "" : ", ") + name;
    throw InvalidArgument("Feature ", key, " is not in features dictionary; there are: ", known);
  }
  FeatureTensor value = feature->second;
  if (const auto* dense = std::get_if<Output>(&value)) {
    const PartialShape& shape = dense->shape();
    if (shape.rank() == 0) {
      throw InvalidArgument("Feature (key: ", key,
                            ") cannot have rank 0: it needs a batch axis. Given: ", dense->name());
    }
    if (shape.rank() == 1) value = ApplyOp("ExpandDims", {{*dense}, {Int32Scalar(-1, "ExpandDims/dim")}});
  }
  return raw_.emplace(key, value).first->second;
}

Output FeatureTransforms::RawDense(const std::string& key) {
  const FeatureTensor value = Raw(key);
  if (const auto* dense = std::get_if<Output>(&value)) return *dense;
  throw InvalidArgument(
      "The corresponding Tensor of numerical column must be a Tensor. SparseTensor is not supported. key: ", key);
}

Output FeatureTransforms::Once(const FeatureColumn* column, const std::function<Output()>& make) {
  const auto found = outputs_.find(column);
  return found != outputs_.end() ? found->second : outputs_.emplace(column, make()).first->second;
}

CategoricalIds FeatureTransforms::IdsOnce(const FeatureColumn* column, const std::function<CategoricalIds()>& make) {
  const auto found = ids_.find(column);
  return found != ids_.end() ? found->second : ids_.emplace(column, make()).first->second;
}

}  // namespace headrace
