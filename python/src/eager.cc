// EagerTensor: a tf.Tensor that has its value. Operators and ops on eager tensors go to the dispatch table directly.
#include "eager.h"

#include <array>
#include <atomic>

#include "headrace/session.h"
#include "headrace/traced_function.h"
#include "nn.h"

namespace headrace::python {
namespace {

PyTypeObject* eager_type = nullptr;

bool IsEager(PyObject* object) {
  return Py_TYPE(object) == eager_type;
}
const EagerRef& AsEager(PyObject* object) {
  return *nb::inst_ptr<EagerRef>(nb::handle(object));
}

bool WorthReleasing(const Application& application, std::span<const EagerValue* const> inputs) {
  constexpr int64_t kLarge = 16384;  // elements; below it the GIL costs more than it gives
  if (MayWait(application)) return true;
  for (const EagerValue* input : inputs) {
    if (input->value.num_elements() > kLarge) return true;
  }
  return false;
}

void Run(const std::shared_ptr<const Application>& application, std::span<const EagerValue* const> inputs,
         EagerValue* outputs) {
  if (!WorthReleasing(*application, inputs)) return RunApplication(application, inputs, outputs);
  nb::gil_scoped_release released;
  RunApplication(application, inputs, outputs);
}

// ------------------------------------------------------------------------------------------------------- operators

// Raises what `f` throws as Python's exception: slots are called without nanobind around them.
template <class F>
PyObject* Guarded(F&& f) {
  try {
    return f();
  } catch (nb::python_error& error) {
    error.restore();
  } catch (const nb::builtin_exception& error) {
    PyErr_SetString(error.type() == nb::exception_type::value_error ? PyExc_ValueError : PyExc_TypeError, error.what());
  } catch (const Error& error) {
    PyObject* instance = PyObject_CallFunction(Skin().make_error, "is", static_cast<int>(error.code()), error.what());
    if (!instance) return nullptr;
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(instance)), instance);
    Py_DECREF(instance);
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

// One operator: its op, resolved once a dtype, and the names of the methods that take what is no plain case.
struct Operator {
  const char* op;
  const char* method;
  const char* reflected;
  bool floating_only;
  std::array<std::atomic<const std::shared_ptr<const Application>*>, 32> known{};

