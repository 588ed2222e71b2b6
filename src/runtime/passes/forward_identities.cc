// ForwardIdentities: lets the users of an identity use what it passes on. An identity that waits for more than its
// input does stays, since its users wait for that through it.
#include <algorithm>
#include <set>
#include <string_view>

#include "runtime/plan_graph.h"

namespace headrace {
namespace {

bool PassesItsInputOn(const Node& node) {
  static const std::set<std::string_view> kOps = {"Identity", "StopGradient", "PreventGradient",
                                                  "PlaceholderWithDefault", "Snapshot"};
  return kOps.contains(node.type()) && !node.input_is_ref(0);
}

}  // namespace

PlanGraph ForwardIdentities(PlanGraph plan, const PlanOptions& options) {
  for (Node* node : plan.graph.TopologicalOrder()) {
    if (!PassesItsInputOn(*node)) continue;
    Node* source = node->input(0).node;
    const auto& already = source->control_inputs();
    const auto waited_for = [&](Node* control) {
      return control == source || std::ranges::find(already, control) != already.end();
    };
    if (!std::ranges::all_of(node->control_inputs(), waited_for)) continue;
    plan.Replace(node->output(), node->input(0));
    plan.ReplaceControl(node, source);
  }
  return Prune(std::move(plan), options);
}

}  // namespace headrace
