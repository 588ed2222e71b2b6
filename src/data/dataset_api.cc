// The public datasets: handles on dataset nodes of the graph.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "headrace/dataset.h"
#include "headrace/op.h"
#include "headrace/random_seed.h"

namespace headrace {

// ------------------------------------------------------------------------------------------------------------ features

Features::Features(std::initializer_list<std::pair<std::string, Output>> items) {
  for (const auto& [name, value] : items) Set(name, value);
}

void Features::Set(const std::string& name, Output value) {
  for (auto& item : items_) {
    if (item.first == name) {
      item.second = value;
      return;
    }
  }
  items_.emplace_back(name, value);
}

void Features::Set(const std::string& name, const SparseTensor& value) {
  sparse_.insert_or_assign(name, value);
}

const Output& Features::at(std::string_view name) const {
  std::string known;
  for (const auto& item : items_) {
    if (item.first == name) return item.second;
    known += (known.empty() ? "" : ", ") + item.first;
  }
  throw NotFound("there is no feature '", name, "'; there are: ", known);
}

Output Features::Pop(std::string_view name) {
  const Output value = at(name);
  std::erase_if(items_, [&](const auto& item) { return item.first == name; });
  return value;
}

bool Features::contains(std::string_view name) const {
  return std::any_of(items_.begin(), items_.end(), [&](const auto& item) { return item.first == name; });
}

std::vector<std::string> Features::names() const {
  std::vector<std::string> names;
  for (const auto& item : items_) names.push_back(item.first);
  return names;
}

// ------------------------------------------------------------------------------------------------------------ elements

size_t ElementLayout::num_components() const {
  if (kind == Kind::kSingle) return 1;
  if (kind == Kind::kFeatures) return names.size();
  size_t count = 0;
  for (const ElementLayout& part : parts) count += part.num_components();
  return count;
}

ElementTensors::ElementTensors(const Features& features) {
  layout_.kind = ElementLayout::Kind::kFeatures;
  layout_.names = features.names();
  std::sort(layout_.names.begin(), layout_.names.end());
  for (const std::string& name : layout_.names) flat_.push_back(features.at(name));
}

ElementTensors::ElementTensors(ElementLayout layout, std::vector<Output> flat)
    : layout_(std::move(layout)), flat_(std::move(flat)) {
  if (layout_.num_components() != flat_.size()) {
    throw InvalidArgument("an element of ", layout_.num_components(), " components got ", flat_.size());
  }
}

ElementTensors ElementTensors::Tuple(const std::vector<ElementTensors>& parts) {
  ElementLayout layout{.kind = ElementLayout::Kind::kTuple};
  std::vector<Output> flat;
  for (const ElementTensors& part : parts) {
    layout.parts.push_back(part.layout_);
    flat.insert(flat.end(), part.flat_.begin(), part.flat_.end());
  }
  return {std::move(layout), std::move(flat)};
}

ElementTensors ElementTensors::Tuple(const std::vector<Output>& parts) {
  return Tuple(std::vector<ElementTensors>(parts.begin(), parts.end()));
}

Output ElementTensors::tensor() const {
  if (layout_.kind == ElementLayout::Kind::kTuple && layout_.parts.size() == 1) return parts()[0].tensor();
  if (layout_.kind != ElementLayout::Kind::kSingle) {
    throw InvalidArgument("the dataset's element is not a single tensor, it has ", flat_.size(), " components");
  }
  return flat_[0];
}

Features ElementTensors::features() const {
  if (layout_.kind == ElementLayout::Kind::kTuple && layout_.parts.size() == 1) return parts()[0].features();
  if (layout_.kind != ElementLayout::Kind::kFeatures) {
    throw InvalidArgument("the dataset's element is not a set of named features");
  }
  Features features;
  for (size_t i = 0; i < flat_.size(); ++i) features.Set(layout_.names[i], flat_[i]);
  return features;
}

std::vector<ElementTensors> ElementTensors::parts() const {
  if (layout_.kind != ElementLayout::Kind::kTuple) throw InvalidArgument("the dataset's element is not a tuple");
  std::vector<ElementTensors> parts;
  auto at = flat_.begin();
  for (const ElementLayout& part : layout_.parts) {
    const auto end = at + static_cast<std::ptrdiff_t>(part.num_components());
    parts.emplace_back(part, std::vector<Output>(at, end));
    at = end;
  }
  return parts;
}

std::vector<ElementTensors> ElementTensors::PartsOfCount(size_t count) const {
  auto items = parts();
  if (items.size() != count) {
    throw InvalidArgument("the dataset's element has ", items.size(), " parts, expected ", count);
  }
  return items;
}

// -----------------------------------------------------------------------------------------------------------
// transforms

namespace {

Output Int64(int64_t value, std::string_view name) {
  return Constant(Tensor::Scalar<int64_t>(value), name);
}
Output StringVector(const std::vector<std::string>& values, std::string_view name) {
  return Constant(Tensor::Vector(values), name);
}

std::vector<OpArgument> OnePerComponent(const std::vector<Output>& components) {
  return {components};
}

std::vector<std::pair<DType, PartialShape>> ArgumentsOf(const Dataset& dataset) {
  std::vector<std::pair<DType, PartialShape>> args;
  for (size_t i = 0; i < dataset.dtypes().size(); ++i) args.emplace_back(dataset.dtypes()[i], dataset.shapes()[i]);
  return args;
}

void Describe(const std::vector<Output>& components, std::vector<DType>* dtypes, std::vector<PartialShape>* shapes) {
  for (const Output& component : components) {
    dtypes->push_back(component.dtype());
    shapes->push_back(component.shape());
  }
}

std::vector<DType> TypesOf(const std::vector<Output>& outputs) {
  std::vector<DType> dtypes;
  for (const Output& output : outputs) dtypes.push_back(output.dtype());
  return dtypes;
}

PartialShape WithoutRows(const PartialShape& shape) {
  return shape.has_rank() && shape.rank() > 0 ? PartialShape(shape.dims().subspan(1)) : PartialShape();
}

PartialShape WithRows(const PartialShape& shape, int64_t rows) {
  if (!shape.has_rank()) return {};
  PartialShape with_rows{rows};
  for (const int64_t size : shape.dims()) with_rows.Append(size);
  return with_rows;
}

Dataset FileDataset(std::string_view op, Output files, const std::string& compression) {
  const Output variant = ApplyOp(
      op, {{files}, {Constant(Tensor::Scalar(compression), "compression_type")}, {Int64(256 << 10, "buffer_size")}});
  return Dataset::FromVariant(variant, {}, {DType::kString}, {Shape()});
}

}  // namespace

Dataset Dataset::FromVariant(Output variant, ElementLayout layout, std::vector<DType> dtypes,
                             std::vector<PartialShape> shapes) {
  Dataset dataset;
  dataset.variant_ = variant;
  dataset.graph_ = variant.graph()->weak_from_this().lock();
  dataset.layout_ = std::move(layout);
  dataset.dtypes_ = std::move(dtypes);
  dataset.shapes_ = std::move(shapes);
  if (dataset.layout_.num_components() != dataset.dtypes_.size() || dataset.dtypes_.size() != dataset.shapes_.size()) {
    throw InvalidArgument("a dataset of ", dataset.layout_.num_components(), " components got ", dataset.dtypes_.size(),
                          " types and ", dataset.shapes_.size(), " shapes");
  }
  return dataset;
}

Dataset Dataset::Transformed(Output variant) const {
  return FromVariant(variant, layout_, dtypes_, shapes_);
}

Dataset Dataset::WithLayout(ElementLayout layout) const {
  return FromVariant(variant_, std::move(layout), dtypes_, shapes_);
}

Dataset Dataset::Apply(std::string_view op, const std::vector<OpArgument>& arguments, AttrMap attrs) const {
  std::vector<OpArgument> all{{variant_}};
  all.insert(all.end(), arguments.begin(), arguments.end());
  attrs["output_types"] = dtypes_;
  attrs["output_shapes"] = shapes_;
  return Transformed(ApplyOp(op, all, std::move(attrs)));
}

Dataset Dataset::TextLines(Output files, const std::string& compression) {
  return FileDataset("TextLineDataset", files, compression);
}
Dataset Dataset::TextLines(const std::vector<std::string>& files, const std::string& compression) {
  return TextLines(StringVector(files, "filenames"), compression);
}
Dataset Dataset::Records(Output files, const std::string& compression) {
  return FileDataset("TFRecordDataset", files, compression);
}
Dataset Dataset::Records(const std::vector<std::string>& files, const std::string& compression) {
  return Records(StringVector(files, "filenames"), compression);
}

Dataset Dataset::FromTensors(const ElementTensors& element) {
  std::vector<DType> dtypes;
  std::vector<PartialShape> shapes;
  Describe(element.flat(), &dtypes, &shapes);
  const Output variant = ApplyOp("TensorDataset", OnePerComponent(element.flat()), {{"output_shapes", shapes}});
  return FromVariant(variant, element.layout(), dtypes, shapes);
}

Dataset Dataset::FromTensorSlices(const ElementTensors& tensors) {
  std::vector<DType> dtypes;
  std::vector<PartialShape> shapes;
  Describe(tensors.flat(), &dtypes, &shapes);
  for (PartialShape& shape : shapes) {
    if (shape.rank() == 0) throw InvalidArgument("Unbatching a scalar tensor is not supported.");
    shape = WithoutRows(shape);
  }
  const Output variant = ApplyOp("TensorSliceDataset", OnePerComponent(tensors.flat()), {{"output_shapes", shapes}});
  return FromVariant(variant, tensors.layout(), dtypes, shapes);
}

Dataset Dataset::Range(int64_t start, int64_t stop, int64_t step) {
  const std::vector<DType> dtypes{DType::kInt64};
  const std::vector<PartialShape> shapes{Shape()};
  const Output variant =
      ApplyOp("RangeDataset", {{Int64(start, "start")}, {Int64(stop, "stop")}, {Int64(step, "step")}},
              {{"output_types", dtypes}, {"output_shapes", shapes}});
  return FromVariant(variant, {}, dtypes, shapes);
}

Dataset Dataset::Zip(const std::vector<Dataset>& datasets) {
  ElementLayout layout{.kind = ElementLayout::Kind::kTuple};
  OpArgument inputs;
  std::vector<DType> dtypes;
  std::vector<PartialShape> shapes;
  for (const Dataset& dataset : datasets) {
    inputs.push_back(dataset.variant_);
    layout.parts.push_back(dataset.layout_);
    dtypes.insert(dtypes.end(), dataset.dtypes_.begin(), dataset.dtypes_.end());
    shapes.insert(shapes.end(), dataset.shapes_.begin(), dataset.shapes_.end());
  }
  return FromVariant(ApplyOp("ZipDataset", {inputs}, {{"output_types", dtypes}, {"output_shapes", shapes}}), layout,
                     dtypes, shapes);
}

Dataset Dataset::MapElements(const ElementFunction& f) const {
  ElementLayout layout;
  std::vector<DType> dtypes;
  std::vector<PartialShape> shapes;
  const auto function = TraceFunction("Dataset_map", ArgumentsOf(*this), [&](const std::vector<Output>& args) {
    const ElementTensors result = f(ElementTensors(layout_, args));
    layout = result.layout();
    Describe(result.flat(), &dtypes, &shapes);
    return result.flat();
  });
  const Output variant = ApplyOp("MapDataset", {{variant_}, function->captures},
                                 {{"f", FunctionRef{function->name, nullptr}},
                                  {"Targuments", TypesOf(function->captures)},
                                  {"output_types", dtypes},
                                  {"output_shapes", shapes}});
  return FromVariant(variant, layout, dtypes, shapes);
}

Dataset Dataset::FilterElements(const ElementFunction& f) const {
  const auto function = TraceFunction("Dataset_filter", ArgumentsOf(*this), [&](const std::vector<Output>& args) {
    std::vector<Output> results = f(ElementTensors(layout_, args)).flat();
    if (results.size() != 1 || results[0].dtype() != DType::kBool) {
      throw InvalidArgument("a filter's function must return one bool scalar");
    }
    return results;
  });
  return Apply("FilterDataset", {function->captures},
               {{"predicate", FunctionRef{function->name, nullptr}}, {"Targuments", TypesOf(function->captures)}});
}

Dataset Dataset::InterleaveElements(const std::function<Dataset(const ElementTensors&)>& f,
                                    std::optional<std::pair<int64_t, int64_t>> lengths) const {
  Dataset inner;
  const auto function = TraceFunction("Dataset_flat_map", ArgumentsOf(*this), [&](const std::vector<Output>& args) {
    inner = f(ElementTensors(layout_, args));
    return std::vector<Output>{inner.variant_};
  });
  const AttrMap attrs{{"f", FunctionRef{function->name, nullptr}},
                      {"Targuments", TypesOf(function->captures)},
                      {"output_types", inner.dtypes_},
                      {"output_shapes", inner.shapes_}};
  if (!lengths) return inner.Transformed(ApplyOp("FlatMapDataset", {{variant_}, function->captures}, attrs));
  return inner.Transformed(ApplyOp("InterleaveDataset",
                                   {{variant_},
                                    function->captures,
                                    {Int64(lengths->first, "cycle_length")},
                                    {Int64(lengths->second, "block_length")}},
                                   attrs));
}

Dataset Dataset::Shuffle(int64_t buffer_size, std::optional<int64_t> seed, bool reshuffle_each_iteration) const {
  const Output size = Int64(buffer_size, "buffer_size");
  const auto [first, second] = GetSeed(seed);
  return Apply("ShuffleDataset", {{size}, {Int64(first, "seed")}, {Int64(second, "seed2")}},
               {{"reshuffle_each_iteration", reshuffle_each_iteration}});
}

Dataset Dataset::Repeat(int64_t count) const {
  return Apply("RepeatDataset", {{Int64(count, "count")}});
}
Dataset Dataset::Take(int64_t count) const {
  return Apply("TakeDataset", {{Int64(count, "count")}});
}
Dataset Dataset::Skip(int64_t count) const {
  return Apply("SkipDataset", {{Int64(count, "count")}});
}
Dataset Dataset::Shard(int64_t num_shards, int64_t index) const {
  return Apply("ShardDataset", {{Int64(num_shards, "num_shards")}, {Int64(index, "index")}});
}
Dataset Dataset::Prefetch(int64_t buffer_size) const {
  return Apply("PrefetchDataset", {{Int64(buffer_size, "buffer_size")}});
}
Dataset Dataset::Cache() const {
  return Apply("CacheDataset", {{Constant(Tensor::Scalar(""), "filename")}});
}

Dataset Dataset::Batch(int64_t batch_size, bool drop_remainder) const {
  Dataset batched = *this;
  for (PartialShape& shape : batched.shapes_) shape = WithRows(shape, drop_remainder ? batch_size : -1);
  const Output variant = ApplyOp(
      "BatchDatasetV2",
      {{variant_}, {Int64(batch_size, "batch_size")}, {Constant(Tensor::Scalar(drop_remainder), "drop_remainder")}},
      {{"output_types", dtypes_}, {"output_shapes", batched.shapes_}});
  return batched.Transformed(variant);
}

Dataset Dataset::PaddedBatch(int64_t batch_size, const std::vector<PartialShape>& padded_shapes,
                             const std::vector<Tensor>& padding_values, bool drop_remainder) const {
  Dataset batched = *this;
  OpArgument shapes, values;
  for (size_t i = 0; i < padded_shapes.size(); ++i) {
    batched.shapes_.at(i) = WithRows(padded_shapes[i], drop_remainder ? batch_size : -1);
    const std::vector<int64_t> sizes(padded_shapes[i].dims().begin(), padded_shapes[i].dims().end());
    shapes.push_back(Constant(Tensor::Vector(sizes), "padded_shape"));
    values.push_back(Constant(padding_values.at(i), "padding_value"));
  }
  const Output variant = ApplyOp("PaddedBatchDatasetV2",
                                 {{variant_},
                                  {Int64(batch_size, "batch_size")},
                                  shapes,
                                  values,
                                  {Constant(Tensor::Scalar(drop_remainder), "drop_remainder")}},
                                 {{"output_shapes", batched.shapes_}});
  return batched.Transformed(variant);
}

Dataset Dataset::Concatenate(const Dataset& other) const {
  if (dtypes_ != other.dtypes_) throw InvalidArgument("datasets to concatenate have elements of different types");
  Dataset both = *this;
  for (size_t i = 0; i < shapes_.size(); ++i) {
    PartialShape& shape = both.shapes_[i];
    const PartialShape& second = other.shapes_[i];
    if (!shape.has_rank() || shape.rank() != second.rank()) {
      shape = PartialShape();
      continue;
    }
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (shape[axis] != second[axis]) shape.set_dim(axis, -1);
    }
  }
  return both.Apply("ConcatenateDataset", {{other.variant_}});
}