  const std::shared_ptr<const Application>& For(const Tensor& x, const Tensor& y) {
    auto& slot = known.at(static_cast<size_t>(x.dtype()));
    if (const auto* found = slot.load(std::memory_order_acquire)) return *found;
    const Tensor* inputs[] = {&x, &y};
    const int lengths[] = {1, 1};
    auto* made =
        new std::shared_ptr<const Application>(FindApplication(OpRegistry::Global().Find(op), inputs, lengths, {}));
    slot.store(made, std::memory_order_release);  // for good; a second one made meanwhile is as good
    return *made;
  }
};

// A Python number beside a tensor, in the tensor's dtype; undefined unless it fits without a question.
Tensor NumberLike(PyObject* number, DType dtype) {
  if (PyFloat_CheckExact(number)) {
    if (dtype == DType::kFloat) return Tensor::Scalar(static_cast<float>(PyFloat_AS_DOUBLE(number)));
    if (dtype == DType::kDouble) return Tensor::Scalar(PyFloat_AS_DOUBLE(number));
  } else if (PyLong_CheckExact(number)) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(number, &overflow);
    if (overflow) return {};
    if (dtype == DType::kFloat) return Tensor::Scalar(static_cast<float>(value));
    if (dtype == DType::kDouble) return Tensor::Scalar(static_cast<double>(value));
    if (dtype == DType::kInt64) return Tensor::Scalar(static_cast<int64_t>(value));
    if (dtype == DType::kInt32 && value >= INT32_MIN && value <= INT32_MAX) {
      return Tensor::Scalar(static_cast<int32_t>(value));
    }
  }
  return {};
}

PyObject* CallMethod(Operator& op, PyObject* x, PyObject* y) {
  const bool forward = IsEager(x) || PyObject_TypeCheck(x, eager_type);
  auto* base = reinterpret_cast<PyObject*>(eager_type->tp_base);
  nb::object method = nb::steal(PyObject_GetAttrString(base, forward ? op.method : op.reflected));
  if (!method.is_valid()) return nullptr;
  return PyObject_CallFunctionObjArgs(method.ptr(), forward ? x : y, forward ? y : x, nullptr);
}

PyObject* Apply(Operator& op, PyObject* x, PyObject* y) {
  return Guarded([&]() -> PyObject* {
    if (!ExecutingEagerly()) return CallMethod(op, x, y);
    EagerValue other;
    const EagerValue* inputs[2];
    if (IsEager(x)) {
      inputs[0] = &AsEager(x).made;
      if (IsEager(y)) {
        inputs[1] = &AsEager(y).made;
      } else {
        other.value = NumberLike(y, inputs[0]->value.dtype());
        inputs[1] = &other;
      }
    } else {
      if (!IsEager(y)) return CallMethod(op, x, y);
      inputs[1] = &AsEager(y).made;
      other.value = NumberLike(x, inputs[1]->value.dtype());
      inputs[0] = &other;
    }
    const DType dtype = inputs[0]->value.dtype();
    const bool plain = inputs[0]->value.defined() && inputs[1]->value.defined() && dtype == inputs[1]->value.dtype() &&
                       (op.floating_only ? IsFloating(dtype) : IsNumeric(dtype));
    if (!plain) return CallMethod(op, x, y);
    EagerValue result;
    Run(op.For(inputs[0]->value, inputs[1]->value), inputs, &result);
    return EagerToPython(std::move(result)).release().ptr();
  });
}

template <int kIndex>
PyObject* Binary(PyObject* x, PyObject* y) {
  static Operator op[] = {
      {"AddV2", "__add__", "__radd__", false, {}},
      {"Sub", "__sub__", "__rsub__", false, {}},
      {"Mul", "__mul__", "__rmul__", false, {}},
      {"RealDiv", "__truediv__", "__rtruediv__", true, {}},
  };
  return Apply(op[kIndex], x, y);
}

PyType_Slot eager_slots[] = {
    {Py_nb_add, reinterpret_cast<void*>(Binary<0>)},
    {Py_nb_subtract, reinterpret_cast<void*>(Binary<1>)},
    {Py_nb_multiply, reinterpret_cast<void*>(Binary<2>)},
    {Py_nb_true_divide, reinterpret_cast<void*>(Binary<3>)},
    {0, nullptr},
};

// ----------------------------------------------------------------------------------------------------- calls of ops

bool IsList(const OpArg& arg) {
  return !arg.number_attr.empty() || !arg.type_list_attr.empty();
}

// The arguments of one call, as pointers into eager tensors or to values converted here.
class FastArguments {
 public:
  static constexpr size_t kMost = 16;

  explicit FastArguments(const OpDef& op, const AttrMap& attrs) : op_(op), attrs_(attrs) {}

  // False if a value is none of the plain kinds.
  bool Take(const nb::list& given) {
    for (size_t i = 0; i < op_.inputs.size(); ++i) {
      if (!FixType(op_.inputs[i], PyList_GET_ITEM(given.ptr(), static_cast<Py_ssize_t>(i)))) return false;
    }
    for (size_t i = 0; i < op_.inputs.size(); ++i) {
      const OpArg& arg = op_.inputs[i];
      PyObject* value = PyList_GET_ITEM(given.ptr(), static_cast<Py_ssize_t>(i));
      if (lengths_count_ == kMost) return false;
      if (!IsList(arg)) {
        if (!Single(arg, value)) return false;
        lengths_[lengths_count_++] = 1;
        continue;
      }
      const Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
      for (Py_ssize_t k = 0; k < n; ++k) {
        if (!Single(arg, PySequence_Fast_GET_ITEM(value, k))) return false;
      }
      lengths_[lengths_count_++] = static_cast<int>(n);
    }
    return true;
  }

