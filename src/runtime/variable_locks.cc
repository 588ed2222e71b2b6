// Taking a step's locks in the order of their addresses.
#include "runtime/variable_locks.h"

#include <algorithm>
#include <typeinfo>

namespace headrace {

bool CallsFunctions(const OpDef& op) {
  return std::ranges::any_of(op.attrs, [](const OpAttr& a) { return a.type == "func" || a.type == "list(func)"; });
}

std::vector<VariableArgument> VariableArguments(const Node& node) {
  std::vector<VariableArgument> found;
  if (CallsFunctions(node.op())) return found;
  const auto add = [&](const std::vector<int>& arguments, bool exclusive) {
    for (const int argument : arguments) {
      const auto [begin, end] = node.InputRange(node.op().inputs[argument].name);
      for (int input = begin; input < end; ++input) found.push_back({input, exclusive});
    }
  };
  add(node.op().effects.writes, true);
  add(node.op().effects.reads, false);
  return found;
}

void VariableLocks::Take(const std::vector<VariableArgument>& arguments, const Tensor* const* inputs) {
  for (const VariableArgument& argument : arguments) {
    const Tensor& input = *inputs[argument.input];
    if (input.dtype() != DType::kResource || input.num_elements() != 1) continue;
    Object* const object = input.object().get();
    if (!object || typeid(*object) != typeid(VariableState)) continue;
    auto* const state = static_cast<VariableState*>(object);
    const auto known = std::ranges::find(held_, state, &Held::state);
    if (known == held_.end()) {
      held_.push_back({state, argument.exclusive});
    } else {
      known->exclusive |= argument.exclusive;
    }
  }
  std::ranges::sort(held_, {}, &Held::state);
  for (; taken_ < held_.size(); ++taken_) {
    const Held& held = held_[taken_];
    if (held.exclusive) {
      held.state->mutex.lock();
    } else {
      held.state->mutex.lock_shared();
    }
  }
}

VariableLocks::~VariableLocks() {
  while (taken_ > 0) {
    const Held& held = held_[--taken_];
    if (held.exclusive) {
      held.state->mutex.unlock();
    } else {
      held.state->mutex.unlock_shared();
    }
  }
}

}  // namespace headrace
