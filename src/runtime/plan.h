// A plan: the steps of a run in the order in which they run, and where each value lies. Made once by Compile, run many
// times, by many threads at once: what changes in a run is in a RunState, of which the plan keeps a pool.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

#include "headrace/session.h"
#include "runtime/plan_graph.h"

namespace headrace {

// Where a step finds an input, or a run its result.
struct ValueRef {
  enum class Kind : uint8_t { kValue, kConstant, kVariable };
  Kind kind = Kind::kValue;
  int index = 0;  // into RunState::values, Plan::constants or Plan::variables
};

struct Step {
  enum class Kind : uint8_t {
    kKernel,
    kAlias,     // a read whose users look at the variable itself; checks that it is initialised
    kSnapshot,  // a read that must survive a later write
  };
  const Node* node = nullptr;
  Kernel kernel;
  Kind kind = Kind::kKernel;
  bool locks_dynamically = false;         // reads or writes variables that are only known in the run
  int first_input = 0, num_inputs = 0;    // in Plan::inputs
  int first_output = 0, num_outputs = 0;  // value numbers
  int variable = -1;                      // of kAlias and kSnapshot: in Plan::variables
  std::vector<int> dying;                 // values that no later step needs
};

struct LockedVariable {
  std::shared_ptr<VariableState> state;
  bool exclusive = false;
};

class RunState;
class Plan {
 public:
  PlanGraph source;  // after all passes; keeps the nodes of the steps
  std::vector<Step> steps;
  std::vector<ValueRef> inputs;
  std::vector<uint8_t> may_reuse;  // beside `inputs`: the step is the last to need this value
  std::vector<Tensor> constants;
  std::vector<std::shared_ptr<VariableState>> variables;
  std::vector<LockedVariable> locks;  // by address: the order in which all plans take them
  int lock_at = 0;                    // the first step that touches a variable; steps.size() if none does

  int num_values = 0, num_slots = 0;
  std::vector<int> slot_of_value;  // -1: a fresh tensor (results, strings, feeds)
  std::unique_ptr<bool[]> needed;  // by value: somebody uses it
  std::vector<ValueRef> results;   // of the fetches
  std::vector<PartialShape> feed_shapes;
  std::vector<DType> feed_dtypes;
  std::vector<std::string> feed_names;
  double compile_seconds = 0;

  Plan();
  ~Plan();
  std::unique_ptr<RunState> TakeState() const;
  void GiveBack(std::unique_ptr<RunState> state) const;

 private:
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<RunState>> idle_;
};

// What a plan is run with besides the values of its feeds.
struct RunEnvironment {
  ResourceManager& resources;
  FunctionRunner& functions;
  const Cancellation* cancellation = nullptr;
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

// Takes the lock of a variable unless this thread's run (or one that called it) has it already. RAII.
class VariableLock {
 public:
  VariableLock() = default;
  VariableLock(std::shared_ptr<VariableState> state, bool exclusive);
  VariableLock(VariableLock&& other) noexcept;
  ~VariableLock();
  // Locks the variables among the inputs of a node that its op's effects name, in the order of their addresses.
  static std::vector<VariableLock> OfInputs(const Node& node, const std::function<const Tensor&(int)>& input);

 private:
  std::shared_ptr<VariableState> state_;
  bool exclusive_ = false;
};

}  // namespace headrace
