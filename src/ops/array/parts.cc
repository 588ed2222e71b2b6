// Tensors taken apart and put together: concatenation, splitting, stacking, slices, padding, tiling, permutation.
#include "headrace/ops/array.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/math.h"
#include "kernels/copy.h"
#include "kernels/transpose.h"

namespace headrace {
namespace {

int ResolveAxis(int64_t axis, int rank, const char* what) {
  if (axis < -rank || axis >= rank) {
    throw InvalidArgument(what, " : Expected concatenating, splitting or stacking dimension in the range [", -rank,
                          ", ", rank, "), but got ", axis);
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

// A tensor seen from one axis: outer * axis * inner elements.
struct AxisView {
  int64_t outer = 1, size = 1, inner = 1;
  AxisView(const Shape& shape, int axis) : size(shape[axis]) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

// Copies all of `part` to, or from, its place in `whole`, beginning at `offset` on the axis.
void CopyPart(DType dtype, const AxisView& whole, int64_t offset, int64_t part_size, void* whole_data, void* part_data,
              bool into_whole) {
  const int64_t row = part_size * whole.inner, pitch = whole.size * whole.inner;
  const Shape rows = {whole.outer, row};
  const std::array<int64_t, 2> of_whole = {pitch, 1}, of_part = {row, 1};
  void* in_whole = ElementAt(dtype, whole_data, offset * whole.inner);
  if (into_whole) {
    CopyStrided(dtype, rows, part_data, of_part, in_whole, of_whole);
  } else {
    CopyStrided(dtype, rows, in_whole, of_whole, part_data, of_part);
  }
}

// ------------------------------------------------------------------------------------------------------ concatenation

// Inputs [first, first + count) along the axis.
void Concatenate(KernelContext& context, int first, int count, int64_t axis_value) {
  const Tensor& head = context.input(first);
  const int axis = ResolveAxis(axis_value, head.rank(), "ConcatOp");
  Shape shape = head.shape();
  int64_t size = 0;
  for (int i = first; i < first + count; ++i) {
    const Shape& part = context.input(i).shape();
    bool fits = part.rank() == shape.rank();
    for (int k = 0; fits && k < shape.rank(); ++k) fits = k == axis || part[k] == shape[k];
    if (!fits) {
      throw InvalidArgument("ConcatOp : Dimension ", axis,
                            " in both shapes must be the only one to differ: shape[0] = ", shape, " vs. shape[",
                            i - first, "] = ", part);
    }
    size += part[axis];
  }
  shape.set_dim(axis, size);
  Tensor& output = context.AllocateOutput(0, shape);
  const AxisView view(shape, axis);
  int64_t offset = 0;
  for (int i = first; i < first + count; ++i) {
    const Tensor& part = context.input(i);
    CopyPart(part.dtype(), view, offset, part.dim(axis), output.raw(), part.raw(), true);
    offset += part.dim(axis);
  }
}

void ConcatShape(ShapeContext& context, int first, int count, int axis_input) {
  context.WithRank(axis_input, 0);
  const Tensor* axis = context.constant(axis_input);
  PartialShape output;
  for (int i = first; i < first + count && !output.has_rank(); ++i) output = context.input(i);
  if (!output.has_rank() || !axis) {
    context.set_output(0, output.has_rank() ? PartialShape::UnknownOfRank(output.rank()) : output);
    return;
  }
  const int at = ResolveAxis(axis->AsInt64(), output.rank(), "ConcatOp");
  int64_t size = 0;
  for (int i = first; i < first + count; ++i) {
    PartialShape part = context.input(i).has_rank() ? context.input(i) : PartialShape::UnknownOfRank(output.rank());
    const int64_t here = part.rank() == output.rank() ? part[at] : 0;
    size = size < 0 || here < 0 ? -1 : size + here;
    if (part.rank() == output.rank()) part.set_dim(at, -1);
    output.set_dim(at, -1);
    output = output.MergeWith(part);
  }
  output.set_dim(at, size);
  context.set_output(0, output);
}

// The parts of the gradient that belong to the concatenated values.
std::vector<Gradient> ConcatGradients(Backward& b, int first, int count, Output axis) {
  if (count == 1) return {b.dy()};
  std::vector<Gradient> parts;
  std::vector<Output> values;
  for (int i = first; i < first + count; ++i) values.push_back(b.x(i));
  const std::vector<Output> shapes = ShapeN(values);
  const Output at = FloorMod(Cast(axis, DType::kInt32), Rank(values[0]));
  const std::vector<Output> offsets = ConcatOffset(at, shapes);
  for (int i = 0; i < count; ++i) parts.push_back(Slice(b.dy(), offsets[i], shapes[i]));
  return parts;
}

// Of vectors, one behind the other.
std::optional<StaticValue> JoinedValues(ValueContext& context, int begin, int end) {
  StaticValue joined;
  for (int i = begin; i < end; ++i) {
    const PartialShape& shape = context.shape(i);
    if (shape.rank() != 1) return std::nullopt;
    if (const auto part = context.input(i)) {
      joined.elements.insert(joined.elements.end(), part->elements.begin(), part->elements.end());
    } else {
      if (shape[0] < 0 || shape[0] > kMaxRank) return std::nullopt;
      joined.elements.resize(joined.elements.size() + static_cast<size_t>(shape[0]));
    }
  }
  return joined;
}

DEFINE_OP("ConcatV2")
    .Input("values: N * T")
    .Input("axis: Tidx")
    .Output("output: T")
    .Attr("N: int >= 2")
    .Attr("T: type")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) { ConcatShape(context, 0, context.num_inputs() - 1, context.num_inputs() - 1); })
    .Kernel([](KernelContext& context) {
      const int n = context.num_inputs() - 1;
      Concatenate(context, 0, n, context.input(n).AsInt64());
    })
    .NeverFails()
    .Value([](ValueContext& c) { return JoinedValues(c, 0, c.num_inputs() - 1); })
    .Lift([](RowLift& node) {
      const int axis = node.num_inputs() - 1;
      return node.all_have_rows(0, axis) && ShiftAxis(node, axis);
    })
    .Gradient([](Backward& b) {
      const int n = static_cast<int>(b.node()->inputs().size()) - 1;
      std::vector<Gradient> gradients = ConcatGradients(b, 0, n, b.x(n));
      gradients.emplace_back();
      b.ReturnList(std::move(gradients));
    });

DEFINE_OP("Concat")
    .Input("concat_dim: int32")
    .Input("values: N * T")
    .Output("output: T")
    .Attr("N: int >= 2")
    .Attr("T: type")
    .Shape([](ShapeContext& context) { ConcatShape(context, 1, context.num_inputs() - 1, 0); })
    .Kernel([](KernelContext& context) {
      Concatenate(context, 1, context.num_inputs() - 1, context.input(0).AsInt64());
    })
    .Value([](ValueContext& c) { return JoinedValues(c, 1, c.num_inputs()); })
    .Gradient([](Backward& b) {
      const int n = static_cast<int>(b.node()->inputs().size()) - 1;
      std::vector<Gradient> gradients = ConcatGradients(b, 1, n, b.x(0));
      gradients.insert(gradients.begin(), Gradient());
      b.ReturnList(std::move(gradients));
    });

// Shapes (as vectors) that are concatenated along an axis have all other sizes in common.
void CheckSameBesideAxis(const Tensor& first, const Tensor& shape, int axis, int number) {
  bool same = shape.num_elements() == first.num_elements();
  for (int64_t k = 0; same && k < first.num_elements(); ++k) same = k == axis || shape.AsInt64(k) == first.AsInt64(k);
  if (same) return;
  throw InvalidArgument("All sizes except ", axis, " must match. Input ", number, " has shape ", shape,
                        " and does not match input 0 with shape ", first);
}

DEFINE_OP("ConcatOffset")
    .Input("concat_dim: int32")
    .Input("shape: N * shape_type")
    .Output("offset: N * shape_type")
    .Attr("N: int >= 2")
    .Attr("shape_type: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      for (int i = 1; i < context.num_inputs(); ++i) context.set_output(i - 1, context.input(i));
    })
    .Kernel([](KernelContext& context) {
      const int axis =
          ResolveAxis(context.input(0).AsInt64(), static_cast<int>(context.input(1).num_elements()), "ConcatOffset");
      int64_t offset = 0;
      for (int i = 1; i < context.num_inputs(); ++i) {
        const Tensor& shape = context.input(i);
        CheckSameBesideAxis(context.input(1), shape, axis, i - 1);
        Tensor offsets = Tensor::Zeros(shape.dtype(), shape.shape());
        if (shape.dtype() == DType::kInt32) {
          offsets.data<int32_t>()[axis] = static_cast<int32_t>(offset);
        } else {
          offsets.data<int64_t>()[axis] = offset;
        }
        offset += shape.AsInt64(axis);
        context.set_output(i - 1, std::move(offsets));
      }
    })
    .NoGradient();

// ---------------------------------------------------------------------------------------------------------- splitting

void SplitInto(KernelContext& context, const Tensor& value, int axis, const std::vector<int64_t>& sizes) {
  const AxisView view(value.shape(), axis);
  int64_t offset = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    Shape shape = value.shape();
    shape.set_dim(axis, sizes[i]);
    Tensor& part = context.AllocateOutput(static_cast<int>(i), shape);
    CopyPart(value.dtype(), view, offset, sizes[i], value.raw(), part.raw(), false);
    offset += sizes[i];
  }
}

DEFINE_OP("Split")
    .Input("split_dim: int32")
    .Input("value: T")
    .Output("output: num_split * T")
    .Attr("num_split: int >= 1")
    .Attr("T: type")
    .Shape([](ShapeContext& context) {
      context.WithRank(0, 0);
      PartialShape part = context.input(1);
      const int64_t n = context.attr<int64_t>("num_split");
      const Tensor* axis = context.constant(0);
      if (part.has_rank() && axis) {
        const int at = ResolveAxis(axis->AsInt64(), part.rank(), "split_dim");
        if (part[at] >= 0 && part[at] % n != 0) {
          throw InvalidArgument("Number of ways to split should evenly divide the split dimension, but got split_dim ",
                                at, " (size = ", part[at], ") and num_split ", n);
        }
        part.set_dim(at, part[at] < 0 ? -1 : part[at] / n);
      } else if (part.has_rank()) {
        part = PartialShape::UnknownOfRank(part.rank());
      }
      for (int i = 0; i < n; ++i) context.set_output(i, part);
    })
    .Kernel([](KernelContext& context) {
      const Tensor& value = context.input(1);
      const int n = context.num_outputs();
      const int axis = ResolveAxis(context.input(0).AsInt64(), value.rank(), "split_dim");
      if (value.dim(axis) % n != 0) {
        throw InvalidArgument("Number of ways to split should evenly divide the split dimension, but got split_dim ",
                              axis, " (size = ", value.dim(axis), ") and num_split ", n);
      }
      SplitInto(context, value, axis, std::vector<int64_t>(static_cast<size_t>(n), value.dim(axis) / n));
    })
    .Gradient([](Backward& b) {
      std::vector<Output> parts;
      for (int i = 0; i < b.node()->num_outputs(); ++i) parts.push_back(b.dy(i));
      b.Return(Gradient(), parts.size() == 1 ? parts[0] : ConcatV2(parts, b.x(0)));
    });

DEFINE_OP("SplitV")
    .Input("value: T")
    .Input("size_splits: Tlen")
    .Input("split_dim: int32")
    .Output("output: num_split * T")
    .Attr("num_split: int >= 1")
    .Attr("T: type")
    .Attr("Tlen: {int8, int32, int64} = DT_INT64")
    .Shape([](ShapeContext& context) {
      const PartialShape& value = context.input(0);
      const int64_t n = context.attr<int64_t>("num_split");
      const Tensor *sizes = context.constant(1), *axis = context.constant(2);
      for (int i = 0; i < n && value.has_rank(); ++i) {
        PartialShape part = value;
        if (!axis) {
          part = PartialShape::UnknownOfRank(value.rank());
        } else {
          part.set_dim(ResolveAxis(axis->AsInt64(), value.rank(), "split_dim"), sizes ? sizes->AsInt64(i) : -1);
        }
        context.set_output(i, part);
      }
    })
    .Kernel([](KernelContext& context) {
      const Tensor& value = context.input(0);
      const int axis = ResolveAxis(context.input(2).AsInt64(), value.rank(), "split_dim");
      std::vector<int64_t> sizes = context.input(1).AsInt64s();
      if (sizes.size() != static_cast<size_t>(context.num_outputs())) {
        throw InvalidArgument("size_splits must have one size for each of the ", context.num_outputs(),
                              " outputs, got ", sizes.size());
      }
      int64_t known = 0, wildcard = -1;
      for (size_t i = 0; i < sizes.size(); ++i) {
        if (sizes[i] == -1 && wildcard < 0) {
          wildcard = static_cast<int64_t>(i);
        } else if (sizes[i] < 0) {
          throw InvalidArgument("Split size at index ", i, " must be >= 0, or -1 once. Got: ", sizes[i]);
        } else if (__builtin_add_overflow(known, sizes[i], &known)) {
          throw InvalidArgument("the sizes of size_splits add up to more than 2^63 - 1");
        }
      }
      if (wildcard >= 0) sizes[static_cast<size_t>(wildcard)] = value.dim(axis) - known;
      if (wildcard < 0 ? known != value.dim(axis) : known > value.dim(axis)) {
        throw InvalidArgument("Determined shape must either match input shape along split_dim exactly if fully ",
                              "specified, or be less than the size of the input along split_dim if not. Got: ", known);
      }
      SplitInto(context, value, axis, sizes);
    })
    .Gradient([](Backward& b) {
      std::vector<Output> parts;
      for (int i = 0; i < b.node()->num_outputs(); ++i) parts.push_back(b.dy(i));
      b.Return(parts.size() == 1 ? parts[0] : ConcatV2(parts, b.x(2)), Gradient(), Gradient());
    });

DEFINE_OP("Pack")
    .Input("values: N * T")
    .Output("output: T")
    .Attr("N: int >= 1")
    .Attr("T: type")
    .Attr("axis: int = 0")
    .Shape([](ShapeContext& context) {
      PartialShape value;
      for (int i = 0; i < context.num_inputs(); ++i) value = value.MergeWith(context.input(i));
      if (!value.has_rank()) return context.set_output(0, value);
      const int axis = ResolveAxis(context.attr<int64_t>("axis"), value.rank() + 1, "axis");
      PartialShape output = Shape();
      for (int i = 0; i <= value.rank(); ++i) {
        if (i == axis) output.Append(context.num_inputs());
        if (i < value.rank()) output.Append(value[i]);
      }
      context.set_output(0, output);
    })
    .Kernel([](const Node& node) -> Kernel {
      return [axis_value = node.attr<int64_t>("axis")](KernelContext& context) {
        const Shape& value = context.input(0).shape();
        const int axis = ResolveAxis(axis_value, value.rank() + 1, "axis");
        Shape shape;
        for (int i = 0; i <= value.rank(); ++i) {
          if (i == axis) shape.Append(context.num_inputs());
          if (i < value.rank()) shape.Append(value[i]);
        }
        Tensor& output = context.AllocateOutput(0, shape);
        const AxisView view(shape, axis);
        for (int i = 0; i < context.num_inputs(); ++i) {
          if (!(context.input(i).shape() == value)) {
            throw InvalidArgument("Shapes of all inputs must match: values[0].shape = ", value, " != values[", i,
                                  "].shape = ", context.input(i).shape());
          }
          CopyPart(output.dtype(), view, i, 1, output.raw(), context.input(i).raw(), true);
        }
      };
    })
    .NeverFails()
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      StaticValue value;
      for (int i = 0; i < c.num_inputs(); ++i) {
        if (c.shape(i).rank() != 0) return std::nullopt;
        value.elements.push_back(c.number(i));
      }
      return value;
    })
    .Lift([](RowLift& node) {
      ShiftAxis(node, "axis");
      return node.all_have_rows(0, node.num_inputs());
    })
    .Gradient([](Backward& b) {
      const std::vector<Output> parts =
          Unpack(b.dy(), static_cast<int64_t>(b.node()->inputs().size()), {.axis = b.attr<int64_t>("axis")});
      b.ReturnList({parts.begin(), parts.end()});
    });

