// Copies of elements of any dtype between dense and strided places: slices, concatenations, padding, tiling.
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "headrace/tensor.h"

namespace headrace {

// The address of element i.
inline const void* ElementAt(DType dtype, const void* data, int64_t i);
inline void* ElementAt(DType dtype, void* data, int64_t i);
// Bytes of one element in memory, also of strings and objects.
size_t ElementSize(DType dtype);

// Copies n elements, assigning strings and objects.
void CopyElements(DType dtype, const void* from, void* to, int64_t n);

// The strides, in elements, of a dense row-major array.
void DenseStrides(const Shape& shape, int64_t* strides);

// Copies a block of `dims` elements; the strides are in elements and may be 0 (repeat) or negative. `from` and `to`
// are the addresses of the block's first elements.
void CopyStrided(DType dtype, const Shape& dims, const void* from, std::span<const int64_t> from_strides, void* to,
                 std::span<const int64_t> to_strides);

// The same over the pool's threads if there is enough to do; no two elements have one place in `to`.
void CopyStrided(ThreadPool& pool, DType dtype, const Shape& dims, const void* from,
                 std::span<const int64_t> from_strides, void* to, std::span<const int64_t> to_strides);

// Row i of `to` becomes row indices[i] of `from`; rows are `width` elements.
void CopyRows(DType dtype, const void* from, std::span<const int64_t> indices, int64_t width, void* to);
// The other way about: row indices[i] of `to` becomes row i of `from`.
void ScatterRows(DType dtype, const void* from, std::span<const int64_t> indices, int64_t width, void* to);

// Sets n elements to *value.
void FillElements(DType dtype, const void* value, void* to, int64_t n);

inline const void* ElementAt(DType dtype, const void* data, int64_t i) {
  return static_cast<const char*>(data) + i * static_cast<int64_t>(ElementSize(dtype));
}
inline void* ElementAt(DType dtype, void* data, int64_t i) {
  return static_cast<char*>(data) + i * static_cast<int64_t>(ElementSize(dtype));
}

}  // namespace headrace
