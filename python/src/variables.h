// Python's initializers, regularizers and partitioners as the library's functions.
#pragma once

#include <nanobind/nanobind.h>

#include "headrace/variables.h"

namespace headrace::python {

// What tf.zeros_initializer() and its kin hold.
struct NativeInitializer {
  Initializer build;
};

Initializer InitializerFromPython(nanobind::handle value);  // None gives an empty one
Regularizer RegularizerFromPython(nanobind::handle value);
Partitioner PartitionerFromPython(nanobind::handle value);

}  // namespace headrace::python