DEFINE_OP("Unpack")
    .Input("value: T")
    .Output("output: num * T")
    .Attr("num: int >= 0")
    .Attr("T: type")
    .Attr("axis: int = 0")
    .Shape([](ShapeContext& context) {
      const PartialShape& value = context.input(0);
      if (!value.has_rank()) return;
      const int axis = ResolveAxis(context.attr<int64_t>("axis"), value.rank(), "axis");
      PartialShape part = Shape();
      for (int i = 0; i < value.rank(); ++i) {
        if (i != axis) part.Append(value[i]);
      }
      for (int i = 0; i < context.attr<int64_t>("num"); ++i) context.set_output(i, part);
    })
    .Kernel([](const Node& node) -> Kernel {
      return [axis_value = node.attr<int64_t>("axis")](KernelContext& context) {
        const Tensor& value = context.input(0);
        const int axis = ResolveAxis(axis_value, value.rank(), "axis");
        if (value.dim(axis) != context.num_outputs()) {
          throw InvalidArgument("Input shape axis ", axis, " must equal ", context.num_outputs(), ", got shape ",
                                value.shape());
        }
        Shape shape;
        for (int i = 0; i < value.rank(); ++i) {
          if (i != axis) shape.Append(value.dim(i));
        }
        const AxisView view(value.shape(), axis);
        for (int i = 0; i < context.num_outputs(); ++i) {
          Tensor& part = context.AllocateOutput(i, shape);
          CopyPart(value.dtype(), view, i, 1, value.raw(), part.raw(), false);
        }
      };
    })
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      const auto value = c.input(0);
      if (!value || value->scalar || value->elements.size() <= static_cast<size_t>(c.output())) return std::nullopt;
      return StaticValue::Scalar(value->elements[static_cast<size_t>(c.output())]);
    })
    .Gradient([](Backward& b) {
      std::vector<Output> parts;
      for (int i = 0; i < b.node()->num_outputs(); ++i) parts.push_back(b.dy(i));
      b.Return(Pack(parts, {.axis = b.attr<int64_t>("axis")}));
    });

