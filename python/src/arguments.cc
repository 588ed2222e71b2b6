// apply(): what the generated op wrappers call. Converts Python values to the op's arguments by 1.15's rules: a type
// attribute is fixed by the first tensor given for it, and values that are no tensors become constants of that type,
// named after the argument inside the op's scope.
#include <algorithm>
#include <map>
#include <utility>

#include "bind.h"
#include "casters.h"
#include "eager.h"
#include "headrace/op.h"
#include "kernels/copy.h"

namespace headrace::python {
namespace {

[[noreturn]] void Raise(const std::string& message) {
  throw nb::type_error(message.c_str());
}

class Arguments {
 public:
  Arguments(const OpDef& op, AttrMap* attrs) : op_(op), attrs_(*attrs) {}

  // Eager execution lets a tensor anywhere decide over the plain values, not only one that comes first.
  void FixTypesByTensors(const nb::list& inputs) {
    for (size_t i = 0; i < op_.inputs.size(); ++i) {
      const OpArg& arg = op_.inputs[i];
      const EagerRef* tensor = EagerFromPython(inputs[i]);
      if (tensor && !arg.type_attr.empty()) attrs_.try_emplace(arg.type_attr, tensor->made.value.dtype());
    }
  }

  OpArgument Convert(const OpArg& arg, nb::handle value) {
    if (!arg.type_list_attr.empty()) return TypeList(arg, value);
    if (!arg.number_attr.empty()) return SameTypeList(arg, value);
    return {Single(arg, value, arg.name)};
  }

 private:
  DType Wanted(const OpArg& arg) const {
    if (arg.type_attr.empty()) return arg.dtype;
    auto found = attrs_.find(arg.type_attr);
    return found == attrs_.end() ? DType::kInvalid : found->second.get<DType>();
  }

  DType Default(const OpArg& arg) const {
    const OpAttr* attr = arg.type_attr.empty() ? nullptr : op_.FindAttr(arg.type_attr);
    if (!attr || !attr->default_value) return DType::kInvalid;
    const DType* dtype = attr->default_value->get_if<DType>();
    return dtype ? *dtype : DType::kInvalid;
  }

  Output Single(const OpArg& arg, nb::handle value, const std::string& name) {
    if (arg.is_ref) return Reference(arg, value);
    DType wanted = Wanted(arg);
    if (wanted == DType::kResource) {
      Variable* variable = nullptr;
      if (nb::try_cast(value, variable, false) && variable) return variable->handle;
    }
    Output output;
    try {
      output =
          OutputFromPython(value, DType::kInvalid == wanted ? wanted : KnownDType(value, wanted), name, Default(arg));
    } catch (const nb::builtin_exception& error) {
      Refuse(arg, value, wanted, error);
    }
    if (wanted != DType::kInvalid && output.dtype() != wanted) {
      Raise(internal::Concat("Input '", arg.name, "' of '", op_.name, "' Op has type ", output.dtype(),
                             " that does not match ", arg.type_attr.empty() ? "expected type of " : "type ", wanted,
                             arg.type_attr.empty() ? "." : " of argument '" + FirstArgOf(arg.type_attr) + "'."));
    }
    if (!arg.type_attr.empty() && wanted == DType::kInvalid) {
      CheckAllowed(arg, output.dtype());
      attrs_[arg.type_attr] = output.dtype();
    }
    return output;
  }

  // 1.15's words for a value that can't be converted.
  [[noreturn]] void Refuse(const OpArg& arg, nb::handle value, DType wanted, const nb::builtin_exception& error) const {
    if (error.type() == nb::exception_type::value_error) {
      throw nb::value_error(
          internal::Concat("Tried to convert '", arg.name, "' to a tensor and failed. Error: ", error.what()).c_str());
    }
    if (wanted == DType::kInvalid) throw nb::type_error(error.what());
    Raise(internal::Concat("Expected ", wanted, " passed to parameter '", arg.name, "' of op '", op_.name, "', got ",
                           nb::steal<nb::str>(PyObject_Repr(value.ptr())).c_str(), " of type '",
                           Py_TYPE(value.ptr())->tp_name, "' instead. Error: ", error.what()));
  }

