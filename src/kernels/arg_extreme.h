// The positions of extremes along an axis.
#pragma once

#include <cstdint>

#include "base/thread_pool.h"
#include "headrace/dtype.h"

namespace headrace {

// An array of [outer, n, inner] elements of `dtype`, n > 0: for each of outer * inner columns the first position of its
// largest (or smallest) element. A NaN is chosen only where it comes first.
// Errors: InvalidArgument on a dtype that has no order.
void ArgExtremes(ThreadPool& pool, bool largest, DType dtype, const void* input, int64_t outer, int64_t n,
                 int64_t inner, int64_t* positions);

}  // namespace headrace
