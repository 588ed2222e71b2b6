// Tensors that enter a graph, pass through it unchanged, or change only their shape or element type.
#include "headrace/ops/array.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/math.h"
#include "kernels/convert.h"
#include "kernels/copy.h"
#include "ops/control/tensor_list.h"

namespace headrace {
namespace {

// ------------------------------------------------------------------------------------------- sources and pass-through

DEFINE_OP("Const")
    .Output("output: dtype")
    .Attr("value: tensor")
    .Attr("dtype: type")
    .Shape([](ShapeContext& context) { context.set_output(0, context.attr<Tensor>("value").shape()); })
    .Kernel([](const Node& node) -> Kernel {
      return [value = node.attr<Tensor>("value")](KernelContext& context) { context.set_output(0, value); };
    })
    .IsConstant()
    .NoGradient();

DEFINE_OP("Placeholder")
    .Output("output: dtype")
    .Attr("dtype: type")
    .Attr("shape: shape = { unknown_rank: true }")
    .Shape([](ShapeContext& context) { context.set_output(0, context.attr<PartialShape>("shape")); })
    .Kernel([](const Node& node) -> Kernel {
      return [dtype = node.output_dtype(0), shape = node.output_shape(0)](KernelContext& context) {
        throw InvalidArgument("You must feed a value for placeholder tensor '", context.node().name(), "' with dtype ",
                              dtype, " and shape ", shape);
      };
    })
    .IsPlaceholder()
    .Stateful()
    .NoGradient();

DEFINE_OP("PlaceholderWithDefault")
    .Input("input: dtype")
    .Output("output: dtype")
    .Attr("dtype: type")
    .Attr("shape: shape")
    .Shape([](ShapeContext& context) { context.set_output(0, context.attr<PartialShape>("shape")); })
    .Kernel([](KernelContext& context) { context.set_output(0, context.input(0)); })
    .IsPlaceholder()
    .Forwards(0)
    .Gradient([](Backward& b) { b.Return(b.dy()); });

// The arguments and results of a function's body.
DEFINE_OP("_Arg")
    .Output("output: T")
    .Attr("T: type")
    .Attr("index: int >= 0")
    .Shape([](ShapeContext& context) {
      const AttrValue* shape = context.node().has_attr("_shape") ? &context.node().attr("_shape") : nullptr;
      context.set_output(0, shape ? shape->get<PartialShape>() : PartialShape());
    })
    .IsPlaceholder()
    .Stateful()
    .NoGradient();

DEFINE_OP("_Retval").Input("input: T").Attr("T: type").Attr("index: int >= 0").Kernel([](KernelContext&) {}).Keep();

DEFINE_OP("Identity")
    .Input("input: T")
    .Output("output: T")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel([](KernelContext& context) { context.set_output(0, context.input(0)); })
    .Forwards(0)
    .Gradient([](Backward& b) { b.Return(b.gradient()); });

DEFINE_OP("IdentityN")
    .Input("input: T")
    .Output("output: T")
    .Attr("T: list(type) >= 1")
    .Shape([](ShapeContext& context) {
      for (int i = 0; i < context.num_inputs(); ++i) context.set_output(i, context.input(i));
    })
    .Kernel([](KernelContext& context) {
      for (int i = 0; i < context.num_inputs(); ++i) context.set_output(i, context.input(i));
    })
    .Gradient([](Backward& b) {
      std::vector<Gradient> gradients;
      for (int i = 0; i < b.node()->num_outputs(); ++i) gradients.push_back(b.gradient(i));
      b.ReturnList(std::move(gradients));
    });

DEFINE_OP("NoOp").Kernel([](KernelContext&) {}).OnlyOrders();

DEFINE_OP("StopGradient")
    .SameSignatureAs("Identity")
    .Kernel([](KernelContext& context) { context.set_output(0, context.input(0)); })
    .Forwards(0)
    .NoGradient();

DEFINE_OP("PreventGradient")
    .Input("input: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("message: string = ''")
    .Shape(SameAsInput(0))
    .Kernel([](KernelContext& context) { context.set_output(0, context.input(0)); })
    .Forwards(0)
    .Gradient([](Backward& b) {
      throw InvalidArgument("Gradient explicitly disabled. Reason: ", b.attr<std::string>("message"), " [op '",
                            b.node()->name(), "' (PreventGradient)]");
    });

DEFINE_OP("CheckNumerics")
    .Input("tensor: T")
    .Output("output: T")
    .Attr("T: {bfloat16, half, float, double}")
    .Attr("message: string")
    .Shape(SameAsInput(0))
    .Kernel([](const Node& node) -> Kernel {
      return [message = node.attr<std::string>("message")](KernelContext& context) {
        const Tensor& input = context.input(0);
        bool infinite = false, nan = false;
        for (int64_t i = 0; i < input.num_elements(); ++i) {
          const double value = input.AsDouble(i);
          infinite |= std::isinf(value);
          nan |= std::isnan(value);
        }
        if (infinite || nan) {
          throw InvalidArgument(message, " : Tensor had ",
                                infinite && nan ? "Inf and NaN"
                                : infinite      ? "Inf"
                                                : "NaN",
                                " values");
        }
        context.set_output(0, input);
      };
    })
    .Gradient([](Backward& b) {
      b.Return(CheckNumerics(b.dy(), "Not a number (NaN) or infinity (Inf) values detected in gradient. " +
                                         b.attr<std::string>("message")));
    });

// ------------------------------------------------------------------------------------------------ shapes as tensors

Tensor IntegersOf(DType dtype, std::span<const int64_t> values) {
  if (dtype == DType::kInt64) return Tensor::Vector(values);
  std::vector<int32_t> narrow(values.begin(), values.end());
  return Tensor::Vector(narrow);
}
Tensor IntegerOf(DType dtype, int64_t value) {
  return dtype == DType::kInt64 ? Tensor::Scalar(value) : Tensor::Scalar(static_cast<int32_t>(value));
}

// Of the input that is at the place of the output.
std::optional<StaticValue> SizesOfInput(ValueContext& context) {
  const PartialShape& shape = context.shape(context.output());
  return shape.has_rank() ? std::optional(StaticValue::SizesOf(shape)) : std::nullopt;
}

DEFINE_OP("Shape")
    .Input("input: T")
    .Output("output: out_type")
    .Attr("T: type")
    .Attr("out_type: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      const PartialShape& input = context.input(0);
      context.set_output(0, input.has_rank() ? PartialShape({input.rank()}) : PartialShape::UnknownOfRank(1));
    })
    .Kernel([](KernelContext& context) {
      context.set_output(0, IntegersOf(context.node().output_dtype(0), context.input(0).shape().dims()));
    })
    .Value(SizesOfInput)
    .NoGradient();

DEFINE_OP("ShapeN")
    .Input("input: N * T")
    .Output("output: N * out_type")
    .Attr("N: int >= 1")
    .Attr("T: type")
    .Attr("out_type: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      for (int i = 0; i < context.num_inputs(); ++i) {
        const PartialShape& input = context.input(i);
        context.set_output(i, input.has_rank() ? PartialShape({input.rank()}) : PartialShape::UnknownOfRank(1));
      }
    })
    .Kernel([](KernelContext& context) {
      for (int i = 0; i < context.num_inputs(); ++i) {
        context.set_output(i, IntegersOf(context.node().output_dtype(i), context.input(i).shape().dims()));
      }
    })
    .Value(SizesOfInput)
    .NoGradient();

