// Conversions between the library's small types and the skin's classes.
#include "casters.h"

#include "eager.h"

#include "headrace/op.h"

namespace headrace::python {

SkinClasses& Skin() {
  static SkinClasses skin;
  return skin;
}

DType DTypeFromPython(nb::handle value) {
  PyObject* dtype = value.ptr();
  nb::object converted;
  if (!PyObject_TypeCheck(dtype, reinterpret_cast<PyTypeObject*>(Skin().dtype_class))) {
    converted = nb::steal(PyObject_CallOneArg(Skin().as_dtype, dtype));
    if (!converted.is_valid()) nb::raise_python_error();
    dtype = converted.ptr();
  }
  int number = nb::cast<int>(nb::handle(dtype).attr("as_datatype_enum"));
  return static_cast<DType>(number > kRefOffset ? number - kRefOffset : number);
}

nb::object DTypeToPython(DType dtype, bool is_ref) {
  PyObject* found = Skin().dtypes[static_cast<int>(dtype) + (is_ref ? kRefOffset : 0)];
  return found ? nb::borrow(found) : nb::none();
}

PartialShape ShapeFromPython(nb::handle value) {
  if (value.is_none()) return {};
  nb::object shape = nb::steal(PyObject_CallOneArg(Skin().tensor_shape, value.ptr()));
  if (!shape.is_valid()) nb::raise_python_error();
  nb::object sizes = shape.attr("_sizes");
  if (sizes.is_none()) return {};
  std::vector<int64_t> dims;
  for (nb::handle size : sizes) dims.push_back(size.is_none() ? -1 : nb::cast<int64_t>(size));
  return PartialShape(dims);
}

nb::object ShapeToPython(const PartialShape& shape) {
  nb::object dims = nb::none();
  if (shape.has_rank()) {
    nb::list list;
    for (int64_t size : shape.dims()) {
      if (size < 0) {
        list.append(nb::none());
      } else {
        list.append(nb::int_(size));
      }
    }
    dims = list;
  }
  return nb::borrow(Skin().tensor_shape)(dims);
}

nb::object OutputToPython(const Output& output) {
  if (!output) return nb::none();
  if (IsEagerVariable(output) && !ExecutingEagerly()) return OutputToPython(Graph::Current().Capture(output));
  if (HasValue(output)) return EagerToPython(ValueOf(output));
  return nb::cast(TensorRef{output, output.graph()->weak_from_this().lock()});
}

nb::object NodeToPython(Node* node) {
  if (!node || node->graph() == &ImmediateGraph()) return nb::none();  // what runs at once leaves no operation
  return nb::cast(OperationRef{node, node->graph()->weak_from_this().lock()});
}

Output CurrentValueOf(const Variable& variable) {
  if (!variable.is_resource()) return variable.value;
  return ApplyOp("ReadVariableOp", {{variable.handle}}, {{"dtype", variable.dtype()}});
}

namespace {

void CheckDType(const Output& output, DType dtype) {
  if (dtype == DType::kInvalid || output.dtype() == dtype) return;
  std::string message = internal::Concat("Tensor conversion requested dtype ", dtype, " for Tensor with dtype ",
                                         output.dtype(), ": '", output.name(), "'");
  throw nb::value_error(message.c_str());
}

// The tensor that `value` stands for; absent if it is a plain value. A resource variable is read anew, where it is
// used: what the use waits for, the read waits for, and in a function the read is inside. `look_only`: any tensor of it
// will do.
Output ExistingOutput(nb::handle value, bool look_only = false) {
  TensorRef* tensor = nullptr;
  if (nb::try_cast(value, tensor, false) && tensor) return OutputOfRef(*tensor);
  Variable* variable = nullptr;
  if (nb::try_cast(value, variable, false) && variable) return look_only ? variable->value : CurrentValueOf(*variable);
  if (PyObject_HasAttrString(value.ptr(), "_as_graph_element")) {
    nb::object element = value.attr("_as_graph_element")();
    if (nb::try_cast(element, tensor, false) && tensor) return OutputOfRef(*tensor);
  }
  return {};
}

// The sizes of a tf.TensorShape as a list. Errors: ValueError unless all are known.
nb::object SizesOf(nb::handle shape) {
  const PartialShape known = ShapeFromPython(shape);
  if (!known.IsFullyDefined()) {
    throw nb::value_error(
        internal::Concat("Cannot convert a partially known TensorShape to a Tensor: ", nb::str(shape).c_str()).c_str());
  }
  nb::list sizes;
  for (int64_t size : known.dims()) sizes.append(size);
  return sizes;
}

bool HasTensor(nb::handle value, Output* first) {
  if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr())) {
    *first = ExistingOutput(value, true);
    return static_cast<bool>(*first);
  }
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value.ptr()); ++i) {
    if (HasTensor(PySequence_Fast_GET_ITEM(value.ptr(), i), first)) return true;
  }
  return false;
}

