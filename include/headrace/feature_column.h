// Feature columns: how the features of a record become a model's inputs, with the names, variables and numbers of
// TensorFlow 1.15's. A column is an immutable description; InputLayer and LinearModel build its part of the graph.
//
//   auto lat = hr::BucketizedColumn(hr::NumericColumn("lat"), {38.f, 40.f, 42.f});
//   auto lon = hr::BucketizedColumn(hr::NumericColumn("lon"), {-76.f, -74.f, -72.f});
//   auto place = hr::CrossedColumn({lat, lon}, 256);
//   hr::Output net = hr::InputLayer(features, {hr::NumericColumn("fare"), hr::EmbeddingColumn(place, 10)});
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "headrace/dataset.h"
#include "headrace/initializers.h"
#include "headrace/variables.h"

namespace headrace {

// A feature: a tensor, or a sparse one.
using FeatureTensor = std::variant<Output, SparseTensor>;

// Features by name, some of them sparse.
class FeatureTensors : public std::map<std::string, FeatureTensor, std::less<>> {
 public:
  using std::map<std::string, FeatureTensor, std::less<>>::map;
  FeatureTensors(const Features& features) {  // NOLINT
    for (const auto& [name, tensor] : features) emplace(name, tensor);
    for (const auto& [name, tensor] : features.sparse()) emplace(name, tensor);
  }
};

// How to read a feature from a tf.train.Example.
struct FixedLenFeature {
  Shape shape;
  DType dtype = DType::kFloat;
  std::optional<Tensor> default_value;  // none: each example must have it
};
struct VarLenFeature {
  DType dtype = DType::kString;
};
using ParseExampleSpec = std::map<std::string, std::variant<FixedLenFeature, VarLenFeature>>;

class FeatureTransforms;

class FeatureColumn {
 public:
  virtual ~FeatureColumn() = default;
  virtual std::string name() const = 0;
  // The name of its scope in the graph, where that differs from the name.
  virtual std::string scope_name() const { return name(); }
  virtual void AddParseSpec(ParseExampleSpec* spec) const = 0;
};
using FeatureColumnPtr = std::shared_ptr<const FeatureColumn>;

// How a layer wants the variables that its columns make.
struct ColumnVariables {
  bool trainable = true;
  std::vector<std::string> collections = {keys::kGlobalVariables};
};

// A column that gives floats: what InputLayer takes.
class DenseColumn : public virtual FeatureColumn {
 public:
  virtual int64_t num_elements() const = 0;  // a record
  // A tensor whose first axis is the batch and whose other axes have num_elements() elements. May make variables in the
  // current variable scope.
  virtual Output Dense(FeatureTransforms& transforms, const ColumnVariables& variables) const = 0;
};

// Ids of categories, below num_buckets(): either so many for each record, or a sparse tensor of them. Negative ids are
// none.
struct CategoricalIds {
  Output dense;                        // [batch, per record] int64; absent if they are sparse
  bool complete = false;               // no dense id is negative
  std::optional<SparseTensor> sparse;  // values are int64
};

class CategoricalColumn : public virtual FeatureColumn {
 public:
  virtual int64_t num_buckets() const = 0;
  virtual CategoricalIds Ids(FeatureTransforms& transforms) const = 0;
  // The same as a cross takes them: an id of -1 stands for a value that is there but unknown.
  virtual SparseTensor SparseIds(FeatureTransforms& transforms) const;
  virtual bool always_present() const { return false; }  // ids are dense and complete, whatever the features are
  virtual bool is_hashed() const { return false; }       // what is hashed already can't be crossed
};

struct NumericColumnOptions {
  std::vector<int64_t> shape = {1};
  std::optional<Tensor> default_value;  // for parsing examples: of the shape, or a scalar that fills it
  DType dtype = DType::kFloat;
  std::function<Output(Output)> normalizer;
};
FeatureColumnPtr NumericColumn(const std::string& key, const NumericColumnOptions& options = {});
std::vector<FeatureColumnPtr> NumericColumns(const std::vector<std::string>& keys);
// `source` is a numeric column of one axis; boundaries ascend. As a dense column: one-hot.
FeatureColumnPtr BucketizedColumn(const FeatureColumnPtr& source, const std::vector<float>& boundaries);
// Ids as they are; those out of range become `default_value`, or are an error if there is none.
FeatureColumnPtr CategoricalColumnWithIdentity(const std::string& key, int64_t num_buckets,
                                               std::optional<int64_t> default_value = {});
FeatureColumnPtr CategoricalColumnWithHashBucket(const std::string& key, int64_t hash_bucket_size,
                                                 DType dtype = DType::kString);
struct VocabularyOptions {
  int64_t default_value = -1;   // of values that are not in the vocabulary; -1: they are left out
  int64_t num_oov_buckets = 0;  // or so many buckets for them behind the vocabulary
};
// `vocabulary` is a vector of strings or int64s.
FeatureColumnPtr CategoricalColumnWithVocabularyList(const std::string& key, const Tensor& vocabulary,
                                                     const VocabularyOptions& options = {});
struct VocabularyFileOptions {
  std::optional<int64_t> vocabulary_size;  // so many lines count; by default all, which are counted at once
  int64_t default_value = -1, num_oov_buckets = 0;
  DType dtype = DType::kString;  // or kInt64
};
// The lines of a file, which is read when tables are initialised and becomes an asset of exported models. Errors:
// InvalidArgument for a missing file if its lines are to be counted; when run, for an empty line or too few lines.
FeatureColumnPtr CategoricalColumnWithVocabularyFile(const std::string& key, const std::string& file,
                                                     const VocabularyFileOptions& options = {});
// Keys are names of features (strings to be crossed as they are) or categorical columns.
using CrossKey = std::variant<std::string, FeatureColumnPtr>;
// Errors: InvalidArgument for a hashed column: cross the feature itself.
FeatureColumnPtr CrossedColumn(const std::vector<CrossKey>& keys, int64_t hash_bucket_size,
                               std::optional<uint64_t> hash_key = {});
FeatureColumnPtr IndicatorColumn(const FeatureColumnPtr& categorical);
struct EmbeddingOptions {
  std::string combiner = "mean";  // of a record's several ids: "mean", "sqrtn" or "sum"
  Initializer initializer;        // none: truncated normal of standard deviation 1 / sqrt(dimension)
  bool trainable = true;
};
FeatureColumnPtr EmbeddingColumn(const FeatureColumnPtr& categorical, int64_t dimension,
                                 const EmbeddingOptions& options = {});

// What a layer has made of each of its columns.
struct ColumnParts {
  std::map<const FeatureColumn*, Output> outputs;  // [batch, elements]
  std::map<const FeatureColumn*, std::vector<std::shared_ptr<Variable>>> variables;
  std::shared_ptr<Variable> bias;  // of a linear model
};

struct InputLayerOptions {
  bool trainable = true;
  std::string scope = "input_layer";
  std::vector<std::string> weight_collections = {};  // to which variables are added as well
};
// [batch, sum of the columns' elements], the columns in the order of their names. Errors: InvalidArgument for columns
// that are not dense or have the same name; NotFound for a feature that is not there.
Output InputLayer(const FeatureTensors& features, const std::vector<FeatureColumnPtr>& columns,
                  const InputLayerOptions& options = {}, ColumnParts* parts = nullptr);

struct LinearModelOptions {
  int64_t units = 1;
  std::string sparse_combiner = "sum";
  bool trainable = true;
  std::string scope = "linear_model";
  std::vector<std::string> weight_collections = {};
};
// [batch, units]: sum over columns of their weights times their values, plus "bias_weights"; a categorical column's
// weights are "COLUMN/weights" [num_buckets, units].
Output LinearModel(const FeatureTensors& features, const std::vector<FeatureColumnPtr>& columns,
                   const LinearModelOptions& options = {}, ColumnParts* parts = nullptr);

ParseExampleSpec MakeParseExampleSpec(const std::vector<FeatureColumnPtr>& columns);
// Features out of serialized tf.train.Examples, a vector of them or one scalar. Errors when run: InvalidArgument naming
// feature and example.
FeatureTensors ParseExample(Output serialized, const ParseExampleSpec& spec);

// What columns have made of the features so far, so that columns that share a part build it once in a layer.
class FeatureTransforms {
 public:
  explicit FeatureTransforms(FeatureTensors features) : features_(std::move(features)) {}
  // The feature as columns take it, with at least two axes. Errors: NotFound, naming the features that there are.
  FeatureTensor Raw(const std::string& key);
  // The same, not sparse. Errors: InvalidArgument.
  Output RawDense(const std::string& key);
  // What `make` makes for this column, the first time that it is asked for.
  Output Once(const FeatureColumn* column, const std::function<Output()>& make);
  CategoricalIds IdsOnce(const FeatureColumn* column, const std::function<CategoricalIds()>& make);

 private:
  FeatureTensors features_;
  std::map<std::string, FeatureTensor> raw_;
  std::map<const FeatureColumn*, Output> outputs_;
  std::map<const FeatureColumn*, CategoricalIds> ids_;
};

}  // namespace headrace
