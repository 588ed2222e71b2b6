// One pass backwards through a part of a graph: from ys to xs, in reverse topological order, summing what arrives at
// each output before its node's gradient function is called. A loop counts as one node (loop_gradient.cc); a pass
// through its body is one of its own, in the scope of that loop.
#pragma once

#include <map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "autodiff/accumulate.h"
#include "flow/context.h"
#include "headrace/gradients.h"

namespace headrace {

class Differentiator {
 public:
  struct Options {
    std::vector<Output> stops;
    bool gate = false;
  };
  // `scope`: the loop in whose body this works; null outside of loops.
  Differentiator(std::vector<Output> xs, const Options& options, WhileContext* scope);

  void Start(Output y, const Gradient& dy) { Arrived(y).push_back(dy); }
  void Run(const std::vector<Output>& ys);
  Gradient Result(Output x) { return SumGradients(Arrived(x)); }

 private:
  // A node, or a loop with all of its nodes.
  struct Unit {
    Node* node = nullptr;
    WhileContext* loop = nullptr;
    auto operator<=>(const Unit&) const = default;
  };
  Unit UnitOf(Node* node) const;
  std::vector<Output> InputsOf(const Unit& unit) const;
  std::vector<Unit> OrderBelow(const std::vector<Output>& ys) const;
  bool Depends(Output output) const {
    return depends_.contains(UnitOf(output.node)) && CarriesGradient(output.dtype());
  }
  bool IsStop(const Node* node) const { return stops_.contains(node); }
  bool IsStartOfScope(const Node& node) const;

  std::vector<Gradient>& Arrived(Output output) { return arrived_[{output.node, output.index}]; }
  Gradient Gather(Output output);
  void Pass(Output input, const Gradient& gradient);
  void Visit(Node* node);
  void VisitLoop(WhileContext* loop);

  std::vector<Output> xs_;
  const Options& options_;
  WhileContext* scope_;
  std::unordered_set<const Node*> stops_;
  std::set<WhileContext*> around_;  // the loops that the scope is in, and it; null for what is outside of all
  std::set<Unit> depends_;          // on xs
  std::map<std::pair<const Node*, int>, std::vector<Gradient>> arrived_;
};

// The gradient of a node of v1 control flow outside of loops: what a Switch and a Merge do to gradients.
void SwitchGradient(Backward& b);
void MergeGradient(Backward& b);

}  // namespace headrace
