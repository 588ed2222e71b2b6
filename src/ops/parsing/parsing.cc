// tf.train.Example to tensors: ParseExample, ParseExampleV2, ParseSingleExample; and DecodeRaw. The wire format is read
// in place (Example: 1 features; Features: 1 map of name to Feature; Feature: 1 bytes, 2 floats, 3 int64s, each a list
// in field 1), without building messages.
#include <algorithm>
#include <cstring>
#include <optional>

#include "declare/declare.h"

namespace headrace {
namespace {

// --------------------------------------------------------------------------------------------------------- wire format

// Walks over the fields of one message. Errors: DataLoss, by `false` from Next and ok().
class Fields {
 public:
  explicit Fields(std::string_view bytes) : at_(bytes.data()), end_(at_ + bytes.size()) {}

  bool Next() {
    uint64_t tag;
    if (at_ == end_ || !Varint(&tag)) return false;
    number_ = static_cast<int>(tag >> 3);
    switch (tag & 7) {
      case 0:
        return Varint(&value_);
      case 1:
        return Take(8);
      case 2: {
        uint64_t size;
        return Varint(&size) && Take(size);
      }
      case 5:
        return Take(4);
      default:
        return Fail();
    }
  }
  bool ok() const { return ok_; }
  int number() const { return number_; }
  uint64_t value() const { return value_; }          // of a varint
  std::string_view bytes() const { return bytes_; }  // of the other kinds
  bool is_varint() const { return bytes_.data() == nullptr; }

  bool Varint(uint64_t* value) {
    *value = 0;
    bytes_ = {};
    for (int shift = 0; shift < 64 && at_ < end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return true;
    }
    return Fail();
  }
  bool done() const { return at_ == end_; }

 private:
  bool Take(uint64_t n) {
    if (n > static_cast<uint64_t>(end_ - at_)) return Fail();
    bytes_ = {at_, n};
    at_ += n;
    return true;
  }
  bool Fail() {
    ok_ = false;
    at_ = end_;
    return false;
  }
  const char *at_, *end_;
  int number_ = 0;
  uint64_t value_ = 0;
  std::string_view bytes_;
  bool ok_ = true;
};

// The list of values of one feature.
struct Feature {
  DType dtype = DType::kInvalid;  // none: a feature without a list
  std::string_view list;
};

std::optional<Feature> ReadFeature(std::string_view bytes) {
  Feature feature;
  Fields fields(bytes);
  while (fields.Next()) {
    if (fields.is_varint()) return std::nullopt;
    switch (fields.number()) {
      case 1:
        feature = {DType::kString, fields.bytes()};
        break;
      case 2:
        feature = {DType::kFloat, fields.bytes()};
        break;
      case 3:
        feature = {DType::kInt64, fields.bytes()};
        break;
      default:
        break;
    }
  }
  return fields.ok() ? std::optional(feature) : std::nullopt;
}

// The features of an example whose names are asked for. Later ones of a name win.
class Example {
 public:
  // False if the bytes are no Example.
  static bool Read(std::string_view bytes, const std::vector<std::string>& keys, std::vector<Feature>* features) {
    features->assign(keys.size(), {});
    Fields example(bytes);
    while (example.Next()) {
      if (example.number() != 1 || example.is_varint()) continue;
      Fields map(example.bytes());
      while (map.Next()) {
        if (map.number() == 1 && (map.is_varint() || !ReadEntry(map.bytes(), keys, features))) return false;
      }
      if (!map.ok()) return false;
    }
    return example.ok();
  }

