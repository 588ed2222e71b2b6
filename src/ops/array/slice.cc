// Slice and StridedSlice (Python's x[a:b:c, ..., None, i]), and their gradients.
#include "headrace/ops/array.h"

#include <algorithm>
#include <optional>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/math.h"
#include "kernels/copy.h"

namespace headrace {
namespace {

DEFINE_OP("Slice")
    .Input("input: T")
    .Input("begin: Index")
    .Input("size: Index")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Index: {int32, int64}")
    .Shape([](ShapeContext& context) {
      const PartialShape entries = context.input(1).MergeWith(context.input(2));
      PartialShape input = context.input(0);
      if (!input.has_rank() && entries.rank() == 1 && entries[0] >= 0) {
        input = PartialShape::UnknownOfRank(static_cast<int>(entries[0]));
      }
      if (input.has_rank() && entries.has_rank()) (void)entries.MergeWith(PartialShape{input.rank()});
      const auto begin = context.value(1), size = context.value(2);
      if (!size || size->elements.size() > static_cast<size_t>(kMaxRank)) {
        return context.set_output(0, input.has_rank() ? PartialShape::UnknownOfRank(input.rank()) : PartialShape());
      }
      PartialShape output = PartialShape::UnknownOfRank(static_cast<int>(size->elements.size()));
      for (int i = 0; i < output.rank(); ++i) {
        const auto wanted = size->elements[static_cast<size_t>(i)];
        if (!wanted) continue;  // known when it runs
        if (*wanted >= 0) {
          output.set_dim(i, *wanted);
        } else if (begin && static_cast<size_t>(i) < begin->elements.size() && i < input.rank() && input[i] >= 0) {
          const auto from = begin->elements[static_cast<size_t>(i)];
          if (from && *from >= 0 && *from <= input[i]) output.set_dim(i, input[i] - *from);
        }
      }
      context.set_output(0, output);
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      const std::vector<int64_t> begin = context.input(1).AsInt64s(), size = context.input(2).AsInt64s();
      if (begin.size() != static_cast<size_t>(input.rank()) || size.size() != begin.size()) {
        throw InvalidArgument("Expected begin and size arguments to be 1-D tensors of size ", input.rank(),
                              ", but got shapes ", context.input(1).shape(), " and ", context.input(2).shape(),
                              " instead.");
      }
      Shape shape = input.shape();
      for (int i = 0; i < input.rank(); ++i) {
        const int64_t first = begin[static_cast<size_t>(i)];
        const int64_t count = size[static_cast<size_t>(i)] == -1 ? input.dim(i) - first : size[static_cast<size_t>(i)];
        if (first < 0 || first > input.dim(i)) {
          throw InvalidArgument("Expected begin[", i, "] in [0, ", input.dim(i), "], but got ", first);
        }
        if (count < 0 || count > input.dim(i) - first) {
          throw InvalidArgument("Expected size[", i, "] in [0, ", input.dim(i) - first, "], but got ", count);
        }
        shape.set_dim(i, count);
      }
      if (shape == input.shape()) return context.set_output(0, input);
      Tensor& output = context.AllocateOutput(0, shape);
      int64_t from[kMaxRank], to[kMaxRank], offset = 0;
      DenseStrides(input.shape(), from);
      DenseStrides(shape, to);
      for (int i = 0; i < input.rank(); ++i) offset += begin[static_cast<size_t>(i)] * from[i];
      CopyStrided(context.pool(), input.dtype(), shape, ElementAt(input.dtype(), input.raw(), offset), {from, kMaxRank},
                  output.raw(), {to, kMaxRank});
    })
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      const auto whole = c.input(0);
      const auto begin = c.number(1), size = c.number(2);
      if (!whole || whole->scalar || !begin || !size) return std::nullopt;
      const auto elements = static_cast<int64_t>(whole->elements.size());
      const int64_t count = *size == -1 ? elements - *begin : *size;
      if (*begin < 0 || count < 0 || *begin > elements || count > elements - *begin) return std::nullopt;
      const auto first = whole->elements.begin() + *begin;
      return StaticValue{.elements = {first, first + count}};
    })
    .Gradient([](Backward& b) {
      const Output column = Pack({Rank(b.x(0)), ConstantLike(DType::kInt32, 1)});
      const Output shape = ShapeOf(b.x(0), {.out_type = b.x(1).dtype()});
      const Output sizes = ShapeOf(b.y(), {.out_type = b.x(1).dtype()});
      const Output before = Reshape(b.x(1), column);
      const Output behind = Reshape(shape - sizes - b.x(1), column);
      b.Return(Pad(b.dy(), ConcatV2({before, behind}, ConstantLike(DType::kInt32, 1))), Gradient(), Gradient());
    });

