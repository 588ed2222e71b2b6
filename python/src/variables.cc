// tf.Variable, get_variable, variable scopes and initializers.
#include "headrace/variables.h"

#include "headrace/random_seed.h"

#include "bind.h"
#include "casters.h"
#include "variables.h"

namespace headrace::python {

Initializer InitializerFromPython(nb::handle value) {
  if (value.is_none()) return {};
  nb::object object = nb::borrow(value);
  if (PyObject_HasAttrString(object.ptr(), "_native")) object = object.attr("_native");
  Initializer native;
  if (nb::isinstance<NativeInitializer>(object)) return nb::cast<NativeInitializer&>(object).build;
  return [kept = Kept(object)](const Shape& shape, DType dtype) {
    nb::gil_scoped_acquire gil;
    nb::object result = nb::borrow(kept.get())(ShapeToPython(shape), nb::arg("dtype") = DTypeToPython(dtype));
    return OutputFromPython(result, dtype);
  };
}

Regularizer RegularizerFromPython(nb::handle value) {
  if (value.is_none()) return {};
  return [kept = Kept(value)](Output weights) -> Output {
    nb::gil_scoped_acquire gil;
    nb::object loss = nb::borrow(kept.get())(OutputToPython(weights));
    return loss.is_none() ? Output() : OutputFromPython(loss);
  };
}

Partitioner PartitionerFromPython(nb::handle value) {
  if (value.is_none()) return {};
  return [kept = Kept(value)](const Shape& shape, DType dtype) {
    nb::gil_scoped_acquire gil;
    nb::object parts =
        nb::borrow(kept.get())(nb::arg("shape") = ShapeToPython(shape), nb::arg("dtype") = DTypeToPython(dtype));
    return nb::cast<std::vector<int64_t>>(nb::list(parts));
  };
}

namespace {

std::optional<Reuse> ReuseFromPython(nb::handle value) {
  if (value.is_none()) return {};
  if (PyBool_Check(value.ptr())) return value.ptr() == Py_True ? Reuse::kYes : Reuse::kNo;
  return Reuse::kAuto;  // tf.AUTO_REUSE, the only other value
}

nb::object ReuseToPython(Reuse reuse) {
  if (reuse == Reuse::kAuto) return nb::module_::import_("headrace.variables").attr("AUTO_REUSE");
  return nb::bool_(reuse == Reuse::kYes);
}

VariableOptions OptionsFrom(const nb::kwargs& kwargs) {
  VariableOptions options;
  if (nb::object dtype = Given(kwargs, "dtype"); !dtype.is_none()) options.dtype = DTypeFromPython(dtype);
  options.initializer = InitializerFromPython(Given(kwargs, "initializer"));
  options.regularizer = RegularizerFromPython(Given(kwargs, "regularizer"));
  options.partitioner = PartitionerFromPython(Given(kwargs, "partitioner"));
  options.constraint = RegularizerFromPython(Given(kwargs, "constraint"));
  SetIfGiven(kwargs, "trainable", &options.trainable);
  if (nb::object resource = Given(kwargs, "use_resource"); !resource.is_none()) {
    options.use_resource = nb::cast<bool>(resource);
  }
  if (nb::object collections = Given(kwargs, "collections"); !collections.is_none()) {
    options.collections = nb::cast<std::vector<std::string>>(nb::list(collections));
  }
  options.reuse = ReuseFromPython(Given(kwargs, "reuse"));
  return options;
}

VariableScopeOptions ScopeOptionsFrom(const nb::kwargs& kwargs) {
  VariableScopeOptions options;
  options.reuse = ReuseFromPython(Given(kwargs, "reuse"));
  options.initializer = InitializerFromPython(Given(kwargs, "initializer"));
  options.regularizer = RegularizerFromPython(Given(kwargs, "regularizer"));
  options.partitioner = PartitionerFromPython(Given(kwargs, "partitioner"));
  options.constraint = RegularizerFromPython(Given(kwargs, "constraint"));
  if (nb::object dtype = Given(kwargs, "dtype"); !dtype.is_none()) options.dtype = DTypeFromPython(dtype);
  if (nb::object resource = Given(kwargs, "use_resource"); !resource.is_none()) {
    options.use_resource = nb::cast<bool>(resource);
  }
  SetIfGiven(kwargs, "name_scope", &options.name_scope);
  return options;
}

class VariableScopeContext {
 public:
  explicit VariableScopeContext(std::function<std::unique_ptr<VariableScope>()> make) : make_(std::move(make)) {}
  VariableScopeContext(VariableScopeContext&&) noexcept = default;
  VariableScopeState Enter() {
    scopes_.push_back(AsValueError([&] { return make_(); }));
    return scopes_.back()->state();
  }
  void Exit() { scopes_.pop_back(); }

