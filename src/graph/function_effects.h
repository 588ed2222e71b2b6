// Automatic control dependencies: in a function everything with an effect happens, and in the order of the program.
#pragma once

#include <vector>

#include "headrace/graph.h"

namespace headrace {

// Adds control edges between the nodes of a function's body that use one resource, where one of them may change it, in
// the order in which they were made. Returns the nodes that have to run even if no result needs them.
std::vector<Node*> OrderEffects(Graph& body);

}  // namespace headrace
