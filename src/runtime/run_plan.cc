// The executor: walks the steps on the calling thread; kernels use the compute pool where there is enough to do.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>

#include "base/thread_pool.h"
#include "runtime/plan.h"
#include "runtime/run_state.h"

namespace headrace {
namespace {

// The variables that runs of this thread hold, innermost last. A function called by a plan finds its caller's here.
thread_local std::vector<const VariableState*> held_by_thread;

bool Holds(const VariableState* state) {
  return std::ranges::find(held_by_thread, state) != held_by_thread.end();
}

[[noreturn]] void RethrowFrom(const Node& node) {
  try {
    throw;
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("[op '") != std::string_view::npos) throw;
    throw error.With(" [op " + OriginOf(node) + "]");
  } catch (const std::bad_alloc&) {
    throw ResourceExhausted("out of memory [op ", OriginOf(node), "]");
  } catch (const std::length_error&) {  // of a vector for more elements than any memory holds
    throw ResourceExhausted("out of memory [op ", OriginOf(node), "]");
  }
}

}  // namespace

VariableLock::VariableLock(std::shared_ptr<VariableState> state, bool exclusive) : exclusive_(exclusive) {
  if (Holds(state.get())) return;
  if (exclusive) {
    state->mutex.lock();
  } else {
    state->mutex.lock_shared();
  }
  held_by_thread.push_back(state.get());
  state_ = std::move(state);
}

VariableLock::VariableLock(VariableLock&& other) noexcept
    : state_(std::move(other.state_)), exclusive_(other.exclusive_) {}

VariableLock::~VariableLock() {
  if (!state_) return;
  std::erase(held_by_thread, state_.get());
  if (exclusive_) {
    state_->mutex.unlock();
  } else {
    state_->mutex.unlock_shared();
  }
}

std::vector<VariableLock> VariableLock::OfInputs(const Node& node, const std::function<const Tensor&(int)>& input) {
  std::map<VariableState*, LockedVariable> found;
  const auto note = [&](const std::vector<int>& arguments, bool exclusive) {
    for (const int argument : arguments) {
      const auto [begin, end] = node.InputRange(node.op().inputs[argument].name);
      for (int i = begin; i < end; ++i) {
        if (input(i).dtype() != DType::kResource) continue;
        if (auto state = std::dynamic_pointer_cast<VariableState>(input(i).object())) {
          auto& entry = found[state.get()];
          entry = {state, entry.exclusive || exclusive};
        }
      }
    }
  };
  note(node.op().effects.reads, false);
  note(node.op().effects.writes, true);
  std::vector<VariableLock> locks;
  for (const auto& [address, variable] : found) locks.emplace_back(variable.state, variable.exclusive);
  return locks;
}

Plan::Plan() = default;
Plan::~Plan() = default;

std::unique_ptr<RunState> Plan::TakeState() const {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto state = std::move(idle_.back());
      idle_.pop_back();
      return state;
    }
  }
  return std::make_unique<RunState>(*this);
}

void Plan::GiveBack(std::unique_ptr<RunState> state) const {
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(state));
}

RunState::RunState(const Plan& plan) : plan_(plan), values_(plan.num_values), slots_(plan.num_slots) {
  pointers_.reserve(plan.inputs.size());
  for (const ValueRef& input : plan.inputs) {
    switch (input.kind) {
      case ValueRef::Kind::kValue:
        pointers_.push_back(&values_[input.index]);
        break;
      case ValueRef::Kind::kConstant:
        pointers_.push_back(&plan.constants[input.index]);
        break;
      case ValueRef::Kind::kVariable:
        pointers_.push_back(&plan.variables[input.index]->value);
        break;
    }
  }
}

ThreadPool& RunState::pool() {
  return ThreadPool::Compute();
}

