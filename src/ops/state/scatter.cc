// Rows of variables: scattering into references and resources, gathering from resources.
#include "declare/declare.h"
#include "kernels/copy.h"
#include "ops/state/variable_kernels.h"

namespace headrace {
namespace {

enum class Scatter { kUpdate, kAdd, kSub, kMul, kDiv, kMin, kMax };

// Rows `indices` of the variable are combined with the rows of `updates` (or the one scalar), or become these.
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
        if constexpr (kHow == Scatter::kMul) to[j] = static_cast<T>(to[j] * update);
        if constexpr (kHow == Scatter::kDiv) {
          if constexpr (std::is_integral_v<T>) {
            if (update == T(0)) throw InvalidArgument("Integer division by zero at '", context.node().name(), "'");
          }
          to[j] = static_cast<T>(to[j] / update);
        }
        if constexpr (kHow == Scatter::kMin) to[j] = update < to[j] ? update : to[j];
        if constexpr (kHow == Scatter::kMax) to[j] = to[j] < update ? update : to[j];
      }
    }
  });
}

// The reference forms hand their reference on.
template <Scatter kHow>
void ScatterReference(KernelContext& context) {
  ScatterRows<kHow>(context);
  context.set_output(0, context.input(0));
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
    .Kernel(ScatterReference<Scatter::kUpdate>)
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
    .Kernel(ScatterReference<Scatter::kAdd>)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ScatterSub").SameSignatureAs("ScatterAdd").Kernel(ScatterReference<Scatter::kSub>).Writes(0).NoGradient();

DEFINE_OP("ScatterMul").SameSignatureAs("ScatterAdd").Kernel(ScatterReference<Scatter::kMul>).Writes(0).NoGradient();
DEFINE_OP("ScatterDiv").SameSignatureAs("ScatterAdd").Kernel(ScatterReference<Scatter::kDiv>).Writes(0).NoGradient();
DEFINE_OP("ScatterMin")
    .Input("ref: Ref(T)")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output_ref: Ref(T)")
    .Attr("T: {half, bfloat16, float, double, int32, int64}")
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(ScatterReference<Scatter::kMin>)
    .Writes(0)
    .NoGradient();
DEFINE_OP("ScatterMax").SameSignatureAs("ScatterMin").Kernel(ScatterReference<Scatter::kMax>).Writes(0).NoGradient();

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
    .SameSignatureAs("ResourceScatterAdd")
    .Kernel(ScatterRows<Scatter::kSub>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterMul")
    .SameSignatureAs("ResourceScatterAdd")
    .Kernel(ScatterRows<Scatter::kMul>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterDiv")
    .SameSignatureAs("ResourceScatterAdd")
    .Kernel(ScatterRows<Scatter::kDiv>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterMin")
    .SameSignatureAs("ResourceScatterAdd")
    .Kernel(ScatterRows<Scatter::kMin>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterMax")
    .SameSignatureAs("ResourceScatterAdd")
    .Kernel(ScatterRows<Scatter::kMax>)
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
        if (params.rank() == 0) throw InvalidArgument("params must be at least 1 dimensional");
        const Tensor& indices = context.input(1);
        const std::vector<int64_t> rows = CheckedRows(indices, params.dim(0), context.node().name());
        Shape shape = indices.shape();
        for (int i = 1; i < params.rank(); ++i) shape.Append(params.dim(i));
        Tensor& out = context.AllocateOutput(0, shape);
        const int64_t width = params.dim(0) == 0 ? 0 : params.num_elements() / params.dim(0);
        CopyRows(params.dtype(), params.raw(), rows, width, out.raw());
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

}  // namespace
}  // namespace headrace
