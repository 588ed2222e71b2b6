// Permutation of axes.
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "headrace/tensor.h"

namespace headrace {

// Checks that `permutation` is one of 0..rank-1 and returns the shape it gives. Errors: InvalidArgument.
Shape TransposedShape(const Shape& shape, std::span<const int64_t> permutation);

// output axis i is input axis permutation[i]. `output` has TransposedShape and the dtype of `input` (any dtype).
void Transpose(ThreadPool& pool, const Tensor& input, std::span<const int64_t> permutation, Tensor& output);

}  // namespace headrace
