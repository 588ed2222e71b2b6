// What is done to each node before Apply adds it: device functions, scopes of attributes, colocation. They are kept as
// an extension of the graph, which most graphs don't have; not copied with it.
#pragma once

#include <functional>

#include "headrace/graph.h"

namespace headrace {

struct NodeRules {
  std::function<void(NodeSpec&)> change;  // may change device and attributes; empty: nothing to do
};

}  // namespace headrace
