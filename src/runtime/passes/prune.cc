// Prune: drops the nodes that no fetch and no target needs.
#include <unordered_set>

#include "runtime/plan_graph.h"

namespace headrace {

PlanGraph Prune(PlanGraph plan, const PlanOptions&) {
  std::unordered_set<const Node*> needed;
  std::vector<const Node*> pending;
  const auto need = [&](const Node* node) {
    if (needed.insert(node).second) pending.push_back(node);
  };
  for (const Output& feed : plan.feeds) need(feed.node);  // checked and counted even if nothing uses them
  for (const Output& fetch : plan.fetches) need(fetch.node);
  for (const Node* target : plan.targets) need(target);
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    for (const Output& input : node->inputs()) need(input.node);
    for (const Node* control : node->control_inputs()) need(control);
  }
  plan.Keep(needed);
  return plan;
}

}  // namespace headrace