  std::span<const EagerValue* const> values() const { return {values_.data(), count_}; }
  std::span<const Tensor* const> tensors() const { return {tensors_.data(), count_}; }
  std::span<const int> lengths() const { return {lengths_.data(), lengths_count_}; }

 private:
  // Notes the dtype that the first tensor given for a type attribute has.
  bool FixType(const OpArg& arg, PyObject* value) {
    if (arg.is_ref) return false;
    if (!IsList(arg)) {
      if (IsEager(value) && !arg.type_attr.empty()) Note(arg.type_attr, AsEager(value).made.value.dtype());
      return true;
    }
    if (!PyList_Check(value) && !PyTuple_Check(value)) return false;
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(value);
    for (Py_ssize_t k = 0; k < n; ++k) {
      PyObject* item = PySequence_Fast_GET_ITEM(value, k);
      if (IsEager(item)) {
        if (!arg.type_attr.empty()) Note(arg.type_attr, AsEager(item).made.value.dtype());
      } else if (!arg.type_list_attr.empty()) {
        return false;
      }
    }
    return true;
  }

  void Note(const std::string& attr, DType dtype) {
    if (TypeOf(attr) == DType::kInvalid && types_count_ < types_.size()) types_[types_count_++] = {&attr, dtype};
  }

  DType TypeOf(const std::string& attr) const {
    if (const auto found = attrs_.find(attr); found != attrs_.end()) {
      const DType* dtype = found->second.get_if<DType>();
      return dtype ? *dtype : DType::kInvalid;
    }
    for (size_t i = 0; i < types_count_; ++i) {
      if (*types_[i].first == attr) return types_[i].second;
    }
    return DType::kInvalid;
  }

  bool Single(const OpArg& arg, PyObject* value) {
    if (count_ == kMost) return false;
    if (IsEager(value)) {
      Push(&AsEager(value).made);
      return true;
    }
    const DType dtype = arg.type_attr.empty() ? arg.dtype : TypeOf(arg.type_attr);
    if (dtype == DType::kInvalid || converted_count_ == converted_.size()) return false;
    EagerValue& converted = converted_[converted_count_];
    converted.value = NumberLike(value, dtype);
    if (!converted.value.defined()) return false;
    ++converted_count_;
    Push(&converted);
    return true;
  }

  void Push(const EagerValue* value) {
    values_[count_] = value;
    tensors_[count_++] = &value->value;
  }

