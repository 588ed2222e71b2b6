// Categorical columns over one feature: identity, hash buckets, vocabularies in lists and in files.
#include <algorithm>
#include <numeric>
#include <set>

#include "features/transforms.h"
#include "headrace/file_system.h"
#include "nn/filled.h"

namespace headrace {
namespace {

// A table of int64 values that the graph's table initializers fill by the node that `fill` makes.
Output MakeTable(const std::string& name, DType key_dtype, const std::function<Node*(Output table)>& fill) {
  const Output table =
      ApplyOp("HashTableV2", {},
              {{"shared_name", "vocabulary_" + name + "_" + std::to_string(Graph::Current().last_id())},
               {"key_dtype", key_dtype},
               {"value_dtype", DType::kInt64}},
              "hash_table");
  Graph::Current().collection(keys::kTableInitializers).emplace_back(fill(table));
  return table;
}

Node* FillWithPositions(Output table, const Tensor& vocabulary) {
  std::vector<int64_t> positions(static_cast<size_t>(vocabulary.num_elements()));
  std::iota(positions.begin(), positions.end(), int64_t{0});
  return Graph::Current().Apply(
      "LookupTableImportV2",
      {{table}, {Constant(vocabulary, "vocabulary")}, {Constant(Tensor::Vector(positions), "positions")}}, {},
      "table_init");
}

// What they have in common: a feature's values become ids by some formula; "" and -1 are missing values.
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
      if (const auto* sparse = std::get_if<SparseTensor>(&raw)) return {.sparse = SparseIdsOf(*sparse)};
      const Output values = std::get<Output>(raw);
      CheckType(values);
      const Output present = ApplyOp("NotEqual", {{values}, {Constant(Missing(values.dtype()))}});
      const Output none = ApplyOp("Fill", {{ApplyOp("Shape", {{values}})}, {Int64Constant(-1, "missing")}});
      return {.dense = ApplyOp("Select", {{present}, {IdsOf(values)}, {none}})};
    });
  }

  SparseTensor SparseIds(FeatureTransforms& transforms) const override {
    const FeatureTensor raw = transforms.Raw(key_);
    if (const auto* dense = std::get_if<Output>(&raw)) {
      CheckType(*dense);
      return SparseIdsOf(ToSparse(*dense, Missing(dense->dtype())));
    }
    return SparseIdsOf(std::get<SparseTensor>(raw));
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
  SparseTensor SparseIdsOf(const SparseTensor& raw) const {
    CheckType(raw.values);
    return {raw.indices, IdsOf(raw.values), raw.dense_shape};
  }
  // Errors: InvalidArgument for strings where the column has numbers, or the other way round.
  void CheckType(Output values) const {
    const DType dtype = values.dtype();
    if (dtype != DType::kString && !IsInteger(dtype)) {
      throw InvalidArgument("column_name: ", key_, " input_tensor dtype must be string or integer. dtype: ", dtype,
                            ".");
    }
    if (IsInteger(dtype_) != IsInteger(dtype)) {
      throw InvalidArgument("Column dtype and SparseTensors dtype must be compatible. key: ", key_,
                            ", column dtype: ", dtype_, ", tensor dtype: ", dtype);
    }
  }
  static Tensor Missing(DType dtype) {
    return dtype == DType::kString ? Tensor::Scalar("") : FilledTensor(dtype, {}, -1);
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
    if (!default_value_) return ids;  // a lookup checks their range; counting and crossing don't, as in TensorFlow 2
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
  bool is_hashed() const override { return true; }

 protected:
  Output IdsOf(Output values) const override {
    const Output text = values.dtype() == DType::kString ? values : ApplyOp("AsString", {{values}});
    return ApplyOp("StringToHashBucketFast", {{text}}, {{"num_buckets", num_buckets()}}, "lookup");
  }
};

// Positions in a vocabulary, through a lookup table that the graph's table initializers fill.
class VocabularyColumn : public FeatureIdsColumn {
 public:
  VocabularyColumn(const std::string& key, DType dtype, int64_t size, int64_t default_value, int64_t num_oov_buckets)
      : FeatureIdsColumn(key, size + std::max<int64_t>(num_oov_buckets, 0), dtype),
        size_(size),
        default_value_(default_value),
        num_oov_buckets_(num_oov_buckets) {
    if (num_oov_buckets < 0) throw InvalidArgument("Invalid num_oov_buckets ", num_oov_buckets, " in ", key, ".");
    if (num_oov_buckets > 0 && default_value != -1) {
      throw InvalidArgument("Can't specify both num_oov_buckets and default_value in ", key, ".");
    }
  }

 protected:
  // The node that fills the table.
  virtual Node* Fill(Output table) const = 0;
  DType key_dtype() const { return dtype() == DType::kString ? DType::kString : DType::kInt64; }

  Output IdsOf(Output values) const override {
    const Output keys = values.dtype() == DType::kString ? values : ToInt64(values);
    const Output found = ApplyOp("LookupTableFindV2", {{Table()}, {keys}, {Int64Constant(default_value_, "default")}});
    if (num_oov_buckets_ == 0) return found;
    const Output text = values.dtype() == DType::kString ? values : ApplyOp("AsString", {{values}});
    const Output bucket = ApplyOp("StringToHashBucketFast", {{text}}, {{"num_buckets", num_oov_buckets_}});
    const Output behind = ApplyOp("AddV2", {{bucket}, {Int64Constant(size_, "vocabulary_size")}});
    const Output known = ApplyOp("NotEqual", {{found}, {Int64Constant(-1, "unknown")}});
    return ApplyOp("Select", {{known}, {found}, {behind}});
  }

 private:
  Output Table() const {
    return MakeTable(key(), key_dtype(), [this](Output table) { return Fill(table); });
  }

  int64_t size_, default_value_, num_oov_buckets_;
};

class VocabularyListColumn final : public VocabularyColumn {
 public:
  VocabularyListColumn(const std::string& key, const Tensor& vocabulary, const VocabularyOptions& options)
      : VocabularyColumn(key, vocabulary.dtype(), CheckedSize(key, vocabulary), options.default_value,
                         options.num_oov_buckets),
        vocabulary_(vocabulary.dtype() == DType::kString ? vocabulary : Tensor::Vector(vocabulary.AsInt64s())) {}

 protected:
  Node* Fill(Output table) const override { return FillWithPositions(table, vocabulary_); }

 private:
  static int64_t CheckedSize(const std::string& key, const Tensor& vocabulary) {
    if (vocabulary.num_elements() == 0) {
      throw InvalidArgument("vocabulary_list ", vocabulary.ToString(), " must be non-empty, column_name: ", key);
    }
    if (vocabulary.dtype() != DType::kString && !IsInteger(vocabulary.dtype())) {
      throw InvalidArgument("column_name: ", key,
                            " vocabulary dtype must be string or integer. dtype: ", vocabulary.dtype(), ".");
    }
    std::set<std::string> known;
    for (int64_t i = 0; i < vocabulary.num_elements(); ++i) {
      const std::string word = vocabulary.dtype() == DType::kString ? std::string(vocabulary.string(i))
                                                                    : std::to_string(vocabulary.AsInt64(i));
      if (!known.insert(word).second) {
        throw InvalidArgument("Duplicate keys in vocabulary_list ", vocabulary.ToString(), ", column_name: ", key, " (",
                              word, " is there twice)");
      }
    }
    return vocabulary.num_elements();
  }

  Tensor vocabulary_;
};

class VocabularyFileColumn final : public VocabularyColumn {
 public:
  VocabularyFileColumn(const std::string& key, const std::string& file, const VocabularyFileOptions& options)
      : VocabularyFileColumn(key, file, options, Size(key, file, options)) {}

 protected:
  Node* Fill(Output table) const override {
    const Output path = Constant(Tensor::Scalar(file_), "asset_path");
    Graph::Current().collection(keys::kAssetFilepaths).emplace_back(path);
    constexpr int64_t kWholeLine = -2, kLineNumber = -1;
    return Graph::Current().Apply("InitializeTableFromTextFileV2", {{table}, {path}},
                                  {{"key_index", kWholeLine}, {"value_index", kLineNumber}, {"vocab_size", lines_}},
                                  "table_init");
  }

 private:
  VocabularyFileColumn(const std::string& key, const std::string& file, const VocabularyFileOptions& options,
                       int64_t size)
      : VocabularyColumn(key, options.dtype, size, options.default_value, options.num_oov_buckets),
        file_(file),
        lines_(size) {}

  // As many as the options say, or as the file has lines.
  static int64_t Size(const std::string& key, const std::string& file, const VocabularyFileOptions& options) {
    if (file.empty()) throw InvalidArgument("Missing vocabulary_file in ", key, ".");
    if (!options.vocabulary_size && !FileExists(file)) {
      throw InvalidArgument("vocabulary_file in ", key, " does not exist: ", file, ".");
    }
    int64_t size = options.vocabulary_size.value_or(0);
    if (!options.vocabulary_size) {
      const std::string text = ReadFile(file);
      size = std::ranges::count(text, '\n') + (text.empty() || text.back() == '\n' ? 0 : 1);
    }
    if (size < 1) throw InvalidArgument("Invalid vocabulary_size in ", key, ".");
    return size;
  }

  std::string file_;
  int64_t lines_;
};

}  // namespace

