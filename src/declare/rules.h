// Rules that many declarations share: how an op works on a block of records, what is known of its value before a run.
#pragma once

#include "headrace/op_traits.h"

namespace headrace {

// --- lifting ---
// Elementwise with broadcasting, which aligns last axes: rows of a lower rank get axes of size 1 behind the row axis.
bool LiftElementwise(RowLift& node);
// Elementwise without broadcasting: all inputs have rows, of one rank.
bool LiftSameShapes(RowLift& node);
// An axis that counts from the front counts the row axis too: an integer attribute, ...
void ShiftAxis(RowLift& node, const char* attr);
// ... or an input, which must be a constant for the rule to hold.
bool ShiftAxis(RowLift& node, int input);

// --- values before a run ---
// The value of input 0 as it is: the op changes neither the numbers nor their order, only perhaps that a scalar is a
// vector of one, which its own shape tells.
std::optional<StaticValue> SameNumbers(ValueContext& context);
// Integer arithmetic, element by element, where both operands are known; one number serves a whole vector.
ValueRule NumberByNumber(std::optional<int64_t> (*f)(int64_t x, int64_t y));

}  // namespace headrace
