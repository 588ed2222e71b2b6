// MirrorPad: what is added at the ends of an axis are the elements next to it, in reverse.
#include <algorithm>
#include <cstring>

#include "declare/declare.h"

namespace headrace {
namespace {

// How the axes of a small and of a padded tensor belong together.
struct Mirror {
  int64_t before[kMaxRank] = {}, after[kMaxRank] = {};
  int edge = 0;  // 1 where the outermost element is not repeated (REFLECT)

  // The position in the small tensor that position `at` of the padded axis shows.
  int64_t Source(int axis, int64_t at, int64_t size) const {
    const int64_t inside = at - before[axis];
    if (inside < 0) return -inside - 1 + edge;
    return inside < size ? inside : 2 * size - 1 - inside - edge;
  }
};

// Errors: InvalidArgument for paddings of another shape, negative ones, and for more than there is to be mirrored.
Mirror MirrorOf(KernelContext& c, const Shape& small) {
  Mirror mirror;
  mirror.edge = c.node().attr<std::string>("mode") == "REFLECT" ? 1 : 0;
  const Tensor& paddings = c.input(1);
  if (paddings.rank() != 2 || paddings.dim(1) != 2 || paddings.dim(0) != small.rank()) {
    throw InvalidArgument("paddings must be the rank of inputs by 2: ", paddings.shape(), " for an input of shape ",
                          small);
  }
  for (int axis = 0; axis < small.rank(); ++axis) {
    mirror.before[axis] = paddings.AsInt64(int64_t{2} * axis);
    mirror.after[axis] = paddings.AsInt64(int64_t{2} * axis + 1);
    if (mirror.before[axis] < 0 || mirror.after[axis] < 0) {
      throw InvalidArgument("paddings must be non-negative: ", mirror.before[axis], " ", mirror.after[axis]);
    }
  }
  return mirror;
}

void CheckSize(const Mirror& mirror, int axis, int64_t size) {
  const int64_t most = size - mirror.edge;
  if (mirror.before[axis] > most || mirror.after[axis] > most) {
    throw InvalidArgument("paddings must be ", mirror.edge ? "less than" : "no greater than",
                          " the dimension size: ", mirror.before[axis], ", ", mirror.after[axis],
                          mirror.edge ? " not less than " : " greater than ", size);
  }
}

// Calls each(position in the padded tensor, position in the small one) for all elements of the padded one, in order.
template <class Each>
void ForEachMirrored(const Mirror& mirror, const Shape& small, const Shape& padded, Each&& each) {
  const int rank = small.rank();
  int64_t at[kMaxRank] = {}, strides[kMaxRank] = {};
  int64_t stride = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    strides[axis] = stride;
    stride *= small[axis];
  }
  const int64_t count = padded.num_elements();
  for (int64_t i = 0; i < count; ++i) {
    int64_t source = 0;
    for (int axis = 0; axis < rank; ++axis) source += mirror.Source(axis, at[axis], small[axis]) * strides[axis];
    each(i, source);
    for (int axis = rank - 1; axis >= 0 && ++at[axis] == padded[axis]; --axis) at[axis] = 0;
  }
}

void MirroredShape(ShapeContext& c, int sign) {
  PartialShape shape = c.input(0);
  const Tensor* paddings = c.constant(1);
  if (paddings && shape.has_rank() && paddings->num_elements() != int64_t{2} * shape.rank()) {
    throw InvalidArgument("paddings must be the rank of inputs by 2: ", paddings->shape(), " for ", shape);
  }
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const int64_t i = int64_t{2} * axis;
    const bool known = paddings && shape[axis] >= 0;
    shape.set_dim(axis, known ? shape[axis] + sign * (paddings->AsInt64(i) + paddings->AsInt64(i + 1)) : -1);
  }
  c.set_output(0, shape);
}

DEFINE_OP("MirrorPad")
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tpaddings: {int32, int64} = DT_INT32")
    .Attr("mode: {'REFLECT', 'SYMMETRIC'}")
    .Shape([](ShapeContext& c) { MirroredShape(c, 1); })
    .Kernel([](KernelContext& c) {
      const Tensor& input = c.input(0);
      const Mirror mirror = MirrorOf(c, input.shape());
      Shape shape = input.shape();
      for (int axis = 0; axis < input.rank(); ++axis) {
        CheckSize(mirror, axis, input.dim(axis));
        shape.set_dim(axis, input.dim(axis) + mirror.before[axis] + mirror.after[axis]);
      }
      Tensor& output = c.AllocateOutput(0, shape);
      if (input.dtype() == DType::kString) {
        const auto from = input.flat<std::string>();
        auto* to = output.data<std::string>();
        ForEachMirrored(mirror, input.shape(), shape, [&](int64_t i, int64_t source) { to[i] = from[source]; });
        return;
      }
      const auto size = static_cast<int64_t>(SizeOf(input.dtype()));
      const auto* from = static_cast<const char*>(input.raw());
      auto* to = static_cast<char*>(output.raw());
      ForEachMirrored(mirror, input.shape(), shape, [&](int64_t i, int64_t source) {
        std::memcpy(to + i * size, from + source * size, static_cast<size_t>(size));
      });
    })
    .Gradient([](Backward& b) {
      b.Return(ApplyOp("MirrorPadGrad", {{b.dy()}, {b.x(1)}}, {{"mode", b.attr<std::string>("mode")}}), Gradient());
    });

// The gradients of all elements that show an element, added up.
DEFINE_OP("MirrorPadGrad")
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tpaddings: {int32, int64} = DT_INT32")
    .Attr("mode: {'REFLECT', 'SYMMETRIC'}")
    .Shape([](ShapeContext& c) { MirroredShape(c, -1); })
    .Kernel([](KernelContext& c) {
      const Tensor& input = c.input(0);
      const Mirror mirror = MirrorOf(c, input.shape());
      Shape shape = input.shape();
      for (int axis = 0; axis < input.rank(); ++axis) {
        const int64_t size = input.dim(axis) - mirror.before[axis] - mirror.after[axis];
        CheckSize(mirror, axis, size);
        shape.set_dim(axis, size);
      }
      Tensor& output = c.AllocateOutput(0, shape);
      VisitNumeric(input.dtype(), "MirrorPadGrad", [&]<class T>(T) {
        const auto from = input.flat<T>();
        T* to = output.data<T>();
        std::fill_n(to, output.num_elements(), T{});
        ForEachMirrored(mirror, shape, input.shape(),
                        [&](int64_t i, int64_t source) { to[source] = static_cast<T>(to[source] + from[i]); });
      });
    })
    .Gradient([](Backward& b) {
      b.Return(ApplyOp("MirrorPad", {{b.dy()}, {b.x(1)}}, {{"mode", b.attr<std::string>("mode")}}), Gradient());
    });

}  // namespace
}  // namespace headrace
