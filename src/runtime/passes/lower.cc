// Lower: puts simpler nodes in the place of those whose ops say how, so that later passes need to know fewer ops.
#include "runtime/plan_graph.h"

namespace headrace {
namespace {

class PlanLowering final : public Lowering {
 public:
  PlanLowering(PlanGraph* plan, const Node& node) : plan_(*plan), node_(node) {}
  const Node& node() const override { return node_; }
  bool added() const { return count_ > 0; }
  Output Add(const char* op, std::vector<Output> inputs, AttrMap attrs) override {
    Node* added = plan_.AddNode({.name = node_.name() + "/_lowered_" + std::to_string(count_++),
                                 .op = op,
                                 .inputs = std::move(inputs),
                                 .control_inputs = node_.control_inputs(),
                                 .attrs = std::move(attrs)});
    added->set_attr("origin", OriginOf(node_));
    return added->output();
  }

 private:
  PlanGraph& plan_;
  const Node& node_;
  int count_ = 0;
};

}  // namespace

PlanGraph Lower(PlanGraph plan, const PlanOptions& options) {
  int lowered = 0;
  for (Node* node : plan.graph.TopologicalOrder()) {
    if (!node->op().traits.lower) continue;
    PlanLowering lowering(&plan, *node);
    const Output instead = node->op().traits.lower(lowering);
    if (!instead || (!lowering.added() && !node->control_inputs().empty())) continue;
    instead.node->set_output_shape(instead.index, instead.shape().MergeWith(node->output_shape(0)));
    plan.Replace(node->output(), instead);
    plan.ReplaceControl(node, instead.node);
    ++lowered;
  }
  if (lowered > 0) plan.notes.push_back("lowered " + std::to_string(lowered) + " nodes");
  return Prune(std::move(plan), options);
}

}  // namespace headrace
