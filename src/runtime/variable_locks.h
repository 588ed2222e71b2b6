// Locks of variables: held while one kernel reads or writes them, never across the call of a function and never while
// waiting for anything else. So a run that writes a variable, a function that it calls and a thread that makes elements
// ahead all take their turns, and nobody waits for what he holds himself.
#pragma once

#include <vector>

#include "absl/container/inlined_vector.h"
#include "headrace/op.h"

namespace headrace {

// An input of a node that may be a variable, and what the node does with it.
struct VariableArgument {
  int input = 0;
  bool exclusive = false;  // writes it
};

// The op has functions among its attributes: what they do with variables they lock themselves.
bool CallsFunctions(const OpDef& op);

// What a node's kernel has to lock, by its op's effects.
std::vector<VariableArgument> VariableArguments(const Node& node);

// The locks of one step. RAII.
class VariableLocks {
 public:
  VariableLocks() = default;
  ~VariableLocks();
  VariableLocks(const VariableLocks&) = delete;

  // Of the inputs that are variables. `inputs` must stay until the locks are released.
  void Take(const std::vector<VariableArgument>& arguments, const Tensor* const* inputs);

 private:
  struct Held {
    VariableState* state;
    bool exclusive;
  };
  absl::InlinedVector<Held, 6> held_;  // in the order of addresses, in which everybody takes them
  size_t taken_ = 0;
};

}  // namespace headrace