// ------------------------------------------------------------------------------------------------- padding and tiling

// Writes `input` into `output` with its first element at `begin`.
void CopyInto(ThreadPool& pool, const Tensor& input, const std::vector<int64_t>& begin, Tensor& output) {
  int64_t from[kMaxRank], to[kMaxRank];
  DenseStrides(input.shape(), from);
  DenseStrides(output.shape(), to);
  int64_t offset = 0;
  for (int i = 0; i < input.rank(); ++i) offset += begin[static_cast<size_t>(i)] * to[i];
  if (input.num_elements() == 0) return;
  CopyStrided(pool, input.dtype(), input.shape(), input.raw(), {from, kMaxRank},
              ElementAt(output.dtype(), output.raw(), offset), {to, kMaxRank});
}

void RunPad(KernelContext& context, const Tensor& fill) {
  const Tensor& input = context.input(0);
  const std::vector<int64_t> paddings = context.input(1).AsInt64s();
  if (!(context.input(1).shape() == Shape{input.rank(), 2})) {
    throw InvalidArgument("The first dimension of paddings must be the rank of inputs ", context.input(1).shape(), " ",
                          input.shape());
  }
  Shape shape = input.shape();
  std::vector<int64_t> begin(static_cast<size_t>(input.rank()));
  for (int i = 0; i < input.rank(); ++i) {
    const int64_t before = paddings[2 * static_cast<size_t>(i)], after = paddings[2 * static_cast<size_t>(i) + 1];
    if (before < 0 || after < 0) throw InvalidArgument("Paddings must be non-negative: ", before, " ", after);
    begin[static_cast<size_t>(i)] = before;
    int64_t size;
    if (__builtin_add_overflow(before, after, &size) || __builtin_add_overflow(size, shape[i], &size)) {
      throw InvalidArgument("paddings ", before, " and ", after, " of axis ", i, " are too large");
    }
    shape.set_dim(i, size);
  }
  Tensor& output = context.AllocateOutput(0, shape);
  FillElements(output.dtype(), fill.raw(), output.raw(), output.num_elements());
  CopyInto(context.pool(), input, begin, output);
}

