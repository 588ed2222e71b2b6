// Variables: reference variables of TensorFlow 1 and resource variables. Their values live in the session's resources;
// the runtime locks them around the steps that read and write them.
#include "headrace/ops/state.h"

#include <memory>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "kernels/copy.h"
#include "ops/state/variable_kernels.h"

namespace headrace {
namespace {

// A kernel whose output is the handle of this node's variable.
Kernel VariableKernel(const Node& node) {
  const std::string given = node.attr<std::string>("shared_name");
  return [name = given.empty() ? node.name() : given, container = node.attr<std::string>("container"),
          dtype = node.attr<DType>("dtype"), shape = node.attr<PartialShape>("shape")](KernelContext& context) {
    auto state = context.resources().LookupOrCreate<VariableState>(
        container, name, [&] { return std::make_shared<VariableState>(name, dtype, shape); });
    context.set_output(0, Tensor::Resource(std::move(state)));
  };
}

void VariableShape(ShapeContext& context) {
  context.set_output(0, context.attr<PartialShape>("shape"));
}

DEFINE_OP("VariableV2")
    .Output("ref: Ref(dtype)")
    .Attr("shape: shape")
    .Attr("dtype: type")
    .Attr("container: string = ''")
    .Attr("shared_name: string = ''")
    .Shape(VariableShape)
    .Kernel(VariableKernel)
    .IsHandle()
    .Stateful()
    .NoGradient();

DEFINE_OP("Variable").SameSignatureAs("VariableV2").Kernel(VariableKernel).IsHandle().Stateful().NoGradient();

DEFINE_OP("VarHandleOp")
    .Output("resource: resource")
    .Attr("container: string = ''")
    .Attr("shared_name: string = ''")
    .Attr("debug_name: string = ''")
    .Attr("dtype: type")
    .Attr("shape: shape")
    .Attr("allowed_devices: list(string) = []")
    .Shape(ScalarShape())
    .Kernel(VariableKernel)
    .IsHandle()
    .Stateful()
    .NoGradient();

// ------------------------------------------------------------------------------------------------------------ writing

void CheckShape(const VariableState& variable, const Shape& value, const char* what) {
  if (!variable.shape.IsCompatibleWith(value)) {
    throw InvalidArgument(what, " requires shapes of both tensors to match. lhs shape= ", variable.shape,
                          " rhs shape= ", value, " for variable '", variable.name, "'");
  }
}

void AssignValue(VariableState& variable, const Tensor& value) {
  if (value.dtype() != variable.dtype) {
    throw InvalidArgument("Trying to assign a ", value.dtype(), " to variable '", variable.name, "' of ",
                          variable.dtype);
  }
  // A copy of its own: the value's buffer may be planned memory, or somebody else's constant.
  if (variable.value.defined() && variable.value.shape() == value.shape() && !variable.value.SharesBuffer()) {
    CopyElements(value.dtype(), value.raw(), variable.value.raw(), value.num_elements());
  } else {
    variable.value = value.Clone();
  }
}

template <class F>
TileFunction FindTile(DType dtype, F f) {
  static const Lanes lanes = LanesOf<float, double, int32_t, int64_t>(f);
  if (TileFunction tile = lanes.Tile(dtype)) return tile;
  throw Unimplemented("variables of ", dtype, " are not added to");
}
TileFunction AddTile(DType dtype) {
  return FindTile(dtype, [](auto x, auto y) { return x + y; });
}
TileFunction SubtractTile(DType dtype) {
  return FindTile(dtype, [](auto x, auto y) { return x - y; });
}

void UpdateValue(VariableState& variable, const Tensor& value, TileFunction tile, const char* what) {
  const Tensor& current = variable.Read();
  if (!(current.shape() == value.shape())) {
    throw InvalidArgument(what, " requires shapes of both tensors to match. lhs shape= ", current.shape(),
                          " rhs shape= ", value.shape(), " for variable '", variable.name, "'");
  }
  Tensor& target = variable.Mutable();
  const void* inputs[] = {target.raw(), value.raw()};
  tile(inputs, target.raw(), target.num_elements());
}

DEFINE_OP("Assign")
    .Input("ref: Ref(T)")
    .Input("value: T")
    .Output("output_ref: Ref(T)")
    .Attr("T: type")
    .Attr("validate_shape: bool = true")
    .Attr("use_locking: bool = true")
    .Shape([](ShapeContext& context) {
      const bool validate = context.attr<bool>("validate_shape");
      context.set_output(0, validate ? context.input(0).MergeWith(context.input(1)) : context.input(1));
    })
    .Kernel([](const Node& node) -> Kernel {
      return [validate = node.attr<bool>("validate_shape")](KernelContext& context) {
        VariableState& variable = context.variable(0);
        if (validate) CheckShape(variable, context.input(1).shape(), "Assign");
        AssignValue(variable, context.input(1));
        context.set_output(0, context.input(0));
      };
    })
    .Writes(0)
    .NoGradient();

KernelFactory UpdateRefKernel(TileFunction (*find)(DType), const char* what) {
  return [find, what](const Node& node) -> Kernel {
    return [tile = find(node.input(1).dtype()), what](KernelContext& context) {
      UpdateValue(context.variable(0), context.input(1), tile, what);
      context.set_output(0, context.input(0));
    };
  };
}

DEFINE_OP("AssignAdd")
    .Input("ref: Ref(T)")
    .Input("value: T")
    .Output("output_ref: Ref(T)")
    .Attr("T: {float, double, int32, int64}")
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateRefKernel(AddTile, "AssignAdd"))
    .Writes(0)
    .NoGradient();

DEFINE_OP("AssignSub")
    .SameSignatureAs("AssignAdd")
    .Kernel(UpdateRefKernel(SubtractTile, "AssignSub"))
    .Writes(0)
    .NoGradient();

DEFINE_OP("AssignVariableOp")
    .Input("resource: resource")
    .Input("value: dtype")
    .Attr("dtype: type")
    .Attr("validate_shape: bool = false")
    .Kernel([](KernelContext& context) {
      VariableState& variable = context.variable(0);
      CheckShape(variable, context.input(1).shape(), "AssignVariableOp");
      AssignValue(variable, context.input(1));
    })
    .Writes(0)
    .NoGradient();

KernelFactory UpdateResourceKernel(TileFunction (*find)(DType), const char* what) {
  return [find, what](const Node& node) -> Kernel {
    return [tile = find(node.input(1).dtype()), what](KernelContext& context) {
      UpdateValue(context.variable(0), context.input(1), tile, what);
    };
  };
}

DEFINE_OP("AssignAddVariableOp")
    .Input("resource: resource")
    .Input("value: dtype")
    .Attr("dtype: type")
    .Kernel(UpdateResourceKernel(AddTile, "AssignAddVariableOp"))
    .Writes(0)
    .NoGradient();

DEFINE_OP("AssignSubVariableOp")
    .Input("resource: resource")
    .Input("value: dtype")
    .Attr("dtype: type")
    .Kernel(UpdateResourceKernel(SubtractTile, "AssignSubVariableOp"))
    .Writes(0)
    .NoGradient();

// ------------------------------------------------------------------------------------------------------------ reading

DEFINE_OP("ReadVariableOp")
    .Input("resource: resource")
    .Output("value: dtype")
    .Attr("dtype: type")
    .Shape([](ShapeContext& context) { context.set_output(0, VariableShapeOf(context.node().input(0))); })
    .Kernel([](const Node& node) -> Kernel {
      return [dtype = node.output_dtype(0)](KernelContext& context) {
        const Tensor& value = context.variable(0).Read();
        if (value.dtype() != dtype) {
          throw InvalidArgument("Trying to read variable '", context.variable(0).name, "' with wrong dtype. Expected ",
                                dtype, ", got ", value.dtype());
        }
        context.set_output(0, value);
      };
    })
    .Forwards(0)
    .Reads(0)
    .Gradient([](Backward& b) { b.Return(b.gradient()); });

// TensorFlow's savers ask a variable to stop copying what is read for sparse updates' sake; here a read never copies.
DEFINE_OP("DisableCopyOnRead")
    .Input("resource: resource")
    .Kernel([](KernelContext& context) { (void)context.variable(0); })
    .Stateful()
    .Reads(0)
    .NoGradient();

DEFINE_OP("VariableShape")
    .Input("input: resource")
    .Output("output: out_type")
    .Attr("out_type: {int32, int64} = DT_INT32")
    .Shape([](ShapeContext& context) { context.set_output(0, PartialShape::UnknownOfRank(1)); })
    .Kernel([](KernelContext& context) {
      const Shape& shape = context.variable(0).Read().shape();
      const std::vector<int64_t> dims(shape.begin(), shape.end());
      const bool wide = context.node().output_dtype(0) == DType::kInt64;
      context.set_output(0,
                         wide ? Tensor::Vector(dims) : Tensor::Vector(std::vector<int32_t>(dims.begin(), dims.end())));
    })
    .Value([](ValueContext& c) -> std::optional<StaticValue> {
      const PartialShape shape = VariableShapeOf(c.node().input(0));
      return shape.has_rank() ? std::optional(StaticValue::SizesOf(shape)) : std::nullopt;
    })
    .Reads(0)
    .NoGradient();

DEFINE_OP("IsVariableInitialized")
    .Input("ref: Ref(dtype)")
    .Output("is_initialized: bool")
    .Attr("dtype: type")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) { context.set_output(0, Tensor::Scalar(context.variable(0).value.defined())); })
    .Reads(0)
    .NoGradient();

DEFINE_OP("VarIsInitializedOp")
    .Input("resource: resource")
    .Output("is_initialized: bool")
    .Shape(ScalarShape())
    .Kernel([](KernelContext& context) { context.set_output(0, Tensor::Scalar(context.variable(0).value.defined())); })
    .Reads(0)
    .NoGradient();

DEFINE_OP("DestroyResourceOp")
    .Input("resource: resource")
    .Attr("ignore_lookup_error: bool = true")
    .Kernel([](KernelContext& context) {
      if (auto variable = std::dynamic_pointer_cast<VariableState>(context.input(0).object())) {
        variable->value = Tensor();
        context.resources().Remove("", variable->name);
      }
    })
    .Writes(0)
    .NoGradient();

}  // namespace
}  // namespace headrace
