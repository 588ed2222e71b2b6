// What the passes work on: a private copy of the part of the user's graph that a run needs. Values that are fed have
// become _Feed nodes. Every pass takes a PlanGraph and returns a better one that gives the same fetches.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "headrace/op.h"
#include "headrace/session.h"

namespace headrace {

struct PlanGraph {
  Graph graph;
  std::vector<Output> feeds;       // outputs of _Feed nodes, in the order of the run's feeds
  std::vector<Output> fetches;     // what to return, in order; never references
  std::vector<Node*> targets;      // what to run besides
  std::vector<std::string> notes;  // what the passes did, for ExplainPlan

  // Changes by passes go through these, which know a node's users without a walk over the graph.
  Node* AddNode(NodeSpec spec);
  void ReplaceInput(Node* node, int i, Output with);
  // Puts `with` in the place of `old_output`: in all nodes and among the fetches.
  void Replace(Output old_output, Output with);
  // Makes everything that waits for `node` (control edges, targets) wait for `instead`.
  void ReplaceControl(Node* node, Node* instead);
  // Drops the nodes that are not in `kept`.
  void Keep(const std::unordered_set<const Node*>& kept);

 private:
  // Nodes that have, or had, an edge from this one.
  std::unordered_map<const Node*, std::vector<Node*>> users_;
};

// Copies `graph`, replaces what is fed and drops what the fetches and targets don't need.
// Errors: InvalidArgument on a feed, fetch or target of another graph, or one fed twice.
PlanGraph MakePlanGraph(const Graph& graph, const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                        const std::vector<Node*>& targets);

// Who uses a node.
struct Uses {
  std::vector<std::pair<Node*, int>> inputs;  // (consumer, position of its input), for any of the node's outputs
  std::vector<Node*> controls;                // nodes with a control edge from it
  bool fetched = false, target = false;
};
std::unordered_map<const Node*, Uses> CollectUses(const PlanGraph& plan);

// The node's output 0 is its input 0, as it is.
bool PassesItsInputOn(const Node& node);

// The kernel of a node that does elementwise work behind it (the attribute "host" of a _WithEpilogue node).
struct EpilogueHost : Object {
  KernelWithEpilogue kernel;
  int num_inputs = 0;
  std::string DebugString() const override { return "a kernel with an epilogue"; }
};

// The op and name of a node, for messages; a node that a pass made answers for the one that it came from.
std::string OriginOf(const Node& node);

// --- the passes (passes.cc lists them in running order) ---
PlanGraph Prune(PlanGraph plan, const PlanOptions& options);
PlanGraph RaiseLoops(PlanGraph plan, const PlanOptions& options);
PlanGraph ReadVariables(PlanGraph plan, const PlanOptions& options);
PlanGraph ForwardIdentities(PlanGraph plan, const PlanOptions& options);
PlanGraph FoldConstants(PlanGraph plan, const PlanOptions& options);
PlanGraph MergeCommon(PlanGraph plan, const PlanOptions& options);
PlanGraph Lower(PlanGraph plan, const PlanOptions& options);
PlanGraph FuseElementwise(PlanGraph plan, const PlanOptions& options);
PlanGraph FuseEpilogues(PlanGraph plan, const PlanOptions& options);

}  // namespace headrace
