// A row is folded to its extreme first, then searched for it: both loops run in vectors, as one that keeps positions
// would not. Where columns lie side by side, the best of a strip of them and its position are kept next to each other.
#include "kernels/arg_extreme.h"

#include <algorithm>
#include <limits>

#include "headrace/tensor.h"
#include "kernels/dispatch.h"

namespace headrace {
namespace {

struct Larger {
  template <class T>
  static bool Better(T a, T b) {
    return a > b;
  }
};
struct Smaller {
  template <class T>
  static bool Better(T a, T b) {
    return a < b;
  }
};

constexpr int kLanes = 64;

template <class Order, class T>
int64_t PositionInRow(const T* row, int64_t n) {
  if (row[0] != row[0]) return 0;
  T best[kLanes];
  for (int j = 0; j < kLanes; ++j) best[j] = row[0];
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; ++j) best[j] = Order::Better(row[i + j], best[j]) ? row[i + j] : best[j];
  }
  T extreme = best[0];
  for (int j = 1; j < kLanes; ++j) extreme = Order::Better(best[j], extreme) ? best[j] : extreme;
  for (; i < n; ++i) extreme = Order::Better(row[i], extreme) ? row[i] : extreme;

  for (i = 0; i + kLanes <= n; i += kLanes) {
    int found = 0;
    for (int j = 0; j < kLanes; ++j) found |= row[i + j] == extreme ? 1 : 0;
    if (found) break;
  }
  while (!(row[i] == extreme)) ++i;
  return i;
}

// Columns [begin, end) of one [n, inner] matrix.
template <class Order, class Index, class T>
void PositionsInColumns(const T* matrix, int64_t n, int64_t inner, int64_t begin, int64_t end, int64_t* positions) {
  constexpr int64_t kStrip = 256;
  T best[kStrip];
  Index where[kStrip];
  for (int64_t at = begin; at < end; at += kStrip) {
    const int64_t width = std::min(kStrip, end - at);
    const T* row = matrix + at;
    for (int64_t j = 0; j < width; ++j) {
      best[j] = row[j];
      where[j] = 0;
    }
    for (Index i = 1; i < n; ++i) {
      row += inner;
      for (int64_t j = 0; j < width; ++j) {
        const bool better = Order::Better(row[j], best[j]);
        best[j] = better ? row[j] : best[j];
        where[j] = better ? i : where[j];
      }
    }
    for (int64_t j = 0; j < width; ++j) positions[at + j] = where[j];
  }
}

template <class Order, class Index, class T>
void Positions(ThreadPool& pool, const T* input, int64_t outer, int64_t n, int64_t inner, int64_t* positions) {
  constexpr int64_t kElementsPerTask = 1 << 16;
  if (inner == 1) {
    pool.ParallelFor(outer, 1 + kElementsPerTask / n, [&](int64_t begin, int64_t end) {
      Vectorised(
          [](const T* rows, int64_t n, int64_t* positions, int64_t count) {
            for (int64_t r = 0; r < count; ++r) positions[r] = PositionInRow<Order>(rows + r * n, n);
          },
          input + begin * n, n, positions + begin, end - begin);
    });
    return;
  }
  pool.ParallelFor(outer * inner, 1 + kElementsPerTask / n, [&](int64_t begin, int64_t end) {
    while (begin < end) {  // from matrix to matrix
      const int64_t o = begin / inner, first = begin % inner, last = std::min(inner, first + end - begin);
      Vectorised([](auto... a) { PositionsInColumns<Order, Index>(a...); }, input + o * n * inner, n, inner, first,
                 last, positions + o * inner);
      begin += last - first;
    }
  });
}

}  // namespace

void ArgExtremes(ThreadPool& pool, bool largest, DType dtype, const void* input, int64_t outer, int64_t n,
                 int64_t inner, int64_t* positions) {
  VisitNumeric(dtype, "the position of an extreme", [&](auto zero) {
    using T = decltype(zero);
    const T* values = static_cast<const T*>(input);
    auto find = [&](auto index) {
      using Index = decltype(index);
      largest ? Positions<Larger, Index>(pool, values, outer, n, inner, positions)
              : Positions<Smaller, Index>(pool, values, outer, n, inner, positions);
    };
    // Positions as wide as the values where they fit: the loop over columns keeps both.
    sizeof(T) == 8 || n > std::numeric_limits<int32_t>::max() ? find(int64_t{}) : find(int32_t{});
  });
}

}  // namespace headrace
