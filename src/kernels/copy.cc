// Strided copies. Axes are merged where both sides allow it, so that most slices and concatenations become a few calls
// of memcpy.
#include "kernels/copy.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "kernels/dispatch.h"

namespace headrace {
namespace {

struct Word16 {
  uint64_t low, high;
};

// Calls f with a value of the C++ type by which elements of this dtype are moved.
template <class F>
void VisitStorage(DType dtype, F&& f) {
  switch (ElementSize(dtype)) {
    case 1:
      return f(uint8_t{});
    case 2:
      return f(uint16_t{});
    case 4:
      return f(uint32_t{});
    case 8:
      return f(uint64_t{});
    default:
      break;
  }
  if (dtype == DType::kString) return f(std::string());
  if (dtype == DType::kResource || dtype == DType::kVariant) return f(std::shared_ptr<Object>());
  return f(Word16{});
}

struct Axes {
  int rank = 0;
  int64_t dims[kMaxRank], from[kMaxRank], to[kMaxRank];
};

// Leaves out axes of size 1 and merges neighbours that are contiguous on both sides.
Axes Merge(const Shape& dims, std::span<const int64_t> from, std::span<const int64_t> to) {
  Axes axes;
  for (int i = 0; i < dims.rank(); ++i) {
    if (dims[i] == 1) continue;
    const int last = axes.rank - 1;
    if (last >= 0 && axes.from[last] == from[i] * dims[i] && axes.to[last] == to[i] * dims[i]) {
      axes.dims[last] *= dims[i];
      axes.from[last] = from[i];
      axes.to[last] = to[i];
      continue;
    }
    axes.dims[axes.rank] = dims[i];
    axes.from[axes.rank] = from[i];
    axes.to[axes.rank] = to[i];
    ++axes.rank;
  }
  return axes;
}

template <class Word>
void CopyAxis(const Axes& axes, int axis, const Word* from, Word* to) {
  if (axis == axes.rank) {
    *to = *from;
    return;
  }
  const int64_t n = axes.dims[axis], from_step = axes.from[axis], to_step = axes.to[axis];
  if (axis + 1 < axes.rank) {
    for (int64_t i = 0; i < n; ++i) CopyAxis(axes, axis + 1, from + i * from_step, to + i * to_step);
  } else if (from_step == 1 && to_step == 1) {
    std::copy_n(from, n, to);
  } else if (std::is_trivially_copyable_v<Word> && from_step == -1 && to_step == 1) {
    Vectorised(
        [](const Word* from, int64_t n, Word* to) {
#pragma GCC ivdep
          for (int64_t i = 0; i < n; ++i) to[i] = from[-i];
        },
        from, n, to);
  } else {
    for (int64_t i = 0; i < n; ++i) to[i * to_step] = from[i * from_step];
  }
}

}  // namespace

size_t ElementSize(DType dtype) {
  if (dtype == DType::kString) return sizeof(std::string);
  if (dtype == DType::kResource || dtype == DType::kVariant) return sizeof(std::shared_ptr<Object>);
  return SizeOf(dtype);
}

void CopyElements(DType dtype, const void* from, void* to, int64_t n) {
  if (n == 0) return;
  if (SizeOf(dtype) > 0) {
    std::memcpy(to, from, static_cast<size_t>(n) * SizeOf(dtype));
    return;
  }
  VisitStorage(dtype, [&](const auto& word) {
    using Word = std::decay_t<decltype(word)>;
    std::copy_n(static_cast<const Word*>(from), n, static_cast<Word*>(to));
  });
}

void DenseStrides(const Shape& shape, int64_t* strides) {
  int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
}

void CopyStrided(DType dtype, const Shape& dims, const void* from, std::span<const int64_t> from_strides, void* to,
                 std::span<const int64_t> to_strides) {
  if (dims.num_elements() == 0) return;
  const Axes axes = Merge(dims, from_strides, to_strides);
  VisitStorage(dtype, [&](const auto& word) {
    using Word = std::decay_t<decltype(word)>;
    CopyAxis(axes, 0, static_cast<const Word*>(from), static_cast<Word*>(to));
  });
}

void CopyStrided(ThreadPool& pool, DType dtype, const Shape& dims, const void* from,
                 std::span<const int64_t> from_strides, void* to, std::span<const int64_t> to_strides) {
  constexpr int64_t kBytesPerTask = 1 << 17;
  const int64_t n = dims.num_elements();
  if (n == 0) return;
  const Axes axes = Merge(dims, from_strides, to_strides);
  VisitStorage(dtype, [&](const auto& word) {
    using Word = std::decay_t<decltype(word)>;
    const auto* source = static_cast<const Word*>(from);
    auto* target = static_cast<Word*>(to);
    const int64_t bytes = n * static_cast<int64_t>(sizeof(Word));
    if (axes.rank == 0 || bytes < 2 * kBytesPerTask) return CopyAxis(axes, 0, source, target);
    const int64_t rows = axes.dims[0];
    pool.ParallelFor(rows, 1 + kBytesPerTask / (bytes / rows), [&](int64_t begin, int64_t end) {
      Axes part = axes;
      part.dims[0] = end - begin;
      CopyAxis(part, 0, source + begin * axes.from[0], target + begin * axes.to[0]);
    });
  });
}

void CopyRows(DType dtype, const void* from, std::span<const int64_t> indices, int64_t width, void* to) {
  VisitStorage(dtype, [&](const auto& word) {
    using Word = std::decay_t<decltype(word)>;
    const auto* rows = static_cast<const Word*>(from);
    auto* out = static_cast<Word*>(to);
    if (width == 1) {
      for (const int64_t row : indices) *out++ = rows[row];
      return;
    }
    for (const int64_t row : indices) out = std::copy_n(rows + row * width, width, out);
  });
}

void ScatterRows(DType dtype, const void* from, std::span<const int64_t> indices, int64_t width, void* to) {
  VisitStorage(dtype, [&](const auto& word) {
    using Word = std::decay_t<decltype(word)>;
    const auto* rows = static_cast<const Word*>(from);
    auto* out = static_cast<Word*>(to);
    for (const int64_t row : indices) {
      std::copy_n(rows, width, out + row * width);
      rows += width;
    }
  });
}

void FillElements(DType dtype, const void* value, void* to, int64_t n) {
  VisitStorage(dtype, [&](const auto& word) {
    using Word = std::decay_t<decltype(word)>;
    std::fill_n(static_cast<Word*>(to), n, *static_cast<const Word*>(value));
  });
}

}  // namespace headrace