// ------------------------------------------------------------------------------------------------------------
// iterators

namespace {

// A function without arguments that makes the dataset: all that the variant depends on, copied by value.
std::shared_ptr<Function> DatasetFactory(Output variant) {
  std::unordered_set<const Node*> wanted;
  std::vector<Node*> stack{variant.node};
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    if (!wanted.insert(node).second) continue;
    if (!node->op().kernel || node->op().effects.random || !node->op().effects.writes.empty() ||
        !node->op().effects.reads.empty() || node->op().traits.placeholder) {
      throw InvalidArgument("Failed to create a one-shot iterator for a dataset: it depends on '", node->name(), "' (",
                            node->type(), "), whose value is not fixed. Use an initializable iterator instead.");
    }
    for (const Output& input : node->inputs()) stack.push_back(input.node);
  }
  Graph& graph = *variant.graph();
  auto factory = std::make_shared<Function>();
  factory->body = std::make_shared<Graph>();
  std::unordered_map<const Node*, Node*> copies;
  for (const Node* node : graph.TopologicalOrder()) {
    if (!wanted.contains(node)) continue;
    std::vector<Output> inputs;
    for (const Output& input : node->inputs()) inputs.push_back({copies.at(input.node), input.index});
    copies[node] = factory->body->AddNode(
        {.name = node->name(), .op = node->type(), .inputs = std::move(inputs), .attrs = node->attrs()});
  }
  factory->results = {{copies.at(variant.node), variant.index}};
  factory->result_names = {"dataset"};
  for (int i = 0;; ++i) {
    factory->name = "_make_dataset" + (i == 0 ? "" : "_" + std::to_string(i));
    if (!graph.FindFunction(factory->name)) break;
  }
  graph.AddFunction(factory);
  return factory;
}