  const OpDef& op_;
  const AttrMap& attrs_;
  std::array<std::pair<const std::string*, DType>, 4> types_;
  std::array<const EagerValue*, kMost> values_;
  std::array<const Tensor*, kMost> tensors_;
  std::array<int, kMost> lengths_;
  std::array<EagerValue, 2> converted_;
  size_t types_count_ = 0, count_ = 0, lengths_count_ = 0, converted_count_ = 0;
};

nb::object ResultsToPython(const Node& node, std::span<EagerValue> made) {
  const OpDef& op = node.op();
  if (op.outputs.empty()) return nb::none();
  size_t next = 0;
  const auto list_of = [&](const OpArg& arg) {
    const int64_t length = arg.number_attr.empty()
                               ? static_cast<int64_t>(node.attr<std::vector<DType>>(arg.type_list_attr).size())
                               : node.attr<int64_t>(arg.number_attr);
    nb::list list;
    for (int64_t i = 0; i < length; ++i) list.append(EagerToPython(std::move(made[next++])));
    return list;
  };
  if (op.outputs.size() == 1) {
    return IsList(op.outputs[0]) ? nb::object(list_of(op.outputs[0])) : EagerToPython(std::move(made[0]));
  }
  nb::list results;
  for (const OpArg& arg : op.outputs) {
    if (IsList(arg)) {
      results.append(list_of(arg));
    } else {
      results.append(EagerToPython(std::move(made[next++])));
    }
  }
  return nb::tuple(results);
}

// A C++ scope as a Python context manager of this name: made on __enter__, undone on __exit__.
template <class Scope>
void BindScope(nb::module_& m, const char* function, const char* name) {
  struct Context {
    Context() = default;
    Context(Context&&) noexcept = default;
    Context(const Context&) = delete;
    std::vector<std::unique_ptr<Scope>> scopes;
  };
  nb::class_<Context>(m, name)
      .def("__enter__", [](Context& self) { self.scopes.push_back(std::make_unique<Scope>()); })
      .def("__exit__", [](Context& self, nb::args) { self.scopes.pop_back(); });
  m.def(function, [] { return Context(); });
}

// ----------------------------------------------------------------------------------------------------------- tapes

Output WatchedFromPython(nb::handle value) {
  Variable* variable = nullptr;
  return nb::try_cast(value, variable, false) && variable ? variable->handle : OutputFromPython(value);
}

EagerValue ValueFromPython(nb::handle value) {
  return ValueOf(WatchedFromPython(value));
}

std::vector<EagerValue> ValuesFromPython(nb::handle values) {
  std::vector<EagerValue> list;
  for (nb::handle value : values) list.push_back(ValueFromPython(value));
  return list;
}

BackwardFunction BackwardFromPython(nb::handle function) {
  return [kept = Kept(function)](const std::vector<Gradient>& dys) {
    nb::gil_scoped_acquire gil;
    const EagerHold hold;
    nb::list given;
    for (const Gradient& dy : dys) given.append(GradientToPython(dy));
    nb::object returned = nb::borrow(kept.get())(given);
    std::vector<Gradient> dxs;
    for (nb::handle dx : returned) dxs.push_back(GradientFromPython(dx));
    return dxs;
  };
}

void BindTape(nb::module_& m) {
  nb::class_<GradientTape>(m, "Tape")
      .def(nb::init<bool, bool>())
      .def("start", &GradientTape::Start)
      .def("stop", &GradientTape::Stop)
      .def("reset", &GradientTape::Reset)
      .def_prop_ro("recording", &GradientTape::recording)
      .def("watch", [](GradientTape& tape, nb::handle value) { tape.Watch(WatchedFromPython(value)); })
      .def("watched_ids",
           [](const GradientTape& tape) {
             nb::list ids;
             for (const EagerValue& handle : tape.watched_variables()) ids.append(handle.id);
             return ids;
           })
      .def("gradient", [](GradientTape& tape, nb::handle ys, nb::handle xs, nb::handle grad_ys) {
        const EagerScope eager;
        std::vector<Output> targets = OutputsFromPython(ys), sources, weights;
        for (nb::handle x : xs) sources.push_back(WatchedFromPython(x));
        for (nb::handle dy : grad_ys) weights.push_back(dy.is_none() ? Output() : OutputFromPython(dy));
        nb::list result;
        for (const Gradient& gradient : tape.Gradients(targets, sources, weights)) {
          result.append(GradientToPython(gradient));
        }
        return result;
      });
  m.def(
      "record_on_tapes",
      [](nb::handle inputs, nb::handle outputs, nb::handle backward) {
        RecordOnTapes(ValuesFromPython(inputs), ValuesFromPython(outputs), BackwardFromPython(backward));
      },
      "Tells the tapes of this thread that `outputs` were computed from `inputs`; `backward` takes the outputs' "
      "gradients\nand gives the inputs'.");
  m.def("trainable_variables_in", [](const Graph& body) {
    nb::list ids;
    for (const int64_t id : TrainableVariablesIn(body)) ids.append(id);
    return ids;
  });
  m.def("any_tape_records", [](nb::handle values) {
    for (const EagerValue& value : ValuesFromPython(values)) {
      const EagerValue* pointer = &value;
      if (AnyTapeRecords({&pointer, 1})) return true;
    }
    return false;
  });
  BindScope<StopRecording>(m, "stop_recording", "StopRecordingContext");
}

// Python holds values, not Outputs: no region is needed.
class EagerMode {
 public:
  EagerMode() : scope_(ImmediateGraph()) {}

