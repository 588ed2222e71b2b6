// FoldConstants: computes, once, what depends on constants only, and the shapes of tensors whose static shape is known.
// Results above a bound stay computed in the run, so that a plan doesn't grow by a tensor that a Fill made.
#include <algorithm>

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
  if (!node.op().effects.pure() || !node.op().kernel || !node.control_inputs().empty() || node.inputs().empty()) {
    return false;
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    if (!HoldsPlainValue(node.output_dtype(i))) return false;
    const PartialShape& shape = node.output_shape(i);
    if (shape.IsFullyDefined() && shape.ToShape().num_elements() > kMostElements) return false;
  }
  return std::ranges::all_of(node.inputs(), [](const Output& input) {
    return input.node->type() == "Const" && input.node->control_inputs().empty();
  });
}

// The value of Shape, Size or Rank where the static shape says it all.
Tensor KnownFromShape(const Node& node) {
  const auto& type = node.type();
  if ((type != "Shape" && type != "Size" && type != "Rank") || !node.control_inputs().empty()) return {};
  const PartialShape& shape = node.input(0).shape();
  if (!shape.has_rank()) return {};
  if (type == "Rank") return Tensor::Scalar<int32_t>(shape.rank());
  if (!shape.IsFullyDefined()) return {};
  const bool wide = node.output_dtype(0) == DType::kInt64;
  if (type == "Size") {
    const int64_t size = shape.ToShape().num_elements();
    return wide ? Tensor::Scalar<int64_t>(size) : Tensor::Scalar(static_cast<int32_t>(size));
  }
  if (wide) return Tensor::Vector<int64_t>(std::span<const int64_t>(shape.dims()));
  return Tensor::Vector(std::vector<int32_t>(shape.dims().begin(), shape.dims().end()));
}

std::vector<Tensor> Fold(const Node& node) {
  if (Tensor known = KnownFromShape(node); known.defined()) return {known};
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
  int folded = 0;
  for (Node* node : plan.graph.TopologicalOrder()) {
    if (node->type() == "Const") continue;
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
