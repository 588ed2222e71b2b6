// EagerTensor: a tf.Tensor that is a value. Elsewhere it passes as a TensorRef whose `output` is absent.
#pragma once

#include <nanobind/nanobind.h>

#include "casters.h"
#include "headrace/eager.h"
#include "headrace/op.h"

namespace headrace::python {

struct EagerRef : TensorRef {
  explicit EagerRef(EagerValue made) : made(std::move(made)) {}
  EagerValue made;
};

// The Output of a tensor. An eager one becomes an Output of the immediate graph that has its value, or a constant of a
// graph that does not run at once.
Output OutputOfRef(const TensorRef& tensor);
// The eager tensor that a Python object is; null if it is none.
const EagerRef* EagerFromPython(nb::handle value);
nb::object EagerToPython(EagerValue made);

// Runs `op` if all its arguments are eager tensors, lists of them, or plain values whose dtype is known from those; the
// result is as apply()'s. Gives an invalid object for all other calls, which then take the way through Outputs.
nb::object ApplyFast(const OpDef& op, const nb::list& inputs, const AttrMap& attrs);

void BindEager(nb::module_& m);

}  // namespace headrace::python