// Iterators are made in the graph of their dataset, or in a function that is traced in it.
void CheckSameGraph(const Output& variant) {
  const Graph* graph = &Graph::Current();
  while (graph && graph != variant.graph()) graph = graph->outer();
  if (graph) return;
  throw InvalidArgument("The graph of the iterator is different from the graph that the dataset '", variant.name(),
                        "' was created in.");
}

}  // namespace

DatasetIterator Dataset::OneShotIterator() const {
  CheckSameGraph(variant_);
  GetSeed();  // TensorFlow draws one here, and what is built after it would get other numbers without
  const auto factory = DatasetFactory(variant_);
  const Output resource = ApplyOp("OneShotIterator", {},
                                  {{"dataset_factory", FunctionRef{factory->name, nullptr}},
                                   {"output_types", dtypes_},
                                   {"output_shapes", shapes_}});
  return {resource, layout_, dtypes_, shapes_, nullptr, graph_};
}

DatasetIterator Dataset::InitializableIterator(const std::string& shared_name) const {
  CheckSameGraph(variant_);
  const Output resource =
      ApplyOp("IteratorV2", {},
              {{"shared_name", shared_name}, {"container", ""}, {"output_types", dtypes_}, {"output_shapes", shapes_}});
  Node* initializer = Graph::Current().Apply("MakeIterator", {{variant_}, {resource}});
  return {resource, layout_, dtypes_, shapes_, initializer, graph_};
}