// A slot's memory is taken only if nobody kept a tensor in it: what a variable, an iterator or a view holds is left to
// them, and the slot gets new memory.
Tensor RunState::Allocate(int output, DType dtype, const Shape& shape) {
  const int slot = plan_.slot_of_value[step_->first_output + output];
  if (slot < 0) return Tensor(dtype, shape);
  auto& buffer = slots_[slot];
  const auto elements = shape.num_elements();
  const size_t bytes = static_cast<size_t>(elements) * SizeOf(dtype);
  if (!buffer || buffer.use_count() > 1 || buffer->size() < bytes) buffer = NewBuffer(dtype, elements);
  return Tensor(dtype, shape, buffer);
}

bool RunState::MayReuse(int input, int) {
  const int position = step_->first_input + input;
  if (!plan_.may_reuse[position]) return false;
  const int value = plan_.inputs[position].index;
  const auto& buffer = values_[value].buffer();
  // One owner is the value, another the slot from which it came.
  const int slot = plan_.slot_of_value[value];
  const bool of_slot = slot >= 0 && slots_[slot] == buffer;
  return buffer.use_count() <= (of_slot ? 2 : 1);
}

std::vector<Tensor> RunState::Run(std::vector<Tensor>* feeds, const RunEnvironment& environment) {
  environment_ = &environment;
  struct Clear {  // whatever happens, nothing of this run is kept but memory
    RunState* state;
    ~Clear() {
      for (Tensor& value : state->values_) {
        if (value.defined()) value = Tensor();
      }
      while (!state->locks_.empty()) state->locks_.pop_back();
      state->environment_ = nullptr;
    }
  } clear{this};
  for (size_t i = 0; i < feeds->size(); ++i) values_[i] = std::move((*feeds)[i]);
  RunSteps();
  std::vector<Tensor> results;
  results.reserve(plan_.results.size());
  for (const ValueRef& result : plan_.results) results.push_back(ResultOf(result));
  return results;
}

void RunState::RunSteps() {
  static const bool timed = DebugLevel() >= 4;
  const int count = static_cast<int>(plan_.steps.size());
  for (int s = 0; s < count; ++s) {
    if (s == plan_.lock_at) {
      for (const auto& [state, exclusive] : plan_.locks) locks_.emplace_back(state, exclusive);
    }
    const Step& step = plan_.steps[s];
    if (cancelled()) throw Cancelled("the run was cancelled before op ", OriginOf(*step.node));
    const auto start = timed ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    try {
      RunStep(step);
    } catch (...) {
      RethrowFrom(*step.node);
    }
    if (timed) {
      const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
      std::fprintf(stderr, "[headrace] %9.1f us  %s\n", taken.count(), OriginOf(*step.node).c_str());
    }
    for (const int value : step.dying) values_[value] = Tensor();
  }
}

void RunState::RunStep(const Step& step) {
  switch (step.kind) {
    case Step::Kind::kAlias:
      plan_.variables[step.variable]->Read();
      return;
    case Step::Kind::kSnapshot:
      values_[step.first_output] = plan_.variables[step.variable]->Read();
      return;
    case Step::Kind::kKernel:
      break;
  }
  step_ = &step;
  node_ = step.node;
  inputs_ = pointers_.data() + step.first_input;
  outputs_ = values_.data() + step.first_output;
  needed_ = plan_.needed.get() + step.first_output;
  num_inputs_ = step.num_inputs;
  num_outputs_ = step.num_outputs;
  if (!step.locks_dynamically) return step.kernel(*this);
  const auto locks = VariableLock::OfInputs(*step.node, [this](int i) -> const Tensor& { return input(i); });
  step.kernel(*this);
}

Tensor RunState::ResultOf(const ValueRef& result) {
  switch (result.kind) {
    case ValueRef::Kind::kConstant:
      return plan_.constants[result.index];
    case ValueRef::Kind::kVariable:
      return plan_.variables[result.index]->Read();  // shared: the next write will copy
    case ValueRef::Kind::kValue:
      break;
  }
  return values_[result.index];
}