// -------------------------------------------------------------------------------------------------------- StridedSlice

struct SliceMasks {
  uint64_t begin = 0, end = 0, ellipsis = 0, new_axis = 0, shrink_axis = 0;
  template <class Attrs>
  explicit SliceMasks(const Attrs& node)
      : begin(Mask(node, "begin_mask")),
        end(Mask(node, "end_mask")),
        ellipsis(Mask(node, "ellipsis_mask")),
        new_axis(Mask(node, "new_axis_mask")),
        shrink_axis(Mask(node, "shrink_axis_mask")) {}

 private:
  template <class Attrs>
  static uint64_t Mask(const Attrs& node, const char* name) {
    return static_cast<uint64_t>(node.template attr<int64_t>(name));
  }
};

// What a slice takes of each axis of the input, and the shape that results.
struct SlicePlan {
  std::vector<int64_t> begin, step, count;  // an axis of the input; count -1 if not known
  PartialShape shape = Shape();             // with new axes, without shrunk ones
};

// One axis of known or unknown (-1) size. `begin`, `end`, `stride` absent: not known yet.
void PlanAxis(SlicePlan* plan, const SliceMasks& masks, uint64_t bit, int64_t size, std::optional<int64_t> begin,
              std::optional<int64_t> end, std::optional<int64_t> stride, size_t axis) {
  const bool shrinks = masks.shrink_axis & bit;
  if (stride && *stride == 0) throw InvalidArgument("strides[", axis, "] must be non-zero");
  if (shrinks) {
    int64_t at = begin.value_or(0);
    if (size >= 0 && begin) {
      if (at < -size || at >= size) {
        throw InvalidArgument("slice index ", at, " of dimension ", axis, " out of bounds.");
      }
      at += at < 0 ? size : 0;
    }
    plan->begin.push_back(at);
    plan->step.push_back(1);
    plan->count.push_back(1);
    return;
  }
  if (!stride || size < 0) {
    plan->begin.push_back(0);
    plan->step.push_back(1);
    plan->count.push_back(-1);
    // A few slices are known even where the size isn't: x[:, :3] of non-negative bounds is at most that.
    plan->shape.Append(-1);
    return;
  }
  const int64_t lowest = *stride > 0 ? 0 : -1, highest = *stride > 0 ? size : size - 1;
  auto clamp = [&](std::optional<int64_t> value, bool masked, int64_t open) -> std::optional<int64_t> {
    if (masked) return open;
    if (!value) return std::nullopt;
    return std::clamp(*value < 0 ? *value + size : *value, lowest, highest);
  };
  const auto first = clamp(begin, masks.begin & bit, *stride > 0 ? lowest : highest);
  const auto last = clamp(end, masks.end & bit, *stride > 0 ? highest : lowest);
  int64_t count = -1;
  if (first && last) {
    const int64_t span = *last - *first;
    count = (span == 0 || (span < 0) != (*stride < 0)) ? 0 : span / *stride + (span % *stride != 0);
  }
  plan->begin.push_back(first.value_or(0));
  plan->step.push_back(*stride);
  plan->count.push_back(count);
  plan->shape.Append(count);
}

// The numbers of one of the inputs that describe a slice, as far as they are known.
struct SliceNumbers {
  const Tensor* tensor = nullptr;
  std::optional<StaticValue> known;
  std::optional<int64_t> at(int64_t i) const {
    if (tensor) return tensor->AsInt64(i);
    return known ? known->elements[static_cast<size_t>(i)] : std::nullopt;
  }
  std::optional<int64_t> size() const {
    if (tensor) return tensor->num_elements();
    return known ? std::optional(static_cast<int64_t>(known->elements.size())) : std::nullopt;
  }
};