void PaddedShape(ShapeContext& context) {
  const PartialShape given = context.WithRank(1, 2);
  PartialShape output = context.input(0);
  if (!output.has_rank() && given[0] >= 0) output = PartialShape::UnknownOfRank(static_cast<int>(given[0]));
  if (output.has_rank()) (void)given.MergeWith(PartialShape{output.rank(), 2});
  const Tensor* paddings = context.constant(1);
  for (int i = 0; i < output.rank(); ++i) {
    const bool known = paddings && output[i] >= 0;
    const int64_t before = int64_t{2} * i;
    output.set_dim(i, known ? output[i] + paddings->AsInt64(before) + paddings->AsInt64(before + 1) : -1);
  }
  context.set_output(0, output);
}

Output UnpaddedGradient(Backward& b) {
  const Output before = Slice(b.x(1), Constant(Tensor::Vector(std::vector<int32_t>{0, 0})),
                              Pack({Rank(b.x(0)), ConstantLike(DType::kInt32, 1)}));
  const Output begin = Reshape(before, Constant(Tensor::Vector(std::vector<int32_t>{-1})));
  return Slice(b.dy(), begin, ShapeOf(b.x(0), {.out_type = b.x(1).dtype()}));
}

DEFINE_OP("Pad")
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tpaddings: {int32, int64} = DT_INT32")
    .Shape(PaddedShape)
    .Kernel([](KernelContext& context) { RunPad(context, Tensor::Zeros(context.input(0).dtype(), {})); })
    .Gradient([](Backward& b) { b.Return(UnpaddedGradient(b), Gradient()); });