 private:
  static bool ReadEntry(std::string_view bytes, const std::vector<std::string>& keys, std::vector<Feature>* features) {
    std::string_view key, value;
    Fields entry(bytes);
    while (entry.Next()) {
      if (entry.is_varint()) return false;
      if (entry.number() == 1) key = entry.bytes();
      if (entry.number() == 2) value = entry.bytes();
    }
    if (!entry.ok()) return false;
    for (size_t i = 0; i < keys.size(); ++i) {
      if (keys[i] != key) continue;
      const auto feature = ReadFeature(value);
      if (!feature) return false;
      (*features)[i] = *feature;
    }
    return true;
  }
};

// Appends a feature's values. False if they are malformed.
bool Append(const Feature& feature, std::vector<float>* out) {
  Fields fields(feature.list);
  while (fields.Next()) {
    if (fields.number() != 1 || fields.bytes().size() % sizeof(float) != 0 || fields.is_varint()) return false;
    const size_t n = fields.bytes().size() / sizeof(float), before = out->size();
    out->resize(before + n);
    if (n > 0) std::memcpy(out->data() + before, fields.bytes().data(), n * sizeof(float));
  }
  return fields.ok();
}
bool Append(const Feature& feature, std::vector<int64_t>* out) {
  Fields fields(feature.list);
  while (fields.Next()) {
    if (fields.number() != 1) return false;
    if (fields.is_varint()) {
      out->push_back(static_cast<int64_t>(fields.value()));
      continue;
    }
    Fields packed(fields.bytes());
    uint64_t value;
    while (!packed.done()) {
      if (!packed.Varint(&value)) return false;
      out->push_back(static_cast<int64_t>(value));
    }
  }
  return fields.ok();
}
bool Append(const Feature& feature, std::vector<std::string>* out) {
  Fields fields(feature.list);
  while (fields.Next()) {
    if (fields.number() != 1 || fields.is_varint()) return false;
    out->emplace_back(fields.bytes());
  }
  return fields.ok();
}

// ------------------------------------------------------------------------------------------------------------- parsing

struct DenseFeature {
  std::string key;
  DType dtype = DType::kFloat;
  PartialShape shape;  // of one example; an unknown first size: as many as there are
  Tensor default_value;
  bool variable() const { return shape.rank() > 0 && shape[0] < 0; }
};
struct SparseFeature {
  std::string key;
  DType dtype = DType::kFloat;
};

struct ParsedSparse {
  Tensor indices, values, shape;
};

template <class F>
auto VisitFeatureType(DType dtype, F&& f) {
  if (dtype == DType::kFloat) return f(float{});
  if (dtype == DType::kInt64) return f(int64_t{});
  if (dtype == DType::kString) return f(std::string{});
  throw InvalidArgument("features are float, int64 or string, got ", dtype);
}

// Parses a batch of examples; `single` gives tensors without the batch axis.
class ExampleParser {
 public:
  ExampleParser(std::vector<DenseFeature> dense, std::vector<SparseFeature> sparse, bool single)
      : dense_(std::move(dense)), sparse_(std::move(sparse)), single_(single) {
    for (const DenseFeature& feature : dense_) keys_.push_back(feature.key);
    for (const SparseFeature& feature : sparse_) keys_.push_back(feature.key);
  }

  void Parse(std::span<const std::string> examples) {
    features_.resize(examples.size());
    for (size_t i = 0; i < examples.size(); ++i) {
      if (!Example::Read(examples[i], keys_, &features_[i])) {
        throw InvalidArgument("Could not parse example input, value: '", examples[i].substr(0, 64), "' (example ", i,
                              ")");
      }
    }
  }

  Tensor Dense(size_t d) const {
    const DenseFeature& feature = dense_[d];
    return VisitFeatureType(feature.dtype, [&]<class T>(T) { return feature.variable() ? Ragged<T>(d) : Fixed<T>(d); });
  }

  ParsedSparse Sparse(size_t s) const {
    return VisitFeatureType(sparse_[s].dtype, [&]<class T>(T) { return SparseOf<T>(s); });
  }

 private:
  // A feature's values, checked; none if the example lacks it.
  template <class T>
  std::vector<T> Values(size_t key, DType dtype, size_t example) const {
    std::vector<T> values;
    const Feature& feature = features_[example][key];
    if (feature.dtype == DType::kInvalid) return values;
    if (feature.dtype != dtype) {
      throw InvalidArgument("Key: ", keys_[key], ".  Data types don't match. Data type: ", feature.dtype,
                            " but expected type: ", dtype, " (example ", example, ")");
    }
    if (!Append(feature, &values)) {
      throw InvalidArgument("Could not parse the values of feature ", keys_[key], " (example ", example, ")");
    }
    return values;
  }

  Shape BatchShape(std::span<const int64_t> dims) const {
    Shape shape;
    if (!single_) shape.Append(static_cast<int64_t>(features_.size()));
    for (const int64_t size : dims) shape.Append(size);
    return shape;
  }

