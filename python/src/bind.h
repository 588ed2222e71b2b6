// One function a subject; module.cc calls them in this order.
#pragma once

#include <nanobind/nanobind.h>

namespace headrace::python {

void BindErrors(nanobind::module_& m);
void BindGraph(nanobind::module_& m);
void BindVariables(nanobind::module_& m);
void BindArguments(nanobind::module_& m);
void BindControlFlow(nanobind::module_& m);
void BindSession(nanobind::module_& m);
void BindGradients(nanobind::module_& m);
void BindNn(nanobind::module_& m);
void BindFunctions(nanobind::module_& m);
void BindOptimizers(nanobind::module_& m);
void BindData(nanobind::module_& m);
void BindFeatures(nanobind::module_& m);
void BindHooks(nanobind::module_& m);
void BindFormats(nanobind::module_& m);
void BindEstimator(nanobind::module_& m);
void BindCanned(nanobind::module_& m);
void BindFiles(nanobind::module_& m);

}  // namespace headrace::python
