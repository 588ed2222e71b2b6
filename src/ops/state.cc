<<<<<<< HEAD
// Variables: reference variables of TensorFlow 1 and resource variables. Their values live in the session's resources;
// the runtime locks them around the steps that read and write them.
#include "headrace/ops/state.h"

#include <memory>

#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/gather.h"
#include "headrace/ops/state.h"
#include "kernels/copy.h"
#include "kernels/lanes.h"
#include "ops/declare.h"
=======
// Variables: 1.x's references (VariableV2, Assign, ...) and resources (VarHandleOp, AssignVariableOp, ...). Both name a
// VariableState of the session; the two families of ops share their kernels.
#include <cstring>

#include "base/thread_pool.h"
#include "ops/declare.h"
#include "ops/variable_kernels.h"
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)

namespace headrace {
namespace {

<<<<<<< HEAD
// A kernel whose output is the handle of this node's variable.
Kernel VariableKernel(const Node& node) {
  const std::string given = node.attr<std::string>("shared_name");
  return [name = given.empty() ? node.name() : given, container = node.attr<std::string>("container"),
          dtype = node.attr<DType>("dtype"), shape = node.attr<PartialShape>("shape")](KernelContext& context) {
    auto state = context.resources().LookupOrCreate<VariableState>(
        container, name, [&] { return std::make_shared<VariableState>(name, dtype, shape); });
=======
// ------------------------------------------------------------------------------------------------------ making handles

// The kernel that gives the handle of the variable this node names, making the variable at first.
Kernel HandleKernel(const Node& node) {
  const std::string& shared = node.attr<std::string>("shared_name");
  return [name = shared.empty() ? node.name() : shared, container = node.attr<std::string>("container"),
          dtype = node.attr<DType>("dtype"), shape = node.attr<PartialShape>("shape")](KernelContext& context) {
    const auto create = [&] { return std::make_shared<VariableState>(name, dtype, shape); };
    auto state = context.resources().LookupOrCreate<VariableState>(container, name, create);
    if (state->dtype != dtype) {
      throw InvalidArgument("variable '", name, "' holds ", state->dtype, ", the node '", context.node().name(),
                            "' declares ", dtype);
    }
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    context.set_output(0, Tensor::Resource(std::move(state)));
  };
}

<<<<<<< HEAD
void VariableShape(ShapeContext& context) {
  context.set_output(0, context.attr<PartialShape>("shape"));
}

=======
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
DEFINE_OP("VariableV2")
    .Output("ref: Ref(dtype)")
    .Attr("shape: shape")
    .Attr("dtype: type")
    .Attr("container: string = ''")
    .Attr("shared_name: string = ''")
<<<<<<< HEAD
    .Shape(VariableShape)
    .Kernel(VariableKernel)
    .Stateful()
    .NoGradient();

DEFINE_OP("Variable")
    .Output("ref: Ref(dtype)")
    .Attr("shape: shape")
    .Attr("dtype: type")
    .Attr("container: string = ''")
    .Attr("shared_name: string = ''")
    .Shape(VariableShape)
    .Kernel(VariableKernel)
=======
    .Shape([](ShapeContext& context) { context.set_output(0, context.attr<PartialShape>("shape")); })
    .Kernel(HandleKernel)
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    .Stateful()
    .NoGradient();

DEFINE_OP("VarHandleOp")
    .Output("resource: resource")
    .Attr("container: string = ''")
    .Attr("shared_name: string = ''")
    .Attr("debug_name: string = ''")
    .Attr("dtype: type")
    .Attr("shape: shape")
    .Attr("allowed_devices: list(string) = []")
    .Shape(ScalarShape())
<<<<<<< HEAD
    .Kernel(VariableKernel)
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
  OpDef op;
  internal::AddLanes(&op, f, LaneTypes<float, double, int32_t, int64_t>());
  if (TileFunction tile = op.lanes.Find(dtype)) return tile;
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
=======
    .Kernel(HandleKernel)
    .Stateful()
    .NoGradient();

// ------------------------------------------------------------------------------------------------- reading and writing

// What is known of the shape of the variable behind a handle.
PartialShape VariableShapeOf(const Output& handle) {
  const Node* node = handle.node;
  while (node->type() == "Identity") node = node->input(0).node;
  return node->type() == "VarHandleOp" ? node->attr<PartialShape>("shape") : PartialShape();
}

void AssignValue(KernelContext& context, bool validate_shape) {
  VariableState& variable = context.variable(0);
  const Tensor& value = context.input(1);
  if (variable.dtype != value.dtype()) {
    throw InvalidArgument("variable '", variable.name, "' holds ", variable.dtype, ", got a value of ", value.dtype());
  }
  if (validate_shape && !variable.shape.IsCompatibleWith(value.shape())) {
    throw InvalidArgument("Assign requires shapes of both tensors to match. lhs shape= ", variable.shape,
                          " rhs shape= ", value.shape(), " at '", context.node().name(), "'");
  }
  StoreValue(variable, value);
}

template <int kSign>
void AddValue(KernelContext& context) {
  VariableState& variable = context.variable(0);
  const Tensor& delta = context.input(1);
  Tensor& value = variable.Mutable();
  if (!(value.shape() == delta.shape())) {
    throw InvalidArgument("cannot add a value of shape ", delta.shape(), " to variable '", variable.name, "' of shape ",
                          value.shape(), " at '", context.node().name(), "'");
  }
  VisitNumeric(value.dtype(), "adding to a variable", [&](auto zero) {
    using T = decltype(zero);
    T* to = value.data<T>();
    const T* from = delta.data<T>();
    const int64_t n = value.num_elements();
    for (int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(kSign > 0 ? to[i] + from[i] : to[i] - from[i]);
  });
}

// The reference forms hand their reference on.
template <void (*kWrite)(KernelContext&)>
void WriteReference(KernelContext& context) {
  kWrite(context);
  context.set_output(0, context.input(0));
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
}

DEFINE_OP("Assign")
    .Input("ref: Ref(T)")
    .Input("value: T")
    .Output("output_ref: Ref(T)")
    .Attr("T: type")
    .Attr("validate_shape: bool = true")
    .Attr("use_locking: bool = true")
    .Shape([](ShapeContext& context) {
<<<<<<< HEAD
      const bool validate = context.attr<bool>("validate_shape");
      context.set_output(0, validate ? context.input(0).MergeWith(context.input(1)) : context.input(1));
    })
    .Kernel([](const Node& node) -> Kernel {
      return [validate = node.attr<bool>("validate_shape")](KernelContext& context) {
        VariableState& variable = context.variable(0);
        if (validate) CheckShape(variable, context.input(1).shape(), "Assign");
        AssignValue(variable, context.input(1));
=======
      if (!context.attr<bool>("validate_shape")) return context.set_output(0, context.input(1));
      context.set_output(0, context.input(0).MergeWith(context.input(1)));
    })
    .Kernel([](const Node& node) -> Kernel {
      return [validate = node.attr<bool>("validate_shape")](KernelContext& context) {
        AssignValue(context, validate);
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
        context.set_output(0, context.input(0));
      };
    })
    .Writes(0)
    .NoGradient();

<<<<<<< HEAD
KernelFactory UpdateRefKernel(TileFunction (*find)(DType), const char* what) {
  return [find, what](const Node& node) -> Kernel {
    return [tile = find(node.input(1).dtype()), what](KernelContext& context) {
      UpdateValue(context.variable(0), context.input(1), tile, what);
      context.set_output(0, context.input(0));
    };
  };
}

=======
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
DEFINE_OP("AssignAdd")
    .Input("ref: Ref(T)")
    .Input("value: T")
    .Output("output_ref: Ref(T)")
<<<<<<< HEAD
    .Attr("T: {float, double, int32, int64}")
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateRefKernel(AddTile, "AssignAdd"))
=======
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(WriteReference<AddValue<1>>)
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    .Writes(0)
    .NoGradient();

DEFINE_OP("AssignSub")
    .Input("ref: Ref(T)")
    .Input("value: T")
    .Output("output_ref: Ref(T)")
<<<<<<< HEAD
    .Attr("T: {float, double, int32, int64}")
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateRefKernel(SubtractTile, "AssignSub"))
=======
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(WriteReference<AddValue<-1>>)
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    .Writes(0)
    .NoGradient();

DEFINE_OP("AssignVariableOp")
    .Input("resource: resource")
    .Input("value: dtype")
    .Attr("dtype: type")
    .Attr("validate_shape: bool = false")
<<<<<<< HEAD
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

=======
    .Kernel([](KernelContext& context) { AssignValue(context, true); })
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
DEFINE_OP("AssignAddVariableOp")
    .Input("resource: resource")
    .Input("value: dtype")
    .Attr("dtype: type")
<<<<<<< HEAD
    .Kernel(UpdateResourceKernel(AddTile, "AssignAddVariableOp"))
    .Writes(0)
=======
    .Kernel(AddValue<1>)
    .Stateful()
    .Writes(0)
    .Keep()
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    .NoGradient();

DEFINE_OP("AssignSubVariableOp")
    .Input("resource: resource")
    .Input("value: dtype")
    .Attr("dtype: type")
<<<<<<< HEAD
    .Kernel(UpdateResourceKernel(SubtractTile, "AssignSubVariableOp"))
    .Writes(0)
    .NoGradient();

// ------------------------------------------------------------------------------------------------------------ reading

=======
    .Kernel(AddValue<-1>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
DEFINE_OP("ReadVariableOp")
    .Input("resource: resource")
    .Output("value: dtype")
    .Attr("dtype: type")
<<<<<<< HEAD
    .Shape([](ShapeContext& context) {
      const Node* handle = context.node().input(0).node;
      context.set_output(0, handle->type() == "VarHandleOp" ? handle->attr<PartialShape>("shape") : PartialShape());
    })
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
=======
    .Shape([](ShapeContext& context) { context.set_output(0, VariableShapeOf(context.node().input(0))); })
    .Kernel([](KernelContext& context) { context.set_output(0, context.variable(0).Read()); })
    .Stateful()
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    .Reads(0)
    .Gradient([](Backward& b) { b.Return(b.gradient()); });

DEFINE_OP("VariableShape")
    .Input("input: resource")
    .Output("output: out_type")
    .Attr("out_type: {int32, int64} = DT_INT32")
<<<<<<< HEAD
    .Shape([](ShapeContext& context) { context.set_output(0, PartialShape::UnknownOfRank(1)); })
    .Kernel([](KernelContext& context) {
      const Shape& shape = context.variable(0).Read().shape();
      const std::vector<int64_t> dims(shape.begin(), shape.end());
      const bool wide = context.node().output_dtype(0) == DType::kInt64;
      context.set_output(0,
                         wide ? Tensor::Vector(dims) : Tensor::Vector(std::vector<int32_t>(dims.begin(), dims.end())));
    })
    .Reads(0)
    .NoGradient();

=======
    .Shape([](ShapeContext& context) {
      const PartialShape shape = VariableShapeOf(context.node().input(0));
      context.set_output(0, PartialShape{shape.has_rank() ? shape.rank() : -1});
    })
    .Kernel([](KernelContext& context) {
      const Shape& shape = context.variable(0).Read().shape();
      Tensor& out = context.AllocateOutput(0, {shape.rank()});
      VisitNumeric(out.dtype(), "a shape", [&](auto zero) {
        for (int i = 0; i < shape.rank(); ++i) out.data<decltype(zero)>()[i] = static_cast<decltype(zero)>(shape[i]);
      });
    })
    .Stateful()
    .Reads(0)
    .NoGradient();

void IsInitialized(KernelContext& context) {
  *context.AllocateOutput(0, {}).data<bool>() = context.variable(0).value.defined();
}

>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
DEFINE_OP("IsVariableInitialized")
    .Input("ref: Ref(dtype)")
    .Output("is_initialized: bool")
    .Attr("dtype: type")
    .Shape(ScalarShape())
<<<<<<< HEAD
    .Kernel([](KernelContext& context) { context.set_output(0, Tensor::Scalar(context.variable(0).value.defined())); })
=======
    .Kernel(IsInitialized)
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    .Reads(0)
    .NoGradient();

DEFINE_OP("VarIsInitializedOp")
    .Input("resource: resource")
    .Output("is_initialized: bool")
    .Shape(ScalarShape())
<<<<<<< HEAD
    .Kernel([](KernelContext& context) { context.set_output(0, Tensor::Scalar(context.variable(0).value.defined())); })
=======
    .Kernel(IsInitialized)
    .Stateful()
>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
    .Reads(0)
    .NoGradient();

DEFINE_OP("DestroyResourceOp")
    .Input("resource: resource")
    .Attr("ignore_lookup_error: bool = true")
<<<<<<< HEAD
    .Kernel([](KernelContext& context) {
      if (auto variable = std::dynamic_pointer_cast<VariableState>(context.input(0).object())) {
        variable->value = Tensor();
        context.resources().Remove("", variable->name);
      }
    })
    .Writes(0)
    .NoGradient();

=======
    .Kernel([](KernelContext& context) { context.variable(0).value = Tensor(); })
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

// ---------------------------------------------------------------------------------------------------------------- rows

enum class Scatter { kUpdate, kAdd, kSub };

// Rows `indices` of the variable become, gain or lose the rows of `updates` (or the one scalar).
template <Scatter kHow>
void ScatterRows(KernelContext& context) {
  Tensor& value = context.variable(0).Mutable();
  const Tensor& updates = context.input(2);
  if (value.rank() == 0) throw InvalidArgument("cannot scatter into a scalar at '", context.node().name(), "'");
  const std::vector<int64_t> rows = CheckedRows(context.input(1), value.dim(0), context.node().name());
  const int64_t width = value.dim(0) == 0 ? 0 : value.num_elements() / value.dim(0);
  const bool scalar = updates.rank() == 0;
  if (!scalar && updates.num_elements() != static_cast<int64_t>(rows.size()) * width) {
    throw InvalidArgument(
        "Must have updates.shape = indices.shape + params.shape[1:] or updates.shape = [], got "
        "updates.shape ",
        updates.shape(), ", indices.shape ", context.input(1).shape(), ", params.shape ", value.shape(), " at '",
        context.node().name(), "'");
  }
  VisitNumeric(value.dtype(), "scattering", [&](auto zero) {
    using T = decltype(zero);
    const T* from = updates.data<T>();
    for (size_t i = 0; i < rows.size(); ++i) {
      T* to = value.data<T>() + rows[i] * width;
      for (int64_t j = 0; j < width; ++j) {
        const T update = from[scalar ? 0 : static_cast<int64_t>(i) * width + j];
        if constexpr (kHow == Scatter::kUpdate) to[j] = update;
        if constexpr (kHow == Scatter::kAdd) to[j] = static_cast<T>(to[j] + update);
        if constexpr (kHow == Scatter::kSub) to[j] = static_cast<T>(to[j] - update);
      }
    }
  });
}

DEFINE_OP("ScatterUpdate")
    .Input("ref: Ref(T)")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output_ref: Ref(T)")
    .Attr("T: type")
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = true")
    .Shape(SameAsInput(0))
    .Kernel(WriteReference<ScatterRows<Scatter::kUpdate>>)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ScatterAdd")
    .Input("ref: Ref(T)")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output_ref: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(WriteReference<ScatterRows<Scatter::kAdd>>)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ScatterSub")
    .Input("ref: Ref(T)")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output_ref: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(WriteReference<ScatterRows<Scatter::kSub>>)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ResourceScatterUpdate")
    .Input("resource: resource")
    .Input("indices: Tindices")
    .Input("updates: dtype")
    .Attr("dtype: type")
    .Attr("Tindices", kIndex)
    .Kernel(ScatterRows<Scatter::kUpdate>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterAdd")
    .Input("resource: resource")
    .Input("indices: Tindices")
    .Input("updates: dtype")
    .Attr("dtype", kReal)
    .Attr("Tindices", kIndex)
    .Kernel(ScatterRows<Scatter::kAdd>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterSub")
    .Input("resource: resource")
    .Input("indices: Tindices")
    .Input("updates: dtype")
    .Attr("dtype", kReal)
    .Attr("Tindices", kIndex)
    .Kernel(ScatterRows<Scatter::kSub>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceGather")
    .Input("resource: resource")
    .Input("indices: Tindices")
    .Output("output: dtype")
    .Attr("batch_dims: int = 0")
    .Attr("validate_indices: bool = true")
    .Attr("dtype: type")
    .Attr("Tindices", kIndex)
    .Shape([](ShapeContext& context) {
      const PartialShape params = VariableShapeOf(context.node().input(0));
      PartialShape shape = context.input(1);
      if (!params.has_rank() || !shape.has_rank()) return context.set_output(0, PartialShape());
      for (int i = 1; i < params.rank(); ++i) shape.Append(params[i]);
      context.set_output(0, shape);
    })
    .Kernel([](const Node& node) -> Kernel {
      if (node.attr<int64_t>("batch_dims") != 0) {
        throw Unimplemented("ResourceGather takes batch_dims 0, got ", node.attr<int64_t>("batch_dims"), " at '",
                            node.name(), "'");
      }
      return [](KernelContext& context) {
        const Tensor& params = context.variable(0).Read();
        const Tensor& indices = context.input(1);
        const std::vector<int64_t> rows = CheckedRows(indices, params.dim(0), context.node().name());
        Shape shape = indices.shape();
        for (int i = 1; i < params.rank(); ++i) shape.Append(params.dim(i));
        Tensor& out = context.AllocateOutput(0, shape);
        const size_t width = params.dim(0) == 0 ? 0 : params.bytes() / params.dim(0);
        for (size_t i = 0; i < rows.size(); ++i) {
          std::memcpy(static_cast<char*>(out.raw()) + i * width,
                      static_cast<const char*>(params.raw()) + rows[i] * width, width);
        }
      };
    })
    .Stateful()
    .Reads(0)
    .Gradient([](Backward& b) {
      // The rows that were read, flattened to a list: tf.IndexedSlices.
      const Output shape = ApplyOp("VariableShape", {{b.x(0)}});
      const auto vector = [](std::vector<int32_t> values) { return Constant(Tensor::Vector(values)); };
      const Output row =
          ApplyOp("StridedSlice", {{shape}, {vector({1})}, {vector({0})}, {vector({1})}}, {{"end_mask", 1}});
      const Output values_shape = ApplyOp("ConcatV2", {{vector({-1}), row}, {Constant(Tensor::Scalar<int32_t>(0))}});
      b.Return(Gradient(ApplyOp("Reshape", {{b.dy()}, {values_shape}}), ApplyOp("Reshape", {{b.x(1)}, {vector({-1})}}),
                        shape),
               Gradient());
    });

>>>>>>> 990f92b (Variables, optimizer updates, checkpoints, summaries and gradients as ops)
}  // namespace
}  // namespace headrace
