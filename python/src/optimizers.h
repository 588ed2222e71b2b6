// Optimizers given in Python.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>

#include "headrace/optimizers.h"

namespace headrace::python {

// A tf.train.Optimizer, or the name of one, which then has this learning rate.
std::shared_ptr<Optimizer> OptimizerFromPython(nanobind::handle value, double default_learning_rate);

}  // namespace headrace::python
