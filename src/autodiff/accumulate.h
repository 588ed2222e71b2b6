// What differentiation of graphs and of tapes share.
#pragma once

#include <string_view>
#include <vector>

#include "headrace/op.h"

namespace headrace {

// The sum of gradients that arrive at one value: sparse if all are.
Gradient SumGradients(const std::vector<Gradient>& parts);
// Whether values of this dtype carry gradients; handles carry those of the variables behind them.
bool CarriesGradient(DType dtype);
// Ones like y, the gradient that differentiation starts from. Errors: InvalidArgument unless floating or complex.
Output OnesGradient(Output y, std::string_view name = "grad_ys");

}  // namespace headrace