 private:
  std::function<std::unique_ptr<VariableScope>()> make_;
  std::vector<std::unique_ptr<VariableScope>> scopes_;
};

void BindVariable(nb::module_& m) {
  nb::class_<Variable>(m, "Variable", nb::dynamic_attr(), nb::is_weak_referenceable())
      .def_prop_ro("name", [](const Variable& v) { return v.name + ":0"; })
      .def_ro("_save_name", &Variable::save_name)
      .def_ro("trainable", &Variable::trainable)
      .def_prop_ro("dtype", [](const Variable& v) { return DTypeToPython(v.dtype(), !v.is_resource()); })
      .def_prop_ro("shape", [](const Variable& v) { return v.shape(); })
      .def_prop_ro("handle", [](const Variable& v) { return v.handle; })
      .def_prop_ro("initial_value", [](const Variable& v) { return v.initial_value; })
      .def_prop_ro("initializer", [](const Variable& v) { return NodeToPython(v.initializer); })
      .def_prop_ro("op", [](const Variable& v) { return NodeToPython(v.handle.node); })
      .def_prop_ro("graph", [](const Variable& v) { return v.handle.graph()->weak_from_this().lock(); })
      .def_prop_ro("_is_resource", &Variable::is_resource)
      .def("value", &CurrentValueOf)
      // A read made here, which waits for what is waited for here.
      .def("read_value",
           [](const Variable& v) {
             if (!v.is_resource()) return ApplyOp("Identity", {{v.handle}}, {}, "read");
             Output read;
             {
               const NameScope scope("Read");
               read = CurrentValueOf(v);
             }
             return ApplyOp("Identity", {{read}});
           })
      .def_prop_ro("_graph_element", [](const Variable& v) { return v.value; })  // what fetching it gives
      .def("_ref", [](const Variable& v) { return v.handle; })
      .def("__hash__",
           [](const Variable& v) { return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(v.handle.node) >> 4); })
      .def(
          "__eq__",
          [](const Variable& v, nb::handle other) {
            Variable* same = nullptr;
            return nb::try_cast(other, same, false) && same && same->handle == v.handle;
          },
          nb::arg("other").none());
  m.def(
      "make_variable",
      [](nb::object initial_value, nb::handle dtype, const std::string& name, nb::kwargs kwargs) {
        bool is_function = PyCallable_Check(initial_value.ptr()) && !nb::isinstance<TensorRef>(initial_value) &&
                           !nb::isinstance<Variable>(initial_value);
        DType wanted = dtype.is_none() ? DType::kInvalid : DTypeFromPython(dtype);
        return AsValueError([&] {
          return MakeVariable(
              [&] { return OutputFromPython(is_function ? initial_value() : initial_value, wanted, "initial_value"); },
              name, OptionsFrom(kwargs), is_function);
        });
      },
      nb::arg("initial_value"), nb::arg("dtype").none(), nb::arg("name"), nb::arg("kwargs"));
  m.def(
      "get_variable",
      [](const std::string& name, nb::handle shape, nb::kwargs kwargs) {
        return AsValueError([&] {
          return shape.is_none() ? GetExistingVariable(name, OptionsFrom(kwargs))
                                 : GetVariable(name, ShapeFromPython(shape).ToShape(), OptionsFrom(kwargs));
        });
      },
      nb::arg("name"), nb::arg("shape").none(), nb::arg("kwargs"));
  m.def("variables", [](std::shared_ptr<Graph> graph, const std::string& key) {
    nb::list list;
    for (const auto& variable : graph->variables(key)) list.append(nb::cast(variable));
    return list;
  });
  m.def(
      "get_seed",
      [](nb::handle seed) {
        return GetSeed(seed.is_none() ? std::optional<int64_t>() : nb::cast<int64_t>(seed), Graph::Current());
      },
      nb::arg("op_seed").none());
  m.def("get_or_create_global_step", [] { return AsValueError([] { return GetOrCreateGlobalStep(); }); });
  m.def("get_global_step", [] { return AsValueError([] { return GetGlobalStep(); }); });
}

void BindScopes(nb::module_& m) {
  nb::class_<VariableScopeState>(m, "VariableScopeState")
      .def_ro("name", &VariableScopeState::name)
      .def_ro("original_name_scope", &VariableScopeState::original_name_scope)
      .def_prop_ro("reuse", [](const VariableScopeState& s) { return ReuseToPython(s.reuse); })
      .def_prop_ro("dtype", [](const VariableScopeState& s) { return s.dtype; })
      .def_ro("use_resource", &VariableScopeState::use_resource);
  nb::class_<VariableScopeContext>(m, "VariableScopeContext")
      .def("__enter__", &VariableScopeContext::Enter)
      .def("__exit__", [](VariableScopeContext& self, nb::args) { self.Exit(); });
  m.def("variable_scope_by_name", [](const std::string& name, nb::kwargs kwargs) {
    return VariableScopeContext(
        [name, options = ScopeOptionsFrom(kwargs)] { return std::make_unique<VariableScope>(name, options); });
  });
  m.def("variable_scope_unique", [](const std::string& default_name, nb::kwargs kwargs) {
    return VariableScopeContext(
        [default_name, options = ScopeOptionsFrom(kwargs)] { return VariableScope::Unique(default_name, options); });
  });
  m.def("variable_scope_again", [](const VariableScopeState& state, nb::kwargs kwargs) {
    return VariableScopeContext(
        [state, options = ScopeOptionsFrom(kwargs)] { return std::make_unique<VariableScope>(state, options); });
  });
  m.def("current_variable_scope", [] { return VariableScope::Current(); });
  m.def("change_variable_scope", [](nb::kwargs kwargs) {
    VariableScopeOptions options = ScopeOptionsFrom(kwargs);
    VariableScopeState& current = VariableScope::Current();
    if (options.reuse) current.reuse = *options.reuse;
    if (options.initializer) current.initializer = options.initializer;
    if (options.regularizer) current.regularizer = options.regularizer;
    if (options.partitioner) current.partitioner = options.partitioner;
    if (options.use_resource) current.use_resource = *options.use_resource;
    if (options.dtype) current.dtype = *options.dtype;
  });
}

void BindInitializers(nb::module_& m) {
  nb::class_<NativeInitializer>(m, "Initializer")
      .def("__call__", [](const NativeInitializer& self, nb::handle shape, DType dtype) {
        return AsValueError([&] { return self.build(ShapeFromPython(shape).ToShape(), dtype); });
      });
  auto seed_of = [](nb::handle seed) { return seed.is_none() ? std::optional<int64_t>() : nb::cast<int64_t>(seed); };
  m.def("zeros_initializer", [] { return NativeInitializer{ZerosInitializer()}; });
  m.def("ones_initializer", [] { return NativeInitializer{OnesInitializer()}; });
  m.def("constant_initializer", [](double value) { return NativeInitializer{ConstantInitializer(value)}; });
  m.def("value_initializer", [](Tensor value) { return NativeInitializer{ValueInitializer(value)}; });
  m.def(
      "random_uniform_initializer",
      [=](double min, double max, nb::handle seed) {
        return NativeInitializer{RandomUniformInitializer(min, max, seed_of(seed))};
      },
      nb::arg(), nb::arg(), nb::arg().none());
  m.def(
      "random_normal_initializer",
      [=](double mean, double stddev, nb::handle seed) {
        return NativeInitializer{RandomNormalInitializer(mean, stddev, seed_of(seed))};
      },
      nb::arg(), nb::arg(), nb::arg().none());
  m.def(
      "truncated_normal_initializer",
      [=](double mean, double stddev, nb::handle seed) {
        return NativeInitializer{TruncatedNormalInitializer(mean, stddev, seed_of(seed))};
      },
      nb::arg(), nb::arg(), nb::arg().none());
  m.def(
      "variance_scaling_initializer",
      [=](double scale, std::string mode, std::string distribution, nb::handle seed) {
        return AsValueError([&] {
          return NativeInitializer{VarianceScalingInitializer(
              {.scale = scale, .mode = mode, .distribution = distribution, .seed = seed_of(seed)})};
        });
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg().none());
}

}  // namespace

void BindVariables(nb::module_& m) {
  BindVariable(m);
  BindScopes(m);
  BindInitializers(m);
}

}  // namespace headrace::python
