// Matrix products of row-major matrices. float goes to oneDNN's generated kernels, which measured fastest at every size
// of the models we care about, double to OpenBLAS; integers run on a packed, register-blocked loop of our own.
#pragma once

#include <cstdint>

#include "base/thread_pool.h"
#include "headrace/dtype.h"

namespace headrace {

// C[m,n] = op(A)[m,k] * op(B)[k,n] + (accumulate ? C : 0), where op transposes if asked to. The leading dimensions are
// those of the matrices as stored. Single-threaded. T: float, double, int32_t, int64_t, Half, BFloat16.
template <class T>
void Gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
          int64_t ldb, T* c, int64_t ldc, bool accumulate = false);

// What one product is: sizes and whether the stored matrices are transposed. All matrices are dense.
struct MatMulShape {
  int64_t m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;
  int64_t lda() const { return transpose_a ? m : k; }
  int64_t ldb() const { return transpose_b ? k : n; }
};

// The same product for a dtype known at run time, over the pool's threads when it is large.
// Errors: InvalidArgument on a dtype that has no product.
void MatMul(ThreadPool& pool, DType dtype, const MatMulShape& shape, const void* a, const void* b, void* c);

}  // namespace headrace