SlicePlan PlanSlice(const PartialShape& input, int64_t entries, const SliceNumbers& begin, const SliceNumbers& end,
                    const SliceNumbers& strides, const SliceMasks& masks) {
  constexpr int64_t kMostEntries = 32;  // a bit of a mask for each
  if (entries > kMostEntries) throw InvalidArgument("a slice has at most ", kMostEntries, " entries, got ", entries);
  for (const SliceNumbers* numbers : {&begin, &end, &strides}) {
    if (numbers->size().value_or(entries) != entries) {
      throw InvalidArgument("Expected begin, end, and strides to be 1D equal size tensors, but got shapes ", entries,
                            " and ", *numbers->size(), " instead.");
    }
  }
  SlicePlan plan;
  // An ellipsis stands for as many axes as the other entries leave; there is one behind the last entry if none is
  // given.
  int64_t consumed = 0, ellipses = 0;
  for (int64_t i = 0; i < entries; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    if (masks.ellipsis & bit) {
      ++ellipses;
    } else if (!(masks.new_axis & bit)) {
      ++consumed;
    }
  }
  if (ellipses > 1) throw InvalidArgument("Multiple ellipses in slice spec not allowed");
  if (consumed > input.rank()) {
    throw InvalidArgument("Index out of range using input dim ", input.rank(), "; input has only ", input.rank(),
                          " dims");
  }
  int axis = 0;
  auto take_whole_axes = [&](int64_t n) {
    for (; n > 0; --n, ++axis) {
      plan.begin.push_back(0);
      plan.step.push_back(1);
      plan.count.push_back(input[axis]);
      plan.shape.Append(input[axis]);
    }
  };
  for (int64_t i = 0; i < entries; ++i) {
    const uint64_t bit = uint64_t{1} << i;
    if (masks.ellipsis & bit) {
      take_whole_axes(input.rank() - consumed);
    } else if (masks.new_axis & bit) {
      plan.shape.Append(1);
    } else {
      PlanAxis(&plan, masks, bit, input[axis], begin.at(i), end.at(i), strides.at(i), static_cast<size_t>(axis));
      ++axis;
    }
  }
  take_whole_axes(input.rank() - axis);
  return plan;
}

// The block of a slice inside the sliced tensor: strides and the offset of its first element.
struct SliceBlock {
  Shape dims;
  int64_t strides[kMaxRank], offset = 0;
  SliceBlock(const SlicePlan& plan, const Shape& whole) : dims(plan.count) {
    int64_t dense[kMaxRank];
    DenseStrides(whole, dense);
    for (int i = 0; i < whole.rank(); ++i) {
      offset += plan.begin[static_cast<size_t>(i)] * dense[i];
      strides[i] = plan.step[static_cast<size_t>(i)] * dense[i];
    }
  }
};

void StridedSliceShape(ShapeContext& context) {
  const PartialShape& input = context.input(0);
  const PartialShape& spec = context.input(1);
  if (!input.has_rank() || !spec.IsFullyDefined()) return context.set_output(0, PartialShape());
  const int64_t entries = spec.rank() == 0 ? 1 : spec[0];
  const auto numbers = [&](int i) { return SliceNumbers{.known = context.value(i)}; };
  context.set_output(0, PlanSlice(input, entries, numbers(1), numbers(2), numbers(3), SliceMasks(context)).shape);
}

// Of a vector of sizes.
std::optional<StaticValue> StridedSliceValue(ValueContext& context) {
  const auto whole = context.input(0);
  const PartialShape& shape = context.node().output_shape(0);
  if (!whole || whole->scalar || !shape.has_rank() || shape.rank() > 1) return std::nullopt;
  SliceNumbers numbers[3];
  for (int i = 0; i < 3; ++i) {
    numbers[i].known = context.input(i + 1);
    if (!numbers[i].known || !numbers[i].known->complete()) return std::nullopt;
  }
  const auto size = static_cast<int64_t>(whole->elements.size());
  SlicePlan plan;
  try {
    plan = PlanSlice({size}, *numbers[0].size(), numbers[0], numbers[1], numbers[2], SliceMasks(context.node()));
  } catch (const Error&) {
    return std::nullopt;  // the run reports it
  }
  if (plan.count.size() != 1) return std::nullopt;
  StaticValue taken{.scalar = shape.rank() == 0, .elements = {}};
  for (int64_t i = 0; i < plan.count[0]; ++i) {
    taken.elements.push_back(whole->elements[static_cast<size_t>(plan.begin[0] + i * plan.step[0])]);
  }
  return taken;
}