DEFINE_OP("Size")
    .Input("input: T")
    .Output("output: out_type")
    .Attr("T: type")
    .Attr("out_type: {int32, int64} = DT_INT32")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) {
      context.set_output(0, IntegerOf(context.node().output_dtype(0), context.input(0).num_elements()));
    })
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      if (!c.shape(0).IsFullyDefined()) return std::nullopt;
      return StaticValue::Scalar(c.shape(0).ToShape().num_elements());
    })
    .NoGradient();

DEFINE_OP("Rank")
    .Input("input: T")
    .Output("output: int32")
    .Attr("T: type")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) { context.set_output(0, Tensor::Scalar<int32_t>(context.input(0).rank())); })
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      if (!c.shape(0).has_rank()) return std::nullopt;
      return StaticValue::Scalar(c.shape(0).rank());
    })
    .NoGradient();

// ----------------------------------------------------------------------------------------------- changes of the shape

// Passes the gradient in the shape that the input had.
void ReshapeGradient(Backward& b) {
  std::vector<Gradient> gradients(b.node()->inputs().size());
  gradients[0] = Reshape(b.dy(), ShapeOf(b.x()));
  b.ReturnList(std::move(gradients));
}

// The dims a Reshape asks for, with a -1 replaced where the input's shape allows it. Where a wanted size is 0, zeros of
// neither side count: an empty [0, 3] as [0, -1] keeps its 3.
std::vector<int64_t> ResolveReshape(std::vector<int64_t> dims, const PartialShape& input) {
  const int64_t elements = input.IsFullyDefined() ? input.ToShape().num_elements() : -1;
  int64_t known = 1;
  bool empty = false;
  int wildcard = -1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == -1) {
      if (wildcard >= 0) throw InvalidArgument("Only one input size may be -1, not both ", wildcard, " and ", i);
      wildcard = static_cast<int>(i);
    } else if (dims[i] < 0) {
      throw InvalidArgument("Size ", i, " must be non-negative, not ", dims[i]);
    } else if (dims[i] == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(known, dims[i], &known)) {
      throw InvalidArgument("too many elements in shape ", PartialShape(dims));
    }
  }
  if (elements < 0) return dims;
  const int64_t wanted = empty ? 0 : known;
  if (wildcard < 0 && wanted != elements) {
    throw InvalidArgument("Cannot reshape a tensor with ", elements, " elements to shape ", PartialShape(dims), " (",
                          wanted, " elements)");
  }
  if (wildcard >= 0) {
    int64_t counted = elements;
    if (empty) {
      counted = 1;
      for (const int64_t size : input.dims()) counted *= size == 0 ? 1 : size;
    }
    if (empty ? elements != 0 : counted % known != 0) {  // of an empty one the division may leave a rest
      throw InvalidArgument("Input to reshape is a tensor with ", elements,
                            " values, but the requested shape requires a multiple of ", empty ? 0 : known);
    }
    dims[static_cast<size_t>(wildcard)] = counted / known;
  }
  return dims;
}

