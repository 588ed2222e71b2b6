// Columns made of categorical columns: crosses, indicators, embeddings.
#include <algorithm>
#include <cmath>

#include "features/transforms.h"

namespace headrace {
namespace {

constexpr uint64_t kDefaultHashKey = 0xDECAFCAFFE;

class CrossedColumnImpl final : public CategoricalColumn {
 public:
  CrossedColumnImpl(std::vector<CrossKey> keys, int64_t hash_bucket_size, std::optional<uint64_t> hash_key)
      : keys_(std::move(keys)), hash_bucket_size_(hash_bucket_size), hash_key_(hash_key) {
    if (hash_bucket_size < 1)
      throw InvalidArgument("hash_bucket_size must be > 1. hash_bucket_size: ", hash_bucket_size);
    if (keys_.size() < 2) throw InvalidArgument("keys must be a list with length > 1, got ", keys_.size());
    CollectLeaves(keys_);
  }
  std::string name() const override {
    std::vector<std::string> names;
    for (const CrossKey& leaf : leaves_) {
      const auto* column = std::get_if<FeatureColumnPtr>(&leaf);
      names.push_back(column ? (*column)->name() : std::get<std::string>(leaf));
    }
    std::sort(names.begin(), names.end());
    std::string joined;
    for (const std::string& name : names) joined += (joined.empty() ? "" : "_X_") + name;
    return joined;
  }
  int64_t num_buckets() const override { return hash_bucket_size_; }
  void AddParseSpec(ParseExampleSpec* spec) const override {
    for (const CrossKey& leaf : leaves_) {
      if (const auto* column = std::get_if<FeatureColumnPtr>(&leaf)) {
        (*column)->AddParseSpec(spec);
      } else {
        spec->emplace(std::get<std::string>(leaf), VarLenFeature{DType::kString});
      }
    }
  }

  CategoricalIds Ids(FeatureTransforms& transforms) const override {
    return transforms.IdsOnce(this, [&] { return Cross(transforms); });
  }

 private:
  // A cross of crosses is a cross of what those cross.
  void CollectLeaves(const std::vector<CrossKey>& keys) {
    for (const CrossKey& key : keys) {
      const auto* column = std::get_if<FeatureColumnPtr>(&key);
      if (!column) {
        leaves_.push_back(key);
      } else if (const auto* crossed = dynamic_cast<const CrossedColumnImpl*>(column->get())) {
        CollectLeaves(crossed->keys_);
      } else {
        if (ColumnAs<CategoricalColumn>(*column, "a feature's name or a categorical column to cross").is_hashed()) {
          throw InvalidArgument(
              "categorical_column_with_hash_bucket is not supported for crossing. Hashing before crossing will "
              "increase probability of collision. Instead, use the feature name as a string. Given: ",
              (*column)->name());
        }
        leaves_.push_back(key);
      }
    }
  }

  // The hash takes columns in TensorFlow's order: those that TensorFlow has as sparse tensors (ids, sparse features),
  // then dense features. Ids that are so many a record go in as dense ones, which is quick, if all ids are.
  CategoricalIds Cross(FeatureTransforms& transforms) const {
    std::vector<CategoricalIds> ids;  // in their sparse form, if one of them has none that is dense and complete
    OpArgument features;
    const bool all_dense = std::ranges::all_of(leaves_, [&](const CrossKey& leaf) {
      if (const auto* key = std::get_if<std::string>(&leaf))
        return std::holds_alternative<Output>(transforms.Raw(*key));
      return Categorical(leaf).always_present();
    });
    for (const CrossKey& leaf : leaves_) {
      const auto* key = std::get_if<std::string>(&leaf);
      if (!key) {
        const CategoricalColumn& column = Categorical(leaf);
        ids.push_back(all_dense ? column.Ids(transforms) : CategoricalIds{.sparse = column.SparseIds(transforms)});
        continue;
      }
      const FeatureTensor raw = transforms.Raw(*key);
      if (const auto* sparse = std::get_if<SparseTensor>(&raw)) {
        ids.push_back({.sparse = *sparse});
      } else {
        features.push_back(std::get<Output>(raw));
      }
    }
    OpArgument indices, values, shapes, dense;
    for (const CategoricalIds& i : ids) {
      if (all_dense) {
        dense.push_back(i.dense);
        continue;
      }
      indices.push_back(i.sparse->indices);
      values.push_back(i.sparse->values);
      shapes.push_back(i.sparse->dense_shape);
    }
    dense.insert(dense.end(), features.begin(), features.end());
    DType internal = DType::kString;
    int64_t per_record = 1;  // crosses, if all inputs are dense
    for (OpArgument* inputs : {&values, &dense}) {
      for (Output& x : *inputs) {
        if (inputs == &dense) per_record *= x.shape().rank() == 2 && x.shape()[1] > 0 ? x.shape()[1] : 0;
        if (x.dtype() == DType::kString) continue;
        internal = DType::kInt64;
        if (x.dtype() != DType::kInt64) x = ApplyOp("Cast", {{x}}, {{"DstT", DType::kInt64}});
      }
    }
    Node* cross = Graph::Current().Apply("SparseCross", {indices, values, shapes, dense},
                                         {{"N", static_cast<int64_t>(indices.size())},
                                          {"hashed_output", true},
                                          {"num_buckets", hash_bucket_size_},
                                          {"hash_key", static_cast<int64_t>(hash_key_.value_or(kDefaultHashKey))},
                                          {"sparse_types", TypesOf(values)},
                                          {"dense_types", TypesOf(dense)},
                                          {"out_type", DType::kInt64},
                                          {"internal_type", internal}});
    if (indices.empty() && per_record > 0) {  // so many in each record: the values alone, in order
      const auto columns = static_cast<int32_t>(per_record);
      return {.dense = ApplyOp("Reshape", {{cross->output(1)}, {Int32Constant({-1, columns}, "Reshape/shape")}}),
              .complete = true};
    }
    return {.sparse = SparseTensor{cross->output(0), cross->output(1), cross->output(2)}};
  }