  void CheckAllowed(const OpArg& arg, DType dtype) const {
    const OpAttr* attr = op_.FindAttr(arg.type_attr);
    if (!attr || attr->allowed_types.empty() || std::ranges::count(attr->allowed_types, dtype) > 0) return;
    std::string allowed;
    for (const DType type : attr->allowed_types) allowed += internal::Concat(allowed.empty() ? "" : ", ", type);
    Raise(internal::Concat("Value passed to parameter '", arg.name, "' has DataType ", dtype,
                           " not in list of allowed values: ", allowed));
  }

  // Tensors keep their dtype (a wrong one is reported with the argument's name); only values are converted to it.
  static DType KnownDType(nb::handle value, DType wanted) {
    return nb::isinstance<TensorRef>(value) || nb::isinstance<Variable>(value) ? DType::kInvalid : wanted;
  }

  Output Reference(const OpArg& arg, nb::handle value) {
    Variable* variable = nullptr;
    Output output;
    TensorRef* tensor = nullptr;
    if (nb::try_cast(value, variable, false) && variable) {
      output = variable->handle;
    } else if (nb::try_cast(value, tensor, false) && tensor) {
      output = OutputOfRef(*tensor);
    }
    if (!output || !output.node->output_is_ref(output.index)) {
      Raise(internal::Concat("'", op_.name, "' Op requires that input '", arg.name,
                             "' be a mutable tensor (e.g.: a tf.Variable)"));
    }
    if (!arg.type_attr.empty()) attrs_.try_emplace(arg.type_attr, output.dtype());
    return output;
  }

  static nb::object AsSequence(const OpArg& arg, const OpDef& op, nb::handle value) {
    if (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr())) return nb::borrow(value);
    PyObject* list = nb::isinstance<TensorRef>(value) ? nullptr : PySequence_List(value.ptr());
    if (!list) {
      PyErr_Clear();
      Raise(internal::Concat("Expected list for '", arg.name, "' argument to '", op.name, "' Op, not ",
                             nb::steal<nb::str>(PyObject_Repr(value.ptr())).c_str(), "."));
    }
    return nb::steal(list);
  }

  OpArgument SameTypeList(const OpArg& arg, nb::handle value) {
    nb::object items = AsSequence(arg, op_, value);
    if (!arg.type_attr.empty() && Wanted(arg) == DType::kInvalid) {
      for (nb::handle item : items) {  // a tensor anywhere in the list decides
        TensorRef* tensor = nullptr;
        Variable* variable = nullptr;
        if (nb::try_cast(item, tensor, false) && tensor) {
          attrs_[arg.type_attr] = OutputOfRef(*tensor).dtype();
          break;
        }
        if (nb::try_cast(item, variable, false) && variable) {
          attrs_[arg.type_attr] = variable->dtype();
          break;
        }
      }
    }
    OpArgument result;
    for (nb::handle item : items) {
      result.push_back(Single(arg, item, arg.name + "_" + std::to_string(result.size())));
    }
    return result;
  }

  OpArgument TypeList(const OpArg& arg, nb::handle value) {
    nb::object items = AsSequence(arg, op_, value);
    const std::vector<DType>* dtypes = nullptr;
    if (auto found = attrs_.find(arg.type_list_attr); found != attrs_.end()) {
      dtypes = found->second.get_if<std::vector<DType>>();
    }
    OpArgument result;
    for (nb::handle item : items) {
      size_t i = result.size();
      DType wanted = dtypes && i < dtypes->size() ? (*dtypes)[i] : DType::kInvalid;
      result.push_back(OutputFromPython(item, wanted, arg.name + "_" + std::to_string(i)));
    }
    return result;
  }

