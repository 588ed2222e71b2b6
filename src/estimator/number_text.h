// Values as Python and NumPy print them, for log lines that look as they always did.
#pragma once

#include <string>

#include "headrace/tensor.h"

namespace headrace {

// The shortest text that reads back as the same float32 (or float64): "108.88323", "1e-05", "nan".
std::string NumberText(float value);
std::string NumberText(double value);
// A scalar as its number; a larger tensor as "[1.0 2.0]".
std::string ValueText(const Tensor& value);

}  // namespace headrace
