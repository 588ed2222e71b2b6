// tf.feature_column. The skin keeps a native column, wrapped in Holder, in each of its column objects.
#include "feature_columns.h"

#include "bind.h"
#include "casters.h"
#include "variables.h"

namespace headrace::python {
namespace {

struct Holder {
  FeatureColumnPtr column;
};

std::optional<int64_t> OptionalInt(nb::handle value) {
  return value.is_none() ? std::optional<int64_t>() : nb::cast<int64_t>(value);
}

FeatureTensors FeaturesFromPython(nb::handle features) {
  FeatureTensors result;
  for (auto [name, value] : nb::borrow<nb::dict>(features)) {
    if (PyObject_HasAttrString(value.ptr(), "dense_shape")) {
      result.emplace(nb::cast<std::string>(name),
                     SparseTensor{OutputFromPython(value.attr("indices")), OutputFromPython(value.attr("values")),
                                  OutputFromPython(value.attr("dense_shape"))});
    } else {
      result.emplace(nb::cast<std::string>(name), OutputFromPython(value));
    }
  }
  return result;
}

Holder Numeric(const std::string& key, std::vector<int64_t> shape, nb::handle default_value, DType dtype,
               nb::handle normalizer) {
  NumericColumnOptions options{.shape = std::move(shape), .dtype = dtype};
  if (!default_value.is_none()) options.default_value = ToTensor(default_value, dtype);
  if (!normalizer.is_none()) {
    options.normalizer = [kept = Kept(normalizer)](Output x) {
      nb::gil_scoped_acquire gil;
      return OutputFromPython(nb::borrow(kept.get())(OutputToPython(x)));
    };
  }
  return {NumericColumn(key, options)};
}

Holder Crossed(nb::handle keys, int64_t hash_bucket_size, nb::handle hash_key) {
  std::vector<CrossKey> parts;
  for (nb::handle key : keys) {
    if (nb::isinstance<nb::str>(key)) {
      parts.emplace_back(nb::cast<std::string>(key));
    } else {
      parts.emplace_back(ColumnFromPython(key));
    }
  }
  std::optional<uint64_t> key;
  if (!hash_key.is_none()) key = nb::cast<uint64_t>(hash_key);
  return {CrossedColumn(parts, hash_bucket_size, key)};
}

// From a dict of the skin's FixedLenFeature and VarLenFeature.
ParseExampleSpec SpecFromPython(nb::handle features) {
  ParseExampleSpec spec;
  for (auto [name, feature] : nb::borrow<nb::dict>(features)) {
    DType dtype = DTypeFromPython(feature.attr("dtype"));
    if (!PyObject_HasAttrString(feature.ptr(), "shape")) {
      spec.emplace(nb::cast<std::string>(name), VarLenFeature{dtype});
      continue;
    }
    FixedLenFeature fixed{.shape = ShapeFromPython(feature.attr("shape")).ToShape(), .dtype = dtype};
    if (nb::object value = feature.attr("default_value"); !value.is_none())
      fixed.default_value = ToTensor(value, dtype);
    spec.emplace(nb::cast<std::string>(name), fixed);
  }
  return spec;
}

nb::dict ParseFromPython(Output serialized, nb::handle features) {
  nb::dict result;
  nb::object sparse = nb::module_::import_("headrace.framework").attr("SparseTensor");
  for (const auto& [name, tensor] : ParseExample(serialized, SpecFromPython(features))) {
    if (const Output* dense = std::get_if<Output>(&tensor)) {
      result[name.c_str()] = OutputToPython(*dense);
    } else {
      const auto& parts = std::get<SparseTensor>(tensor);
      result[name.c_str()] =
          sparse(OutputToPython(parts.indices), OutputToPython(parts.values), OutputToPython(parts.dense_shape));
    }
  }
  return result;
}

nb::dict ParseSpec(nb::handle columns) {
  nb::dict result;
  nb::module_ parsing = nb::module_::import_("headrace.parsing");
  for (const auto& [name, feature] : MakeParseExampleSpec(ColumnsFromPython(columns))) {
    if (const auto* fixed = std::get_if<FixedLenFeature>(&feature)) {
      nb::list shape;
      for (int64_t size : fixed->shape) shape.append(nb::int_(size));
      result[name.c_str()] = parsing.attr("FixedLenFeature")(
          shape, DTypeToPython(fixed->dtype), fixed->default_value ? ToPython(*fixed->default_value) : nb::none());
    } else {
      result[name.c_str()] = parsing.attr("VarLenFeature")(DTypeToPython(std::get<VarLenFeature>(feature).dtype));
    }
  }
  return result;
}

}  // namespace

FeatureColumnPtr ColumnFromPython(nb::handle column) {
  nb::object native = nb::getattr(column, "_native", nb::none());
  Holder* holder = nullptr;
  if (nb::try_cast(native, holder, false) && holder) return holder->column;
  throw nb::type_error(
      internal::Concat("Items of feature_columns must be feature columns, got ", nb::repr(column).c_str()).c_str());
}

std::vector<FeatureColumnPtr> ColumnsFromPython(nb::handle columns) {
  if (PyObject_HasAttrString(columns.ptr(), "_native")) return {ColumnFromPython(columns)};
  std::vector<FeatureColumnPtr> list;
  for (nb::handle column : columns) list.push_back(ColumnFromPython(column));
  return list;
}

namespace {

// (column, output, variables) of each column, in the order of their names.
nb::list PartsToPython(nb::handle columns, const ColumnParts& parts) {
  const bool one = PyObject_HasAttrString(columns.ptr(), "_native");
  std::map<std::string, nb::object> by_name;
  for (nb::handle column : one ? nb::object(nb::make_tuple(columns)) : nb::borrow(columns)) {
    const FeatureColumn* native = ColumnFromPython(column).get();
    nb::list variables;
    for (const auto& variable : parts.variables.at(native)) variables.append(nb::cast(variable));
    by_name[native->name()] = nb::make_tuple(column, OutputToPython(parts.outputs.at(native)), variables);
  }
  nb::list list;
  for (const auto& [name, part] : by_name) list.append(part);
  return list;
}

}  // namespace

void BindFeatures(nb::module_& m) {
  nb::class_<Holder>(m, "NativeColumn").def_prop_ro("name", [](const Holder& h) { return h.column->name(); });
  auto value_errors = [](auto make) { return AsValueError(make); };
  m.def(
      "numeric_column",
      [=](const std::string& key, std::vector<int64_t> shape, nb::handle default_value, DType dtype,
          nb::handle normalizer) {
        return value_errors([&] { return Numeric(key, std::move(shape), default_value, dtype, normalizer); });
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg().none());
  m.def("bucketized_column", [=](nb::handle source, std::vector<float> boundaries) {
    return value_errors([&] { return Holder{BucketizedColumn(ColumnFromPython(source), boundaries)}; });
  });
  m.def(
      "identity_column",
      [=](const std::string& key, int64_t num_buckets, nb::handle default_value) {
        return value_errors(
            [&] { return Holder{CategoricalColumnWithIdentity(key, num_buckets, OptionalInt(default_value))}; });
      },
      nb::arg(), nb::arg(), nb::arg().none());
  m.def("hash_bucket_column", [=](const std::string& key, int64_t size, DType dtype) {
    return value_errors([&] { return Holder{CategoricalColumnWithHashBucket(key, size, dtype)}; });
  });
  m.def(
      "vocabulary_list_column",
      [=](const std::string& key, nb::handle vocabulary, nb::handle dtype, int64_t default_value,
          int64_t num_oov_buckets) {
        return value_errors([&] {
          Tensor values = ToTensor(vocabulary, dtype.is_none() ? DType::kInvalid : DTypeFromPython(dtype));
          return Holder{CategoricalColumnWithVocabularyList(
              key, values, {.default_value = default_value, .num_oov_buckets = num_oov_buckets})};
        });
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
  m.def(
      "vocabulary_file_column",
      [=](const std::string& key, const std::string& file, nb::handle size, nb::handle default_value,
          int64_t num_oov_buckets, DType dtype) {
        return value_errors([&] {
          return Holder{CategoricalColumnWithVocabularyFile(key, file,
                                                            {.vocabulary_size = OptionalInt(size),
                                                             .default_value = OptionalInt(default_value).value_or(-1),
                                                             .num_oov_buckets = num_oov_buckets,
                                                             .dtype = dtype})};
        });
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg(), nb::arg());
  m.def(
      "crossed_column",
      [=](nb::handle keys, int64_t size, nb::handle hash_key) {
        return value_errors([&] { return Crossed(keys, size, hash_key); });
      },
      nb::arg(), nb::arg(), nb::arg().none());
  m.def("indicator_column", [=](nb::handle categorical) {
    return value_errors([&] { return Holder{IndicatorColumn(ColumnFromPython(categorical))}; });
  });
  m.def(
      "embedding_column",
      [=](nb::handle categorical, int64_t dimension, const std::string& combiner, nb::handle initializer,
          bool trainable) {
        return value_errors([&] {
          return Holder{EmbeddingColumn(
              ColumnFromPython(categorical), dimension,
              {.combiner = combiner, .initializer = InitializerFromPython(initializer), .trainable = trainable})};
        });
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg());
  m.def("input_layer",
        [=](nb::handle features, nb::handle columns, bool trainable, const std::vector<std::string>& collections) {
          return value_errors([&] {
            ColumnParts parts;
            const InputLayerOptions options{.trainable = trainable, .weight_collections = collections};
            const Output layer = InputLayer(FeaturesFromPython(features), ColumnsFromPython(columns), options, &parts);
            return nb::make_tuple(OutputToPython(layer), PartsToPython(columns, parts));
          });
        });
  m.def("linear_model", [=](nb::handle features, nb::handle columns, int64_t units, const std::string& combiner,
                            bool trainable, const std::vector<std::string>& collections) {
    return value_errors([&] {
      ColumnParts parts;
      const LinearModelOptions options{
          .units = units, .sparse_combiner = combiner, .trainable = trainable, .weight_collections = collections};
      const Output model = LinearModel(FeaturesFromPython(features), ColumnsFromPython(columns), options, &parts);
      return nb::make_tuple(OutputToPython(model), PartsToPython(columns, parts), nb::cast(parts.bias));
    });
  });
  m.def("parse_example", [=](Output serialized, nb::handle features) {
    return value_errors([&] { return ParseFromPython(serialized, features); });
  });
  m.def("parse_example_spec", [=](nb::handle columns) { return value_errors([&] { return ParseSpec(columns); }); });
}

}  // namespace headrace::python
