// A plan: the steps of a run in the order in which they run, and where each value lies. Made once by Compile, run many
// times, by many threads at once: what changes in a run is in a RunState, of which the plan keeps a pool.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "headrace/session.h"
#include "runtime/plan_graph.h"
#include "runtime/run_kernel.h"
#include "runtime/variable_locks.h"

namespace headrace {

// Where a step finds an input, or a run its result.
struct ValueRef {
  enum class Kind : uint8_t { kValue, kConstant };
  Kind kind = Kind::kValue;
  int index = 0;  // into RunState::values or Plan::constants
};

struct Step {
  const Node* node = nullptr;
  Kernel kernel;                            // of a step that reads a variable: none
  int first_input = 0, num_inputs = 0;      // in Plan::inputs
  int first_output = 0, num_outputs = 0;    // value numbers
  int variable = -1;                        // what the step reads, in Plan::variables
  std::vector<VariableArgument> variables;  // what the kernel reads and writes itself
  std::vector<int> dying;                   // values that no later step needs
  int guard = 0;                            // in Plan::guards: the step runs if it holds
  std::vector<int> input_guards;            // of a step that hands on the input whose guard holds, and has no kernel
};

// The step of a branch of a conditional runs if all of these hold; each predicate is known if those before it hold.
struct GuardCondition {
  ValueRef predicate;
  bool value = false;
  std::vector<int> any;  // if not empty, instead: one of these guards holds
};
using Guard = std::vector<GuardCondition>;

class RunState;
class Plan {
 public:
  std::shared_ptr<const PlanGraph> source;  // after all passes; keeps the nodes of the steps
  std::vector<Step> steps;
  std::vector<ValueRef> inputs;
  std::vector<uint8_t> may_reuse;  // beside `inputs`: the step is the last to need this value
  std::vector<Tensor> constants;
  std::vector<std::shared_ptr<VariableState>> variables;

  int num_values = 0, num_slots = 0;
  std::vector<int> slot_of_value;  // -1: a fresh tensor (results, strings, feeds)
  std::shared_ptr<bool[]> needed;  // by value: somebody uses it
  std::vector<Guard> guards;       // 0: always holds
  std::vector<ValueRef> results;   // of the fetches
  std::vector<int> result_guards;  // beside `results`
  std::vector<uint8_t> moves;      // beside `results`: the value is not returned again behind it
  std::vector<PartialShape> feed_shapes;
  std::vector<DType> feed_dtypes;
  std::vector<std::string> feed_names;
  double compile_seconds = 0;

  Plan();
  ~Plan();
  // Some kernel keeps a state from run to run.
  bool keeps_state() const;
  // The same plan with kernels whose state is their own, and a pool of its own.
  std::shared_ptr<const Plan> Fork() const;

  std::unique_ptr<RunState> TakeState() const;
  void GiveBack(std::unique_ptr<RunState> state) const noexcept;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<RunState>> idle_;  // has room for all that there are
  mutable size_t states_ = 0;
  mutable size_t unused_ = 0;  // idle all the time since `returns_` was zero
  mutable int returns_ = 0;
};

// Kernels that keep state from run to run (random generators, iterators' handles) are shared by all plans of a session.
class KernelCache {
 public:
  Kernel Get(const Node& node);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, Kernel> stateful_;
};

// Compiles what `fetches` and `targets` need. Errors: InvalidArgument (foreign nodes, an unfed placeholder, a cycle).
std::shared_ptr<const Plan> Compile(const Graph& graph, const std::vector<Output>& feeds,
                                    const std::vector<Output>& fetches, const std::vector<Node*>& targets,
                                    const PlanOptions& options, KernelCache& kernels, RunEnvironment environment);

// Runs a plan; `feeds` are as many as the plan's, checked by the caller. Any thread.
std::vector<Tensor> RunPlan(const Plan& plan, std::vector<Tensor> feeds, const RunEnvironment& environment);

// Errors: InvalidArgument on a value of the wrong dtype or shape.
void CheckFeed(const Plan& plan, size_t i, const Tensor& value);

// A text of the plan: the steps with their inputs and where locks are taken; from level 2 what the passes did, from
// level 3 the slot of each value.
std::string ExplainPlan(const Plan& plan, int level = 3);

// HEADRACE_DEBUG: 0 silent, 1 plans, 2 and what passes did, 3 and where values lie, 4 and the time of each step.
int DebugLevel();

}  // namespace headrace
