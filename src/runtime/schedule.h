// The order in which a plan's nodes run.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "runtime/plan_graph.h"

namespace headrace {

// Which variables nodes touch, as far as that is known before the run.
struct VariableUse {
  // The variable behind a reference or resource; nullptr if only the run tells.
  std::map<std::pair<const Node*, int>, std::shared_ptr<VariableState>> states;
  std::shared_ptr<VariableState> Find(Output output) const {
    const auto found = states.find({output.node, output.index});
    return found == states.end() ? nullptr : found->second;
  }
};

// A read that gives the variable's whole value and does nothing else.
bool IsPlainRead(const Node& node);

// Orders the nodes: edges are kept; a variable is read before it is written unless edges say otherwise, and so is what
// uses the value read, where that makes no cycle; blocking nodes come as early as they can, writes as soon as they can.
// Errors: InvalidArgument naming a cycle.
std::vector<Node*> MakeSchedule(const PlanGraph& plan, const VariableUse& variables);

}  // namespace headrace