Output LookUpInVocabulary(Output values, const Tensor& vocabulary, const std::string& name) {
  const Output table =
      MakeTable(name, vocabulary.dtype(), [&](Output made) { return FillWithPositions(made, vocabulary); });
  return ApplyOp("LookupTableFindV2", {{table}, {values}, {Int64Constant(-1, "default")}});
}

FeatureColumnPtr CategoricalColumnWithIdentity(const std::string& key, int64_t num_buckets,
                                               std::optional<int64_t> default_value) {
  return std::make_shared<IdentityColumn>(key, num_buckets, default_value);
}

FeatureColumnPtr CategoricalColumnWithHashBucket(const std::string& key, int64_t hash_bucket_size, DType dtype) {
  return std::make_shared<HashBucketColumn>(key, hash_bucket_size, dtype);
}

FeatureColumnPtr CategoricalColumnWithVocabularyList(const std::string& key, const Tensor& vocabulary,
                                                     const VocabularyOptions& options) {
  return std::make_shared<VocabularyListColumn>(key, vocabulary, options);
}

FeatureColumnPtr CategoricalColumnWithVocabularyFile(const std::string& key, const std::string& file,
                                                     const VocabularyFileOptions& options) {
  return std::make_shared<VocabularyFileColumn>(key, file, options);
}

}  // namespace headrace
