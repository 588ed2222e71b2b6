// Elements of lists and arrays of tensors: put together to one tensor, and taken from one.
#pragma once

#include <span>
#include <vector>

#include "headrace/op.h"

namespace headrace {

// The one shape that all of these have; undefined tensors (never written) don't count. `known` is what is known of it
// already. Errors: InvalidArgument on shapes that differ, or that nothing tells.
Shape ElementShape(const std::vector<Tensor>& elements, PartialShape known, const char* what);

// Stacks elements along a new first axis; undefined ones are zeros.
Tensor& StackElements(KernelContext& c, int output, DType dtype, const std::vector<Tensor>& elements,
                      const Shape& shape);
// Joins them along their first axis.
Tensor& JoinElements(KernelContext& c, int output, DType dtype, const std::vector<Tensor>& elements);
// Row i of a tensor, sharing its memory.
Tensor RowOf(const Tensor& tensor, int64_t i);
// Cuts a tensor along its first axis. Errors: InvalidArgument unless the lengths add up to its size.
std::vector<Tensor> SplitElements(const Tensor& tensor, std::span<const int64_t> lengths, const char* what);
// a + b, elementwise. Errors: InvalidArgument on different shapes, Unimplemented on a dtype that doesn't add.
Tensor AddElements(const Tensor& a, const Tensor& b);
// The shape that a shape tensor describes: -1 alone is an unknown rank.
PartialShape ShapeFromTensor(const Tensor& tensor);

}  // namespace headrace
