// Numeric and bucketized columns.
#include <algorithm>
#include <numeric>

#include "features/transforms.h"
#include "nn/filled.h"

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
    if (options_.default_value) options_.default_value = FilledDefault(*options_.default_value);
  }
  std::string name() const override { return key_; }
  const std::vector<int64_t>& shape() const { return options_.shape; }
  int64_t num_elements() const override { return Product(options_.shape); }
  void AddParseSpec(ParseExampleSpec* spec) const override {
    (*spec)[key_] = FixedLenFeature{Shape(options_.shape), options_.dtype, options_.default_value};
  }
  Output Dense(FeatureTransforms& transforms, const ColumnVariables&) const override { return Value(transforms); }
  // [batch, …]: num_elements() floats for each record.
  Output Value(FeatureTransforms& transforms) const {
    return transforms.Once(this, [&] {
      Output value = transforms.RawDense(key_);
      if (!IsInteger(value.dtype()) && !IsFloating(value.dtype())) {
        throw InvalidArgument("numeric_column '", key_, "' needs a feature of numbers, got ", value.dtype(), " in ",
                              value.name());
      }
      if (options_.normalizer) value = options_.normalizer(value);
      value = OfItsWidth(value);
      if (value.dtype() == DType::kFloat) return value;
      return ApplyOp("Cast", {{value}}, {{"DstT", DType::kFloat}}, "ToFloat");
    });
  }

 private:
  // Records are not cut anew to suit the column: a feature of another width is an error, now or when it runs.
  Output OfItsWidth(Output value) const {
    const PartialShape& shape = value.shape();
    int64_t width = shape.has_rank() ? 1 : -1;
    for (int axis = 1; axis < shape.rank() && width >= 0; ++axis) width = shape[axis] < 0 ? -1 : width * shape[axis];
    if (width == num_elements()) return value;
    if (width >= 0) {
      throw InvalidArgument("Cannot reshape a tensor of shape ", shape, " (feature ", key_, ", ", value.name(), ") to ",
                            num_elements(), " numbers a record, which is what numeric_column '", key_, "' of shape ",
                            Shape(options_.shape), " has");
    }
    const Output batch = ApplyOp("StridedSlice", {{ApplyOp("Shape", {{value}})},
                                                  {Int32Constant({0}, "strided_slice/stack")},
                                                  {Int32Constant({1}, "strided_slice/stack_1")},
                                                  {Int32Constant({1}, "strided_slice/stack_2")}});
    const Output width_of_column = Int32Constant({static_cast<int32_t>(num_elements())}, "Reshape/shape/1");
    const Output wanted = ApplyOp("ConcatV2", {{batch, width_of_column}, {Int32Scalar(0, "concat/axis")}});
    return ApplyOp("Reshape", {{value}, {wanted}});
  }

  // The default value of a record's shape: a scalar fills it.
  Tensor FilledDefault(const Tensor& value) const {
    const Shape shape(options_.shape);
    if (value.shape() == shape) return value;
    if (value.rank() > 0) {
      throw InvalidArgument("The shape of default_value must be equal to given shape. default_value: ",
                            value.ToString(), ", shape: ", shape, ", key: ", key_);
    }
    return FilledTensor(value.dtype(), shape, value.AsDouble());
  }

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

  Output Dense(FeatureTransforms& transforms, const ColumnVariables&) const override {
    return ApplyOp("OneHot",
                   {{Bucket(transforms)},
                    {Int32Scalar(static_cast<int32_t>(buckets()), "one_hot/depth")},
                    {Constant(Tensor::Scalar(1.0f), "one_hot/on_value")},
                    {Constant(Tensor::Scalar(0.0f), "one_hot/off_value")}},
                   {}, "one_hot");
  }

  bool always_present() const override { return true; }
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
      return ApplyOp("Bucketize", {{numeric_.Value(transforms)}}, {{"boundaries", boundaries_}});
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
