// Axes that stay together are merged first. Then either whole contiguous rows are moved, or the innermost axes of input
// and output differ and squares of these two are moved, so that both sides are touched a cache line at a time.
#include "kernels/transpose.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <string>
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

template <class T>
void Move(ThreadPool& pool, std::vector<Axis> axes, const T* input, T* output) {
  const Axis inner = axes.back();
  axes.pop_back();
  Axis other{1, 0, 0};  // the input's innermost axis, if that isn't the output's
  if (inner.in_stride != 1) {
    const auto contiguous = std::find_if(axes.begin(), axes.end(), [](const Axis& a) { return a.in_stride == 1; });
    other = *contiguous;
    axes.erase(contiguous);
  }
  int64_t positions = 1;
  for (const auto& axis : axes) positions *= axis.size;
  const int64_t grain = std::max<int64_t>(1, (1 << 17) / (inner.size * other.size));
  pool.ParallelFor(positions, grain, [&](int64_t begin, int64_t end) {
    ForEach(axes, begin, end, [&](int64_t in, int64_t out) {
      if (inner.in_stride == 1) {
        std::copy_n(input + in, inner.size, output + out);
        return;
      }
      constexpr int64_t kSquare = 16;
      for (int64_t i0 = 0; i0 < inner.size; i0 += kSquare) {
        const int64_t i1 = std::min(inner.size, i0 + kSquare);
        for (int64_t j0 = 0; j0 < other.size; j0 += kSquare) {
          const int64_t j1 = std::min(other.size, j0 + kSquare);
          for (int64_t j = j0; j < j1; ++j) {
            for (int64_t i = i0; i < i1; ++i) {
              output[out + j * other.out_stride + i] = input[in + i * inner.in_stride + j];
            }
          }
        }
      }
    });
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