ElementTensors DatasetIterator::GetNext(std::string_view name) const {
  Node* next = Graph::Current().Apply("IteratorGetNext", {{resource}},
                                      {{"output_types", dtypes}, {"output_shapes", shapes}}, name);
  return {layout, next->outputs()};
}

Features DecodeCsv(Output records, const std::vector<CsvColumn>& columns, const DecodeCsvOptions& options) {
  OpArgument defaults;
  std::vector<DType> dtypes;
  const NameScope scope("DecodeCSV");
  for (size_t i = 0; i < columns.size(); ++i) {
    defaults.push_back(Constant(columns[i].default_value, "record_defaults_" + std::to_string(i)));
    dtypes.push_back(columns[i].default_value.dtype());
  }
  Node* decoded = Graph::Current().Apply("DecodeCSV", {{records}, defaults},
                                         {{"OUT_TYPE", dtypes},
                                          {"field_delim", std::string(1, options.field_delim)},
                                          {"use_quote_delim", options.use_quote_delim},
                                          {"na_value", options.na_value},
                                          {"select_cols", options.select_cols}},
                                         scope.name());
  Features features;
  for (size_t i = 0; i < columns.size(); ++i) features.Set(columns[i].name, decoded->output(static_cast<int>(i)));
  return features;
}

}  // namespace headrace