DEFINE_OP("PadV2")
    .Input("input: T")
    .Input("paddings: Tpaddings")
    .Input("constant_values: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tpaddings: {int32, int64} = DT_INT32")
    .Shape(PaddedShape)
    .Kernel([](KernelContext& context) {
      const Tensor& fill = context.input(2);
      if (fill.rank() != 0) throw InvalidArgument("constant_values must be a scalar, got shape ", fill.shape());
      RunPad(context, fill);
    })
    .Gradient([](Backward& b) {
      const Output dx = UnpaddedGradient(b);
      const Output axes = Range(ConstantLike(DType::kInt32, 0), Rank(b.dy()), ConstantLike(DType::kInt32, 1));
      b.Return(dx, Gradient(), Sum(b.dy(), axes) - Sum(dx, axes));
    });

int64_t TiledSize(int64_t size, int64_t multiple, int axis) {
  if (multiple < 0) throw InvalidArgument("Expected multiples[", axis, "] >= 0, but got ", multiple);
  int64_t tiled;
  if (__builtin_mul_overflow(size, multiple, &tiled)) {
    throw InvalidArgument(multiple, " times the size ", size, " of axis ", axis, " is too large");
  }
  return tiled;
}

DEFINE_OP("Tile")
    .Input("input: T")
    .Input("multiples: Tmultiples")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tmultiples: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      const PartialShape given = context.WithRank(1, 1);
      PartialShape output = context.input(0);
      if (!output.has_rank() && given[0] >= 0) output = PartialShape::UnknownOfRank(static_cast<int>(given[0]));
      if (output.has_rank()) (void)given.MergeWith(PartialShape{output.rank()});
      const Tensor* multiples = context.constant(1);
      for (int i = 0; i < output.rank(); ++i) {
        output.set_dim(i, multiples && output[i] >= 0 ? TiledSize(output[i], multiples->AsInt64(i), i) : -1);
      }
      context.set_output(0, output);
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      const std::vector<int64_t> multiples = context.input(1).AsInt64s();
      if (multiples.size() != static_cast<size_t>(input.rank())) {
        throw InvalidArgument("Expected multiples argument to be a vector of length ", input.rank(), " but got length ",
                              multiples.size());
      }
      // Seen as rank 2 * rank: each axis a repeat, which reads with stride 0, then the axis itself.
      Shape shape = input.shape();
      int64_t dense_from[kMaxRank], dense_to[kMaxRank], from[2 * kMaxRank], to[2 * kMaxRank], dims[2 * kMaxRank];
      for (int i = 0; i < input.rank(); ++i) {
        shape.set_dim(i, TiledSize(shape[i], multiples[static_cast<size_t>(i)], i));
      }
      Tensor& output = context.AllocateOutput(0, shape);
      if (output.num_elements() == 0) return;
      DenseStrides(input.shape(), dense_from);
      DenseStrides(shape, dense_to);
      int rank = 0;
      for (int i = 0; i < input.rank(); ++i) {
        const int64_t repeats = multiples[static_cast<size_t>(i)];
        if (repeats > 1) {
          dims[rank] = repeats;
          from[rank] = 0;
          to[rank++] = dense_to[i] * input.dim(i);
        }
        if (input.dim(i) > 1) {
          dims[rank] = input.dim(i);
          from[rank] = dense_from[i];
          to[rank++] = dense_to[i];
        }
      }
      if (rank > kMaxRank)
        throw Unimplemented("Tile of more than ", kMaxRank / 2, " axes at once, at ", context.node().name());
      CopyStrided(context.pool(), input.dtype(), Shape(std::span<const int64_t>(dims, static_cast<size_t>(rank))),
                  input.raw(), {from, kMaxRank}, output.raw(), {to, kMaxRank});
    })
    .Gradient([](Backward& b) {
      // [a, b] tiled by [m, n] is [m, a, n, b] summed over the even axes.
      const Output zero = ConstantLike(DType::kInt32, 0), two = ConstantLike(DType::kInt32, 2);
      const Output shape = ShapeOf(b.x(0), {.out_type = b.x(1).dtype()});
      const Output minus_one = Constant(Tensor::Vector(std::vector<int32_t>{-1}));
      const Output split = Reshape(Pack({b.x(1), shape}, {.axis = 1}), minus_one);
      const Output axes = Range(zero, Size(split), two);
      b.Return(Reshape(Sum(Reshape(b.dy(), split), axes), shape), Gradient());
    });

