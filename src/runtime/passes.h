// The passes that make a plan graph better, in one list in running order. A pass is a pure function in a file of its
// own (runtime/passes/); a new one is that file and a line in passes.cc. Each is named, timed, can be switched off, and
// in tests what it left is verified.
#pragma once

#include <span>
#include <string>

#include "runtime/plan_graph.h"

namespace headrace {

struct Pass {
  const char* name;  // as HEADRACE_DISABLE_PASSES and ExplainPlan call it
  PlanGraph (*run)(PlanGraph, const PlanOptions&);
  bool required = false;  // the run depends on it: it takes no switching off
};
std::span<const Pass> Passes();

// Runs the required passes, and the others if `options.optimize`, without those that the environment variable
// HEADRACE_DISABLE_PASSES names ("fuse_elementwise,merge_common"). Adds what each took to the graph's notes. With
// HEADRACE_VERIFY_PASSES=1 verifies the graph after each.
// Errors: InvalidArgument if the variable names a pass that isn't there or is required; Cancelled between two passes.
PlanGraph RunPasses(PlanGraph plan, const PlanOptions& options, const Cancellation* cancellation = nullptr);

// What has to be true of a plan graph between any two passes.
class PlanInvariants {
 public:
  // Remembers what the run asks for, which no pass may change.
  explicit PlanInvariants(const PlanGraph& plan);
  // Errors: Internal naming the pass `after`, if inputs lead out of the graph or in a circle, do not fit the ops'
  // signatures, shapes contradict the ops' rules, or feeds, fetches or targets are not those asked for.
  void Check(const PlanGraph& plan, const char* after) const;

 private:
  struct Value {
    DType dtype;
    PartialShape shape;
  };
  std::vector<Value> feeds_, fetches_;
  size_t targets_ = 0;
};

}  // namespace headrace
