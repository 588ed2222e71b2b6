// Gradients of ops whose operands are broadcast together.
#pragma once

#include "headrace/op.h"

namespace headrace {

// Returns the gradients of a two-operand op, given with the op's output shape, each summed over the axes along which
// its operand was repeated.
void ReturnBroadcast(Backward& b, Output dx, Output dy);

}  // namespace headrace
