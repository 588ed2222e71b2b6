// ReadVariables: makes every read of a reference explicit. A consumer that takes a value where it is given a reference
// gets a _Read node of its own, which waits for whatever the consumer waits for. After this pass references are used
// only by ops that declare so, and the effects tell all about who reads and who writes.
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

}  // namespace

PlanGraph ReadVariables(PlanGraph plan, const PlanOptions&) {
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