// A (nested) list that has tensors in it: each level becomes a Pack, as 1.15's automatic packing does.
Output Packed(nb::handle value, DType dtype, std::string_view name) {
  if (!PyList_Check(value.ptr()) && !PyTuple_Check(value.ptr())) return OutputFromPython(value, dtype, "Const");
  NameScope scope(name);
  OpArgument items;
  Output unused;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value.ptr()); ++i) {
    nb::handle item = PySequence_Fast_GET_ITEM(value.ptr(), i);
    std::string item_name = std::to_string(i);
    items.push_back(HasTensor(item, &unused) ? Packed(item, dtype, item_name)
                                             : OutputFromPython(item, dtype, item_name));
  }
  return ApplyOp("Pack", {items}, {{"axis", 0}}, scope.name());
}

}  // namespace

Output OutputFromPython(nb::handle value, DType dtype, std::string_view name, DType preferred) {
  Output output = ExistingOutput(value);
  if (!output && (PyList_Check(value.ptr()) || PyTuple_Check(value.ptr()))) {
    Output first;
    if (HasTensor(value, &first)) output = Packed(value, first.dtype(), name);
  }
  if (!output && PyObject_HasAttrString(value.ptr(), "_as_tensor")) {
    output = ExistingOutput(value.attr("_as_tensor")());
  }
  if (!output && Skin().convert) {
    nb::object wanted = dtype == DType::kInvalid ? nb::none() : DTypeToPython(dtype);
    nb::object converted = nb::handle(Skin().convert)(value, wanted, nb::str(name.data(), name.size()));
    if (!converted.is_none()) output = ExistingOutput(converted);
  }
  if (output) {
    CheckDType(output, dtype);
    return output;
  }
  if (value.is_none()) throw nb::value_error("None values not supported.");
  nb::object sizes;  // of a tf.TensorShape
  if (PyObject_TypeCheck(value.ptr(), reinterpret_cast<PyTypeObject*>(Skin().tensor_shape))) {
    value = sizes = SizesOf(value);
    if (dtype == DType::kInvalid) dtype = nb::len(sizes) == 0 ? DType::kInt32 : dtype;
  }
  if (dtype == DType::kInvalid && preferred != DType::kInvalid) {
    try {
      return Constant(ToTensor(value, preferred), name);
    } catch (const nb::builtin_exception&) {  // another type is fine when it was only preferred
    } catch (const nb::python_error& error) {
      if (!error.matches(PyExc_OverflowError)) throw;
    }
  }
  return Constant(ToTensor(value, dtype), name);
}

std::vector<Output> OutputsFromPython(nb::handle values) {
  std::vector<Output> outputs;
  for (nb::handle value : values) outputs.push_back(OutputFromPython(value));
  return outputs;
}

nb::list OutputsToPython(const std::vector<Output>& outputs) {
  nb::list list;
  for (const Output& output : outputs) list.append(OutputToPython(output));
  return list;
}

Node* NodeFromPython(nb::handle value) {
  OperationRef* operation = nullptr;
  if (nb::try_cast(value, operation, false) && operation) return operation->node;
  TensorRef* tensor = nullptr;
  if (nb::try_cast(value, tensor, false) && tensor) return OutputOfRef(*tensor).node;
  Variable* variable = nullptr;
  if (nb::try_cast(value, variable, false) && variable) return variable->handle.node;
  if (value.is_none() && ExecutingEagerly()) return nullptr;  // of an op that ran at once
  if (Output output = ExistingOutput(value)) return output.node;
  nb::str repr = nb::steal<nb::str>(PyObject_Repr(value.ptr()));
  throw nb::type_error(internal::Concat("expected an Operation or a Tensor, got ", repr.c_str()).c_str());
}

std::vector<Node*> NodesFromPython(nb::handle values) {
  std::vector<Node*> nodes;
  for (nb::handle value : values) nodes.push_back(NodeFromPython(value));
  return nodes;
}

// --------------------------------------------------------------------------------------------------------- attributes