  template <class T>
  Tensor Fixed(size_t d) const {
    const DenseFeature& feature = dense_[d];
    const Shape shape = feature.shape.ToShape();
    const auto n = static_cast<size_t>(shape.num_elements());
    Tensor out(feature.dtype, BatchShape(shape.dims()));
    T* to = out.data<T>();
    for (size_t i = 0; i < features_.size(); ++i, to += n) {
      if (features_[i][d].dtype == DType::kInvalid) {
        if (static_cast<size_t>(feature.default_value.num_elements()) != n) {
          throw InvalidArgument("Feature: ", feature.key, " (data type: ", feature.dtype,
                                ") is required but could not be found. (example ", i, ")");
        }
        std::copy_n(feature.default_value.data<T>(), n, to);
        continue;
      }
      const std::vector<T> values = Values<T>(d, feature.dtype, i);
      if (values.size() != n) {
        throw InvalidArgument("Key: ", feature.key, ".  Number of ", feature.dtype,
                              " values != expected.  Values size: ", values.size(), " but output shape: ", shape,
                              " (example ", i, ")");
      }
      std::copy(values.begin(), values.end(), to);
    }
    return out;
  }

  // Examples of different lengths, padded to the longest with the default's one element.
  template <class T>
  Tensor Ragged(size_t d) const {
    const DenseFeature& feature = dense_[d];
    const Shape row(std::vector<int64_t>(feature.shape.dims().begin() + 1, feature.shape.dims().end()));
    const auto row_size = static_cast<size_t>(row.num_elements());
    std::vector<std::vector<T>> values;
    size_t longest = 0;
    for (size_t i = 0; i < features_.size(); ++i) {
      values.push_back(Values<T>(d, feature.dtype, i));
      if (row_size == 0 || values[i].size() % row_size != 0) {
        throw InvalidArgument("Key: ", feature.key, ".  Number of values ", values[i].size(),
                              " is not a multiple of the row size ", row_size, " (example ", i, ")");
      }
      longest = std::max(longest, values[i].size());
    }
    std::vector<int64_t> dims{static_cast<int64_t>(longest / row_size)};
    dims.insert(dims.end(), row.begin(), row.end());
    Tensor out(feature.dtype, BatchShape(dims));
    const T pad = feature.default_value.num_elements() == 1 ? feature.default_value.data<T>()[0] : T{};
    std::fill_n(out.data<T>(), out.num_elements(), pad);
    for (size_t i = 0; i < values.size(); ++i) {
      std::copy(values[i].begin(), values[i].end(), out.data<T>() + i * longest);
    }
    return out;
  }

  template <class T>
  ParsedSparse SparseOf(size_t s) const {
    const size_t key = dense_.size() + s;
    std::vector<T> all;
    std::vector<int64_t> indices;
    int64_t longest = 0;
    for (size_t i = 0; i < features_.size(); ++i) {
      const std::vector<T> values = Values<T>(key, sparse_[s].dtype, i);
      longest = std::max(longest, static_cast<int64_t>(values.size()));
      for (size_t j = 0; j < values.size(); ++j) {
        if (!single_) indices.push_back(static_cast<int64_t>(i));
        indices.push_back(static_cast<int64_t>(j));
      }
      all.insert(all.end(), values.begin(), values.end());
    }
    const int64_t rank = single_ ? 1 : 2;
    std::vector<int64_t> shape{longest};
    if (!single_) shape.insert(shape.begin(), static_cast<int64_t>(features_.size()));
    return {Tensor::Of<int64_t>({static_cast<int64_t>(all.size()), rank}, indices), Tensor::Vector(all),
            Tensor::Vector(shape)};
  }

