// Guards follow from the inputs: a node lives where all of its inputs do.
#include "runtime/liveness.h"

#include <algorithm>
#include <iterator>

#include "headrace/op.h"

namespace headrace {
namespace {

// A predicate is known by what is behind the identities that tf.cond puts around it.
Output Behind(Output output) {
  while (true) {
    const Traits& traits = output.node->op().traits;
    if (traits.forwards < 0 || traits.placeholder || output.node->input_is_ref(traits.forwards)) return output;
    output = output.node->input(traits.forwards);
  }
}

}  // namespace

Liveness::Liveness(const Graph& graph) {
  const auto& nodes = graph.nodes();
  if (std::ranges::none_of(nodes, [](const auto& node) { return node->op().flow == Flow::kSwitch; })) return;
  for (const Node* node : graph.TopologicalOrder()) {
    Guard guard;
    const auto join = [&](const Guard& other) {
      if (other.empty()) return;
      Guard both;
      std::ranges::set_union(guard, other, std::back_inserter(both));
      guard = std::move(both);
    };
    int number = 0;
    if (node->op().flow == Flow::kMerge) {
      number = OfMerge(*node);
      guard = guards_[static_cast<size_t>(number)];
    } else {
      for (const Output& input : node->inputs()) join(Conditions(input));
    }
    for (const Node* control : node->control_inputs()) join(guards_[static_cast<size_t>(Of(control))]);
    number = Number(guard);
    if (number != 0) of_node_[node] = number;
    if (node->op().flow != Flow::kSwitch) continue;
    const Output predicate = Behind(node->input(1));
    const auto with = [&](bool value) {
      Guard longer = guard;
      const int condition = NumberOf({.predicate = predicate, .value = value, .any = {}});
      if (!std::ranges::binary_search(longer, condition)) {
        longer.insert(std::ranges::upper_bound(longer, condition), condition);
      }
      return Number(longer);
    };
    of_switch_[node] = {with(false), with(true)};
  }
}

int Liveness::Of(const Node* node) const {
  const auto found = of_node_.find(node);
  return found == of_node_.end() ? 0 : found->second;
}

int Liveness::Of(Output output) const {
  const auto found = of_switch_.find(output.node);
  if (found == of_switch_.end()) return Of(output.node);
  return output.index == 0 ? found->second.first : found->second.second;
}

int Liveness::Number(const Guard& guard) {
  const auto [found, fresh] = numbers_.try_emplace(guard, static_cast<int>(guards_.size()));
  if (fresh) guards_.push_back(guard);
  return found->second;
}

int Liveness::NumberOf(const Condition& condition) {
  const auto found = std::ranges::find(conditions_, condition);
  if (found != conditions_.end()) return static_cast<int>(found - conditions_.begin());
  conditions_.push_back(condition);
  return static_cast<int>(conditions_.size()) - 1;
}

// Where the inputs come from the two branches of one predicate, the Merge lives where the Switch did; else where any of
// the inputs does.
int Liveness::OfMerge(const Node& node) {
  Guard common = Conditions(node.input(0));
  std::vector<int> any;
  for (const Output& input : node.inputs()) {
    Guard both;
    std::ranges::set_intersection(common, Conditions(input), std::back_inserter(both));
    common = std::move(both);
    any.push_back(Of(input));
  }
  std::ranges::sort(any);
  any.erase(std::unique(any.begin(), any.end()), any.end());
  const auto rest = [&](int guard) {
    Guard more;
    std::ranges::set_difference(guards_[static_cast<size_t>(guard)], common, std::back_inserter(more));
    return more;
  };
  if (std::ranges::any_of(any, [&](int guard) { return rest(guard).empty(); })) return Number(common);
  if (any.size() == 2) {
    const Guard a = rest(any[0]), b = rest(any[1]);
    if (a.size() == 1 && b.size() == 1) {
      const Condition &x = condition(a[0]), &y = condition(b[0]);
      if (x.predicate && x.predicate == y.predicate && x.value != y.value) return Number(common);
    }
  }
  Guard guard = common;
  guard.push_back(NumberOf({.predicate = {}, .value = false, .any = any}));
  std::ranges::sort(guard);
  return Number(guard);
}

}  // namespace headrace
