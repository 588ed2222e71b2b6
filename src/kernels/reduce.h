// Reductions over axes of a dense tensor: sums, means, extremes, products, any and all.
#pragma once

#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "headrace/dtype.h"
#include "headrace/shape.h"

namespace headrace {

enum class Reduction { kSum, kMean, kMax, kMin, kProd, kAny, kAll };

// The set of axes to reduce, as a bit mask. Negative axes count from the end; no axes at all reduce nothing.
// Errors: InvalidArgument on an axis out of range.
uint32_t AxisMask(std::span<const int64_t> axes, int rank);
inline uint32_t AllAxes(int rank) {
  return (1u << rank) - 1;
}

// The shape that is left: reduced axes are dropped, or kept with size 1.
Shape ReducedShape(const Shape& shape, uint32_t axes, bool keep_dims);

// Reduces `input` of `shape` over `axes` into `output`, dense and row-major. Both are of `dtype`; kAny and kAll take
// bool. An empty reduction gives the neutral element (NaN for a floating mean).
// Errors: InvalidArgument on a dtype that can't be reduced so.
void Reduce(ThreadPool& pool, Reduction reduction, DType dtype, const Shape& shape, uint32_t axes, const void* input,
            void* output);

}  // namespace headrace