DEFINE_OP("Transpose")
    .Input("x: T")
    .Input("perm: Tperm")
    .Output("y: T")
    .Attr("T: type")
    .Attr("Tperm: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      const PartialShape &input = context.input(0), given = context.WithRank(1, 1);
      const Tensor* permutation = context.constant(1);
      PartialShape output = input.has_rank() ? PartialShape::UnknownOfRank(input.rank()) : input;
      if (!input.has_rank() && given[0] >= 0) output = PartialShape::UnknownOfRank(static_cast<int>(given[0]));
      if (output.has_rank()) (void)given.MergeWith(PartialShape{output.rank()});
      for (int i = 0; i < output.rank() && permutation && input.has_rank(); ++i) {
        output.set_dim(i, input[ResolveAxis(permutation->AsInt64(i), input.rank(), "perm")]);
      }
      context.set_output(0, output);
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      std::vector<int64_t> permutation = context.input(1).AsInt64s();
      for (int64_t& axis : permutation) axis += axis < 0 ? input.rank() : 0;
      Tensor& output = context.AllocateOutput(0, TransposedShape(input.shape(), permutation));
      Transpose(context.pool(), input, permutation, output);
    })
    .Gradient([](Backward& b) { b.Return(Transpose(b.dy(), InvertPermutation(b.x(1))), Gradient()); });

