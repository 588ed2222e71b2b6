// Axes that stay together are merged first. Then either whole contiguous rows are moved, or the innermost axes of input
// and output differ and matrices of these two are transposed, in squares that fit into registers.
#include "kernels/transpose.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace headrace {
namespace {

struct Axis {
  int64_t size, in_stride, out_stride;
};

// The output's axes, outermost first, neighbours merged where the input has them side by side as well.
std::vector<Axis> MergeAxes(const Shape& shape, std::span<const int64_t> permutation) {
  std::vector<int64_t> strides(shape.rank());
  int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
  std::vector<Axis> axes;
  for (const int64_t from : permutation) {
    const int64_t size = shape[static_cast<int>(from)];
    if (size == 1) continue;
    if (!axes.empty() && axes.back().in_stride == strides[from] * size) {
      axes.back().size *= size;
      axes.back().in_stride = strides[from];
    } else {
      axes.push_back({size, strides[from], 0});
    }
  }
  if (axes.empty()) axes.push_back({1, 1, 1});
  stride = 1;
  for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
    axis->out_stride = stride;
    stride *= axis->size;
  }
  return axes;
}

// Calls body(in offset, out offset) for every position of the axes in `outer` within [begin, end) of their product.
template <class Body>
void ForEach(const std::vector<Axis>& outer, int64_t begin, int64_t end, const Body& body) {
  for (int64_t position = begin; position < end; ++position) {
    int64_t rest = position, in = 0, out = 0;
    for (auto axis = outer.rbegin(); axis != outer.rend(); ++axis) {
      const int64_t i = rest % axis->size;
      rest /= axis->size;
      in += i * axis->in_stride;
      out += i * axis->out_stride;
    }
    body(in, out);
  }
}

// ---------------------------------------------------------------------------------------------------- squares in
// registers Vectors of 16 bytes, which every processor has. A square of 16 / sizeof(T) rows is transposed by
// interleaving halves: rows i and i + n/2, log2(n) times over.

template <class T>
inline constexpr int kSquare = sizeof(T) <= 8 && std::is_trivially_copyable_v<T> ? 16 / sizeof(T) : 1;

template <class T>
using Vector [[gnu::vector_size(16), gnu::aligned(1), gnu::may_alias]] = T;

template <class T, size_t... I>
[[gnu::always_inline]] inline void Interleave(Vector<T>* rows, std::index_sequence<I...>) {
  constexpr int n = kSquare<T>;
  Vector<T> mixed[n];
  for (int i = 0; i < n / 2; ++i) {
    mixed[2 * i] = __builtin_shufflevector(rows[i], rows[i + n / 2], (I % 2 * n + I / 2)...);
    mixed[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + n / 2], (I % 2 * n + n / 2 + I / 2)...);
  }
  for (int i = 0; i < n; ++i) rows[i] = mixed[i];
}

// to[j][i] = from[i][j] for a square; the strides are in elements.
template <class T>
[[gnu::always_inline]] inline void TransposeSquare(const T* from, int64_t from_stride, T* to, int64_t to_stride) {
  constexpr int n = kSquare<T>;
  Vector<T> rows[n];
  for (int i = 0; i < n; ++i) rows[i] = *reinterpret_cast<const Vector<T>*>(from + i * from_stride);
  for (int width = 1; width < n; width *= 2) Interleave<T>(rows, std::make_index_sequence<n>());
  for (int i = 0; i < n; ++i) *reinterpret_cast<Vector<T>*>(to + i * to_stride) = rows[i];
}

// Whole cache lines are read and written: a block of lines goes through a buffer, since lines that lie a power of two
// apart would push each other out of the cache before they are full.
template <class T>
inline constexpr int64_t kLine = kSquare<T> > 1 ? 64 / sizeof(T) : 16;

template <class T>
void TransposeBlock(const T* from, int64_t from_stride, T* to, int64_t to_stride) {
  constexpr int64_t n = kLine<T>;
  alignas(64) T block[n * n];
  for (int64_t i = 0; i < n; i += kSquare<T>) {
    for (int64_t j = 0; j < n; j += kSquare<T>) {
      TransposeSquare<T>(from + i * from_stride + j, from_stride, block + j * n + i, n);
    }
  }
  for (int64_t j = 0; j < n; ++j) std::copy_n(block + j * n, n, to + j * to_stride);
}

