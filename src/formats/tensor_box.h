// Boxes of tensors: a start an axis and a shape. Used for the parts of partitioned variables.
#pragma once

#include <cstdint>
#include <vector>

#include "headrace/tensor.h"

namespace headrace {

// A new tensor with the elements of `from` in the box. Errors: InvalidArgument if the box does not lie in it.
Tensor CopyBox(const Tensor& from, const std::vector<int64_t>& begin, const Shape& size);
// Writes `part` into `whole` at `begin`.
void PasteBox(const Tensor& part, const std::vector<int64_t>& begin, Tensor& whole);

}  // namespace headrace
