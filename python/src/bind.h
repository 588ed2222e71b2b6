// One function a subject; module.cc calls them in this order.
#pragma once

#include <nanobind/nanobind.h>

namespace headrace::python {

void BindErrors(nanobind::module_& m);
void BindGraph(nanobind::module_& m);
void BindVariables(nanobind::module_& m);
void BindArguments(nanobind::module_& m);
void BindSession(nanobind::module_& m);
void BindFiles(nanobind::module_& m);

}  // namespace headrace::python