  static const CategoricalColumn& Categorical(const CrossKey& leaf) {
    return dynamic_cast<const CategoricalColumn&>(*std::get<FeatureColumnPtr>(leaf));
  }
  static std::vector<DType> TypesOf(const OpArgument& outputs) {
    std::vector<DType> types;
    for (const Output& output : outputs) types.push_back(output.dtype());
    return types;
  }

  std::vector<CrossKey> keys_, leaves_;
  int64_t hash_bucket_size_;
  std::optional<uint64_t> hash_key_;
};

class IndicatorColumnImpl final : public DenseColumn {
 public:
  explicit IndicatorColumnImpl(FeatureColumnPtr categorical)
      : column_(std::move(categorical)), categorical_(ColumnAs<CategoricalColumn>(column_, "a categorical column")) {}
  std::string name() const override { return column_->name() + "_indicator"; }
  int64_t num_elements() const override { return categorical_.num_buckets(); }
  void AddParseSpec(ParseExampleSpec* spec) const override { column_->AddParseSpec(spec); }
  Output Dense(FeatureTransforms& transforms, const ColumnVariables&) const override {
    return transforms.Once(this, [&] { return CountIds(categorical_.Ids(transforms), categorical_.num_buckets()); });
  }

 private:
  FeatureColumnPtr column_;
  const CategoricalColumn& categorical_;
};

class EmbeddingColumnImpl final : public DenseColumn {
 public:
  EmbeddingColumnImpl(FeatureColumnPtr categorical, int64_t dimension, EmbeddingOptions options)
      : column_(std::move(categorical)),
        categorical_(ColumnAs<CategoricalColumn>(column_, "a categorical column to embed")),
        dimension_(dimension),
        options_(std::move(options)) {
    if (dimension < 1) throw InvalidArgument("Invalid dimension ", dimension, " of the embedding of ", column_->name());
    if (!options_.initializer) {
      options_.initializer = TruncatedNormalInitializer(0, 1 / std::sqrt(static_cast<double>(dimension)));
    }
  }
  std::string name() const override { return column_->name() + "_embedding"; }
  int64_t num_elements() const override { return dimension_; }
  void AddParseSpec(ParseExampleSpec* spec) const override { column_->AddParseSpec(spec); }
  Output Dense(FeatureTransforms& transforms, const ColumnVariables& variables) const override {
    const auto weights = GetVariable("embedding_weights", Shape{categorical_.num_buckets(), dimension_},
                                     {.dtype = DType::kFloat,
                                      .initializer = options_.initializer,
                                      .trainable = variables.trainable && options_.trainable,
                                      .collections = variables.collections});
    return LookUpCombined(ReadVariable(*weights), categorical_.Ids(transforms), options_.combiner);
  }

 private:
  FeatureColumnPtr column_;
  const CategoricalColumn& categorical_;
  int64_t dimension_;
  EmbeddingOptions options_;
};

}  // namespace

FeatureColumnPtr CrossedColumn(const std::vector<CrossKey>& keys, int64_t hash_bucket_size,
                               std::optional<uint64_t> hash_key) {
  return std::make_shared<CrossedColumnImpl>(keys, hash_bucket_size, hash_key);
}
FeatureColumnPtr IndicatorColumn(const FeatureColumnPtr& categorical) {
  return std::make_shared<IndicatorColumnImpl>(categorical);
}
FeatureColumnPtr EmbeddingColumn(const FeatureColumnPtr& categorical, int64_t dimension,
                                 const EmbeddingOptions& options) {
  return std::make_shared<EmbeddingColumnImpl>(categorical, dimension, options);
}

}  // namespace headrace
