// Gradients of conditionals: a Merge sends its gradient to the branch that was taken, a Switch merges what its branches
// send back. They are dead and alive with the branches themselves.
#include "autodiff/differentiator.h"

namespace headrace {
namespace {

Node* Split(Output value, Output predicate) {
  const bool reference = value.node->output_is_ref(value.index);
  return Graph::Current().Apply(reference ? "RefSwitch" : "Switch", {{value}, {predicate}}, {}, "cond_grad");
}

Gradient Branch(const Gradient& dy, Output predicate, int branch) {
  if (!dy.sparse()) return Split(dy.values, predicate)->output(branch);
  return {Split(dy.values, predicate)->output(branch), Split(dy.indices, predicate)->output(branch),
          dy.dense_shape ? Split(dy.dense_shape, predicate)->output(branch) : Output()};
}

Output MergeOf(Output a, Output b) {
  return ApplyOp("Merge", {{a, b}}, {}, "cond_grad");
}

// Alive where `value` is.
Output EmptyLike(Output value, DType dtype) {
  const ControlDependencies after({ApplyOp("Identity", {{value}}).node});
  return Constant(Tensor(dtype, Shape{0}));
}

// What the branch that was not used sends back: nothing, in the form that the other's gradient has.
Gradient MergeWithNothing(const Gradient& dy, Output given, Output predicate, int branch) {
  // Of a variable's handle nobody knows the zeros: the gradient lives only if its branch was taken, as in 1.15.
  if (given.dtype() == DType::kResource) {
    const auto twice = [](Output x) { return ApplyOp("Merge", {{x, x}}, {}, "cond_resource_grad"); };
    if (!dy.sparse()) return twice(dy.values);
    return {twice(dy.values), twice(dy.indices), dy.dense_shape ? twice(dy.dense_shape) : Output()};
  }
  const Output other = Split(given, predicate)->output(1 - branch);
  if (!dy.sparse()) return MergeOf(dy.values, ApplyOp("ZerosLike", {{other}}));
  const auto vector = [](int32_t value) { return Constant(Tensor::Vector(std::vector<int32_t>{value})); };
  const Output rows = ApplyOp("StridedSlice", {{other}, {vector(0)}, {vector(0)}, {vector(1)}});
  Gradient merged(MergeOf(dy.values, rows), MergeOf(dy.indices, EmptyLike(other, dy.indices.dtype())), Output());
  if (dy.dense_shape) {
    merged.dense_shape = MergeOf(dy.dense_shape, ApplyOp("Shape", {{other}}, {{"out_type", dy.dense_shape.dtype()}}));
  }
  return merged;
}

}  // namespace

void SwitchGradient(Backward& b) {
  Gradient if_false = b.gradient(0), if_true = b.gradient(1);
  if (!dynamic_cast<CondContext*>(ContextOf(b.node()))) {  // one that a program made: its gradients may both be alive
    if (if_false) if_false = Branch(if_false, b.x(1), 0);
    if (if_true) if_true = Branch(if_true, b.x(1), 1);
  }
  if (!if_false && !if_true) return b.Return(Gradient(), Gradient());
  if (!if_false) return b.Return(MergeWithNothing(if_true, b.x(0), b.x(1), 1), Gradient());
  if (!if_true) return b.Return(MergeWithNothing(if_false, b.x(0), b.x(1), 0), Gradient());
  b.Return(MergeOf(Densify(if_false), Densify(if_true)), Gradient());
}

void MergeGradient(Backward& b) {
  const Gradient& dy = b.gradient(0);
  const auto count = b.node()->inputs().size();
  std::vector<Gradient> result(count);
  if (!dy) return b.ReturnList(std::move(result));
  for (size_t i = 0; i < count; ++i) {
    const Output input = b.x(static_cast<int>(i));
    if (const auto* branch = dynamic_cast<CondContext*>(OutputContextOf(input.node))) {
      result[i] = Branch(dy, branch->predicate(), branch->branch());
      continue;
    }
    const Output chosen = ApplyOp("Equal", {{b.y(1)}, {Constant(Tensor::Scalar(static_cast<int32_t>(i)))}});
    result[i] = Branch(dy, chosen, 1);
  }
  b.ReturnList(std::move(result));
}

}  // namespace headrace
