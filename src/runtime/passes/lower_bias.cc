// LowerBias: a bias on the last axis is an addition that broadcasts, which fuses like any other. Only where the static
// shapes say that the sizes agree, since BiasAdd refuses what AddV2 would broadcast.
#include "runtime/plan_graph.h"

namespace headrace {
namespace {

bool AddsToLastAxis(const Node& node) {
  if (node.type() != "BiasAdd" && node.type() != "BiasAddV1") return false;
  if (node.has_attr("data_format") && node.attr<std::string>("data_format") != "NHWC") return false;
  const PartialShape &value = node.input(0).shape(), &bias = node.input(1).shape();
  return value.has_rank() && value.rank() >= 2 && bias.rank() == 1 && bias[0] >= 0 &&
         value[value.rank() - 1] == bias[0];
}

}  // namespace

PlanGraph LowerBias(PlanGraph plan, const PlanOptions& options) {
  std::vector<Node*> nodes;
  for (const auto& node : plan.graph.nodes()) {
    if (AddsToLastAxis(*node)) nodes.push_back(node.get());
  }
  for (Node* node : nodes) {
    Node* add = plan.AddNode({.name = node->name() + "/_add",
                              .op = "AddV2",
                              .inputs = node->inputs(),
                              .control_inputs = node->control_inputs(),
                              .attrs = {{"T", node->output_dtype(0)}}});
    add->set_output_shape(0, node->output_shape(0));
    add->set_attr("origin", OriginOf(*node));
    plan.Replace(node->output(), add->output());
    plan.ReplaceControl(node, add);
  }
  return Prune(std::move(plan), options);
}

}  // namespace headrace
