// A loop of a v1 graph in the form in which it runs: what it computes before the first iteration and in each.
#pragma once

#include <memory>
#include <string>

#include "headrace/graph.h"

namespace headrace {

struct LoopBody : public Object {
  std::string DebugString() const override { return "Loop(" + frame + ")"; }
  std::string frame;
  int num_variables = 0;
  // The args of both are the loop's variables, then what all iterations share.
  std::shared_ptr<const Function> first;      // gives whether to start
  std::shared_ptr<const Function> iteration;  // gives the variables after an iteration, and whether there is another
};

}  // namespace headrace