  std::string FirstArgOf(const std::string& type_attr) const {
    for (const OpArg& arg : op_.inputs) {
      if (arg.type_attr == type_attr) return arg.name;
    }
    return type_attr;
  }

  const OpDef& op_;
  AttrMap& attrs_;
};

bool IsList(const OpArg& arg) {
  return !arg.number_attr.empty() || !arg.type_list_attr.empty();
}

// The named tuple of an op's outputs, made once.
nb::handle ResultClass(const OpDef& op) {
  static auto& classes = *new std::map<const OpDef*, PyObject*>;  // Python may be gone before statics are
  PyObject*& result_class = classes[&op];
  if (!result_class) {
    nb::list fields;
    for (const OpArg& arg : op.outputs) fields.append(nb::str(arg.name.c_str()));
    const nb::object namedtuple = nb::module_::import_("collections").attr("namedtuple");
    result_class = namedtuple(op.name.c_str(), fields, nb::arg("rename") = true).release().ptr();
  }
  return result_class;
}

// An Operation (None if the op ran at once) if the op has no outputs, its tensor (or list) if it has one, else a named
// tuple of them.
nb::object Results(Node* node) {
  const OpDef& op = node->op();
  if (op.outputs.empty()) return NodeToPython(node);
  if (op.outputs.size() == 1) {
    return IsList(op.outputs[0]) ? nb::object(OutputsToPython(node->outputs())) : OutputToPython(node->output());
  }
  nb::list results;
  int next = 0;
  for (const OpArg& arg : op.outputs) {
    if (!IsList(arg)) {
      results.append(OutputToPython(node->output(next++)));
      continue;
    }
    int64_t length = arg.number_attr.empty()
                         ? static_cast<int64_t>(node->attr<std::vector<DType>>(arg.type_list_attr).size())
                         : node->attr<int64_t>(arg.number_attr);
    nb::list list;
    for (int64_t i = 0; i < length; ++i) list.append(OutputToPython(node->output(next++)));
    results.append(list);
  }
  return ResultClass(op).attr("_make")(results);
}

// Values that need conversion go through Outputs of the immediate graph.
nb::object ApplyEagerly(const OpDef& op, const nb::list& inputs, AttrMap attrs) {
  const EagerRegion region;
  Arguments arguments(op, &attrs);
  arguments.FixTypesByTensors(inputs);
  std::vector<OpArgument> converted;
  for (size_t i = 0; i < op.inputs.size(); ++i) converted.push_back(arguments.Convert(op.inputs[i], inputs[i]));
  Node* node = nullptr;
  {
    nb::gil_scoped_release released;  // the op may wait, or call Python on another thread
    node = Graph::Current().Apply(op.name, converted, std::move(attrs));
  }
  return Results(node);
}

nb::object Apply(const std::string& op_name, nb::list inputs, nb::dict attrs, nb::handle name) {
  const OpDef& op = OpRegistry::Global().Find(op_name);
  if (nb::len(inputs) != op.inputs.size()) {
    Raise(internal::Concat("op ", op_name, " takes ", op.inputs.size(), " arguments, got ", nb::len(inputs)));
  }
  AttrMap attr_map;
  for (auto [key, value] : attrs) {
    auto attr_name = nb::cast<std::string>(key);
    const OpAttr* attr = op.FindAttr(attr_name);
    if (!attr) Raise(internal::Concat("op ", op_name, " has no attribute '", attr_name, "'"));
    if (value.is_none() && attr->type != "shape") continue;
    attr_map[attr_name] = AttrFromPython(value, attr->type, "argument '" + attr_name + "' of op '" + op_name + "'");
  }
  const bool eager = ExecutingEagerly();
  if (eager) {
    if (nb::object result = ApplyFast(op, inputs, attr_map); result.is_valid()) return result;
    return ApplyEagerly(op, inputs, std::move(attr_map));
  }
  NameScope scope(name.is_none() ? op_name : nb::cast<std::string>(name));
  Arguments arguments(op, &attr_map);
  std::vector<OpArgument> converted;
  for (size_t i = 0; i < op.inputs.size(); ++i) converted.push_back(arguments.Convert(op.inputs[i], inputs[i]));
  return AsValueError(
      [&] { return Results(Graph::Current().Apply(op_name, converted, std::move(attr_map), scope.name())); });
}

}  // namespace

