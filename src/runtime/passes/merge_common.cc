// MergeCommon: of pure nodes that apply the same op with the same attributes to the same inputs, the first serves all.
#include <algorithm>
#include <cstring>
#include <functional>

#include "runtime/plan_graph.h"

namespace headrace {
namespace {

constexpr int64_t kMostBytesCompared = 4096;

bool IsMergeable(const Node& node) {
  if (!node.op().effects.pure() || !node.op().kernel || node.num_outputs() == 0) return false;
  if (!node.op().traits.constant) return true;
  const Tensor& value = node.attr<Tensor>("value");
  return SizeOf(value.dtype()) > 0 && static_cast<int64_t>(value.bytes()) <= kMostBytesCompared;
}

size_t Mix(size_t hash, size_t with) {
  return (hash ^ with) * 0x9E3779B97F4A7C15ull + (hash >> 29);
}

size_t HashOf(const Node& node) {
  size_t hash = std::hash<const void*>()(&node.op());
  for (const Output& input : node.inputs()) hash = Mix(Mix(hash, std::hash<const void*>()(input.node)), input.index);
  if (node.op().traits.constant) {
    const Tensor& value = node.attr<Tensor>("value");
    hash = Mix(hash, std::hash<std::string_view>()({static_cast<const char*>(value.raw()), value.bytes()}));
  }
  return hash;
}

bool SameAttrs(const Node& a, const Node& b) {
  if (!a.op().traits.constant) return a.attrs() == b.attrs();
  const Tensor &x = a.attr<Tensor>("value"), &y = b.attr<Tensor>("value");
  return x.dtype() == y.dtype() && x.shape() == y.shape() && std::memcmp(x.raw(), y.raw(), x.bytes()) == 0;
}

bool Same(const Node& a, const Node& b) {
  return &a.op() == &b.op() && a.inputs() == b.inputs() && a.control_inputs() == b.control_inputs() && SameAttrs(a, b);
}

}  // namespace

PlanGraph MergeCommon(PlanGraph plan, const PlanOptions& options) {
  std::unordered_map<size_t, std::vector<Node*>> seen;
  int merged = 0;
  for (Node* node : plan.graph.TopologicalOrder()) {
    if (!IsMergeable(*node)) continue;
    auto& candidates = seen[HashOf(*node)];
    const auto first = std::ranges::find_if(candidates, [&](Node* other) { return Same(*other, *node); });
    if (first == candidates.end()) {
      candidates.push_back(node);
      continue;
    }
    for (int i = 0; i < node->num_outputs(); ++i) plan.Replace(node->output(i), (*first)->output(i));
    plan.ReplaceControl(node, *first);
    ++merged;
  }
  if (merged > 0) plan.notes.push_back("merged " + std::to_string(merged) + " nodes with an earlier twin");
  return Prune(std::move(plan), options);
}

}  // namespace headrace
