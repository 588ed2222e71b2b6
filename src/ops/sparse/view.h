// A sparse tensor as ops receive it: the matrix of its entries' indices, their values, and the shape of the whole.
#pragma once

#include <cstdint>
#include <span>

#include "headrace/tensor.h"

namespace headrace {

struct SparseView {
  const int64_t* indices = nullptr;  // [count, rank], as given: not sorted, not in bounds
  int64_t count = 0;
  int64_t rank = 0;
  std::span<const int64_t> shape;  // none of its sizes is negative

  const int64_t* Index(int64_t entry) const { return indices + entry * rank; }
};

// The view of int64 inputs. Errors: InvalidArgument unless indices are a matrix, values (if there are any) a vector
// with an entry a row, and shape a vector with a size a column.
SparseView ViewSparse(const Tensor& indices, const Tensor* values, const Tensor& shape);

}  // namespace headrace
