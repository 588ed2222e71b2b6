// The seam between graphs and eager execution. An immediate graph (one a thread) does not collect nodes to be run
// later: applying an op to it runs the op. The runtime, which does that, stands above graphs and installs itself here.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

class Immediate {
 public:
  virtual ~Immediate() = default;
  // Runs an op; the node stands for its results until the thread's next Forget.
  virtual Node* Apply(const OpDef& op, const std::vector<OpArgument>& arguments, const AttrMap& attrs) = 0;
  virtual Graph& library() = 0;  // keeps the functions of all immediate graphs
};

// Makes `graph` the immediate graph of this thread.
void SetImmediate(Graph* graph, Immediate* runner);
// The runner behind this thread's immediate graph; null for every other graph.
Immediate* ImmediateOf(const Graph& graph);
// The graph that Graph::Current() would be without eager execution.
Graph& InnermostCollecting();
// Where threads take their default graph from instead of an empty one of their own; null for that again.
void SetDefaultGraphSource(Graph& (*source)());

// A graph that belongs to one value, such as a variable of eager execution: wherever its outputs are used, they are
// computed anew, in the graph that uses them.
struct HomeGraph {
  bool is_home = false;
};

}  // namespace headrace
