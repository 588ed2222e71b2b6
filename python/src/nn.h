// Gradients and activations between Python and the library.
#pragma once

#include <nanobind/nanobind.h>

#include "headrace/layers.h"
#include "headrace/op.h"

namespace headrace::python {

nanobind::object GradientToPython(const Gradient& gradient);  // a Tensor, an IndexedSlices or None
Gradient GradientFromPython(nanobind::handle value);
Activation ActivationFromPython(nanobind::handle value);  // a function from a tensor to a tensor; None gives none

}  // namespace headrace::python
