// Checking that the parts of a sparse tensor belong together.
#include "ops/sparse/view.h"

namespace headrace {

SparseView ViewSparse(const Tensor& indices, const Tensor* values, const Tensor& shape) {
  if (indices.rank() != 2) throw InvalidArgument("sparse indices should be a matrix, got shape ", indices.shape());
  if (shape.rank() != 1) throw InvalidArgument("the shape of a sparse tensor should be a vector, got ", shape.shape());
  if (values && values->rank() != 1) throw InvalidArgument("sparse values should be a vector, got ", values->shape());
  if (values && values->dim(0) != indices.dim(0)) {
    throw InvalidArgument("the number of sparse indices ", indices.dim(0), " and that of values ", values->dim(0),
                          " do not match");
  }
  if (shape.dim(0) != indices.dim(1)) {
    throw InvalidArgument("the rank of the indices ", indices.dim(1), " and the length of the shape ", shape.dim(0),
                          " do not match");
  }
  for (const int64_t size : shape.flat<int64_t>()) {
    if (size < 0) throw InvalidArgument("expected the sizes of a sparse tensor to be non-negative, got ", size);
  }
  return {indices.data<int64_t>(), indices.dim(0), indices.dim(1), shape.flat<int64_t>()};
}

}  // namespace headrace
