// Reverse-mode differentiation: from ys backwards through the nodes that lie between xs and ys, in reverse topological
// order, summing what arrives at each output before its node's gradient function is called.
#include "headrace/gradients.h"

#include "autodiff/accumulate.h"
#include "graph/immediate.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace headrace {
namespace {

class Differentiator {
 public:
  Differentiator(const std::vector<Output>& xs, const std::vector<Output>& stop_gradients)
      : xs_(xs), stops_(stop_gradients) {}

  void Start(Output y, const Gradient& dy) { Arrived(y).push_back(dy); }

  void Run(const std::vector<Output>& ys) {
    const std::vector<Node*> order = FromXs(ys);
    for (auto node = order.rbegin(); node != order.rend(); ++node) Visit(*node);
  }

  Gradient Result(Output x) { return SumGradients(Arrived(x)); }

 private:
  std::vector<Gradient>& Arrived(Output output) { return arrived_[{output.node, output.index}]; }
  bool IsStop(const Output& output) const { return std::ranges::find(stops_, output) != stops_.end(); }

  // The nodes on a path from xs to ys, inputs first.
  std::vector<Node*> FromXs(const std::vector<Output>& ys) {
    std::unordered_set<Node*> below;  // what ys are computed from
    std::vector<Node*> stack;
    const auto push = [&](Node* node) {
      if (below.insert(node).second) stack.push_back(node);
    };
    for (const Output& y : ys) push(y.node);
    while (!stack.empty()) {
      Node* node = stack.back();
      stack.pop_back();
      for (const Output& input : node->inputs()) push(input.node);
    }
    std::unordered_set<const Node*> sources;
    for (const Output& x : xs_) sources.insert(x.node);
    std::vector<Node*> between;
    if (ys.empty()) return between;
    for (Node* node : ys[0].graph()->TopologicalOrder()) {
      if (!below.contains(node)) continue;
      bool depends = sources.contains(node);
      for (const Output& input : node->inputs()) {
        depends |= depends_.contains(input.node) && CarriesGradient(input.dtype()) && !IsStop(input);
      }
      if (!depends) continue;
      depends_.insert(node);
      between.push_back(node);
    }
    return between;
  }

  void Visit(Node* node) {
    // A source whose own inputs lead to no other source needs no step further back.
    const bool inputs_matter = std::ranges::any_of(node->inputs(), [&](const Output& input) {
      return depends_.contains(input.node) && CarriesGradient(input.dtype()) && !IsStop(input);
    });
    if (!inputs_matter) return;
    std::vector<Gradient> dys;
    bool any = false;
    for (const Output& output : node->outputs()) {
      std::vector<Gradient>& parts = Arrived(output);
      const Gradient sum = SumGradients(parts);
      if (sum) parts = {sum};
      any |= static_cast<bool>(sum);
      dys.push_back(sum);
    }
    if (!any || node->op().no_gradient) return;
    if (!node->op().gradient) {
      throw NotFound("No gradient defined for operation '", node->name(), "' (op type: ", node->type(), ")");
    }
    NameScope scope(node->name() + "_grad");
    Backward backward(node, std::move(dys));
    node->op().gradient(backward);
    const auto& result = backward.result();
    if (result.size() != node->inputs().size()) {
      throw Internal("the gradient of ", node->type(), " returned ", result.size(), " gradients for ",
                     node->inputs().size(), " inputs");
    }
    for (size_t i = 0; i < result.size(); ++i) {
      const Output input = node->input(static_cast<int>(i));
      if (result[i] && depends_.contains(input.node) && !IsStop(input)) Arrived(input).push_back(result[i]);
    }
  }

  const std::vector<Output>& xs_;
  const std::vector<Output>& stops_;
  std::unordered_set<const Node*> depends_;  // nodes that depend on xs
  std::map<std::pair<const Node*, int>, std::vector<Gradient>> arrived_;
};

}  // namespace

bool CarriesGradient(DType dtype) {
  return IsFloating(dtype) || IsComplex(dtype) || dtype == DType::kResource || dtype == DType::kVariant;
}

Gradient SumGradients(const std::vector<Gradient>& parts) {
  if (parts.size() <= 1) return parts.empty() ? Gradient() : parts[0];
  if (std::ranges::all_of(parts, &Gradient::sparse)) {
    OpArgument values, indices;
    for (const Gradient& part : parts) {
      values.push_back(part.values);
      indices.push_back(part.indices);
    }
    const Output axis = Constant(Tensor::Scalar<int32_t>(0), "axis");
    return {ApplyOp("ConcatV2", {values, {axis}}, {}, "concat"), ApplyOp("ConcatV2", {indices, {axis}}, {}, "concat"),
            parts[0].dense_shape};
  }
  OpArgument dense;
  for (const Gradient& part : parts) dense.push_back(Densify(part));
  return ApplyOp("AddN", {dense});
}

Output OnesGradient(Output y, std::string_view name) {
  if (!IsFloating(y.dtype()) && !IsComplex(y.dtype())) {
    throw InvalidArgument("Gradients of tensors must be floating or complex, got ", y.dtype(), " for ", y.name());
  }
  const Output shape = ApplyOp("Shape", {{y}}, {{"out_type", DType::kInt32}});
  const Output one = Constant(Tensor::Scalar(1.0f), name);
  const Output typed = y.dtype() == DType::kFloat ? one : ApplyOp("Cast", {{one}}, {{"DstT", y.dtype()}});
  return ApplyOp("Fill", {{shape}, {typed}});
}

std::vector<Gradient> Gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                const GradientOptions& options) {
  if (!options.grad_ys.empty() && options.grad_ys.size() != ys.size()) {
    throw InvalidArgument("expected a gradient for each of ", ys.size(), " ys, got ", options.grad_ys.size());
  }
  std::vector<Output> sources = xs;
  for (Output& x : sources) {  // of a variable of eager execution: its handle in this graph
    if (!ys.empty() && x.graph()->Extension<HomeGraph>().is_home) x = ys[0].graph()->Capture(x);
  }
  NameScope scope(options.name);
  Differentiator differentiator(sources, options.stop_gradients);
  for (size_t i = 0; i < ys.size(); ++i) {
    const Output given = options.grad_ys.empty() ? Output() : options.grad_ys[i];
    differentiator.Start(ys[i], given ? given : OnesGradient(ys[i], "grad_ys_" + std::to_string(i)));
  }
  differentiator.Run(ys);
  std::vector<Gradient> results;
  for (const Output& x : sources) results.push_back(differentiator.Result(x));
  return results;
}

}  // namespace headrace