// The elements in another shape, the last one repeated where there are too few.
Tensor Filled(const Tensor& values, const Shape& shape) {
  const int64_t given = values.num_elements(), wanted = shape.num_elements();
  if (given == wanted) return values.Reshaped(shape);
  if (given > wanted) {
    throw InvalidArgument("Too many elements provided. Needed at most ", wanted, ", but received ", given);
  }
  if (given == 0) throw InvalidArgument("no element was provided to fill shape ", shape);
  Tensor filled(values.dtype(), shape);
  CopyElements(values.dtype(), values.raw(), filled.raw(), given);
  FillElements(values.dtype(), ElementAt(values.dtype(), std::as_const(values).raw(), given - 1),
               ElementAt(values.dtype(), filled.raw(), given), wanted - given);
  return filled;
}

void BindArguments(nb::module_& m) {
  m.def("apply", &Apply, nb::arg("op"), nb::arg("inputs"), nb::arg("attrs"), nb::arg("name").none() = nb::none(),
        "Adds a node to the current graph. `inputs` has one entry for each argument of the op: a tensor-like value, or "
        "a\n"
        "list of them for list arguments. Returns a Tensor, a list, a tuple of these, or the Operation if it has no "
        "outputs.");
  m.def(
      "convert_to_tensor",
      [](nb::handle value, nb::handle dtype, const std::string& name, nb::handle preferred) {
        return OutputFromPython(value, dtype.is_none() ? DType::kInvalid : DTypeFromPython(dtype), name,
                                preferred.is_none() ? DType::kInvalid : DTypeFromPython(preferred));
      },
      nb::arg("value").none(), nb::arg("dtype").none() = nb::none(), nb::arg("name") = "Const",
      nb::arg("preferred_dtype").none() = nb::none());
  m.def(
      "constant",
      [](nb::handle value, nb::handle dtype, nb::handle shape, const std::string& name) {
        Tensor tensor = ToTensor(value, dtype.is_none() ? DType::kInvalid : DTypeFromPython(dtype));
        return AsValueError([&] {
          return Constant(shape.is_none() ? tensor : Filled(tensor, ShapeFromPython(shape).ToShape()), name);
        });
      },
      nb::arg("value").none(), nb::arg("dtype").none() = nb::none(), nb::arg("shape").none() = nb::none(),
      nb::arg("name") = "Const");
  m.def(
      "constant_value",
      [](nb::handle tensor) -> nb::object {
        if (const EagerRef* eager = EagerFromPython(tensor)) return ToPython(eager->made.value.Clone());
        const Output output = OutputFromPython(tensor);
        if (const Tensor* constant = ConstantBehind(output)) return ToPython(*constant);
        const auto known = StaticValues().Of(output);
        const Tensor value = known ? known->ToTensor(output.dtype()) : Tensor();
        return value.defined() ? ToPython(value) : nb::none();
      },
      "The value of a constant as a NumPy array, or None if it is not known before running.");
  m.def(
      "to_numpy",
      [](nb::handle value, nb::handle dtype) {
        return ToPython(ToTensor(value, dtype.is_none() ? DType::kInvalid : DTypeFromPython(dtype)));
      },
      nb::arg("value"), nb::arg("dtype").none() = nb::none());
  m.def("op_names", [] {
    nb::list names;
    for (const OpDef* op : OpRegistry::Global().All()) names.append(nb::str(op->name.c_str()));
    return names;
  });
}

}  // namespace headrace::python
