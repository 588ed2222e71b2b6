// oneDNN parallelises with OpenMP, whose threads would fight with ours: each call is confined to its thread, as
// OpenBLAS is by being its serial build, and large products are cut into blocks of rows or columns for the compute
// pool.
#include "kernels/gemm.h"

#include <cblas.h>
#include <dnnl.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

#include "headrace/error.h"
#include "kernels/dispatch.h"

// omp.h belongs to a compiler, and not every one brings it.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int threads);

namespace headrace {
namespace {

// OpenMP in the calling thread is limited to one thread while this lives.
class SingleThreaded {
 public:
  SingleThreaded() : before_(omp_get_max_threads()) {
    if (before_ != 1) omp_set_num_threads(1);
  }
  ~SingleThreaded() {
    if (before_ != 1) omp_set_num_threads(before_);
  }
  SingleThreaded(const SingleThreaded&) = delete;

 private:
  int before_;
};

// A row and column block of C is kept in registers: kRows x kVectors vectors of 64 bytes.
constexpr int kRows = 6, kVectors = 2, kDepth = 256;

template <class T>
constexpr int kColumns = kVectors * 64 / static_cast<int>(sizeof(T));

template <class T>
struct Packed {
  const T* data;
  int64_t row_stride, column_stride;
  T at(int64_t i, int64_t j) const { return data[i * row_stride + j * column_stride]; }
};

// c[rows, columns] += a (depth x kRows, packed) * b (depth x kColumns, packed).
template <class T>
void Block(int64_t depth, const T* a, const T* b, T* c, int64_t ldc, int rows, int columns) {
  T sums[kRows][kColumns<T>] = {};
  for (int64_t p = 0; p < depth; ++p) {
    for (int i = 0; i < kRows; ++i) {
      const T x = a[p * kRows + i];
      for (int j = 0; j < kColumns<T>; ++j) sums[i][j] += x * b[p * kColumns<T> + j];
    }
  }
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) c[i * ldc + j] += sums[i][j];
  }
}

template <class T>
void PackedGemm(const Packed<T>& a, const Packed<T>& b, int64_t m, int64_t n, int64_t k, T* c, int64_t ldc) {
  constexpr int columns = kColumns<T>;
  std::vector<T> packed_a(kRows * kDepth);
  std::vector<T> packed_b((n + columns - 1) / columns * columns * kDepth);
  Vectorised([&] {
    for (int64_t p0 = 0; p0 < k; p0 += kDepth) {
      const int64_t depth = std::min<int64_t>(kDepth, k - p0);
      for (int64_t j0 = 0; j0 < n; j0 += columns) {
        T* to = packed_b.data() + j0 * kDepth;
        for (int64_t p = 0; p < depth; ++p) {
          for (int64_t j = 0; j < columns; ++j) to[p * columns + j] = j0 + j < n ? b.at(p0 + p, j0 + j) : T(0);
        }
      }
      for (int64_t i0 = 0; i0 < m; i0 += kRows) {
        for (int64_t p = 0; p < depth; ++p) {
          for (int64_t i = 0; i < kRows; ++i) packed_a[p * kRows + i] = i0 + i < m ? a.at(i0 + i, p0 + p) : T(0);
        }
        for (int64_t j0 = 0; j0 < n; j0 += columns) {
          Block<T>(depth, packed_a.data(), packed_b.data() + j0 * kDepth, c + i0 * ldc + j0, ldc,
                   static_cast<int>(std::min<int64_t>(kRows, m - i0)),
                   static_cast<int>(std::min<int64_t>(columns, n - j0)));
        }
      }
    }
  });
}

void FloatGemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
               const float* b, int64_t ldb, float* c, int64_t ldc, bool accumulate) {
  const SingleThreaded guard;
  const auto status =
      dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0f, a, std::max<int64_t>(1, lda), b,
                 std::max<int64_t>(1, ldb), accumulate ? 1.0f : 0.0f, c, std::max<int64_t>(1, ldc));
  if (status != dnnl_success) {
    throw Internal("oneDNN refused a product of [", m, ",", k, "] and [", k, ",", n, "]: status ", status);
  }
}

void DoubleGemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const double* a, int64_t lda,
                const double* b, int64_t ldb, double* c, int64_t ldc, bool accumulate) {
  // The serial build, which we ask for, has no threads of its own; another that is installed in its place would.
  [[maybe_unused]] static const bool confined = (openblas_set_num_threads(1), true);
  const auto size = [](int64_t n) {
    if (n > std::numeric_limits<blasint>::max()) {
      throw Unimplemented("a product of double matrices with ", n, " rows or columns");
    }
    return static_cast<blasint>(std::max<int64_t>(1, n));
  };
  cblas_dgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, size(m),
              size(n), size(k), 1.0, a, size(lda), b, size(ldb), accumulate ? 1.0 : 0.0, c, size(ldc));
}