namespace {

std::string Text(nb::handle value, const std::string& where) {
  if (PyBytes_Check(value.ptr()))
    return {PyBytes_AS_STRING(value.ptr()), static_cast<size_t>(PyBytes_GET_SIZE(value.ptr()))};
  std::string text;
  if (nb::try_cast(value, text)) return text;
  nb::str repr = nb::steal<nb::str>(PyObject_Repr(value.ptr()));
  throw nb::type_error(internal::Concat("Expected string for ", where, " not ", repr.c_str()).c_str());
}

template <class T>
T Number(nb::handle value, const char* kind, const std::string& where) {
  if constexpr (std::is_same_v<T, bool>) {
    const std::string_view type = Py_TYPE(value.ptr())->tp_name;
    if (PyBool_Check(value.ptr()) || type == "numpy.bool_" || type == "numpy.bool") {
      return PyObject_IsTrue(value.ptr()) == 1;
    }
  } else if (!PyUnicode_Check(value.ptr()) && !PyBytes_Check(value.ptr())) {
    // int() and float() of what is given, as 1.15's attributes are made.
    nb::object number =
        nb::steal(std::is_floating_point_v<T> ? PyNumber_Float(value.ptr()) : PyNumber_Long(value.ptr()));
    T converted;
    if (number.is_valid() && nb::try_cast(number, converted)) return converted;
    PyErr_Clear();
  }
  {
    nb::str repr = nb::steal<nb::str>(PyObject_Repr(value.ptr()));
    throw nb::type_error(internal::Concat("Expected ", kind, " for ", where, " not ", repr.c_str(), ".").c_str());
  }
}

template <class F>
auto ListOf(nb::handle value, const std::string& where, F convert) {
  if (!PySequence_Check(value.ptr()) || PyUnicode_Check(value.ptr())) {
    throw nb::type_error(internal::Concat("Expected list for ", where).c_str());
  }
  std::vector<decltype(convert(value))> list;
  for (nb::handle item : value) list.push_back(convert(item));
  return list;
}

template <class T>
nb::object ListToPython(const std::vector<T>& items) {
  nb::list list;
  for (const auto& item : items) list.append(AttrToPython(AttrValue(T(item))));
  return list;
}

}  // namespace

AttrValue AttrFromPython(nb::handle value, std::string_view type, const std::string& where) {
  if (type == "string") return Text(value, where);
  if (type == "int") return Number<int64_t>(value, "int", where);
  if (type == "float") return Number<float>(value, "float", where);
  if (type == "bool") return Number<bool>(value, "bool", where);
  if (type == "type") return DTypeFromPython(value);
  if (type == "shape") return ShapeFromPython(value);
  if (type == "tensor") return ToTensor(value);
  if (type == "func")
    return FunctionRef{
        Text(PyObject_HasAttrString(value.ptr(), "name") ? nb::object(value.attr("name")) : nb::borrow(value), where),
        nullptr};
  if (type == "list(string)") return ListOf(value, where, [&](nb::handle v) { return Text(v, where); });
  if (type == "list(int)") return ListOf(value, where, [&](nb::handle v) { return Number<int64_t>(v, "int", where); });
  if (type == "list(float)")
    return ListOf(value, where, [&](nb::handle v) { return Number<float>(v, "float", where); });
  if (type == "list(bool)") return ListOf(value, where, [&](nb::handle v) { return Number<bool>(v, "bool", where); });
  if (type == "list(type)") return ListOf(value, where, [&](nb::handle v) { return DTypeFromPython(v); });
  if (type == "list(shape)") return ListOf(value, where, [&](nb::handle v) { return ShapeFromPython(v); });
  throw nb::type_error(
      internal::Concat("attributes of type ", type, " can't be given in Python (", where, ")").c_str());
}

nb::object AttrToPython(const AttrValue& value) {
  return std::visit(
      [](const auto& v) -> nb::object {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::monostate>) {
          return nb::none();
        } else if constexpr (std::is_same_v<T, std::string>) {
          return nb::bytes(v.data(), v.size());
        } else if constexpr (std::is_same_v<T, int64_t>) {
          return nb::int_(v);
        } else if constexpr (std::is_same_v<T, float>) {
          return nb::float_(v);
        } else if constexpr (std::is_same_v<T, bool>) {
          return nb::bool_(v);
        } else if constexpr (std::is_same_v<T, DType>) {
          return DTypeToPython(v);
        } else if constexpr (std::is_same_v<T, PartialShape>) {
          return ShapeToPython(v);
        } else if constexpr (std::is_same_v<T, Tensor>) {
          return ToPython(v);
        } else if constexpr (std::is_same_v<T, FunctionRef>) {
          return nb::str(v.name.c_str());
        } else {
          return ListToPython(v);
        }
      },
      value.variant());
}

}  // namespace headrace::python
