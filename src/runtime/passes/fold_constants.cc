// FoldConstants: computes, once, what depends on constants only, and the sizes and positions that static shapes tell.
// Results above a bound stay computed in the run, so that a plan doesn't grow by a tensor that a Fill made.
#include <algorithm>

#include "runtime/liveness.h"
#include "runtime/plan_graph.h"
#include "runtime/run_kernel.h"

namespace headrace {
namespace {

constexpr int64_t kMostElements = 1 << 16;

class NoFunctions : public FunctionRunner {
 public:
  std::shared_ptr<const PreparedFunction> Prepare(const FunctionRef& function) override {
    throw Unimplemented("functions are not called while constants are folded: ", function.name);
  }
  std::shared_ptr<const PreparedFunction> PrepareLoose(std::shared_ptr<const Function> function) override {
    return Prepare({function->name, {}});
  }
  std::shared_ptr<const Function> Find(const std::string&) const override { return nullptr; }
  std::shared_ptr<FunctionRunner> NewScope() override { return std::make_shared<NoFunctions>(); }
};

bool HoldsPlainValue(DType dtype) {
  return dtype != DType::kResource && dtype != DType::kVariant;
}

bool IsFoldable(const Node& node) {
  if (node.op().flow != Flow::kNone) return false;
  if (!node.op().effects.pure() || !node.op().kernel || !node.control_inputs().empty() || node.inputs().empty()) {
    return false;
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (!HoldsPlainValue(node.output_dtype(i))) return false;
    const PartialShape& shape = node.output_shape(i);
    if (shape.IsFullyDefined() && shape.ToShape().num_elements() > kMostElements) return false;
  }
  return std::ranges::all_of(node.inputs(), [](const Output& input) {
    return input.node->op().traits.constant && input.node->control_inputs().empty();
  });
}

// What the ops' value rules tell of a node's outputs, if that is all of each.
std::vector<Tensor> KnownBeforeRun(const Node& node, StaticValues& values) {
  if (!node.op().traits.value || !node.op().effects.pure() || !node.control_inputs().empty()) return {};
  std::vector<Tensor> known;
  for (int i = 0; i < node.num_outputs(); ++i) {
    const auto value = values.Of({const_cast<Node*>(&node), i});
    if (!value || !value->complete()) return {};
    known.push_back(value->ToTensor(node.output_dtype(i)));
    if (!known.back().defined()) return {};
  }
  return known;
}

std::vector<Tensor> Fold(const Node& node) {
  StaticValues values;  // the graph changes from one node to the next
  if (auto known = KnownBeforeRun(node, values); !known.empty()) return known;
  if (!IsFoldable(node)) return {};
  std::vector<Tensor> inputs;
  for (const Output& input : node.inputs()) inputs.push_back(input.node->attr<Tensor>("value"));
  ResourceManager resources;
  NoFunctions functions;
  try {
    auto outputs = RunKernel(node, node.op().kernel(node), inputs, {resources, functions});
    const auto fits = [](const Tensor& t) { return t.defined() && t.num_elements() <= kMostElements; };
    return std::ranges::all_of(outputs, fits) ? outputs : std::vector<Tensor>{};
  } catch (const Error&) {
    return {};  // the run will report it, if it gets that far
  }
}

}  // namespace

PlanGraph FoldConstants(PlanGraph plan, const PlanOptions& options) {
  const Liveness liveness(plan.graph);
  int folded = 0;
  for (Node* node : plan.graph.TopologicalOrder()) {
    if (node->op().traits.constant || liveness.Of(node) != 0) continue;  // a constant would live where it must not
    const auto values = Fold(*node);
    if (values.empty()) continue;
    ++folded;
    Node* instead = nullptr;
    for (int i = 0; i < node->num_outputs(); ++i) {
      instead = plan.AddNode({.name = node->name() + "/_folded_" + std::to_string(i),
                              .op = "Const",
                              .attrs = {{"dtype", values[i].dtype()}, {"value", values[i]}}});
      plan.Replace(node->output(i), instead->output());
    }
    if (instead) plan.ReplaceControl(node, instead);
  }
  if (folded > 0) plan.notes.push_back("folded " + std::to_string(folded) + " nodes into constants");
  return Prune(std::move(plan), options);
}

}  // namespace headrace