DEFINE_OP("Reshape")
    .Input("tensor: T")
    .Input("shape: Tshape")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tshape: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      const PartialShape& input = context.input(0);
      if (const Tensor* wanted = context.constant(1)) {
        return context.set_output(0, PartialShape(ResolveReshape(wanted->AsInt64s(), input)));
      }
      PartialShape shape = context.ShapeFromInput(1);
      // Of sizes that a run tells, one follows from the others if the elements are counted.
      if (shape.has_rank() && input.IsFullyDefined() && std::ranges::count(shape.dims(), -1) == 1) {
        shape = PartialShape(ResolveReshape({shape.dims().begin(), shape.dims().end()}, input));
      }
      context.set_output(0, shape);
    })
    .NeverFails()
    .Value(SameNumbers)
    .Lift([](RowLift& node) {
      const PartialShape& shape = node.node().output_shape(0);
      if (node.has_rows(1) || !shape.IsFullyDefined()) return false;
      StaticValue sizes = StaticValue::SizesOf(shape);
      sizes.elements.insert(sizes.elements.begin(), -1);
      node.set_input(1, sizes.ToTensor(node.node().input(1).dtype()));
      return true;
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      if (context.input(1).rank() > 1)
        throw InvalidArgument("shape must be a vector, got shape ", context.input(1).shape());
      context.set_output(0, input.Reshaped(Shape(ResolveReshape(context.input(1).AsInt64s(), input.shape()))));
    })
    .Gradient(ReshapeGradient);

int ResolveAxis(int64_t axis, int rank, const char* what) {
  if (axis < -rank || axis >= rank) {
    throw InvalidArgument(what, ": axis ", axis, " is not in the interval [", -rank, ", ", rank, ")");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

PartialShape ExpandedShape(const PartialShape& input, int64_t axis) {
  const int at = ResolveAxis(axis, input.rank() + 1, "Tried to expand dim");
  PartialShape output = Shape();
  for (int i = 0; i <= input.rank(); ++i) {
    if (i == at) output.Append(1);
    if (i < input.rank()) output.Append(input[i]);
  }
  return output;
}

DEFINE_OP("ExpandDims")
    .Input("input: T")
    .Input("dim: Tdim")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tdim: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      const PartialShape& input = context.input(0);
      if (!input.has_rank()) return context.set_output(0, PartialShape());
      const Tensor* axis = context.constant(1);
      context.set_output(0,
                         axis ? ExpandedShape(input, axis->AsInt64()) : PartialShape::UnknownOfRank(input.rank() + 1));
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      if (context.input(1).num_elements() != 1) throw InvalidArgument("'dim' must be a tensor with a single value");
      context.set_output(0, input.Reshaped(ExpandedShape(input.shape(), context.input(1).AsInt64()).ToShape()));
    })
    .NeverFails()
    .Value(SameNumbers)
    .Lift([](RowLift& node) { return node.has_rows(0) && ShiftAxis(node, 1); })
    .Gradient(ReshapeGradient);

