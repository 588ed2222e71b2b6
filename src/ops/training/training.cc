// The optimizers' updates: for each rule the dense and the sparse op, as reference and as resource form. Sparse ones
// take the rows `indices` of the variable; duplicate rows are updated one after the other, as in TensorFlow.
#include "base/thread_pool.h"
#include "declare/declare.h"
#include "kernels/dispatch.h"
#include "ops/state/variable_kernels.h"
#include "ops/training/training_rules.h"

namespace headrace {
namespace {

// Fewer elements than this are not worth waking another thread for.
constexpr int64_t kGrain = 1 << 16;

template <class Rule, class T>
void UpdateRange(const Rule& rule, const std::array<T*, 3>& state, const T* gradient, int64_t n) {
  T* variable = state[0];
  [[maybe_unused]] T* first = state[1];
  [[maybe_unused]] T* second = state[2];
  if constexpr (Rule::kSlots == 0) {
    for (int64_t i = 0; i < n; ++i) rule(variable[i], gradient[i]);
  } else if constexpr (Rule::kSlots == 1) {
    for (int64_t i = 0; i < n; ++i) rule(variable[i], first[i], gradient[i]);
  } else {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) rule(variable[i], first[i], second[i], gradient[i]);
  }
}

// Where a node's gradient, indices and hyperparameters are among its inputs.
struct UpdateLayout {
  int gradient = 0;
  int indices = -1;  // of the sparse ops
  std::vector<int> scalars;
};

template <class Rule>
UpdateLayout LayoutOf(const Node& node) {
  UpdateLayout layout;
  for (const OpArg& arg : node.op().inputs) {
    if (arg.name == "grad" || arg.name == "delta") layout.gradient = ArgumentIndex(node, arg.name);
    if (arg.name == "indices") layout.indices = ArgumentIndex(node, arg.name);
  }
  for (std::string_view scalar : Rule::kScalars) layout.scalars.push_back(ArgumentIndex(node, scalar));
  return layout;
}

template <class T, class Rule>
void Update(KernelContext& context, const UpdateLayout& layout) {
  std::array<T, Rule::kScalars.size()> scalars;
  for (size_t i = 0; i < scalars.size(); ++i) scalars[i] = context.input(layout.scalars[i]).template scalar<T>();
  const Rule rule(scalars, context.node());
  const Tensor& gradient = context.input(layout.gradient);
  const T* from = gradient.data<T>();

  std::array<T*, 3> state{};
  Shape shape;
  for (int i = 0; i <= Rule::kSlots; ++i) {
    Tensor& value = context.variable(i).Mutable();
    if (i > 0 && !(value.shape() == shape)) {
      throw InvalidArgument("var and slot do not have the same shape ", shape, " ", value.shape(), " at '",
                            context.node().name(), "'");
    }
    shape = value.shape();
    state[i] = value.data<T>();
  }
  const auto shifted = [&](int64_t by) {
    std::array<T*, 3> at = state;
    for (int i = 0; i <= Rule::kSlots; ++i) at[i] += by;
    return at;
  };

  if (layout.indices < 0) {
    if (!(gradient.shape() == shape)) {
      throw InvalidArgument("var and grad do not have the same shape ", shape, " ", gradient.shape(), " at '",
                            context.node().name(), "'");
    }
    context.pool().ParallelFor(gradient.num_elements(), kGrain, [&](int64_t begin, int64_t end) {
      Vectorised([&] { UpdateRange(rule, shifted(begin), from + begin, end - begin); });
    });
  } else {
    if (shape.rank() == 0) throw InvalidArgument("var must be at least 1 dimensional at '", context.node().name(), "'");
    const std::vector<int64_t> rows = CheckedRows(context.input(layout.indices), shape[0], context.node().name());
    const int64_t width = shape[0] == 0 ? 0 : shape.num_elements() / shape[0];
    if (gradient.num_elements() != width * static_cast<int64_t>(rows.size())) {
      throw InvalidArgument(
          "grad must be the same size as indices in the first dimension and as var in the others: ", gradient.shape(),
          " against ", rows.size(), " rows of ", shape, " at '", context.node().name(), "'");
    }
    Vectorised([&] {
      for (size_t i = 0; i < rows.size(); ++i) {
        UpdateRange(rule, shifted(rows[i] * width), from + static_cast<int64_t>(i) * width, width);
      }
    });
  }
  if (context.num_outputs() == 1) context.set_output(0, context.input(0));
}

template <template <class> class Rule>
Kernel UpdateKernel(const Node& node) {
  const UpdateLayout layout = LayoutOf<Rule<float>>(node);
  const DType dtype = node.attr<DType>("T");
  if (dtype == DType::kFloat) return [layout](KernelContext& context) { Update<float, Rule<float>>(context, layout); };
  if (dtype == DType::kDouble) {
    return [layout](KernelContext& context) { Update<double, Rule<double>>(context, layout); };
  }
  throw Unimplemented("optimizers update variables of float32 and float64, got ", dtype, " at '", node.name(), "'");
}

// ----------------------------------------------------------------------------------------------------- gradient
// descent

DEFINE_OP("ApplyGradientDescent")
    .Input("var: Ref(T)")
    .Input("alpha: T")
    .Input("delta: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<GradientDescentRule>)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ResourceApplyGradientDescent")
    .Input("var: resource")
    .Input("alpha: T")
    .Input("delta: T")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Kernel(UpdateKernel<GradientDescentRule>)
    .Stateful()
    .Writes(0)
    .Keep()
    .NoGradient();

// -------------------------------------------------------------------------------------------------------------
// momentum

DEFINE_OP("ApplyMomentum")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("lr: T")
    .Input("grad: T")
    .Input("momentum: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("use_nesterov: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<MomentumRule>)
    .Writes(0)
    .Writes(1)
    .NoGradient();

DEFINE_OP("SparseApplyMomentum")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("lr: T")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Input("momentum: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Attr("use_nesterov: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<MomentumRule>)
    .Writes(0)
    .Writes(1)
    .NoGradient();

DEFINE_OP("ResourceApplyMomentum")
    .Input("var: resource")
    .Input("accum: resource")
    .Input("lr: T")
    .Input("grad: T")
    .Input("momentum: T")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("use_nesterov: bool = false")
    .Kernel(UpdateKernel<MomentumRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceSparseApplyMomentum")
    .Input("var: resource")
    .Input("accum: resource")
    .Input("lr: T")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Input("momentum: T")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Attr("use_nesterov: bool = false")
    .Kernel(UpdateKernel<MomentumRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Keep()
    .NoGradient();

// --------------------------------------------------------------------------------------------------------------
// Adagrad

DEFINE_OP("ApplyAdagrad")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("lr: T")
    .Input("grad: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("update_slots: bool = true")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<AdagradRule>)
    .Writes(0)
    .Writes(1)
    .NoGradient();

DEFINE_OP("SparseApplyAdagrad")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("lr: T")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Attr("update_slots: bool = true")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<AdagradRule>)
    .Writes(0)
    .Writes(1)
    .NoGradient();

DEFINE_OP("ResourceApplyAdagrad")
    .Input("var: resource")
    .Input("accum: resource")
    .Input("lr: T")
    .Input("grad: T")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("update_slots: bool = true")
    .Kernel(UpdateKernel<AdagradRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceSparseApplyAdagrad")
    .Input("var: resource")
    .Input("accum: resource")
    .Input("lr: T")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Attr("update_slots: bool = true")
    .Kernel(UpdateKernel<AdagradRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceApplyAdagradV2")
    .Input("var: resource")
    .Input("accum: resource")
    .Input("lr: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("update_slots: bool = true")
    .Kernel(UpdateKernel<AdagradV2Rule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Keep()
    .NoGradient();

// -----------------------------------------------------------------------------------------------------------------
// Adam

DEFINE_OP("ApplyAdam")
    .Input("var: Ref(T)")
    .Input("m: Ref(T)")
    .Input("v: Ref(T)")
    .Input("beta1_power: T")
    .Input("beta2_power: T")
    .Input("lr: T")
    .Input("beta1: T")
    .Input("beta2: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("use_nesterov: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<AdamRule>)
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .NoGradient();

DEFINE_OP("ResourceApplyAdam")
    .Input("var: resource")
    .Input("m: resource")
    .Input("v: resource")
    .Input("beta1_power: T")
    .Input("beta2_power: T")
    .Input("lr: T")
    .Input("beta1: T")
    .Input("beta2: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("use_nesterov: bool = false")
    .Kernel(UpdateKernel<AdamRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .Keep()
    .NoGradient();

// -----------------------------------------------------------------------------------------------------------------
// FTRL

DEFINE_OP("ApplyFtrl")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("linear: Ref(T)")
    .Input("grad: T")
    .Input("lr: T")
    .Input("l1: T")
    .Input("l2: T")
    .Input("lr_power: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("multiply_linear_by_lr: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<FtrlRule>)
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .NoGradient();

DEFINE_OP("SparseApplyFtrl")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("linear: Ref(T)")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Input("lr: T")
    .Input("l1: T")
    .Input("l2: T")
    .Input("lr_power: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Attr("multiply_linear_by_lr: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<FtrlRule>)
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .NoGradient();

DEFINE_OP("ResourceApplyFtrl")
    .Input("var: resource")
    .Input("accum: resource")
    .Input("linear: resource")
    .Input("grad: T")
    .Input("lr: T")
    .Input("l1: T")
    .Input("l2: T")
    .Input("lr_power: T")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("multiply_linear_by_lr: bool = false")
    .Kernel(UpdateKernel<FtrlRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceSparseApplyFtrl")
    .Input("var: resource")
    .Input("accum: resource")
    .Input("linear: resource")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Input("lr: T")
    .Input("l1: T")
    .Input("l2: T")
    .Input("lr_power: T")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Attr("multiply_linear_by_lr: bool = false")
    .Kernel(UpdateKernel<FtrlRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .Keep()
    .NoGradient();

DEFINE_OP("ApplyFtrlV2")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("linear: Ref(T)")
    .Input("grad: T")
    .Input("lr: T")
    .Input("l1: T")
    .Input("l2: T")
    .Input("l2_shrinkage: T")
    .Input("lr_power: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Attr("multiply_linear_by_lr: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<FtrlV2Rule>)
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .NoGradient();

DEFINE_OP("SparseApplyFtrlV2")
    .Input("var: Ref(T)")
    .Input("accum: Ref(T)")
    .Input("linear: Ref(T)")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Input("lr: T")
    .Input("l1: T")
    .Input("l2: T")
    .Input("l2_shrinkage: T")
    .Input("lr_power: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Attr("multiply_linear_by_lr: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<FtrlV2Rule>)
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .NoGradient();

// --------------------------------------------------------------------------------------------------------------
// RMSProp

DEFINE_OP("ApplyRMSProp")
    .Input("var: Ref(T)")
    .Input("ms: Ref(T)")
    .Input("mom: Ref(T)")
    .Input("lr: T")
    .Input("rho: T")
    .Input("momentum: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<RmsPropRule>)
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .NoGradient();

DEFINE_OP("SparseApplyRMSProp")
    .Input("var: Ref(T)")
    .Input("ms: Ref(T)")
    .Input("mom: Ref(T)")
    .Input("lr: T")
    .Input("rho: T")
    .Input("momentum: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Output("out: Ref(T)")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Shape(SameAsInput(0))
    .Kernel(UpdateKernel<RmsPropRule>)
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .NoGradient();

DEFINE_OP("ResourceApplyRMSProp")
    .Input("var: resource")
    .Input("ms: resource")
    .Input("mom: resource")
    .Input("lr: T")
    .Input("rho: T")
    .Input("momentum: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Attr("T", kReal)
    .Attr("use_locking: bool = false")
    .Kernel(UpdateKernel<RmsPropRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .Keep()
    .NoGradient();

DEFINE_OP("ResourceSparseApplyRMSProp")
    .Input("var: resource")
    .Input("ms: resource")
    .Input("mom: resource")
    .Input("lr: T")
    .Input("rho: T")
    .Input("momentum: T")
    .Input("epsilon: T")
    .Input("grad: T")
    .Input("indices: Tindices")
    .Attr("T", kReal)
    .Attr("Tindices", kIndex)
    .Attr("use_locking: bool = false")
    .Kernel(UpdateKernel<RmsPropRule>)
    .Stateful()
    .Writes(0)
    .Writes(1)
    .Writes(2)
    .Keep()
    .NoGradient();

}  // namespace
}  // namespace headrace