std::vector<Tensor> RunPlan(const Plan& plan, std::vector<Tensor> feeds, const RunEnvironment& environment) {
  struct Borrowed {
    const Plan& plan;
    std::unique_ptr<RunState> state;
    ~Borrowed() { plan.GiveBack(std::move(state)); }
  } borrowed{plan, plan.TakeState()};
  return borrowed.state->Run(&feeds, environment);
}

namespace {

// (3,) and (2, 1), as Python writes them; ? for a size that is not known.
template <class AnyShape>
std::string AsTuple(const AnyShape& shape) {
  std::string text = "(";
  for (int axis = 0; axis < shape.rank(); ++axis) {
    text += (axis ? ", " : "") + (shape[axis] < 0 ? std::string("?") : std::to_string(shape[axis]));
  }
  return text + (shape.rank() == 1 ? ",)" : ")");
}

}  // namespace

void CheckFeed(const Plan& plan, size_t i, const Tensor& value) {
  if (value.dtype() != plan.feed_dtypes[i]) {
    throw InvalidArgument("Cannot feed value of type ", value.dtype(), " for Tensor '", plan.feed_names[i],
                          "', which has type ", plan.feed_dtypes[i]);
  }
  const PartialShape& expected = plan.feed_shapes[i];
  if (!expected.has_rank()) return;
  bool fits = expected.rank() == value.rank();
  for (int axis = 0; fits && axis < expected.rank(); ++axis) {
    fits = expected[axis] < 0 || expected[axis] == value.dim(axis);
  }
  if (!fits) {
    throw InvalidArgument("Cannot feed value of shape ", AsTuple(value.shape()), " for Tensor '", plan.feed_names[i],
                          "', which has shape '", AsTuple(expected), "'");
  }
}

int DebugLevel() {
  static const int level = [] {
    const char* given = std::getenv("HEADRACE_DEBUG");
    return given ? std::atoi(given) : 0;
  }();
  return level;
}

namespace {

std::string Describe(const Plan& plan, const ValueRef& ref, int level) {
  switch (ref.kind) {
    case ValueRef::Kind::kConstant: {
      const Tensor& value = plan.constants[ref.index];
      return value.num_elements() <= 4 ? value.ToString(4) : Name(value.dtype()) + value.shape().ToString();
    }
    case ValueRef::Kind::kVariable:
      return plan.variables[ref.index]->name;
    case ValueRef::Kind::kValue:
      break;
  }
  const int slot = plan.slot_of_value[ref.index];
  return "v" + std::to_string(ref.index) + (slot >= 0 && level >= 3 ? "@" + std::to_string(slot) : "");
}

}  // namespace

std::string ExplainPlan(const Plan& plan, int level) {
  std::ostringstream out;
  out << "plan of " << plan.steps.size() << " steps, " << plan.num_values << " values in " << plan.num_slots
      << " slots, " << plan.locks.size() << " variables, compiled in " << plan.compile_seconds * 1e3 << " ms\n";
  if (level >= 2) {
    for (const std::string& note : plan.source.notes) out << "  " << note << "\n";
  }
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    if (static_cast<int>(s) == plan.lock_at) out << "  -- locks taken\n";
    out << "  " << s << ": ";
    for (int o = 0; o < step.num_outputs; ++o) {
      out << (o ? ", " : "") << Describe(plan, {ValueRef::Kind::kValue, step.first_output + o}, level) << ":"
          << step.node->output_shape(o);
    }
    out << (step.num_outputs > 0 ? " = " : "") << step.node->type() << "(";
    for (int i = 0; i < step.num_inputs; ++i)
      out << (i ? ", " : "") << Describe(plan, plan.inputs[step.first_input + i], level);
    if (step.variable >= 0) out << plan.variables[step.variable]->name;
    out << ")" << (step.kind == Step::Kind::kSnapshot ? " snapshot" : "") << "  of " << OriginOf(*step.node) << "\n";
  }
  return out.str();
}

}  // namespace headrace
