// Adjacent axes that are both reduced or both kept are merged first, so that any reduction becomes a walk over runs
// whose innermost one is a loop over contiguous memory: a row folded into one value, or added to a row of results.
#include "kernels/reduce.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "headrace/tensor.h"
#include "kernels/dispatch.h"
#include "kernels/fold.h"

namespace headrace {
namespace {

struct Run {
  int64_t size;
  bool reduced;
  int64_t out_stride;  // 0 if reduced
};

using Runs = absl::InlinedVector<Run, kMaxRank>;

Runs MergeAxes(const Shape& shape, uint32_t axes) {
  Runs runs;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool reduced = (axes >> axis & 1) != 0;
    if (shape[axis] == 1) continue;
    if (!runs.empty() && runs.back().reduced == reduced) {
      runs.back().size *= shape[axis];
    } else {
      runs.push_back({shape[axis], reduced, 0});
    }
  }
  if (runs.empty()) runs.push_back({1, false, 0});
  int64_t stride = 1;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (run->reduced) continue;
    run->out_stride = stride;
    stride *= run->size;
  }
  return runs;
}

// Folds the block of input that runs[0..] describe into the results at `output`, which are already initialised.
template <class Op, class T>
void FoldBlock(const Runs& runs, const T* input, T* output) {
  const Run& inner = runs.back();
  int64_t blocks = 1;
  for (size_t r = 0; r + 1 < runs.size(); ++r) blocks *= runs[r].size;
  int64_t index[kMaxRank + 1] = {};
  int64_t at = 0;
  for (int64_t block = 0; block < blocks; ++block, input += inner.size) {
    if (inner.reduced) {
      output[at] = Op::Fold(output[at], FoldRow<Op>(input, inner.size));
    } else {
      T* row = output + at;
      for (int64_t i = 0; i < inner.size; ++i) row[i] = Op::Fold(row[i], input[i]);
    }
    for (int r = static_cast<int>(runs.size()) - 2; r >= 0; --r) {
      at += runs[r].out_stride;
      if (++index[r] < runs[r].size) break;
      at -= runs[r].out_stride * runs[r].size;
      index[r] = 0;
    }
  }
}

template <class Op, class T>
void ReduceAs(ThreadPool& pool, const Shape& shape, uint32_t axes, const T* input, T* output) {
  auto runs = MergeAxes(shape, axes);
  const int64_t total = shape.num_elements();
  int64_t results = 1;
  for (const auto& run : runs) results *= run.reduced ? 1 : run.size;
  std::fill_n(output, results, Op::template Neutral<T>());
  if (total == 0) return;

  constexpr int64_t kElementsPerTask = 1 << 17;
  if (total < 2 * kElementsPerTask || pool.size() == 0) {
    return Vectorised([&] { FoldBlock<Op, T>(runs, input, output); });
  }
  const int64_t rows = runs[0].size, row = total / rows;
  const int64_t grain = std::max<int64_t>(1, kElementsPerTask / row);
  if (!runs[0].reduced) {
    return pool.ParallelFor(rows, grain, [&](int64_t begin, int64_t end) {
      auto part = runs;
      part[0].size = end - begin;
      Vectorised([&] { FoldBlock<Op, T>(part, input + begin * row, output + begin * runs[0].out_stride); });
    });
  }
  // The outermost run is folded: each task folds its share into results of its own.
  const int64_t tasks = std::min<int64_t>(rows, pool.size() + 1);
  std::vector<T> partial(tasks * results, Op::template Neutral<T>());
  pool.ParallelFor(tasks, 1, [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      const int64_t begin = rows * task / tasks;
      auto part = runs;
      part[0].size = rows * (task + 1) / tasks - begin;
      Vectorised([&] { FoldBlock<Op, T>(part, input + begin * row, partial.data() + task * results); });
    }
  });
  for (int64_t task = 0; task < tasks; ++task) {
    for (int64_t i = 0; i < results; ++i) output[i] = Op::Fold(output[i], partial[task * results + i]);
  }
}

// Summed in 64 bits, so that neither the sum nor the count wraps; the mean of nothing is 0.
template <class T>
void MeanOfIntegers(ThreadPool& pool, const Shape& shape, uint32_t axes, const T* input, T* output) {
  using Wide = std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>;
  const std::vector<Wide> wide(input, input + shape.num_elements());
  std::vector<Wide> sums(static_cast<size_t>(ReducedShape(shape, axes, false).num_elements()));
  ReduceAs<SumOf>(pool, shape, axes, wide.data(), sums.data());
  Wide count = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) count *= (axes >> axis & 1) != 0 ? static_cast<Wide>(shape[axis]) : 1;
  for (size_t i = 0; i < sums.size(); ++i) output[i] = count == 0 ? T(0) : static_cast<T>(sums[i] / count);
}

