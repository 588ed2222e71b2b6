// Slices at index tuples: written into variables (references and resources), and into copies of tensors.
#include "declare/declare.h"
#include "ops/state/variable_kernels.h"

namespace headrace {
namespace {

enum class ScatterNd { kUpdate, kAdd, kSub };

// The slices of `value` at the tuples of `indices` (its innermost dimension) become, gain or lose those of `updates`,
// which has the shape indices.shape[:-1] + value.shape[depth of the tuples:].
template <ScatterNd kHow>
void ScatterSlices(const Tensor& indices, const Tensor& updates, const std::string& node, Tensor* value) {
  if (indices.rank() == 0) throw InvalidArgument("indices must be at least a vector, got a scalar at '", node, "'");
  const int outer = indices.rank() - 1;
  const int64_t depth = indices.dim(outer);
  if (depth > value->rank()) {
    throw InvalidArgument("indices of depth ", depth, " do not index into shape ", value->shape(), " at '", node, "'");
  }
  Shape expected(indices.shape().dims().first(static_cast<size_t>(outer)));
  const int64_t n = expected.num_elements();
  int64_t inner = 1;
  for (int i = static_cast<int>(depth); i < value->rank(); ++i) {
    expected.Append(value->dim(i));
    inner *= value->dim(i);
  }
  if (updates.shape() != expected) {
    throw InvalidArgument(
        "Must have updates.shape = indices.shape[:-1] + shape[indices.shape[-1]:], got updates.shape ", updates.shape(),
        ", indices.shape ", indices.shape(), ", shape ", value->shape(), " at '", node, "'");
  }
  const std::vector<int64_t> tuples = indices.AsInt64s();
  const auto offset_of = [&](int64_t i) {
    int64_t offset = 0;
    for (int64_t d = 0; d < depth; ++d) {
      const int64_t at = tuples[static_cast<size_t>(i * depth + d)];
      const int64_t size = value->dim(static_cast<int>(d));
      if (at < 0 || at >= size) {
        std::string tuple;
        for (int64_t k = 0; k < depth; ++k) {
          tuple += (k ? ", " : "") + std::to_string(tuples[static_cast<size_t>(i * depth + k)]);
        }
        throw InvalidArgument("indices[", i, "] = [", tuple, "] does not index into shape ", value->shape(), " at '",
                              node, "'");
      }
      offset = offset * size + at;
    }
    return offset * inner;
  };
  std::vector<int64_t> offsets(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) offsets[static_cast<size_t>(i)] = offset_of(i);  // all are checked before any write
  VisitNumeric(value->dtype(), "scattering", [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < n; ++i) {
      T* to = value->data<T>() + offsets[static_cast<size_t>(i)];
      const T* from = updates.data<T>() + i * inner;
      for (int64_t j = 0; j < inner; ++j) {
        if constexpr (kHow == ScatterNd::kUpdate) to[j] = from[j];
        if constexpr (kHow == ScatterNd::kAdd) to[j] = static_cast<T>(to[j] + from[j]);
        if constexpr (kHow == ScatterNd::kSub) to[j] = static_cast<T>(to[j] - from[j]);
      }
    }
  });
}

template <ScatterNd kHow>
void IntoResource(KernelContext& context) {
  ScatterSlices<kHow>(context.input(1), context.input(2), context.node().name(), &context.variable(0).Mutable());
}

// The reference forms hand their reference on.
template <ScatterNd kHow>
void IntoReference(KernelContext& context) {
  IntoResource<kHow>(context);
  context.set_output(0, context.input(0));
}

template <ScatterNd kHow>
void IntoTensor(KernelContext& context) {
  Tensor value = context.input(0).Clone();
  ScatterSlices<kHow>(context.input(1), context.input(2), context.node().name(), &value);
  context.set_output(0, std::move(value));
}

DEFINE_OP("ScatterNdUpdate")
    .Input("ref: Ref(T)")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output_ref: Ref(T)")
    .Attr("T: type")
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = true")
    .Shape(SameAsInput(0))
    .Kernel(IntoReference<ScatterNd::kUpdate>)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ScatterNdAdd")
    .Input("ref: Ref(T)")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output_ref: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(IntoReference<ScatterNd::kAdd>)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ScatterNdSub").SameSignatureAs("ScatterNdAdd").Kernel(IntoReference<ScatterNd::kSub>).Writes(0).NoGradient();

DEFINE_OP("ResourceScatterNdUpdate")
    .Input("ref: resource")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Attr("T: type")
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = true")
    .Kernel(IntoResource<ScatterNd::kUpdate>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterNdAdd")
    .SameSignatureAs("ResourceScatterNdUpdate")
    .Kernel(IntoResource<ScatterNd::kAdd>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceScatterNdSub")
    .SameSignatureAs("ResourceScatterNdUpdate")
    .Kernel(IntoResource<ScatterNd::kSub>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

// What flows back to the updates: the slices of dy, negated where they were subtracted.
Output SlicesOf(Backward& b, bool negated) {
  const Output slices = ApplyOp("GatherNd", {{b.dy()}, {b.x(1)}});
  return negated ? ApplyOp("Neg", {{slices}}) : slices;
}

DEFINE_OP("TensorScatterUpdate")
    .Input("tensor: T")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("Tindices", kIndex)
    .Shape(SameAsInput(0))
    .Kernel(IntoTensor<ScatterNd::kUpdate>)
    .Gradient([](Backward& b) {
      const Output none = ApplyOp("ZerosLike", {{b.x(2)}});
      b.Return(ApplyOp("TensorScatterUpdate", {{b.dy()}, {b.x(1)}, {none}}), Gradient(), SlicesOf(b, false));
    });

DEFINE_OP("TensorScatterAdd")
    .SameSignatureAs("TensorScatterUpdate")
    .Kernel(IntoTensor<ScatterNd::kAdd>)
    .Gradient([](Backward& b) { b.Return(b.dy(), Gradient(), SlicesOf(b, false)); });

DEFINE_OP("TensorScatterSub")
    .SameSignatureAs("TensorScatterUpdate")
    .Kernel(IntoTensor<ScatterNd::kSub>)
    .Gradient([](Backward& b) { b.Return(b.dy(), Gradient(), SlicesOf(b, true)); });

// A ScatterNd onto a tensor, which TensorFlow may write in place.
DEFINE_OP("ScatterNdNonAliasingAdd")
    .Input("input: T")
    .Input("indices: Tindices")
    .Input("updates: T")
    .Output("output: T")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Shape(SameAsInput(0))
    .Kernel(IntoTensor<ScatterNd::kAdd>)
    .Gradient([](Backward& b) { b.Return(b.dy(), Gradient(), SlicesOf(b, false)); });

}  // namespace
}  // namespace headrace
