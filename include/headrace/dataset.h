// Datasets: input pipelines as parts of the graph, as tf.data builds them. A Dataset is a small value, a handle on a
// node of the current graph; its transforms add nodes. Functions given to Map and the like are traced once into graph
// functions; they may use tensors from outside.
//
//   auto rides = hr::Dataset::TextLines(hr::MatchFiles("taxi-*.csv")).Map([](hr::Output line) {
//     hr::Features features = hr::DecodeCsv(line, kColumns);
//     hr::Output fare = features.Pop("fare_amount");
//     return std::pair(features, fare);
//   });
//   auto [features, label] = rides.Shuffle(5120).Repeat().Batch(512).GetNext().As<hr::Features, hr::Output>();
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

// tf.SparseTensor: `values` stand at `indices` [n, rank] (int64, in row-major order) of a tensor of `dense_shape`.
struct SparseTensor {
  Output indices, values, dense_shape;
};

// Tensors by name, in the order in which they were set; and sparse ones, which stages of a dataset don't carry yet.
class Features {
 public:
  Features() = default;
  Features(std::initializer_list<std::pair<std::string, Output>> items);

  void Set(const std::string& name, Output value);  // replaces
  void Set(const std::string& name, const SparseTensor& value);
  const Output& at(std::string_view name) const;  // errors: NotFound, naming those that there are
  Output Pop(std::string_view name);              // takes it out; errors: NotFound
  bool contains(std::string_view name) const;
  std::vector<std::string> names() const;
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty() && sparse_.empty(); }
  const std::map<std::string, SparseTensor>& sparse() const { return sparse_; }  // beside the others
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<std::pair<std::string, Output>> items_;
  std::map<std::string, SparseTensor> sparse_;
};

// How an element is put together of components: one tensor, tensors by name, or a tuple of such parts. Flattened, named
// tensors stand in the order of their names, as TensorFlow has it.
struct ElementLayout {
  enum class Kind { kSingle, kFeatures, kTuple };
  Kind kind = Kind::kSingle;
  std::vector<std::string> names;    // of kFeatures, sorted
  std::vector<ElementLayout> parts;  // of kTuple
  size_t num_components() const;
};

// The tensors of an element, with their layout.
class ElementTensors {
 public:
  ElementTensors(Output tensor) : flat_{tensor} {}  // NOLINT
  ElementTensors(const Features& features);         // NOLINT
  template <class A, class B>
  ElementTensors(const std::pair<A, B>& parts)  // NOLINT
      : ElementTensors(Tuple({ElementTensors(parts.first), ElementTensors(parts.second)})) {}
  ElementTensors(ElementLayout layout, std::vector<Output> flat);
  static ElementTensors Tuple(const std::vector<ElementTensors>& parts);
  static ElementTensors Tuple(const std::vector<Output>& parts);

  const ElementLayout& layout() const { return layout_; }
  const std::vector<Output>& flat() const { return flat_; }
  // The parts as what they are; errors: InvalidArgument saying what the element is made of.
  Output tensor() const;
  Features features() const;
  std::vector<ElementTensors> parts() const;

  // The element as a T (Output, Features or ElementTensors), or as a tuple of them.
  template <class T>
  T As() const {
    if constexpr (std::is_same_v<T, Output>) return tensor();
    if constexpr (std::is_same_v<T, Features>) return features();
    if constexpr (std::is_same_v<T, ElementTensors>) return *this;
  }
  template <class First, class Second, class... Rest>
  std::tuple<First, Second, Rest...> As() const {
    return AsTuple<First, Second, Rest...>(std::index_sequence_for<First, Second, Rest...>());
  }

 private:
  template <class... Ts, size_t... Is>
  std::tuple<Ts...> AsTuple(std::index_sequence<Is...>) const {
    const auto items = PartsOfCount(sizeof...(Ts));
    return {items[Is].template As<Ts>()...};
  }
  std::vector<ElementTensors> PartsOfCount(size_t count) const;

  ElementLayout layout_;
  std::vector<Output> flat_;
};

// An iterator node of the graph.
struct DatasetIterator {
  Output resource;
  ElementLayout layout;
  std::vector<DType> dtypes;
  std::vector<PartialShape> shapes;
  Node* initializer = nullptr;             // to be run before the first element is taken; nullptr if there is none
  std::shared_ptr<Graph> graph = nullptr;  // that it belongs to; null if that lies on the stack

  ElementTensors GetNext(std::string_view name = {}) const;  // at the end its run fails with OutOfRange
};

class Dataset {
 public:
  // --- sources ---
  static Dataset TextLines(const std::vector<std::string>& files, const std::string& compression = "");
  static Dataset TextLines(Output files, const std::string& compression = "");
  static Dataset Records(const std::vector<std::string>& files, const std::string& compression = "");
  static Dataset Records(Output files, const std::string& compression = "");
  static Dataset FromTensors(const ElementTensors& element);       // one element
  static Dataset FromTensorSlices(const ElementTensors& tensors);  // one element a row of all of them
  static Dataset Range(int64_t stop) { return Range(0, stop); }
  static Dataset Range(int64_t start, int64_t stop, int64_t step = 1);
  static Dataset Zip(const std::vector<Dataset>& datasets);

