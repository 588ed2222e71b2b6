// ForwardIdentities: lets the users of an identity use what it passes on. An identity that waits for more than its
// input does stays, since its users wait for that through it.
#include <algorithm>

#include "runtime/liveness.h"
#include "runtime/plan_graph.h"

namespace headrace {

bool PassesItsInputOn(const Node& node) {
  const int input = node.op().traits.forwards;
  return input >= 0 && node.num_outputs() == 1 && node.op().effects.pure() && !node.input_is_ref(input);
}

PlanGraph ForwardIdentities(PlanGraph plan, const PlanOptions& options) {
  const Liveness liveness(plan.graph);
  for (Node* node : plan.graph.TopologicalOrder()) {
    if (!PassesItsInputOn(*node)) continue;
    Node* source = node->input(node->op().traits.forwards).node;
    const auto& already = source->control_inputs();
    const auto waited_for = [&](Node* control) {
      return control == source || std::ranges::find(already, control) != already.end();
    };
    if (!std::ranges::all_of(node->control_inputs(), waited_for)) continue;
    plan.Replace(node->output(), node->input(node->op().traits.forwards));
    // A Switch outlives its outputs: who waits for one of them must die with it.
    if (liveness.Of(node) == liveness.Of(source)) plan.ReplaceControl(node, source);
  }
  return Prune(std::move(plan), options);
}

}  // namespace headrace