 private:
  GraphScope scope_;
};

// A session on a graph, over the resources of eager execution; it gives eager tensors.
class EagerSession {
 public:
  explicit EagerSession(std::shared_ptr<Graph> graph) : session_(std::move(graph), Options()) {}

  nb::list Run(nb::handle tensors) {
    std::vector<Output> outputs;
    for (nb::handle tensor : tensors) outputs.push_back(nb::cast<TensorRef&>(tensor).output);
    std::vector<Tensor> values;
    {
      nb::gil_scoped_release released;
      values = session_.Run(outputs);
    }
    nb::list list;
    for (Tensor& value : values) list.append(EagerToPython(NewEagerValue(std::move(value))));
    return list;
  }

 private:
  static SessionOptions Options() {
    SessionOptions options;
    options.resources = std::shared_ptr<ResourceManager>(std::shared_ptr<void>(), &EagerResources());
    return options;
  }
  Session session_;
};

// The outermost graph: an immediate one, or the graph that functions are traced for, without its dependencies.
class InitScope {
 public:
  InitScope() : dependencies_(ControlDependencies::Clear(Outermost())), scope_(Outermost()) {}

 private:
  static Graph& Outermost() {
    Graph* graph = &Graph::Current();
    while (graph->outer()) graph = graph->outer();
    return *graph;
  }
  std::unique_ptr<ControlDependencies> dependencies_;
  GraphScope scope_;
};

}  // namespace

const EagerRef* EagerFromPython(nb::handle value) {
  return eager_type && PyObject_TypeCheck(value.ptr(), eager_type) ? &AsEager(value.ptr()) : nullptr;
}

Output OutputOfRef(const TensorRef& tensor) {
  if (tensor.output) return tensor.output;
  const EagerValue& made = static_cast<const EagerRef&>(tensor).made;
  for (const Graph* graph = &Graph::Current(); graph; graph = graph->outer()) {
    if (graph == &ImmediateGraph()) return OutputOf(made);
  }
  if (made.value.dtype() == DType::kResource || made.value.dtype() == DType::kVariant) {
    throw nb::type_error("an eager tensor that holds an object can't be put into a graph");
  }
  return Constant(made.value);
}

nb::object EagerToPython(EagerValue made) {
  nb::object object = nb::inst_alloc(nb::handle(reinterpret_cast<PyObject*>(eager_type)));
  new (nb::inst_ptr<EagerRef>(object)) EagerRef(std::move(made));
  nb::inst_mark_ready(object);
  return object;
}

nb::object ApplyFast(const OpDef& op, const nb::list& inputs, const AttrMap& attrs) {
  ForgetOutputs();
  FastArguments arguments(op, attrs);
  if (!arguments.Take(inputs)) return {};
  const auto application = FindApplication(op, arguments.tensors(), arguments.lengths(), attrs);
  const Node& node = NodeOf(*application);
  std::array<EagerValue, 2> few;
  std::vector<EagerValue> many;
  const auto count = static_cast<size_t>(node.num_outputs());
  std::span<EagerValue> made(few.data(), count);
  if (count > few.size()) made = (many.resize(count), std::span<EagerValue>(many));
  Run(application, arguments.values(), made.data());
  return ResultsToPython(node, made);
}