PartialShape SqueezedShape(const PartialShape& input, const std::vector<int64_t>& axes) {
  uint32_t squeezed = 0;
  for (int64_t axis : axes) squeezed |= 1u << ResolveAxis(axis, input.rank(), "Tried to squeeze dim");
  PartialShape output = Shape();
  for (int i = 0; i < input.rank(); ++i) {
    if (axes.empty() ? input[i] == 1 : (squeezed >> i & 1)) {
      if (input[i] > 1 || input[i] == 0) {
        throw InvalidArgument("Can not squeeze dim[", i, "], expected a dimension of 1, got ", input[i]);
      }
    } else {
      output.Append(input[i]);
    }
  }
  return output;
}

DEFINE_OP("Squeeze")
    .Input("input: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("squeeze_dims: list(int) >= 0 = []")
    .Shape([](ShapeContext& context) {
      const PartialShape& input = context.input(0);
      const auto& axes = context.attr<std::vector<int64_t>>("squeeze_dims");
      const bool known = input.has_rank() && (!axes.empty() || input.IsFullyDefined());
      context.set_output(0, known ? SqueezedShape(input, axes) : PartialShape());
    })
    .Kernel([](const Node& node) -> Kernel {
      return [axes = node.attr<std::vector<int64_t>>("squeeze_dims")](KernelContext& context) {
        const Tensor& input = context.input(0);
        context.set_output(0, input.Reshaped(SqueezedShape(input.shape(), axes).ToShape()));
      };
    })
    .NeverFails()
    .Value(SameNumbers)
    .Lift([](RowLift& node) {
      const PartialShape& shape = node.shape(0);
      if (!shape.IsFullyDefined() || !node.node().output_shape(0).IsFullyDefined()) return false;
      std::vector<int64_t> axes;
      for (const int64_t axis : node.node().attr<std::vector<int64_t>>("squeeze_dims")) {
        axes.push_back(axis < 0 ? axis : axis + 1);
      }
      for (int i = 0; axes.empty() && i < shape.rank(); ++i) {
        if (shape[i] == 1) axes.push_back(i + 1);
      }
      node.set_attr("squeeze_dims", axes);
      return !axes.empty();
    })
    .Gradient(ReshapeGradient);

DEFINE_OP("BroadcastTo")
    .Input("input: T")
    .Input("shape: Tidx")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) { context.set_output(0, context.ShapeFromInput(1)); })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      const Shape shape(context.input(1).AsInt64s());
      if (!(BroadcastShapes(input.shape(), shape) == shape)) {
        throw InvalidArgument("Incompatible shapes: ", input.shape(), " vs. ", shape);
      }
      Tensor& output = context.AllocateOutput(0, shape);
      int64_t dense[kMaxRank], from[kMaxRank] = {}, to[kMaxRank];
      DenseStrides(input.shape(), dense);
      DenseStrides(shape, to);
      const int missing = shape.rank() - input.rank();
      for (int i = 0; i < input.rank(); ++i) from[i + missing] = input.dim(i) == 1 ? 0 : dense[i];
      CopyStrided(context.pool(), input.dtype(), shape, input.raw(), {from, kMaxRank}, output.raw(), {to, kMaxRank});
    })
    .Gradient([](Backward& b) {
      const Output shape = ShapeOf(b.x(0), {.out_type = b.x(1).dtype()});
      const BroadcastGradientArgsOutputs axes = BroadcastGradientArgs(shape, b.x(1));
      b.Return(Reshape(Sum(b.dy(), axes.r0), shape), Gradient());
    });

