// Conditionals and loops. In graphs they are written as TensorFlow 1.15 writes them, with Switch, Merge, Enter, Exit
// and NextIteration: what the functions build joins the same graph, so that variables, collections, scopes and
// gradients work inside as they do outside, and exports load in TensorFlow.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

// What true_fn() gives if `predicate` (a bool scalar) holds when the graph runs, else what false_fn() gives. Both are
// called now, and build the two branches; only the ops made inside a branch wait for it to be taken.
// Errors: InvalidArgument where 1.15 raises ValueError: for branches that differ in the number or dtypes of results.
std::vector<Output> Cond(Output predicate, const std::function<std::vector<Output>()>& true_fn,
                         const std::function<std::vector<Output>()>& false_fn, std::string_view name = "cond");

// Inside a branch: the tensor that lives if the branch is taken, for operations that are its result. Inside a loop: the
// one that lives in each iteration. Absent outside of both.
Output ControlPivot();

struct LoopOptions {
  std::vector<PartialShape> shape_invariants;  // of the variables; empty: the shapes that they start with
  int parallel_iterations = 10;
  bool back_prop = true;  // false: gradients stop here
  bool swap_memory = false;
  Output maximum_iterations;  // an integer scalar; none if absent
};
using LoopFunction = std::function<std::vector<Output>(const std::vector<Output>& variables)>;

// Starts with `variables` and, as long as condition(variables) gives a true scalar, goes on with body(variables).
// Returns the last ones. Both are called once, now.
// Errors: InvalidArgument where 1.15 raises ValueError: no variables, another number of results, a result of another
// dtype, or of a shape that the invariant does not allow.
std::vector<Output> WhileLoop(const std::function<Output(const std::vector<Output>& variables)>& condition,
                              const LoopFunction& body, const std::vector<Output>& variables,
                              const LoopOptions& options = {}, std::string_view name = "while");

}  // namespace headrace
