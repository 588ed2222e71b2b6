// Parts of the estimator bindings that the canned models share.
#pragma once

#include <nanobind/nanobind.h>

#include "headrace/estimator.h"

namespace headrace::python {

RunConfig RunConfigFrom(const nanobind::kwargs& kwargs);  // by the names of tf.estimator.RunConfig's arguments

}  // namespace headrace::python
