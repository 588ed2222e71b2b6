// tf.Variable.
#include "bind.h"
#include "casters.h"
#include "headrace/graph.h"

namespace headrace::python {

void BindVariables(nb::module_& m) {
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
      .def_prop_ro("is_resource", &Variable::is_resource)
      .def("value", [](const Variable& v) { return v.value; })
      .def("_ref", [](const Variable& v) { return v.handle; });
}

}  // namespace headrace::python
