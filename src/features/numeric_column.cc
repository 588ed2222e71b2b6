// Numeric and bucketized columns.
#include <algorithm>
#include <numeric>

#include "features/transforms.h"

namespace headrace {
namespace {

int64_t Product(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

class NumericColumnImpl final : public DenseColumn {
 public:
  NumericColumnImpl(std::string key, NumericColumnOptions options)
      : key_(std::move(key)), options_(std::move(options)) {
    if (key_.empty()) throw InvalidArgument("a numeric column needs a key");
    if (options_.shape.empty()) options_.shape = {1};
    for (const int64_t size : options_.shape) {
      if (size < 1) throw InvalidArgument("shape dimensions must be greater than 0, got ", size, " for ", key_);
    }
    if (!IsInteger(options_.dtype) && !IsFloating(options_.dtype)) {
      throw InvalidArgument("dtype must be convertible to float. dtype: ", options_.dtype, ", key: ", key_);
    }
  }
  std::string name() const override { return key_; }
  const std::vector<int64_t>& shape() const { return options_.shape; }
  int64_t num_elements() const override { return Product(options_.shape); }
  void AddParseSpec(ParseExampleSpec* spec) const override {
    (*spec)[key_] = FixedLenFeature{Shape(options_.shape), options_.dtype, options_.default_value};
  }
  Output Dense(FeatureTransforms& transforms, bool) const override {
    return transforms.Once(this, [&] {
      Output value = transforms.RawDense(key_);
      if (options_.normalizer) value = options_.normalizer(value);
      if (value.dtype() == DType::kFloat) return value;
      return ApplyOp("Cast", {{value}}, {{"DstT", DType::kFloat}}, "ToFloat");
    });
  }

 private:
  std::string key_;
  NumericColumnOptions options_;
};

class BucketizedColumnImpl final : public DenseColumn, public CategoricalColumn {
 public:
  BucketizedColumnImpl(FeatureColumnPtr source, std::vector<float> boundaries)
      : source_(std::move(source)),
        numeric_(ColumnAs<NumericColumnImpl>(source_, "a numeric column to bucketize")),
        boundaries_(std::move(boundaries)) {
    if (numeric_.shape().size() > 1) {
      throw InvalidArgument("source_column must be one-dimensional column. Given: ", source_->name());
    }
    if (boundaries_.empty() ||
        std::adjacent_find(boundaries_.begin(), boundaries_.end(), std::greater_equal<>()) != boundaries_.end()) {
      throw InvalidArgument("boundaries of ", name(), " must be a sorted list of at least one number");
    }
  }
  std::string name() const override { return source_->name() + "_bucketized"; }
  int64_t buckets() const { return static_cast<int64_t>(boundaries_.size()) + 1; }
  int64_t num_buckets() const override { return buckets() * numeric_.num_elements(); }
  int64_t num_elements() const override { return num_buckets(); }
  void AddParseSpec(ParseExampleSpec* spec) const override { source_->AddParseSpec(spec); }

  Output Dense(FeatureTransforms& transforms, bool) const override {
    return ApplyOp("OneHot",
                   {{Bucket(transforms)},
                    {Int32Scalar(static_cast<int32_t>(buckets()), "one_hot/depth")},
                    {Constant(Tensor::Scalar(1.0f), "one_hot/on_value")},
                    {Constant(Tensor::Scalar(0.0f), "one_hot/off_value")}},
                   {}, "one_hot");
  }

  // The buckets of the source's elements follow one another.
  CategoricalIds Ids(FeatureTransforms& transforms) const override {
    return transforms.IdsOnce(this, [&] {
      Output bucket = Bucket(transforms);
      if (numeric_.num_elements() > 1) {
        std::vector<int32_t> offsets;
        for (int64_t i = 0; i < numeric_.num_elements(); ++i) offsets.push_back(static_cast<int32_t>(i * buckets()));
        bucket = ApplyOp("AddV2", {{bucket}, {Int32Constant(offsets, "offsets")}}, {}, "add");
      }
      return CategoricalIds{.dense = ApplyOp("Cast", {{bucket}}, {{"DstT", DType::kInt64}}, "ToInt64"),
                            .complete = true};
    });
  }

 private:
  Output Bucket(FeatureTransforms& transforms) const {
    return transforms.Once(this, [&] {
      return ApplyOp("Bucketize", {{numeric_.Dense(transforms, true)}}, {{"boundaries", boundaries_}});
    });
  }

  FeatureColumnPtr source_;
  const NumericColumnImpl& numeric_;
  std::vector<float> boundaries_;
};

}  // namespace

FeatureColumnPtr NumericColumn(const std::string& key, const NumericColumnOptions& options) {
  return std::make_shared<NumericColumnImpl>(key, options);
}

std::vector<FeatureColumnPtr> NumericColumns(const std::vector<std::string>& keys) {
  std::vector<FeatureColumnPtr> columns;
  for (const std::string& key : keys) columns.push_back(NumericColumn(key));
  return columns;
}

FeatureColumnPtr BucketizedColumn(const FeatureColumnPtr& source, const std::vector<float>& boundaries) {
  return std::make_shared<BucketizedColumnImpl>(source, boundaries);
}

}  // namespace headrace
