// ReadVariables: makes every read of a reference explicit. A consumer that takes a value where it is given a reference
// gets a _Read node of its own, which waits for whatever the consumer waits for. After this pass references are used
// only by ops that declare so, and the effects tell all about who reads and who writes.
#include <algorithm>
#include <unordered_set>

#include "runtime/plan_graph.h"

namespace headrace {
namespace {

Output AddRead(PlanGraph* plan, Output reference, const std::string& name, const std::vector<Node*>& controls,
               const std::string& origin) {
  Node* read = plan->AddNode({.name = name,
                              .op = "_Read",
                              .inputs = {reference},
                              .control_inputs = controls,
                              .attrs = {{"T", reference.dtype()}, {"origin", origin}}});
  read->set_output_shape(0, reference.shape());
  return read->output();
}

bool IsReference(Output output) {
  return output.node->output_is_ref(output.index);
}

// The nodes that run behind a write of a variable.
std::unordered_set<const Node*> BehindWrites(const std::vector<Node*>& in_order) {
  std::unordered_set<const Node*> behind;
  for (const Node* node : in_order) {
    const bool follows =
        std::ranges::any_of(node->inputs(), [&](const Output& input) { return behind.contains(input.node); }) ||
        std::ranges::any_of(node->control_inputs(), [&](const Node* control) { return behind.contains(control); });
    if (follows || !node->op().effects.writes.empty()) behind.insert(node);
  }
  return behind;
}

// In TensorFlow 1 the tensor "x/read" is the variable's memory itself: a node that was told to wait for a write, and
// uses a read that did not wait, sees what was written (the idiom of moving averages).
void ReadAgainBehindWrites(PlanGraph* plan) {
  const std::vector<Node*> nodes = plan->graph.TopologicalOrder();
  const auto behind = BehindWrites(nodes);
  if (behind.empty()) return;
  for (Node* node : nodes) {
    const auto is_behind = [&](const Node* control) { return behind.contains(control); };
    if (std::ranges::none_of(node->control_inputs(), is_behind)) continue;
    for (int i = 0; i < static_cast<int>(node->inputs().size()); ++i) {
      const Node* read = node->input(i).node;
      const bool aliases = PassesItsInputOn(*read) && IsReference(read->input(0));
      if (!aliases || behind.contains(read)) continue;
      plan->ReplaceInput(node, i,
                         AddRead(plan, read->input(0), node->name() + "/_read_again_" + std::to_string(i),
                                 node->control_inputs(), OriginOf(*node)));
    }
  }
}

}  // namespace

PlanGraph ReadVariables(PlanGraph plan, const PlanOptions&) {
  ReadAgainBehindWrites(&plan);
  std::vector<Node*> nodes;
  for (const auto& node : plan.graph.nodes()) nodes.push_back(node.get());
  for (Node* node : nodes) {
    for (int i = 0; i < static_cast<int>(node->inputs().size()); ++i) {
      if (!IsReference(node->input(i)) || node->input_is_ref(i)) continue;
      const Output read = AddRead(&plan, node->input(i), node->name() + "/_read_" + std::to_string(i),
                                  node->control_inputs(), OriginOf(*node));
      plan.ReplaceInput(node, i, read);
    }
  }
  for (size_t i = 0; i < plan.fetches.size(); ++i) {
    Output& fetch = plan.fetches[i];
    if (!IsReference(fetch)) continue;
    fetch = AddRead(&plan, fetch, "_fetch_" + std::to_string(i), {}, OriginOf(*fetch.node));
  }
  return plan;
}

}  // namespace headrace