template <class T>
void ReduceNumeric(ThreadPool& pool, Reduction reduction, const Shape& shape, uint32_t axes, const T* input,
                   T* output) {
  switch (reduction) {
    case Reduction::kSum:
      return ReduceAs<SumOf>(pool, shape, axes, input, output);
    case Reduction::kMax:
      return ReduceAs<MaxOf>(pool, shape, axes, input, output);
    case Reduction::kMin:
      return ReduceAs<MinOf>(pool, shape, axes, input, output);
    case Reduction::kProd:
      return ReduceAs<ProductOf>(pool, shape, axes, input, output);
    case Reduction::kMean: {
      if constexpr (std::is_integral_v<T>) return MeanOfIntegers(pool, shape, axes, input, output);
      ReduceAs<SumOf>(pool, shape, axes, input, output);
      const int64_t results = ReducedShape(shape, axes, false).num_elements();
      int64_t count = 1;
      for (int axis = 0; axis < shape.rank(); ++axis) count *= (axes >> axis & 1) != 0 ? shape[axis] : 1;
      for (int64_t i = 0; i < results; ++i) output[i] = static_cast<T>(output[i] / static_cast<T>(count));
      return;
    }
    case Reduction::kAny:
    case Reduction::kAll:
      throw InvalidArgument("any and all reduce bool, got ", DTypeOf<T>);
  }
}

// 16-bit types are reduced in float and rounded once.
template <class T>
void ReduceWidened(ThreadPool& pool, Reduction reduction, const Shape& shape, uint32_t axes, const T* input,
                   T* output) {
  std::vector<float> wide(shape.num_elements());
  for (size_t i = 0; i < wide.size(); ++i) wide[i] = static_cast<float>(input[i]);
  std::vector<float> result(ReducedShape(shape, axes, false).num_elements());
  ReduceNumeric(pool, reduction, shape, axes, wide.data(), result.data());
  for (size_t i = 0; i < result.size(); ++i) output[i] = T(result[i]);
}

}  // namespace

uint32_t AxisMask(std::span<const int64_t> axes, int rank) {
  uint32_t mask = 0;
  for (const int64_t axis : axes) {
    if (axis < -rank || axis >= rank) {
      throw InvalidArgument("Invalid reduction dimension ", axis, " for input with ", rank, " dimension(s)");
    }
    const uint32_t bit = 1u << (axis < 0 ? axis + rank : axis);
    if ((mask & bit) != 0) {
      throw InvalidArgument("Invalid reduction arguments: Axes contains duplicate dimension: ",
                            axis < 0 ? axis + rank : axis);
    }
    mask |= bit;
  }
  return mask;
}

Shape ReducedShape(const Shape& shape, uint32_t axes, bool keep_dims) {
  Shape result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if ((axes >> axis & 1) == 0) {
      result.Append(shape[axis]);
    } else if (keep_dims) {
      result.Append(1);
    }
  }
  return result;
}

void Reduce(ThreadPool& pool, Reduction reduction, DType dtype, const Shape& shape, uint32_t axes, const void* input,
            void* output) {
  if (dtype == DType::kBool) {
    const auto* from = static_cast<const uint8_t*>(input);
    auto* to = static_cast<uint8_t*>(output);
    if (reduction == Reduction::kAny) return ReduceAs<AnyOf>(pool, shape, axes, from, to);
    if (reduction == Reduction::kAll) return ReduceAs<AllOf>(pool, shape, axes, from, to);
    throw InvalidArgument("bool tensors are reduced by any and all only");
  }
  if (dtype == DType::kHalf) {
    return ReduceWidened(pool, reduction, shape, axes, static_cast<const Half*>(input), static_cast<Half*>(output));
  }
  if (dtype == DType::kBFloat16) {
    return ReduceWidened(pool, reduction, shape, axes, static_cast<const BFloat16*>(input),
                         static_cast<BFloat16*>(output));
  }
  if (!IsNumeric(dtype) || IsComplex(dtype)) throw InvalidArgument("a reduction does not take ", dtype);
  VisitNumeric(dtype, "a reduction", [&](auto zero) {
    using T = decltype(zero);
    if constexpr (!std::is_same_v<T, bool>) {
      ReduceNumeric(pool, reduction, shape, axes, static_cast<const T*>(input), static_cast<T*>(output));
    }
  });
}

}  // namespace headrace