DEFINE_OP("BroadcastArgs")
    .Input("s0: T")
    .Input("s1: T")
    .Output("r0: T")
    .Attr("T: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) { context.set_output(0, PartialShape::UnknownOfRank(1)); })
    .Kernel([](KernelContext& context) {
      const Shape shape = BroadcastShapes(Shape(context.input(0).AsInt64s()), Shape(context.input(1).AsInt64s()));
      context.set_output(0, IntegersOf(context.node().output_dtype(0), shape.dims()));
    })
    .NoGradient();

// ------------------------------------------------------------------------------------------------------------ filling

DEFINE_OP("Fill")
    .Input("dims: index_type")
    .Input("value: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("index_type: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      context.WithRank(0, 1);
      context.WithRank(1, 0);
      context.set_output(0, context.ShapeFromInput(0));
    })
    .Kernel([](KernelContext& context) {
      const Tensor& value = context.input(1);
      if (context.input(0).rank() > 1) {
        throw InvalidArgument("dims must be a vector, got shape ", context.input(0).shape());
      }
      if (value.num_elements() != 1) throw InvalidArgument("value must be a scalar, got shape ", value.shape());
      Tensor& output = context.AllocateOutput(0, Shape(context.input(0).AsInt64s()));
      FillElements(value.dtype(), value.raw(), output.raw(), output.num_elements());
    })
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      const auto dims = c.input(0);
      const auto value = c.input(1);
      if (!dims || !value || dims->elements.size() > 1 || value->elements.size() != 1) return std::nullopt;
      if (dims->elements.empty()) return StaticValue::Scalar(value->elements[0]);
      if (!dims->elements[0] || *dims->elements[0] < 0 || *dims->elements[0] > kMaxRank) return std::nullopt;
      return StaticValue{.elements = std::vector(static_cast<size_t>(*dims->elements[0]), value->elements[0])};
    })
    .Gradient([](Backward& b) {
      b.Return(Gradient(),
               Sum(b.dy(), Range(ConstantLike(DType::kInt32, 0), Rank(b.dy()), ConstantLike(DType::kInt32, 1))));
    });

DEFINE_OP("ZerosLike")
    .Input("x: T")
    .Output("y: T")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      if (input.dtype() == DType::kString) {
        context.set_output(0, Tensor(DType::kString, input.shape()));
        return;
      }
      if (input.dtype() == DType::kVariant) return context.set_output(0, ZerosLikeList(TensorListOf(input)));
      Tensor& output = context.AllocateOutput(0, input.shape());
      std::memset(output.raw(), 0, output.bytes());
    })
    .Elementwise()
    .NoGradient();

DEFINE_OP("OnesLike")
    .Input("x: T")
    .Output("y: T")
    .Attr("T: {bfloat16, half, float, double, int8, uint8, int16, uint16, int32, uint32, int64, uint64, bool}")
    .Shape(SameAsInput(0))
    .Kernel([](KernelContext& context) {
      Tensor& output = context.AllocateOutput(0, context.input(0).shape());
      Tensor one;
      if (output.dtype() == DType::kHalf) {
        one = Tensor::Scalar(Half(1.0f));
      } else if (output.dtype() == DType::kBFloat16) {
        one = Tensor::Scalar(BFloat16(1.0f));
      } else {
        one = VisitNumeric(output.dtype(), "OnesLike",
                           [](auto zero) { return Tensor::Scalar(static_cast<decltype(zero)>(1)); });
      }
      FillElements(output.dtype(), one.raw(), output.raw(), output.num_elements());
    })
    .Elementwise()
    .NoGradient();

template <class T>
int64_t RangeSize(T start, T limit, T delta) {
  if (delta == T(0)) throw InvalidArgument("Requires delta != 0: ", delta);
  if ((delta > T(0) && start > limit) || (delta < T(0) && start < limit)) {
    throw InvalidArgument("Requires start ", delta > T(0) ? "<=" : ">=", " limit when delta ", delta > T(0) ? ">" : "<",
                          " 0: ", start, "/", limit);
  }
  if constexpr (std::is_integral_v<T>) {
    // Unsigned: the distance between two int64s may be more than the largest.
    const auto first = static_cast<uint64_t>(start), last = static_cast<uint64_t>(limit);
    const uint64_t span = delta > T(0) ? last - first : first - last;
    const uint64_t step = delta > T(0) ? static_cast<uint64_t>(delta) : 0 - static_cast<uint64_t>(delta);
    const uint64_t size = span / step + (span % step != 0);
    if (size > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      throw InvalidArgument("Requires a range of at most 2^63 - 1 numbers: ", start, " to ", limit, " by ", delta);
    }
    return static_cast<int64_t>(size);
  } else {
    const double size =
        std::ceil(std::abs((static_cast<double>(limit) - static_cast<double>(start)) / static_cast<double>(delta)));
    if (!(size < 0x1p63)) {  // NaN too
      throw InvalidArgument("Requires ((limit - start) / delta) < 2^63: ", start, " to ", limit, " by ", delta);
    }
    return static_cast<int64_t>(size);
  }
}