// to[j][i] = from[i][j] for i < rows, j < columns.
template <class T>
void TransposeMatrix(const T* from, int64_t from_stride, int64_t rows, int64_t columns, T* to, int64_t to_stride) {
  constexpr int64_t n = kLine<T>;
  for (int64_t i0 = 0; i0 < rows; i0 += n) {
    const int64_t i1 = std::min(rows, i0 + n);
    for (int64_t j0 = 0; j0 < columns; j0 += n) {
      const int64_t j1 = std::min(columns, j0 + n);
      if constexpr (kSquare < T >> 1) {
        if (i1 - i0 == n && j1 - j0 == n) {
          TransposeBlock(from + i0 * from_stride + j0, from_stride, to + j0 * to_stride + i0, to_stride);
          continue;
        }
      }
      for (int64_t j = j0; j < j1; ++j) {
        for (int64_t i = i0; i < i1; ++i) to[j * to_stride + i] = from[i * from_stride + j];
      }
    }
  }
}

// ------------------------------------------------------------------------------------------------------------ any axes

template <class T>
void Move(ThreadPool& pool, std::vector<Axis> axes, const T* input, T* output) {
  constexpr int64_t kElementsPerTask = 1 << 16;
  const Axis inner = axes.back();
  axes.pop_back();
  int64_t positions = 1;
  if (inner.in_stride == 1) {
    for (const auto& axis : axes) positions *= axis.size;
    pool.ParallelFor(positions, 1 + kElementsPerTask / inner.size, [&](int64_t begin, int64_t end) {
      ForEach(axes, begin, end, [&](int64_t in, int64_t out) { std::copy_n(input + in, inner.size, output + out); });
    });
    return;
  }
  // The input's innermost axis is another of the output's: these two make matrices, which are cut into bands of rows.
  const auto contiguous = std::find_if(axes.begin(), axes.end(), [](const Axis& a) { return a.in_stride == 1; });
  const Axis other = *contiguous;
  axes.erase(contiguous);
  for (const auto& axis : axes) positions *= axis.size;
  constexpr int64_t kBand = 4 * kLine<T>;
  const int64_t bands = (inner.size + kBand - 1) / kBand;
  const int64_t grain = 1 + kElementsPerTask / (std::min(kBand, inner.size) * other.size);
  pool.ParallelFor(positions * bands, grain, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t position = begin / bands, last = std::min(end, (position + 1) * bands);
      const int64_t row = begin % bands * kBand, rows = std::min(inner.size, (last - position * bands) * kBand) - row;
      ForEach(axes, position, position + 1, [&](int64_t in, int64_t out) {
        TransposeMatrix(input + in + row * inner.in_stride, inner.in_stride, rows, other.size, output + out + row,
                        other.out_stride);
      });
      begin = last;
    }
  });
}

}  // namespace

Shape TransposedShape(const Shape& shape, std::span<const int64_t> permutation) {
  std::vector<bool> seen(shape.rank());
  Shape result;
  for (const int64_t axis : permutation) {
    if (axis < 0 || axis >= shape.rank() || seen[axis]) {
      throw InvalidArgument("a permutation of ", shape.rank(), " axes must name each of 0..", shape.rank() - 1,
                            " once; ", axis, " is out of range or repeated");
    }
    seen[axis] = true;
    result.Append(shape[static_cast<int>(axis)]);
  }
  if (result.rank() != shape.rank()) {
    throw InvalidArgument("transpose expects a vector of size ", shape.rank(), ". But input(1) is a vector of size ",
                          permutation.size());
  }
  return result;
}

void Transpose(ThreadPool& pool, const Tensor& input, std::span<const int64_t> permutation, Tensor& output) {
  if (input.num_elements() == 0) return;
  const auto axes = MergeAxes(input.shape(), permutation);
  auto move = [&]<class T>(T) {
    Move<T>(pool, axes, static_cast<const T*>(input.raw()), static_cast<T*>(output.raw()));
  };
  if (input.dtype() == DType::kString) return move(std::string());
  switch (SizeOf(input.dtype())) {
    case 1:
      return move(uint8_t{});
    case 2:
      return move(uint16_t{});
    case 4:
      return move(uint32_t{});
    case 8:
      return move(uint64_t{});
    case 16:
      return move(std::complex<double>{});
    default:
      return move(std::shared_ptr<Object>());
  }
}

}  // namespace headrace