void BindEager(nb::module_& m) {
  auto eager = nb::class_<EagerRef, TensorRef>(m, "EagerTensor", nb::type_slots(eager_slots))
                   .def(nb::new_([](nb::handle value, nb::handle, nb::handle dtype) {
                          return EagerRef(NewEagerValue(
                              ToTensor(value, dtype.is_none() ? DType::kInvalid : DTypeFromPython(dtype))));
                        }),
                        nb::arg("value"), nb::arg("device").none() = nb::none(), nb::arg("dtype").none() = nb::none())
                   .def_prop_ro("_id", [](const EagerRef& t) { return t.made.id; })
                   .def_prop_ro("dtype", [](const EagerRef& t) { return DTypeToPython(t.made.value.dtype()); })
                   .def_prop_ro("shape", [](const EagerRef& t) { return PartialShape(t.made.value.shape()); })
                   .def("_shape_tuple",
                        [](const EagerRef& t) {
                          nb::list sizes;
                          for (const int64_t size : t.made.value.shape()) sizes.append(size);
                          return nb::tuple(sizes);
                        })
                   .def("_rank", [](const EagerRef& t) { return t.made.value.rank(); })
                   .def("_num_elements", [](const EagerRef& t) { return t.made.value.num_elements(); })
                   .def("_copied", [](const EagerRef& t) { return ToPython(t.made.value.Clone()); })
                   .def("__hash__", [](const EagerRef& t) { return static_cast<Py_hash_t>(t.made.id); })
                   .def(
                       "__eq__",
                       [](const EagerRef& t, nb::handle other) {
                         const EagerRef* same = EagerFromPython(other);
                         return same && same->made.id == t.made.id;
                       },
                       nb::arg("other").none());
  eager_type = reinterpret_cast<PyTypeObject*>(eager.ptr());
  BindTape(m);
  BindScope<EagerMode>(m, "eager_context", "EagerContext");
  BindScope<GraphModeScope>(m, "graph_mode_context", "GraphModeContext");
  BindScope<InitScope>(m, "init_context", "InitContext");
  BindScope<EagerHold>(m, "eager_hold", "EagerHoldContext");
  nb::class_<TracedFunction>(m, "TracedFunction")
      .def(
          "__init__",
          [](TracedFunction* self, const std::string& name, nb::handle args, nb::handle build) {
            std::vector<std::pair<DType, PartialShape>> specs;
            for (nb::handle arg : args) specs.emplace_back(DTypeFromPython(arg[0]), ShapeFromPython(arg[1]));
            new (self) TracedFunction(name, specs, [build](const std::vector<Output>& inner) {
              return OutputsFromPython(nb::borrow(build)(OutputsToPython(inner)));
            });
          },
          nb::arg("name"), nb::arg("args"), nb::arg("build"))
      .def(
          "call",
          [](TracedFunction& self, nb::handle args) {
            std::vector<EagerValue> values;
            {
              const EagerRegion region;
              const GraphScope scope(ImmediateGraph());
              values = ValuesFromPython(args);
            }
            {
              nb::gil_scoped_release released;
              values = self(values);
            }
            nb::list list;
            for (EagerValue& value : values) list.append(EagerToPython(std::move(value)));
            return list;
          },
          nb::arg("args"))
      .def_prop_ro("graph", [](const TracedFunction& self) { return self.function().body; })
      .def_prop_ro("name", [](const TracedFunction& self) { return self.function().name; })
      .def_prop_ro("inputs",
                   [](const TracedFunction& self) {
                     std::vector<Output> inputs;
                     for (Node* arg : self.function().args) inputs.push_back(arg->output());
                     return OutputsToPython(inputs);
                   })
      .def_prop_ro("outputs", [](const TracedFunction& self) { return OutputsToPython(self.function().results); })
      .def_prop_ro("captures", [](const TracedFunction& self) {
        nb::list list;
        for (const EagerValue& value : self.captures()) list.append(EagerToPython(value));
        return list;
      });
  nb::class_<EagerSession>(m, "EagerSession")
      .def(nb::init<std::shared_ptr<Graph>>(), nb::arg("graph"))
      .def("run", &EagerSession::Run, nb::arg("tensors"));
  m.def("enable_eager_execution", &EnableEagerExecution);
  m.def("executing_eagerly", &ExecutingEagerly);
}

}  // namespace headrace::python
