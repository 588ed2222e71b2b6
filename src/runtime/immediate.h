// Nodes of this thread's immediate graph that are not made by running an op.
#pragma once

#include "headrace/eager.h"

namespace headrace {

// A node that stands for an application that ran already: `made` from `inputs`, which are of the immediate graph.
Node* AddImmediateNode(const Node& application, const std::vector<Output>& inputs, std::vector<EagerValue> made);

// The number and kind of the handle of the eager variable with this shared name, without its value; number 0 if there
// is none.
EagerValue EagerHandleNamed(const std::string& shared_name);

}  // namespace headrace
