// When the nodes of a v1 graph run: a Switch lets one of its outputs live, and what depends on the other is dead until
// a Merge takes whichever is alive. Every node gets a guard, the conditions under which it lives, so that a plan can
// tell by the predicates alone whether to run a step. Loops must have been raised before.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

// Either what a predicate must be, or guards of which one must hold (a Merge that closes no conditional).
struct Condition {
  Output predicate;
  bool value = false;
  std::vector<int> any;
  bool operator==(const Condition&) const = default;
};

class Liveness {
 public:
  explicit Liveness(const Graph& graph);
  // Guards of equal number hold together; 0 always holds.
  int Of(const Node* node) const;
  int Of(Output output) const;  // a Switch lives longer than its outputs
  // The conditions that must all hold, in an order in which each predicate is known once those before it hold.
  const std::vector<int>& ConditionsOf(int guard) const { return guards_[static_cast<size_t>(guard)]; }
  const Condition& condition(int i) const { return conditions_[static_cast<size_t>(i)]; }
  int num_guards() const { return static_cast<int>(guards_.size()); }

 private:
  using Guard = std::vector<int>;  // conditions, ascending
  int Number(const Guard& guard);
  int NumberOf(const Condition& condition);
  int OfMerge(const Node& node);
  const Guard& Conditions(Output output) const { return guards_[static_cast<size_t>(Of(output))]; }

  std::vector<Condition> conditions_;
  std::vector<Guard> guards_ = {{}};
  std::map<Guard, int> numbers_ = {{{}, 0}};
  std::unordered_map<const Node*, int> of_node_;                    // absent: 0
  std::unordered_map<const Node*, std::pair<int, int>> of_switch_;  // its outputs
};

}  // namespace headrace
