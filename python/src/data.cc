// tf.data: datasets and iterators. Elements are tensors, dicts of tensors by name, and tuples of these.
#include "data.h"
#include "bind.h"
#include "casters.h"

namespace headrace::python {

ElementTensors ElementFromPython(nb::handle value) {
  if (PyDict_Check(value.ptr())) {
    Features features;
    for (auto [name, tensor] : nb::borrow<nb::dict>(value)) {
      if (PyDict_Check(tensor.ptr()) || PyTuple_Check(tensor.ptr())) {
        throw nb::type_error(internal::Concat("a dict in a dict (under '", nb::str(name).c_str(),
                                              "') is not available in datasets; use one flat dict")
                                 .c_str());
      }
      features.Set(nb::cast<std::string>(name), OutputFromPython(tensor));
    }
    return features;
  }
  if (PyTuple_Check(value.ptr())) {
    std::vector<ElementTensors> parts;
    for (nb::handle part : value) parts.push_back(ElementFromPython(part));
    return ElementTensors::Tuple(parts);
  }
  return OutputFromPython(value);
}

nb::object ElementToPython(const ElementTensors& element) {
  switch (element.layout().kind) {
    case ElementLayout::Kind::kSingle:
      return OutputToPython(element.tensor());
    case ElementLayout::Kind::kFeatures: {
      nb::dict features;
      for (const auto& [name, tensor] : element.features()) features[name.c_str()] = OutputToPython(tensor);
      return features;
    }
    case ElementLayout::Kind::kTuple: {
      nb::list parts;
      for (const ElementTensors& part : element.parts()) parts.append(ElementToPython(part));
      return nb::tuple(parts);
    }
  }
  return nb::none();
}

namespace {

// Arranges flat values as a layout has them.
nb::object Arrange(const ElementLayout& layout, const nb::list& flat, size_t* next) {
  switch (layout.kind) {
    case ElementLayout::Kind::kSingle:
      return flat[(*next)++];
    case ElementLayout::Kind::kFeatures: {
      nb::dict features;
      for (const std::string& name : layout.names) features[name.c_str()] = nb::object(flat[(*next)++]);
      return features;
    }
    case ElementLayout::Kind::kTuple: {
      nb::list parts;
      for (const ElementLayout& part : layout.parts) parts.append(Arrange(part, flat, next));
      return nb::tuple(parts);
    }
  }
  return nb::none();
}

nb::object DTypesOf(const ElementLayout& layout, const std::vector<DType>& dtypes) {
  nb::list flat;
  for (DType dtype : dtypes) flat.append(DTypeToPython(dtype));
  size_t next = 0;
  return Arrange(layout, flat, &next);
}

nb::object ShapesOf(const ElementLayout& layout, const std::vector<PartialShape>& shapes) {
  nb::list flat;
  for (const PartialShape& shape : shapes) flat.append(ShapeToPython(shape));
  size_t next = 0;
  return Arrange(layout, flat, &next);
}

// Calls a Python function with an element: a tuple's parts are its arguments.
nb::object CallWithElement(const Kept& function, const ElementTensors& element) {
  nb::object callable = nb::borrow(function.get());
  nb::object value = ElementToPython(element);
  if (PyTuple_Check(value.ptr())) return callable(*nb::borrow<nb::tuple>(value));
  return callable(value);
}

Dataset::ElementFunction FunctionFromPython(nb::handle function) {
  return [kept = Kept(function)](const ElementTensors& element) {
    nb::gil_scoped_acquire gil;
    return ElementFromPython(CallWithElement(kept, element));
  };
}

std::optional<int64_t> OptionalInt(nb::handle value) {
  return value.is_none() ? std::optional<int64_t>() : nb::cast<int64_t>(value);
}

// A number of elements: an integer or a tensor.
Output Count(nb::handle value, const char* name) {
  return OutputFromPython(value, DType::kInt64, name);
}

// A transform that takes one number.
auto Counted(const char* op, const char* name) {
  return [op, name](const Dataset& self, nb::handle count) {
    return AsValueError([&] { return self.Apply(op, {{Count(count, name)}}); });
  };
}

// The number of rows is known in the graph if it is an integer and every batch is full.
Dataset Batch(const Dataset& self, nb::handle batch_size, bool drop_remainder) {
  const Output size = Count(batch_size, "batch_size");
  const bool known = drop_remainder && PyIndex_Check(batch_size.ptr());
  std::vector<PartialShape> shapes = self.shapes();
  for (PartialShape& shape : shapes) {
    if (!shape.has_rank()) continue;
    PartialShape rows{known ? nb::cast<int64_t>(nb::steal(PyNumber_Index(batch_size.ptr()))) : -1};
    for (const int64_t dim : shape.dims()) rows.Append(dim);
    shape = rows;
  }
  return AsValueError([&] {
    const Output variant = ApplyOp(
        "BatchDatasetV2", {{self.variant()}, {size}, {Constant(Tensor::Scalar(drop_remainder), "drop_remainder")}},
        {{"output_types", self.dtypes()}, {"output_shapes", shapes}});
    return Dataset::FromVariant(variant, self.layout(), self.dtypes(), shapes);
  });
}

void BindSources(nb::module_& m) {
  m.def("text_line_dataset", [](Output files, const std::string& compression) {
    return AsValueError([&] { return Dataset::TextLines(files, compression); });
  });
  m.def("record_dataset", [](Output files, const std::string& compression) {
    return AsValueError([&] { return Dataset::Records(files, compression); });
  });
  m.def("tensor_dataset", [](nb::handle element) { return Dataset::FromTensors(ElementFromPython(element)); });
  m.def("tensor_slice_dataset", [](nb::handle tensors) {
    return AsValueError([&] { return Dataset::FromTensorSlices(ElementFromPython(tensors)); });
  });
  m.def(
      "range_dataset",
      [](nb::handle start, nb::handle stop, nb::handle step) {
        const std::vector<DType> dtypes{DType::kInt64};
        const std::vector<PartialShape> shapes{Shape()};
        return AsValueError([&] {
          const Output variant =
              ApplyOp("RangeDataset", {{Count(start, "start")}, {Count(stop, "stop")}, {Count(step, "step")}},
                      {{"output_types", dtypes}, {"output_shapes", shapes}});
          return Dataset::FromVariant(variant, {}, dtypes, shapes);
        });
      },
      nb::arg("start").none(), nb::arg("stop").none(), nb::arg("step").none());
  m.def("zip_datasets", [](nb::handle datasets) {
    std::vector<Dataset> list;
    for (nb::handle dataset : datasets) list.push_back(nb::cast<Dataset>(dataset));
    return Dataset::Zip(list);
  });
}

}  // namespace

void BindData(nb::module_& m) {
  nb::class_<DatasetIterator>(m, "NativeIterator")
      .def("get_next",
           [](const DatasetIterator& self, const std::string& name) { return ElementToPython(self.GetNext(name)); })
      .def_prop_ro("initializer", [](const DatasetIterator& self) { return NodeToPython(self.initializer); })
      .def_prop_ro("resource", [](const DatasetIterator& self) { return self.resource; })
      .def_prop_ro("output_types", [](const DatasetIterator& self) { return DTypesOf(self.layout, self.dtypes); })
      .def_prop_ro("output_shapes", [](const DatasetIterator& self) { return ShapesOf(self.layout, self.shapes); });
  nb::class_<Dataset>(m, "NativeDataset")
      .def("map", [](const Dataset& self,
                     nb::handle f) { return AsValueError([&] { return self.MapElements(FunctionFromPython(f)); }); })
      .def("filter",
           [](const Dataset& self, nb::handle f) {
             return AsValueError([&] { return self.FilterElements(FunctionFromPython(f)); });
           })
      .def(
          "interleave",
          [](const Dataset& self, nb::handle f, nb::handle cycle_length, nb::handle block_length) {
            std::optional<std::pair<int64_t, int64_t>> lengths;
            if (!cycle_length.is_none()) {
              lengths.emplace(nb::cast<int64_t>(cycle_length), nb::cast<int64_t>(block_length));
            }
            return AsValueError([&] {
              return self.InterleaveElements(
                  [kept = Kept(f)](const ElementTensors& element) {
                    nb::gil_scoped_acquire gil;
                    nb::object inner = CallWithElement(kept, element);
                    return nb::cast<Dataset>(nb::object(inner.attr("_native")));
                  },
                  lengths);
            });
          },
          nb::arg("f"), nb::arg("cycle_length").none(), nb::arg("block_length").none())
      .def(
          "shuffle",
          [](const Dataset& self, int64_t buffer_size, nb::handle seed, bool reshuffle) {
            return self.Shuffle(buffer_size, OptionalInt(seed), reshuffle);
          },
          nb::arg("buffer_size"), nb::arg("seed").none(), nb::arg("reshuffle_each_iteration"))
      .def("repeat", Counted("RepeatDataset", "count"), nb::arg("count").none())
      .def("batch", &Batch, nb::arg("batch_size").none(), nb::arg("drop_remainder"))
      .def("padded_batch",
           [](const Dataset& self, int64_t batch_size, nb::handle shapes, nb::handle values, bool drop_remainder) {
             std::vector<PartialShape> padded_shapes;
             for (nb::handle shape : shapes) padded_shapes.push_back(ShapeFromPython(shape));
             std::vector<Tensor> padding;
             size_t i = 0;
             for (nb::handle value : values) padding.push_back(ToTensor(value, self.dtypes().at(i++)));
             return self.PaddedBatch(batch_size, padded_shapes, padding, drop_remainder);
           })
      .def("take", Counted("TakeDataset", "count"), nb::arg("count").none())
      .def("skip", Counted("SkipDataset", "count"), nb::arg("count").none())
      .def(
          "shard",
          [](const Dataset& self, nb::handle num_shards, nb::handle index) {
            return AsValueError([&] {
              return self.Apply("ShardDataset", {{Count(num_shards, "num_shards")}, {Count(index, "index")}});
            });
          },
          nb::arg("num_shards").none(), nb::arg("index").none())
      .def("concatenate", &Dataset::Concatenate)
      .def("prefetch", Counted("PrefetchDataset", "buffer_size"), nb::arg("buffer_size").none())
      .def("cache", &Dataset::Cache)
      .def("one_shot_iterator", [](const Dataset& d) { return AsValueError([&] { return d.OneShotIterator(); }); })
      .def("initializable_iterator",
           [](const Dataset& d, const std::string& shared_name) {
             return AsValueError([&] { return d.InitializableIterator(shared_name); });
           })
      .def_prop_ro("variant", [](const Dataset& self) { return self.variant(); })
      .def_prop_ro("output_types", [](const Dataset& self) { return DTypesOf(self.layout(), self.dtypes()); })
      .def_prop_ro("output_shapes", [](const Dataset& self) { return ShapesOf(self.layout(), self.shapes()); });
  BindSources(m);
}

}  // namespace headrace::python
