// Categorical columns over one feature: identity, hash buckets, vocabulary lists.
#include <limits>

#include "features/transforms.h"

namespace headrace {
namespace {

// What the three have in common: a feature's values become ids by some formula; "" and -1 are missing values.
class FeatureIdsColumn : public CategoricalColumn {
 public:
  FeatureIdsColumn(std::string key, int64_t num_buckets, DType dtype)
      : key_(std::move(key)), num_buckets_(num_buckets), dtype_(dtype) {
    if (num_buckets_ < 1)
      throw InvalidArgument("the number of buckets must be at least 1, got ", num_buckets_, " for ", key_);
    if (dtype_ != DType::kString && !IsInteger(dtype_)) {
      throw InvalidArgument("dtype must be string or integer. dtype: ", dtype_, ", column_name: ", key_);
    }
  }
  std::string name() const override { return key_; }
  int64_t num_buckets() const override { return num_buckets_; }
  void AddParseSpec(ParseExampleSpec* spec) const override { (*spec)[key_] = VarLenFeature{dtype_}; }

  CategoricalIds Ids(FeatureTransforms& transforms) const override {
    return transforms.IdsOnce(this, [&]() -> CategoricalIds {
      const FeatureTensor raw = transforms.Raw(key_);
      if (const auto* sparse = std::get_if<SparseTensor>(&raw)) {
        return {.sparse = SparseTensor{sparse->indices, IdsOf(sparse->values), sparse->dense_shape}};
      }
      const Output values = std::get<Output>(raw);
      const bool text = values.dtype() == DType::kString;
      const Output present =
          ApplyOp("NotEqual", {{values}, {Constant(text ? Tensor::Scalar("") : MissingNumber(values.dtype()))}});
      const Output none = ApplyOp("Fill", {{ApplyOp("Shape", {{values}})}, {Int64Constant(-1, "missing")}});
      return {.dense = ApplyOp("Select", {{present}, {IdsOf(values)}, {none}})};
    });
  }

 protected:
  virtual Output IdsOf(Output values) const = 0;
  static Output ToInt64(Output x) {
    return x.dtype() == DType::kInt64 ? x : ApplyOp("Cast", {{x}}, {{"DstT", DType::kInt64}}, "ToInt64");
  }
  static Output Filled(Output like, int64_t value) {
    return ApplyOp("Fill", {{ApplyOp("Shape", {{like}})}, {Int64Constant(value, "value")}});
  }
  const std::string& key() const { return key_; }
  DType dtype() const { return dtype_; }

 private:
  static Tensor MissingNumber(DType dtype) {
    return dtype == DType::kInt64 ? Tensor::Scalar<int64_t>(-1) : Tensor::Scalar<int32_t>(-1);
  }
  std::string key_;
  int64_t num_buckets_;
  DType dtype_;
};

class IdentityColumn final : public FeatureIdsColumn {
 public:
  IdentityColumn(const std::string& key, int64_t num_buckets, std::optional<int64_t> default_value)
      : FeatureIdsColumn(key, num_buckets, DType::kInt64), default_value_(default_value) {
    if (default_value && (*default_value < 0 || *default_value >= num_buckets)) {
      throw InvalidArgument("default_value ", *default_value, " not in range [0, ", num_buckets, "), column_name ",
                            key);
    }
  }

 protected:
  Output IdsOf(Output values) const override {
    const Output ids = ToInt64(values);
    if (!default_value_) return ids;  // the lookup checks its range
    const Output outside =
        ApplyOp("LogicalOr", {{ApplyOp("Less", {{ids}, {Int64Constant(0, "zero")}})},
                              {ApplyOp("GreaterEqual", {{ids}, {Int64Constant(num_buckets(), "num_buckets")}})}});
    return ApplyOp("Select", {{outside}, {Filled(ids, *default_value_)}, {ids}});
  }

 private:
  std::optional<int64_t> default_value_;
};

class HashBucketColumn final : public FeatureIdsColumn {
 public:
  using FeatureIdsColumn::FeatureIdsColumn;

 protected:
  Output IdsOf(Output values) const override {
    const Output text = values.dtype() == DType::kString ? values : ApplyOp("AsString", {{values}});
    return ApplyOp("StringToHashBucketFast", {{text}}, {{"num_buckets", num_buckets()}}, "lookup");
  }
};

// Positions in a list, through a lookup table that the graph's table initializers fill.
class VocabularyColumn final : public FeatureIdsColumn {
 public:
  VocabularyColumn(const std::string& key, const Tensor& vocabulary, VocabularyOptions options)
      : FeatureIdsColumn(key, vocabulary.num_elements() + options.num_oov_buckets, vocabulary.dtype()),
        vocabulary_(vocabulary.dtype() == DType::kString ? vocabulary : Tensor::Vector(vocabulary.AsInt64s())),
        options_(options) {
    if (options.num_oov_buckets > 0 && options.default_value != -1) {
      throw InvalidArgument("Can't specify both num_oov_buckets and default_value in ", key);
    }
  }

 protected:
  Output IdsOf(Output values) const override {
    const Output keys = values.dtype() == DType::kString ? values : ToInt64(values);
    const Output found =
        ApplyOp("LookupTableFindV2", {{Table()}, {keys}, {Int64Constant(options_.default_value, "default")}});
    if (options_.num_oov_buckets == 0) return found;
    const Output text = values.dtype() == DType::kString ? values : ApplyOp("AsString", {{values}});
    const Output bucket = ApplyOp("StringToHashBucketFast", {{text}}, {{"num_buckets", options_.num_oov_buckets}});
    const Output behind = ApplyOp("AddV2", {{bucket}, {Int64Constant(vocabulary_.num_elements(), "vocabulary_size")}});
    const Output known = ApplyOp("NotEqual", {{found}, {Int64Constant(-1, "unknown")}});
    return ApplyOp("Select", {{known}, {found}, {behind}});
  }

 private:
  Output Table() const {
    const Output table =
        ApplyOp("HashTableV2", {},
                {{"shared_name", "vocabulary_" + key() + "_" + std::to_string(Graph::Current().last_id())},
                 {"key_dtype", vocabulary_.dtype()},
                 {"value_dtype", DType::kInt64}},
                "hash_table");
    std::vector<int64_t> positions;
    for (int64_t i = 0; i < vocabulary_.num_elements(); ++i) positions.push_back(i);
    Node* fill = Graph::Current().Apply(
        "LookupTableImportV2",
        {{table}, {Constant(vocabulary_, "vocabulary")}, {Constant(Tensor::Vector(positions), "positions")}}, {},
        "table_init");
    Graph::Current().collection(keys::kTableInitializers).emplace_back(fill);
    return table;
  }

  Tensor vocabulary_;
  VocabularyOptions options_;
};

}  // namespace

FeatureColumnPtr CategoricalColumnWithIdentity(const std::string& key, int64_t num_buckets,
                                               std::optional<int64_t> default_value) {
  return std::make_shared<IdentityColumn>(key, num_buckets, default_value);
}

FeatureColumnPtr CategoricalColumnWithHashBucket(const std::string& key, int64_t hash_bucket_size, DType dtype) {
  return std::make_shared<HashBucketColumn>(key, hash_bucket_size, dtype);
}

FeatureColumnPtr CategoricalColumnWithVocabularyList(const std::string& key, const Tensor& vocabulary,
                                                     const VocabularyOptions& options) {
  return std::make_shared<VocabularyColumn>(key, vocabulary, options);
}

}  // namespace headrace
