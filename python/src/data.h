// Dataset elements between Python and the library: tensors, dicts of them and tuples of these.
#pragma once

#include <nanobind/nanobind.h>

#include "headrace/dataset.h"

namespace headrace::python {

ElementTensors ElementFromPython(nanobind::handle value);
nanobind::object ElementToPython(const ElementTensors& element);

}  // namespace headrace::python