DEFINE_OP("InvertPermutation")
    .Input("x: T")
    .Output("y: T")
    .Attr("T: {int32, int64} = DT_INT32")
    .Shape(SameAsInput(0))
    .Kernel([](KernelContext& context) {
      const std::vector<int64_t> permutation = context.input(0).AsInt64s();
      const int64_t n = static_cast<int64_t>(permutation.size());
      std::vector<int64_t> inverse(permutation.size(), -1);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t to = permutation[static_cast<size_t>(i)];
        if (to < 0 || to >= n) throw InvalidArgument(to, " is not between 0 and ", n);
        if (inverse[static_cast<size_t>(to)] >= 0) throw InvalidArgument(to, " is duplicated in the input.");
        inverse[static_cast<size_t>(to)] = i;
      }
      Tensor& output = context.AllocateOutput(0, {n});
      for (int64_t i = 0; i < n; ++i) {
        const int64_t value = inverse[static_cast<size_t>(i)];
        if (output.dtype() == DType::kInt32) {
          output.data<int32_t>()[i] = static_cast<int32_t>(value);
        } else {
          output.data<int64_t>()[i] = value;
        }
      }
    })
    .NoGradient();

// The mask of the axes that a tensor lists, each once.
uint32_t ReversedAxes(const Tensor& axes, int rank) {
  uint32_t mask = 0;
  for (const int64_t value : axes.AsInt64s()) {
    const int64_t axis = value < 0 ? value + rank : value;
    if (axis < 0 || axis >= rank) {
      throw InvalidArgument("'axis' has an invalid value ", value, ": valid range is [", -rank, ", ", rank, ")");
    }
    if ((mask >> axis & 1) != 0) throw InvalidArgument("axis ", axis, " specified more than once.");
    mask |= 1u << axis;
  }
  return mask;
}