  std::vector<DenseFeature> dense_;
  std::vector<SparseFeature> sparse_;
  bool single_;
  std::vector<std::string> keys_;               // of the dense, then of the sparse features
  std::vector<std::vector<Feature>> features_;  // by example and key
};

std::vector<DenseFeature> DenseFeatures(KernelContext& c, const std::vector<std::string>& keys, int defaults) {
  const auto& dtypes = c.node().attr<std::vector<DType>>("Tdense");
  const auto& shapes = c.node().attr<std::vector<PartialShape>>("dense_shapes");
  std::vector<DenseFeature> features;
  for (size_t i = 0; i < dtypes.size(); ++i) {
    features.push_back({keys.at(i), dtypes[i], shapes.at(i), c.input(defaults + static_cast<int>(i))});
  }
  return features;
}

std::vector<SparseFeature> SparseFeatures(const Node& node, const std::vector<std::string>& keys) {
  const auto& dtypes = node.attr<std::vector<DType>>("sparse_types");
  std::vector<SparseFeature> features;
  for (size_t i = 0; i < dtypes.size(); ++i) features.push_back({keys.at(i), dtypes[i]});
  return features;
}

// Outputs: sparse indices, values, shapes, then dense values.
void SetOutputs(KernelContext& c, const ExampleParser& parser) {
  const auto num_sparse = c.node().attr<std::vector<DType>>("sparse_types").size();
  const auto num_dense = c.node().attr<std::vector<DType>>("Tdense").size();
  int output = 0;
  std::vector<ParsedSparse> sparse;
  for (size_t s = 0; s < num_sparse; ++s) sparse.push_back(parser.Sparse(s));
  for (ParsedSparse& part : sparse) c.set_output(output++, std::move(part.indices));
  for (ParsedSparse& part : sparse) c.set_output(output++, std::move(part.values));
  for (ParsedSparse& part : sparse) c.set_output(output++, std::move(part.shape));
  for (size_t d = 0; d < num_dense; ++d) c.set_output(output++, parser.Dense(d));
}

std::vector<std::string> ScalarStrings(const KernelContext& c, const char* argument) {
  const auto [begin, end] = c.node().InputRange(argument);
  std::vector<std::string> values;
  for (int i = begin; i < end; ++i) values.push_back(c.input(i).scalar<std::string>());
  return values;
}
std::vector<std::string> VectorStrings(const KernelContext& c, const char* argument) {
  const auto values = c.input(c.node().InputRange(argument).first).flat<std::string>();
  return {values.begin(), values.end()};
}

// Output shapes for examples of this batch shape: () or [n].
void ExampleShapes(ShapeContext& c, const PartialShape& batch) {
  const auto num_sparse = static_cast<int>(c.attr<std::vector<DType>>("sparse_types").size());
  const int rank = batch.rank() == 0 ? 1 : 2;
  for (int i = 0; i < num_sparse; ++i) {
    c.set_output(i, PartialShape{-1, rank});
    c.set_output(num_sparse + i, PartialShape{-1});
    c.set_output(2 * num_sparse + i, Shape{rank});
  }
  int output = 3 * num_sparse;
  for (const PartialShape& row : c.attr<std::vector<PartialShape>>("dense_shapes")) {
    PartialShape shape = Shape();
    for (const int64_t size : batch.dims()) shape.Append(size);
    for (const int64_t size : row.dims()) shape.Append(size);
    c.set_output(output++, shape);
  }
}

DEFINE_OP("ParseExample")
    .Input("serialized: string")
    .Input("names: string")
    .Input("sparse_keys: Nsparse * string")
    .Input("dense_keys: Ndense * string")
    .Input("dense_defaults: Tdense")
    .Output("sparse_indices: Nsparse * int64")
    .Output("sparse_values: sparse_types")
    .Output("sparse_shapes: Nsparse * int64")
    .Output("dense_values: Tdense")
    .Attr("Nsparse: int >= 0")
    .Attr("Ndense: int >= 0")
    .Attr("sparse_types: list({float, int64, string}) >= 0")
    .Attr("Tdense: list({float, int64, string}) >= 0")
    .Attr("dense_shapes: list(shape) >= 0")
    .Shape([](ShapeContext& c) { ExampleShapes(c, c.WithRank(0, 1)); })
    .NoGradient()
    .Kernel([](KernelContext& c) {
      ExampleParser parser(
          DenseFeatures(c, ScalarStrings(c, "dense_keys"), c.node().InputRange("dense_defaults").first),
          SparseFeatures(c.node(), ScalarStrings(c, "sparse_keys")), false);
      parser.Parse(c.input(0).flat<std::string>());
      SetOutputs(c, parser);
    });

DEFINE_OP("ParseExampleV2")
    .Input("serialized: string")
    .Input("names: string")
    .Input("sparse_keys: string")
    .Input("dense_keys: string")
    .Input("ragged_keys: string")
    .Input("dense_defaults: Tdense")
    .Output("sparse_indices: num_sparse * int64")
    .Output("sparse_values: sparse_types")
    .Output("sparse_shapes: num_sparse * int64")
    .Output("dense_values: Tdense")
    .Output("ragged_values: ragged_value_types")
    .Output("ragged_row_splits: ragged_split_types")
    .Attr("Tdense: list({float, int64, string}) >= 0")
    .Attr("num_sparse: int >= 0")
    .Attr("sparse_types: list({float, int64, string}) >= 0")
    .Attr("ragged_value_types: list({float, int64, string}) >= 0")
    .Attr("ragged_split_types: list({int32, int64}) >= 0")
    .Attr("dense_shapes: list(shape) >= 0")
    .Shape([](ShapeContext& c) { ExampleShapes(c, c.input(0)); })
    .NoGradient()
    .Kernel([](KernelContext& c) {
      if (!c.node().attr<std::vector<DType>>("ragged_value_types").empty()) {
        throw Unimplemented("ParseExampleV2 '", c.node().name(), "': ragged features are not supported");
      }
      ExampleParser parser(
          DenseFeatures(c, VectorStrings(c, "dense_keys"), c.node().InputRange("dense_defaults").first),
          SparseFeatures(c.node(), VectorStrings(c, "sparse_keys")), c.input(0).rank() == 0);
      parser.Parse(c.input(0).flat<std::string>());
      SetOutputs(c, parser);
    });

DEFINE_OP("ParseSingleExample")
    .Input("serialized: string")
    .Input("dense_defaults: Tdense")
    .Output("sparse_indices: num_sparse * int64")
    .Output("sparse_values: sparse_types")
    .Output("sparse_shapes: num_sparse * int64")
    .Output("dense_values: Tdense")
    .Attr("num_sparse: int >= 0")
    .Attr("sparse_keys: list(string) >= 0")
    .Attr("dense_keys: list(string) >= 0")
    .Attr("sparse_types: list({float, int64, string}) >= 0")
    .Attr("Tdense: list({float, int64, string}) >= 0")
    .Attr("dense_shapes: list(shape) >= 0")
    .Shape([](ShapeContext& c) { ExampleShapes(c, Shape()); })
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const Node& node = c.node();
      ExampleParser parser(DenseFeatures(c, node.attr<std::vector<std::string>>("dense_keys"), 1),
                           SparseFeatures(node, node.attr<std::vector<std::string>>("sparse_keys")), true);
      parser.Parse(c.input(0).flat<std::string>());
      SetOutputs(c, parser);
    });

