// Values that cross the border: Python scalars, lists and NumPy arrays become Tensors and the other way round.
#pragma once

#include <nanobind/nanobind.h>

#include "headrace/tensor.h"

namespace headrace::python {

namespace nb = nanobind;

void ImportNumpy();  // once, when the module is loaded

// A tensor with a copy of `value`. `dtype` kInvalid infers one as tf.constant does: Python floats become float32, ints
// int32 (int64 where they don't fit), NumPy values keep theirs. Errors: TypeError, ValueError as TensorFlow raises
// them.
Tensor ToTensor(nb::handle value, DType dtype = DType::kInvalid);
// As ToTensor, for a value fed to a placeholder: numbers are cast to `dtype` as NumPy casts them.
Tensor ToFedTensor(nb::handle value, DType dtype);
// NumPy scalars for rank 0 (bytes for a string), else arrays; strings are arrays of bytes objects.
nb::object ToPython(const Tensor& value);

}  // namespace headrace::python