DEFINE_OP("Range")
    .Input("start: Tidx")
    .Input("limit: Tidx")
    .Input("delta: Tidx")
    .Output("output: Tidx")
    .Attr("Tidx: {float, double, int8, int16, int32, int64, uint16, uint32} = DT_INT32")
    .Shape([](ShapeContext& context) {
      PartialShape shape = PartialShape::UnknownOfRank(1);
      const Tensor *start = context.constant(0), *limit = context.constant(1), *delta = context.constant(2);
      if (start && limit && delta) {
        VisitNumeric(start->dtype(), "Range", [&](auto zero) {
          using T = decltype(zero);
          if constexpr (!std::is_same_v<T, bool>) {
            shape.set_dim(0, RangeSize(start->scalar<T>(), limit->scalar<T>(), delta->scalar<T>()));
          }
        });
      }
      context.set_output(0, shape);
    })
    .Kernel([](KernelContext& context) {
      VisitNumeric(context.input(0).dtype(), "Range", [&](auto zero) {
        using T = decltype(zero);
        if constexpr (!std::is_same_v<T, bool>) {
          const T start = context.input(0).scalar<T>(), delta = context.input(2).scalar<T>();
          const int64_t n = RangeSize(start, context.input(1).scalar<T>(), delta);
          T* output = context.AllocateOutput(0, {n}).template data<T>();
          T value = start;
          for (int64_t i = 0; i < n; ++i, value = static_cast<T>(value + delta)) output[i] = value;
        }
      });
    })
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      constexpr int64_t kMost = 256;
      const auto start = c.number(0), limit = c.number(1), delta = c.number(2);
      if (!start || !limit || !delta || *delta == 0) return std::nullopt;
      StaticValue value;
      for (int64_t at = *start; *delta > 0 ? at < *limit : at > *limit;) {
        if (value.elements.size() == kMost) return std::nullopt;
        value.elements.emplace_back(at);
        if (__builtin_add_overflow(at, *delta, &at)) break;
      }
      return value;
    })
    .NoGradient();

DEFINE_OP("LinSpace")
    .Input("start: T")
    .Input("stop: T")
    .Input("num: Tidx")
    .Output("output: T")
    .Attr("T: {bfloat16, half, float, double}")
    .Attr("Tidx: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) {
      PartialShape shape = PartialShape::UnknownOfRank(1);
      if (const Tensor* num = context.constant(2)) {
        if (num->AsInt64() <= 0) throw InvalidArgument("Requires num > 0: ", num->AsInt64());
        shape.set_dim(0, num->AsInt64());
      }
      context.set_output(0, shape);
    })
    .Kernel([](KernelContext& context) {
      const int64_t n = context.input(2).AsInt64();
      if (n <= 0) throw InvalidArgument("Requires num > 0: ", n);
      auto fill = [&]<class T, class Wide>(T, Wide) {  // computed as Wide
        const auto start = static_cast<Wide>(context.input(0).scalar<T>());
        const auto stop = static_cast<Wide>(context.input(1).scalar<T>());
        T* output = context.AllocateOutput(0, {n}).template data<T>();
        const Wide step = n > 1 ? (stop - start) / static_cast<Wide>(n - 1) : Wide(0);
        for (int64_t i = 0; i < n; ++i) output[i] = T(start + step * static_cast<Wide>(i));
        if (n > 1) output[n - 1] = context.input(1).scalar<T>();
      };
      switch (context.input(0).dtype()) {
        case DType::kDouble:
          return fill(double{}, double{});
        case DType::kHalf:
          return fill(Half{}, float{});
        case DType::kBFloat16:
          return fill(BFloat16{}, float{});
        default:
          return fill(float{}, float{});
      }
    })
    .NoGradient();

// ------------------------------------------------------------------------------------------------------- element types

