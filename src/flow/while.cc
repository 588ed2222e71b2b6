// tf.while_loop.
#include "flow/context.h"
#include "headrace/control_flow.h"
#include "headrace/operators.h"

namespace headrace {
namespace {

// Whether every tensor of shape `a` is one of `b`.
bool IsWithin(const PartialShape& a, const PartialShape& b) {
  if (!b.has_rank()) return true;
  if (a.rank() != b.rank()) return false;
  for (int axis = 0; axis < a.rank(); ++axis) {
    if (b[axis] >= 0 && a[axis] != b[axis]) return false;
  }
  return true;
}

// (3, ?) as Python writes a TensorShape.
std::string AsPython(const PartialShape& shape) {
  if (!shape.has_rank()) return "<unknown>";
  std::string text = "(";
  for (int axis = 0; axis < shape.rank(); ++axis) {
    text += (axis > 0 ? ", " : "") + (shape[axis] < 0 ? std::string("?") : std::to_string(shape[axis]));
  }
  return text + (shape.rank() == 1 ? ",)" : ")");
}

void CheckNext(Output initial, const PartialShape& invariant, Output next) {
  if (next.dtype() != initial.dtype()) {
    throw InvalidArgument("Input tensor '", initial.name(), "' enters the loop with type ", initial.dtype(),
                          ", but has type ", next.dtype(), " after one iteration.");
  }
  if (IsWithin(next.shape(), invariant)) return;
  throw InvalidArgument("Input tensor '", initial.name(), "' enters the loop with shape ", AsPython(initial.shape()),
                        ", but has shape ", AsPython(next.shape()),
                        " after one iteration. To allow the shape to vary across iterations, use the "
                        "`shape_invariants` argument of tf.while_loop to specify a less-specific shape.");
}

std::vector<Output> Build(const std::function<Output(const std::vector<Output>&)>& condition, const LoopFunction& body,
                          const std::vector<Output>& variables, const LoopOptions& options) {
  Graph& graph = Graph::Current();
  auto* loop = static_cast<WhileContext*>(graph.Keep(std::make_unique<WhileContext>(
      WhileParameters{options.parallel_iterations, options.back_prop, options.swap_memory})));
  std::vector<Output> merged, inside, exits;
  std::vector<PartialShape> invariants;
  for (size_t i = 0; i < variables.size(); ++i) {
    const Output initial = variables[i];
    invariants.push_back(i < options.shape_invariants.size() ? options.shape_invariants[i] : initial.shape());
    if (!IsWithin(initial.shape(), invariants[i])) {
      throw InvalidArgument("The shape invariant specified for ", initial.name(),
                            " is not compatible with the initial shape of the loop variable. It enters the loop with "
                            "shape ",
                            AsPython(initial.shape()), ", but the specified shape invariant is ",
                            AsPython(invariants[i]), ".");
    }
    loop->AddVariable(initial, invariants[i]);
    merged.push_back(loop->MergeOf(static_cast<int>(i)));
  }
  loop->SetConditionPivot(merged[0]);
  const ContextScope scope(loop, graph);
  loop->SetCondition(condition(merged));
  for (size_t i = 0; i < variables.size(); ++i) {
    const Output value = loop->BodyValue(static_cast<int>(i));
    const bool reference = value.node->output_is_ref(value.index);
    inside.push_back(ApplyOp(reference ? "RefIdentity" : "Identity", {{value}}, {}, "Identity"));
  }
  loop->SetBodyPivot(inside[0]);
  const std::vector<Output> results = body(inside);
  if (results.size() != variables.size()) {
    throw InvalidArgument("Number of inputs and outputs of body must match loop_vars: ", variables.size(), ", ",
                          results.size());
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const Output next = results[i].graph() == &graph ? results[i] : graph.Capture(results[i]);
    CheckNext(loop->variables()[i].initial, invariants[i], next);
    loop->SetNext(static_cast<int>(i), next);
  }
  for (size_t i = 0; i < results.size(); ++i) exits.push_back(loop->AddExit(static_cast<int>(i)));
  return exits;
}

}  // namespace

std::vector<Output> WhileLoop(const std::function<Output(const std::vector<Output>&)>& condition,
                              const LoopFunction& body, const std::vector<Output>& variables,
                              const LoopOptions& options, std::string_view name) {
  if (variables.empty()) throw InvalidArgument("No loop variables provided");
  const NameScope scope(name);
  if (!options.maximum_iterations) return Build(condition, body, variables, options);
  const Output most = options.maximum_iterations;
  if (most.shape().has_rank() && most.shape().rank() != 0) {
    throw InvalidArgument("maximum_iterations must be a scalar, saw shape: ", AsPython(most.shape()));
  }
  const Output counter = ConstantLike(most.dtype(), 0);
  std::vector<Output> counted = {counter};
  counted.insert(counted.end(), variables.begin(), variables.end());
  LoopOptions rest = options;
  if (!rest.shape_invariants.empty()) rest.shape_invariants.insert(rest.shape_invariants.begin(), Shape());
  const auto without_counter = [](const std::vector<Output>& all) {
    return std::vector<Output>(all.begin() + 1, all.end());
  };
  const auto more = [&](const std::vector<Output>& all) {
    const Output within = ApplyOp("Less", {{all[0]}, {most}});
    return ApplyOp("LogicalAnd", {{within}, {condition(without_counter(all))}});
  };
  const auto step = [&](const std::vector<Output>& all) {
    const Output next = all[0] + 1.0;
    std::vector<Output> results = body(without_counter(all));
    results.insert(results.begin(), next);
    return results;
  };
  return without_counter(Build(more, step, counted, rest));
}

}  // namespace headrace
