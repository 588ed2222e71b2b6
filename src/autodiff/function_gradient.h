// Gradients of nodes that call functions: a function is differentiated once for each such node, into a function that
// takes the gradients of its results and those values of the forward pass that it needs. The node gives these as
// further results from then on, so that nothing is computed twice and random numbers are the same ones.
#pragma once

#include "headrace/op.h"

namespace headrace {

void CallGradient(Backward& b);
void BranchGradient(Backward& b);
void FunctionLoopGradient(Backward& b);

}  // namespace headrace
