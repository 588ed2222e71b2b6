// How the library's small types look in Python: DType, PartialShape and Tensor become tf.DType, tf.TensorShape and
// NumPy arrays, an Output becomes tf.Tensor, and a Python value given for an Output becomes a constant. Only for
// arguments and results themselves: containers of them go through the functions below, since nested casters may not
// throw.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>

#include "headrace/graph.h"
#include "value.h"

namespace headrace::python {

// tf.Tensor and tf.Operation: they keep their graph alive (null for a graph that C++ owns on its stack).
struct TensorRef {
  Output output;
  std::shared_ptr<Graph> graph;
};
struct OperationRef {
  Node* node = nullptr;
  std::shared_ptr<Graph> graph;
};

// The Python classes that the skin registers once: tf.DType by number, tf.TensorShape, tf.as_dtype, the error classes.
struct SkinClasses {
  PyObject* dtypes[256] = {};
  PyObject* as_dtype = nullptr;
  PyObject* dtype_class = nullptr;
  PyObject* tensor_shape = nullptr;
  PyObject* make_error = nullptr;
  PyObject* convert = nullptr;  // (value, dtype or None, name) -> tensor or None; null until a program registers one
};
SkinClasses& Skin();

constexpr int kRefOffset = 100;  // tf.float32_ref is 101

DType DTypeFromPython(nb::handle value);  // errors: TypeError
nb::object DTypeToPython(DType dtype, bool is_ref = false);
PartialShape ShapeFromPython(nb::handle value);  // None, an int, a list, a TensorShape
nb::object ShapeToPython(const PartialShape& shape);
nb::object OutputToPython(const Output& output);  // None for an absent one
// What `variable.value()` is: the one read of a reference variable, a new one of a resource.
Output CurrentValueOf(const Variable& variable);
nb::object NodeToPython(Node* node);  // None for null
// A tensor as it is; a variable's value; a list with tensors in it packed; anything else as a constant called `name`.
// Errors: TypeError if `dtype` is given and the tensor has another one.
Output OutputFromPython(nb::handle value, DType dtype = DType::kInvalid, std::string_view name = "Const",
                        DType preferred = DType::kInvalid);
std::vector<Output> OutputsFromPython(nb::handle values);  // any iterable
nb::list OutputsToPython(const std::vector<Output>& outputs);
Node* NodeFromPython(nb::handle value);  // an operation, or a tensor's; errors: TypeError
std::vector<Node*> NodesFromPython(nb::handle values);
AttrValue AttrFromPython(nb::handle value, std::string_view type, const std::string& where);  // type as OpAttr::type
nb::object AttrToPython(const AttrValue& value);

// While a graph is built, 1.15 raises ValueError for what the library calls InvalidArgument.
template <class F>
auto AsValueError(F&& f) {
  try {
    return f();
  } catch (const Error& error) {
    if (error.code() != Code::kInvalidArgument) throw;
    throw nb::value_error(error.what());
  }
}

// A keyword argument by name; absent or None gives nothing.
inline nb::object Given(const nb::kwargs& kwargs, const char* name) {
  return kwargs.contains(name) ? nb::object(kwargs[name]) : nb::none();
}
template <class T>
void SetIfGiven(const nb::kwargs& kwargs, const char* name, T* field) {
  if (nb::object value = Given(kwargs, name); !value.is_none()) *field = nb::cast<T>(value);
}

// A Python callable or object that C++ keeps: copied and destroyed on any thread, called with the GIL held.
class Kept {
 public:
  explicit Kept(nb::handle object)
      : object_(object.inc_ref().ptr(), [](PyObject* held) {
          if (!Py_IsInitialized()) return;
          nb::gil_scoped_acquire gil;
          Py_DECREF(held);
        }) {}
  nb::handle get() const { return object_.get(); }
  explicit operator bool() const { return object_ && object_.get() != Py_None; }

 private:
  std::shared_ptr<PyObject> object_;
};

}  // namespace headrace::python

namespace nanobind::detail {

// A variable in Python keeps its graph, of which it names operations, as tf.Tensor does.
template <>
struct type_caster<std::shared_ptr<headrace::Variable>> {
  static constexpr bool IsClass = true;
  using Caster = make_caster<headrace::Variable>;
  NB_TYPE_CASTER(std::shared_ptr<headrace::Variable>, Caster::Name)
  bool from_python(handle source, uint32_t flags, cleanup_list* cleanup) noexcept {
    Caster caster;
    if (!caster.from_python(source, flags & ~static_cast<uint32_t>(cast_flags::convert), cleanup)) return false;
    auto* variable = caster.operator headrace::Variable*();
    value = std::static_pointer_cast<headrace::Variable>(shared_from_python(static_cast<void*>(variable), source));
    return true;
  }
  static handle from_cpp(const std::shared_ptr<headrace::Variable>& variable, rv_policy, cleanup_list*) {
    if (!variable) return none().release();
    object made = cast(variable.get(), rv_policy::reference);  // the one object of this variable
    if (!hasattr(made, "_holder")) {
      auto* holder = new Holder{variable, variable->handle.graph()->weak_from_this().lock()};
      setattr(made, "_holder", capsule(holder, [](void* held) noexcept { delete static_cast<Holder*>(held); }));
    }
    return made.release();
  }

 private:
  struct Holder {
    std::shared_ptr<headrace::Variable> variable;
    std::shared_ptr<headrace::Graph> graph;
  };
};

template <>
struct type_caster<headrace::DType> {
  NB_TYPE_CASTER(headrace::DType, const_name("DType"))
  bool from_python(handle source, uint32_t, cleanup_list*) {
    value = headrace::python::DTypeFromPython(source);
    return true;
  }
  static handle from_cpp(headrace::DType dtype, rv_policy, cleanup_list*) {
    return headrace::python::DTypeToPython(dtype).release();
  }
};

template <>
struct type_caster<headrace::PartialShape> {
  NB_TYPE_CASTER(headrace::PartialShape, const_name("TensorShape"))
  bool from_python(handle source, uint32_t, cleanup_list*) {
    value = headrace::python::ShapeFromPython(source);
    return true;
  }
  static handle from_cpp(const headrace::PartialShape& shape, rv_policy, cleanup_list*) {
    return headrace::python::ShapeToPython(shape).release();
  }
};

template <>
struct type_caster<headrace::Tensor> {
  NB_TYPE_CASTER(headrace::Tensor, const_name("numpy.ndarray"))
  bool from_python(handle source, uint32_t, cleanup_list*) {
    value = headrace::python::ToTensor(source);
    return true;
  }
  static handle from_cpp(const headrace::Tensor& tensor, rv_policy, cleanup_list*) {
    return headrace::python::ToPython(tensor).release();
  }
};

template <>
struct type_caster<headrace::Output> {
  NB_TYPE_CASTER(headrace::Output, const_name("Tensor"))
  bool from_python(handle source, uint32_t, cleanup_list*) {
    if (!source.is_none()) value = headrace::python::OutputFromPython(source);
    return true;
  }
  static handle from_cpp(const headrace::Output& output, rv_policy, cleanup_list*) {
    return headrace::python::OutputToPython(output).release();
  }
};

}  // namespace nanobind::detail