DEFINE_OP("ReverseV2")
    .Input("tensor: T")
    .Input("axis: Tidx")
    .Output("output: T")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Attr("T: type")
    .Shape([](ShapeContext& context) {
      if (context.constant(1) && context.input(0).has_rank())
        ReversedAxes(*context.constant(1), context.input(0).rank());
      context.set_output(0, context.input(0));
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      const uint32_t reversed = ReversedAxes(context.input(1), input.rank());
      Tensor& output = context.AllocateOutput(0, input.shape());
      if (input.num_elements() == 0) return;
      int64_t from[kMaxRank], to[kMaxRank], offset = 0;
      DenseStrides(input.shape(), to);
      for (int axis = 0; axis < input.rank(); ++axis) {
        const bool backwards = (reversed >> axis & 1) != 0;
        offset += backwards ? (input.dim(axis) - 1) * to[axis] : 0;
        from[axis] = backwards ? -to[axis] : to[axis];
      }
      CopyStrided(context.pool(), input.dtype(), input.shape(), ElementAt(input.dtype(), input.raw(), offset),
                  {from, kMaxRank}, output.raw(), {to, kMaxRank});
    })
    .Gradient([](Backward& b) { b.Return(ReverseV2(b.dy(), b.x(1)), Gradient()); });

}  // namespace
}  // namespace headrace