DEFINE_OP("StridedSlice")
    .Input("input: T")
    .Input("begin: Index")
    .Input("end: Index")
    .Input("strides: Index")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Index: {int16, int32, int64}")
    .Attr("begin_mask: int = 0")
    .Attr("end_mask: int = 0")
    .Attr("ellipsis_mask: int = 0")
    .Attr("new_axis_mask: int = 0")
    .Attr("shrink_axis_mask: int = 0")
    .Shape(StridedSliceShape)
    .Kernel([](const Node& node) -> Kernel {
      return [masks = SliceMasks(node)](KernelContext& context) {
        const Tensor& input = context.input(0);
        const SlicePlan plan = PlanSlice(input.shape(), context.input(1).num_elements(), {.tensor = &context.input(1)},
                                         {.tensor = &context.input(2)}, {.tensor = &context.input(3)}, masks);
        const Shape shape = plan.shape.ToShape();
        const SliceBlock block(plan, input.shape());
        if (block.dims == input.shape() && std::ranges::all_of(plan.step, [](int64_t step) { return step == 1; })) {
          return context.set_output(0, input.Reshaped(shape));
        }
        Tensor& output = context.AllocateOutput(0, shape);
        int64_t to[kMaxRank];
        DenseStrides(block.dims, to);
        CopyStrided(context.pool(), input.dtype(), block.dims, ElementAt(input.dtype(), input.raw(), block.offset),
                    {block.strides, kMaxRank}, output.raw(), {to, kMaxRank});
      };
    })
    .Value(StridedSliceValue)
    .Gradient([](Backward& b) {
      b.Return(StridedSliceGrad(ShapeOf(b.x(0), {.out_type = b.x(1).dtype()}), b.x(1), b.x(2), b.x(3), b.dy(),
                                {.begin_mask = b.attr<int64_t>("begin_mask"),
                                 .end_mask = b.attr<int64_t>("end_mask"),
                                 .ellipsis_mask = b.attr<int64_t>("ellipsis_mask"),
                                 .new_axis_mask = b.attr<int64_t>("new_axis_mask"),
                                 .shrink_axis_mask = b.attr<int64_t>("shrink_axis_mask")}),
               Gradient(), Gradient(), Gradient());
    });

DEFINE_OP("StridedSliceGrad")
    .Input("shape: Index")
    .Input("begin: Index")
    .Input("end: Index")
    .Input("strides: Index")
    .Input("dy: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Index: {int32, int64}")
    .Attr("begin_mask: int = 0")
    .Attr("end_mask: int = 0")
    .Attr("ellipsis_mask: int = 0")
    .Attr("new_axis_mask: int = 0")
    .Attr("shrink_axis_mask: int = 0")
    .Shape([](ShapeContext& context) { context.set_output(0, context.ShapeFromInput(0)); })
    .Kernel([](const Node& node) -> Kernel {
      return [masks = SliceMasks(node)](KernelContext& context) {
        const Tensor& dy = context.input(4);
        const Shape shape(context.input(0).AsInt64s());
        const SlicePlan plan = PlanSlice(shape, context.input(1).num_elements(), {.tensor = &context.input(1)},
                                         {.tensor = &context.input(2)}, {.tensor = &context.input(3)}, masks);
        if (!(plan.shape == PartialShape(dy.shape()))) {
          throw InvalidArgument("shape of dy was ", dy.shape(), " instead of ", plan.shape);
        }
        const SliceBlock block(plan, shape);
        Tensor& output = context.AllocateOutput(0, shape);
        const Tensor zero = Tensor::Zeros(output.dtype(), {});
        FillElements(output.dtype(), zero.raw(), output.raw(), output.num_elements());
        int64_t from[kMaxRank];
        DenseStrides(block.dims, from);
        CopyStrided(context.pool(), output.dtype(), block.dims, dy.raw(), {from, kMaxRank},
                    ElementAt(output.dtype(), output.raw(), block.offset), {block.strides, kMaxRank});
      };
    })
    .Gradient([](Backward& b) {
      b.Return(Gradient(), Gradient(), Gradient(), Gradient(),
               StridedSlice(b.dy(), b.x(1), b.x(2), b.x(3),
                            {.begin_mask = b.attr<int64_t>("begin_mask"),
                             .end_mask = b.attr<int64_t>("end_mask"),
                             .ellipsis_mask = b.attr<int64_t>("ellipsis_mask"),
                             .new_axis_mask = b.attr<int64_t>("new_axis_mask"),
                             .shrink_axis_mask = b.attr<int64_t>("shrink_axis_mask")}));
    });

}  // namespace
}  // namespace headrace