  // --- transforms ---
  // `f` takes the element as Output, Features, a pair's two parts, or ElementTensors, and returns any of these.
  template <class F>
  Dataset Map(const F& f) const {
    return MapElements(Adapt(f));
  }
  template <class F>
  Dataset Filter(const F& f) const {  // f returns a bool scalar
    return FilterElements(Adapt(f));
  }
  template <class F>
  Dataset FlatMap(const F& f) const {  // f returns a Dataset
    return InterleaveElements(AdaptTo<Dataset>(f), std::nullopt);
  }
  template <class F>
  Dataset Interleave(const F& f, int64_t cycle_length, int64_t block_length = 1) const {
    return InterleaveElements(AdaptTo<Dataset>(f), std::pair(cycle_length, block_length));
  }
  // Without a seed the order follows from the graph's seed, or differs from run to run if there is none.
  Dataset Shuffle(int64_t buffer_size, std::optional<int64_t> seed = {}, bool reshuffle_each_iteration = true) const;
  Dataset Repeat(int64_t count = -1) const;  // -1: for ever
  Dataset Batch(int64_t batch_size, bool drop_remainder = false) const;
  // Pads each component to padded_shapes (flattened; unknown sizes: the longest of the batch) with padding_values.
  Dataset PaddedBatch(int64_t batch_size, const std::vector<PartialShape>& padded_shapes,
                      const std::vector<Tensor>& padding_values, bool drop_remainder = false) const;
  Dataset Take(int64_t count) const;
  Dataset Skip(int64_t count) const;
  Dataset Shard(int64_t num_shards, int64_t index) const;
  Dataset Concatenate(const Dataset& other) const;
  Dataset Prefetch(int64_t buffer_size) const;
  Dataset Cache() const;

  // --- as seen by bindings, whose counts and sizes may be tensors ---
  Dataset Apply(std::string_view op, const std::vector<OpArgument>& arguments, AttrMap attrs = {}) const;
  Dataset WithLayout(ElementLayout layout) const;  // errors: InvalidArgument on another number of components
  // A dataset that some node makes.
  static Dataset FromVariant(Output variant, ElementLayout layout, std::vector<DType> dtypes,
                             std::vector<PartialShape> shapes);

  // --- elements ---
  DatasetIterator OneShotIterator() const;
  DatasetIterator InitializableIterator(const std::string& shared_name = "") const;
  ElementTensors GetNext() const { return OneShotIterator().GetNext(); }

  Output variant() const { return variant_; }
  const ElementLayout& layout() const { return layout_; }
  const std::vector<DType>& dtypes() const { return dtypes_; }
  const std::vector<PartialShape>& shapes() const { return shapes_; }

  using ElementFunction = std::function<ElementTensors(const ElementTensors&)>;
  Dataset MapElements(const ElementFunction& f) const;
  Dataset FilterElements(const ElementFunction& f) const;
  // cycle_length and block_length; without them FlatMap.
  Dataset InterleaveElements(const std::function<Dataset(const ElementTensors&)>& f,
                             std::optional<std::pair<int64_t, int64_t>> lengths) const;

 private:
  template <class F>
  static ElementFunction Adapt(const F& f) {
    return AdaptTo<ElementTensors>(f);
  }
  template <class Result, class F>
  static std::function<Result(const ElementTensors&)> AdaptTo(const F& f) {
    return [f](const ElementTensors& e) -> Result {
      if constexpr (std::is_invocable_v<F, ElementTensors>)
        return f(e);
      else if constexpr (std::is_invocable_v<F, Features>)
        return f(e.features());
      else if constexpr (std::is_invocable_v<F, Output>)
        return f(e.tensor());
      else if constexpr (std::is_invocable_v<F, Features, Output>)
        return std::apply(f, e.As<Features, Output>());
      else if constexpr (std::is_invocable_v<F, Output, Output>)
        return std::apply(f, e.As<Output, Output>());
      else
        return std::apply(f, e.As<Features, Features>());
    };
  }
  Dataset Transformed(Output variant) const;

  Output variant_;
  std::shared_ptr<Graph> graph_;  // of the variant; null if that lies on the stack
  ElementLayout layout_;
  std::vector<DType> dtypes_;
  std::vector<PartialShape> shapes_;
};

// One column of a CSV file: its name, and the value of an empty field; no default: the field must not be empty.
struct CsvColumn {
  CsvColumn(std::string name, float value) : name(std::move(name)), default_value(Row(value)) {}
  CsvColumn(std::string name, double value) : CsvColumn(std::move(name), static_cast<float>(value)) {}
  CsvColumn(std::string name, int value) : name(std::move(name)), default_value(Row(value)) {}
  CsvColumn(std::string name, int64_t value) : name(std::move(name)), default_value(Row(value)) {}
  CsvColumn(std::string name, const char* value) : name(std::move(name)), default_value(Row(std::string(value))) {}
  CsvColumn(std::string name, DType required) : name(std::move(name)), default_value(required, {0}) {}
  std::string name;
  Tensor default_value;  // one element, or none

 private:
  template <class T>
  static Tensor Row(T value) {
    return Tensor::Vector(std::vector<T>{std::move(value)});
  }
};

struct DecodeCsvOptions {
  char field_delim = ',';
  bool use_quote_delim = true;
  std::string na_value;
  std::vector<int64_t> select_cols;  // ascending; empty: all
};

// Records of CSV, any shape, as features of that shape. Errors when run: InvalidArgument naming field and record.
Features DecodeCsv(Output records, const std::vector<CsvColumn>& columns, const DecodeCsvOptions& options = {});

}  // namespace headrace