DEFINE_OP("DecodeRaw")
    .Input("bytes: string")
    .Output("output: out_type")
    .Attr("out_type: {half, float, double, int32, uint16, uint8, int16, int8, int64, bool}")
    .Attr("little_endian: bool = true")
    .Shape([](ShapeContext& c) {
      if (!c.input(0).has_rank()) return;
      PartialShape shape = c.input(0);
      shape.Append(-1);
      c.set_output(0, shape);
    })
    .Lift([](RowLift& node) { return node.shape(0).rank() == 0; })
    .NoGradient()
    .Kernel([](KernelContext& c) {
      const auto in = c.input(0).flat<std::string>();
      const size_t width = SizeOf(c.node().output_dtype(0));
      if (!c.node().attr<bool>("little_endian") && width > 1) {
        throw Unimplemented("DecodeRaw '", c.node().name(), "' of big-endian bytes");
      }
      const size_t size = in.empty() ? 0 : in[0].size();
      if (size % width != 0) {
        throw InvalidArgument("Input to DecodeRaw has length ", size, " that is not a multiple of ", width,
                              ", the size of ", c.node().output_dtype(0));
      }
      Shape shape = c.input(0).shape();
      shape.Append(static_cast<int64_t>(size / width));
      auto* out = static_cast<char*>(c.AllocateOutput(0, shape).raw());
      for (const std::string& bytes : in) {
        if (bytes.size() != size) {
          throw InvalidArgument("DecodeRaw requires input strings to all be the same size, but one has size ", size,
                                ", another ", bytes.size());
        }
        std::copy(bytes.begin(), bytes.end(), out);
        out += size;
      }
    });

}  // namespace
}  // namespace headrace
