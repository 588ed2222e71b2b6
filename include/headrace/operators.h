// Arithmetic on graph outputs as expressions: a * b + 1. A number takes the dtype of the tensor beside it.
#pragma once

#include "headrace/graph.h"

namespace headrace {

// A scalar constant of this dtype. Errors: InvalidArgument unless the dtype is numeric.
Output ConstantLike(DType dtype, double value);

Output operator-(Output x);
Output operator+(Output x, Output y);
Output operator-(Output x, Output y);
Output operator*(Output x, Output y);
Output operator/(Output x, Output y);  // RealDiv for floating types, FloorDiv for integers
Output operator+(Output x, double y);
Output operator-(Output x, double y);
Output operator*(Output x, double y);
Output operator/(Output x, double y);
Output operator+(double x, Output y);
Output operator-(double x, Output y);
Output operator*(double x, Output y);
Output operator/(double x, Output y);

}  // namespace headrace