Lanes Conversions() {
  constexpr DType kTypes[] = {DType::kFloat, DType::kDouble, DType::kInt8,    DType::kInt16,  DType::kInt32,
                              DType::kInt64, DType::kUInt8,  DType::kUInt16,  DType::kUInt32, DType::kUInt64,
                              DType::kBool,  DType::kHalf,   DType::kBFloat16};
  Lanes lanes{.arity = 1, .functions = {}};
  for (const DType from : kTypes) {
    for (const DType to : kTypes) lanes.functions.push_back({{{from}, to}, FindConversionTile(from, to)});
  }
  return lanes;
}

DEFINE_OP("Cast")
    .Input("x: SrcT")
    .Output("y: DstT")
    .Attr("SrcT: type")
    .Attr("DstT: type")
    .Attr("Truncate: bool = false")
    .Lane(Conversions())
    .NeverFails()
    .Lower([](Lowering& l) {
      return l.node().input(0).dtype() == l.node().output_dtype(0) ? l.node().input(0) : Output();
    })
    .Value(SameNumbers)
    .Kernel([](const Node& node) -> Kernel {
      const DType from = node.input(0).dtype(), to = node.output_dtype(0);
      if (from == to) return [](KernelContext& context) { context.set_output(0, context.input(0)); };
      const bool supported = (IsNumeric(from) || from == DType::kBool) && (IsNumeric(to) || to == DType::kBool) &&
                             !IsComplex(from) && !IsComplex(to);
      if (!supported) throw Unimplemented("Cast ", from, " to ", to, " is not supported");
      return [cast = FindConversion(from, to)](KernelContext& context) {
        const Tensor& input = context.input(0);
        Tensor& output = context.AllocateOutput(0, input.shape());
        const char* source = static_cast<const char*>(input.raw());
        char* target = static_cast<char*>(output.raw());
        const int64_t from_size = static_cast<int64_t>(SizeOf(input.dtype()));
        const int64_t to_size = static_cast<int64_t>(SizeOf(output.dtype()));
        context.pool().ParallelFor(input.num_elements(), 65536, [&](int64_t begin, int64_t end) {
          cast(source + begin * from_size, target + begin * to_size, end - begin);
        });
      };
    })
    .Gradient([](Backward& b) {
      const bool floating = IsFloating(b.x().dtype()) && IsFloating(b.y().dtype());
      floating ? b.Return(Cast(b.dy(), b.x().dtype())) : b.Return(Gradient());
    });

// The same bits as another type: a larger one takes the last axis away, a smaller one adds one.
DEFINE_OP("Bitcast")
    .Input("input: T")
    .Output("output: type")
    .Attr("T: {bfloat16, half, float, double, int64, int32, uint8, uint16, int8, int16, uint32, uint64}")
    .Attr("type: {bfloat16, half, float, double, int64, int32, uint8, uint16, int8, int16, uint32, uint64}")
    .Shape([](ShapeContext& context) {
      const PartialShape& input = context.input(0);
      if (!input.has_rank()) return;
      const auto from = static_cast<int64_t>(SizeOf(context.node().input(0).dtype()));
      const auto to = static_cast<int64_t>(SizeOf(context.node().output_dtype(0)));
      PartialShape output = input;
      if (from > to) output.Append(from / to);
      if (from < to) {
        const int last = input.rank() - 1;
        if (last < 0 || (input[last] >= 0 && input[last] != to / from)) {
          throw InvalidArgument("Cannot bitcast due to shape: ", input, " does not end in ", to / from);
        }
        output = PartialShape(input.dims().first(static_cast<size_t>(last)));
      }
      context.set_output(0, output);
    })
    .Kernel([](KernelContext& context) {
      const Tensor& input = context.input(0);
      const DType to = context.node().output_dtype(0);
      const int64_t from_size = static_cast<int64_t>(SizeOf(input.dtype())), to_size = static_cast<int64_t>(SizeOf(to));
      Shape shape = input.shape();
      if (from_size > to_size) {
        shape.Append(from_size / to_size);
      } else if (from_size < to_size) {
        if (shape.rank() == 0 || shape[shape.rank() - 1] != to_size / from_size) {
          throw InvalidArgument("Cannot bitcast from ", input.dtype(), " to ", to, ": shape ", shape);
        }
        shape = Shape(shape.dims().first(static_cast<size_t>(shape.rank() - 1)));
      }
      Tensor& output = context.AllocateOutput(0, shape);
      if (input.bytes() > 0) std::memcpy(output.raw(), input.raw(), input.bytes());
    })
    .NoGradient();

}  // namespace
}  // namespace headrace