// 16-bit types are computed in float and rounded once.
template <class T>
std::vector<float> Widen(const T* from, int64_t rows, int64_t columns, int64_t ld) {
  std::vector<float> to(rows * columns);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[i * columns + j] = static_cast<float>(from[i * ld + j]);
  }
  return to;
}

template <class T>
void NarrowGemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
                const T* b, int64_t ldb, T* c, int64_t ldc, bool accumulate) {
  const int64_t a_columns = transpose_a ? m : k, b_columns = transpose_b ? k : n;
  const auto wide_a = Widen(a, transpose_a ? k : m, a_columns, lda);
  const auto wide_b = Widen(b, transpose_b ? n : k, b_columns, ldb);
  auto wide_c = accumulate ? Widen(c, m, n, ldc) : std::vector<float>(m * n);
  FloatGemm(transpose_a, transpose_b, m, n, k, wide_a.data(), a_columns, wide_b.data(), b_columns, wide_c.data(), n,
            accumulate);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) c[i * ldc + j] = T(wide_c[i * n + j]);
  }
}

template <class T>
void ParallelMatMul(ThreadPool& pool, const MatMulShape& s, const T* a, const T* b, T* c) {
  const double work = 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  constexpr double kWorkPerTask = 8e6;  // tens of microseconds
  const bool by_rows = s.m >= s.n;
  const int64_t length = by_rows ? s.m : s.n;
  const auto grain = static_cast<int64_t>(std::max(64.0, static_cast<double>(length) * kWorkPerTask / (work + 1)));
  if (pool.size() == 0 || work < 2 * kWorkPerTask || length < 2 * grain) {
    return Gemm<T>(s.transpose_a, s.transpose_b, s.m, s.n, s.k, a, s.lda(), b, s.ldb(), c, s.n);
  }
  // One block a thread and one more: fewer blocks pack the other matrix less often.
  const int64_t block = std::max<int64_t>(grain, (length + pool.size()) / (pool.size() + 1));
  pool.ParallelFor((length + block - 1) / block, 1, [&](int64_t first, int64_t last) {
    const int64_t begin = first * block, end = std::min(length, last * block);
    if (by_rows) {
      const T* rows = s.transpose_a ? a + begin : a + begin * s.k;
      Gemm<T>(s.transpose_a, s.transpose_b, end - begin, s.n, s.k, rows, s.lda(), b, s.ldb(), c + begin * s.n, s.n);
    } else {
      const T* columns = s.transpose_b ? b + begin * s.k : b + begin;
      Gemm<T>(s.transpose_a, s.transpose_b, s.m, end - begin, s.k, a, s.lda(), columns, s.ldb(), c + begin, s.n);
    }
  });
}

}  // namespace

template <class T>
void Gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
          int64_t ldb, T* c, int64_t ldc, bool accumulate) {
  if (m == 0 || n == 0) return;
  if (k == 0 || !std::is_floating_point_v<T>) {
    if (!accumulate) {
      for (int64_t i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, T(0));
    }
    if (k == 0) return;
  }
  if constexpr (std::is_same_v<T, float>) {
    FloatGemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
  } else if constexpr (std::is_same_v<T, double>) {
    DoubleGemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    NarrowGemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, c, ldc, accumulate);
  } else {
    const Packed<T> left{a, transpose_a ? 1 : lda, transpose_a ? lda : 1};
    const Packed<T> right{b, transpose_b ? 1 : ldb, transpose_b ? ldb : 1};
    PackedGemm(left, right, m, n, k, c, ldc);
  }
}

#define INSTANTIATE(T) \
  template void Gemm<T>(bool, bool, int64_t, int64_t, int64_t, const T*, int64_t, const T*, int64_t, T*, int64_t, bool)
INSTANTIATE(float);
INSTANTIATE(double);
INSTANTIATE(int32_t);
INSTANTIATE(int64_t);
INSTANTIATE(Half);
INSTANTIATE(BFloat16);
#undef INSTANTIATE

void MatMul(ThreadPool& pool, DType dtype, const MatMulShape& shape, const void* a, const void* b, void* c) {
  auto run = [&]<class T>(T) {
    ParallelMatMul<T>(pool, shape, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(c));
  };
  switch (dtype) {
    case DType::kFloat:
      return run(float{});
    case DType::kDouble:
      return run(double{});
    case DType::kInt32:
      return run(int32_t{});
    case DType::kInt64:
      return run(int64_t{});
    case DType::kHalf:
      return run(Half{});
    case DType::kBFloat16:
      return run(BFloat16{});
    default:
      throw InvalidArgument("a matrix product takes float, double, half, bfloat16, int32 or int64 matrices, got ",
                            dtype);
  }
}

}  // namespace headrace
