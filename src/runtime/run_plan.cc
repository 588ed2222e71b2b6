// The executor: walks the steps on the calling thread; kernels use the compute pool where there is enough to do.
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>

#include "runtime/plan.h"
#include "runtime/run_state.h"

namespace headrace {
namespace {

// The innermost op comes first, behind it those that called the function it is in.
Error WithOp(const Error& error, const Node& node) {
  constexpr size_t kLongest = 4000;  // of functions that call each other there may be thousands
  const std::string_view message = error.what();
  if (message.find("[op '") == std::string_view::npos) return error.With(" [op " + OriginOf(node) + "]");
  return message.size() < kLongest ? error.With(" [called by " + OriginOf(node) + "]") : error;
}

[[noreturn]] void RethrowFrom(const Node& node) {
  try {
    throw;
  } catch (const BuildError&) {
    throw;
  } catch (const Error& error) {
    throw WithOp(error, node);
  } catch (const std::bad_alloc&) {
    throw ResourceExhausted("out of memory [op ", OriginOf(node), "]");
  } catch (const std::length_error&) {  // of a vector for more elements than any memory holds
    throw ResourceExhausted("out of memory [op ", OriginOf(node), "]");
  }
}

// Counts the functions that this thread is in; refuses to go deeper than its stack bears.
class Depth {
 public:
  explicit Depth(const std::vector<std::string>& feeds) {
    constexpr int kDeepest = 20000;
    constexpr ptrdiff_t kLeastStack = 512 << 10;
    const auto left = static_cast<char*>(__builtin_frame_address(0)) - StackEnd();
    if (++depth >= kDeepest || left < kLeastStack) {
      const int reached = depth--;
      throw ResourceExhausted("functions call each other ", reached,
                              " deep: a recursion without end, or one too deep for the thread's stack",
                              feeds.empty() ? "" : " (a function of '" + feeds[0] + "')");
    }
  }
  ~Depth() { --depth; }
  Depth(const Depth&) = delete;

 private:
  static char* StackEnd() {
    static thread_local char* const end = [] {
      pthread_attr_t attributes;
      void* lowest = nullptr;
      size_t size = 0;
      if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
        pthread_attr_getstack(&attributes, &lowest, &size);
        pthread_attr_destroy(&attributes);
      }
      return static_cast<char*>(lowest);
    }();
    return end;
  }
  static thread_local int depth;
};
thread_local int Depth::depth = 0;

}  // namespace

Plan::Plan() = default;
Plan::~Plan() = default;

bool Plan::keeps_state() const {
  return std::ranges::any_of(steps, [](const Step& step) { return step.kernel && step.node->op().effects.stateful; });
}

std::shared_ptr<const Plan> Plan::Fork() const {
  auto fork = std::make_shared<Plan>();
  fork->source = source;
  fork->steps = steps;
  for (Step& step : fork->steps) {
    if (step.kernel && step.node->op().effects.stateful) step.kernel = step.node->op().kernel(*step.node);
  }
  fork->inputs = inputs;
  fork->may_reuse = may_reuse;
  fork->constants = constants;
  fork->variables = variables;
  fork->num_values = num_values;
  fork->num_slots = num_slots;
  fork->slot_of_value = slot_of_value;
  fork->needed = needed;
  fork->guards = guards;
  fork->results = results;
  fork->result_guards = result_guards;
  fork->moves = moves;
  fork->feed_shapes = feed_shapes;
  fork->feed_dtypes = feed_dtypes;
  fork->feed_names = feed_names;
  return fork;
}

std::unique_ptr<RunState> Plan::TakeState() const {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto state = std::move(idle_.back());
      idle_.pop_back();
      unused_ = std::min(unused_, idle_.size());
      return state;
    }
    unused_ = 0;
    idle_.reserve(states_ + 1);
    ++states_;
  }
  return std::make_unique<RunState>(*this);
}

// The last to come back is the first to be taken: those at the front that none of many runs took are more than needed.
void Plan::GiveBack(std::unique_ptr<RunState> state) const noexcept {
  constexpr int kManyRuns = 256;
  std::unique_ptr<RunState> spare;
  std::lock_guard lock(mutex_);
  idle_.push_back(std::move(state));
  if (++returns_ < kManyRuns) return;
  if (unused_ > 0) {
    spare = std::move(idle_.front());
    idle_.erase(idle_.begin());
    --states_;
  }
  returns_ = 0;
  unused_ = idle_.size();
}

RunState::RunState(const Plan& plan)
    : plan_(plan), values_(plan.num_values), slots_(plan.num_slots), asked_(plan.num_slots) {
  pointers_.reserve(plan.inputs.size());
  for (const ValueRef& input : plan.inputs) {
    const bool constant = input.kind == ValueRef::Kind::kConstant;
    pointers_.push_back(constant ? &plan.constants[input.index] : &values_[input.index]);
  }
}

void RunState::Lend(std::shared_ptr<const Plan> plan, ResourceManager* resources, FunctionRunner* functions) {
  lent_by_ = std::move(plan);
  resources_ = resources;
  functions_ = functions;
}

void RunState::Return() noexcept {
  const std::shared_ptr<const Plan> plan = std::move(lent_by_);  // may be the last to know the plan
  plan->GiveBack(std::unique_ptr<RunState>(this));
}

// A slot's memory is taken only if nobody kept a tensor in it: what a variable, an iterator or a view holds is left to
// them, and the slot gets new memory.
Tensor RunState::Allocate(int output, DType dtype, const Shape& shape) {
  const int slot = plan_.slot_of_value[step_->first_output + output];
  if (slot < 0) return Tensor(dtype, shape);
  auto& buffer = slots_[slot];
  const auto elements = shape.num_elements();
  const size_t bytes = static_cast<size_t>(elements) * SizeOf(dtype);
  asked_[slot] = std::max(asked_[slot], bytes);
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

void RunState::Run(std::span<Tensor> args, std::span<Tensor> results, const Cancellation* cancellation) {
  if (args.size() != plan_.feed_names.size() || results.size() != plan_.results.size()) {
    throw InvalidArgument("the function takes ", plan_.feed_names.size(), " arguments and gives ", plan_.results.size(),
                          " results, got ", args.size(), " and ", results.size());
  }
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].defined() || plan_.needed[i]) CheckFeed(plan_, i, args[i]);  // what nobody uses may be absent
  }
  const Depth depth(plan_.feed_names);
  Run(args, results, {*resources_, *functions_, cancellation});
}

void RunState::Run(std::span<Tensor> feeds, std::span<Tensor> results, const RunEnvironment& environment) {
  Enter(environment);
  struct Cleared {  // whatever happens, nothing of this run is kept but memory
    RunState* state;
    ~Cleared() { state->Clear(); }
  } cleared{this};
  for (size_t i = 0; i < feeds.size(); ++i) values_[i] = std::move(feeds[i]);
  RunSteps();
  for (size_t i = 0; i < results.size(); ++i) {
    const ValueRef& result = plan_.results[i];
    if (plan_.result_guards[i] != 0 && !Holds(plan_.result_guards[i])) {
      throw InvalidArgument("Retval[", i, "] does not have value: it is in a branch that was not taken");
    }
    if (result.kind == ValueRef::Kind::kConstant) {
      results[i] = plan_.constants[result.index];
    } else if (plan_.moves[i]) {
      results[i] = std::move(values_[result.index]);
    } else {
      results[i] = values_[result.index];
    }
  }
}

void RunState::Clear() {
  for (Tensor& value : values_) {
    if (value.defined()) value = Tensor();
  }
  cancellation_ = nullptr;
  Trim();
}

// What one large run needed goes when the runs behind it need much less.
void RunState::Trim() {
  constexpr size_t kSpare = 1 << 20;
  constexpr size_t kMuch = 4;
  constexpr int kPatience = 8;
  size_t held = 0, asked = 0;
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i]) held += slots_[i]->size();
    asked += asked_[i];
  }
  const bool oversized = held > kSpare && held / kMuch > asked;
  oversized_runs_ = oversized ? oversized_runs_ + 1 : 0;
  if (oversized_runs_ >= kPatience) {
    for (size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i] && slots_[i]->size() / kMuch > asked_[i]) slots_[i] = nullptr;
    }
    oversized_runs_ = 0;
  }
  std::ranges::fill(asked_, 0);
}

void RunState::RunSteps() {
  static const bool timed = DebugLevel() >= 4;
  for (const Step& step : plan_.steps) {
    if (cancelled()) {
      try {
        cancellation_->Throw();
      } catch (const Error& error) {
        throw error.With(" before op " + OriginOf(*step.node));
      }
    }
    if (step.guard != 0 && !Holds(step.guard)) {
      for (const int value : step.dying) values_[value] = Tensor();
      continue;
    }
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
  if (!step.input_guards.empty()) return Merge(step);
  if (step.variable >= 0) {
    VariableState& state = *plan_.variables[step.variable];
    const std::shared_lock lock(state.mutex);
    values_[step.first_output] = state.Read();  // shares the buffer: who writes meanwhile, writes a copy
    return;
  }
  step_ = &step;
  node_ = step.node;
  inputs_ = pointers_.data() + step.first_input;
  outputs_ = values_.data() + step.first_output;
  needed_ = plan_.needed.get() + step.first_output;
  num_inputs_ = step.num_inputs;
  num_outputs_ = step.num_outputs;
  if (step.variables.empty()) return step.kernel(*this);
  VariableLocks locks;
  locks.Take(step.variables, inputs_);
  step.kernel(*this);
}

bool RunState::Holds(int guard) const {
  const auto holds = [this](const GuardCondition& condition) {
    if (condition.any.empty()) return *At(condition.predicate).data<bool>() == condition.value;
    return std::ranges::any_of(condition.any, [this](int other) { return Holds(other); });
  };
  return guard == 0 || std::ranges::all_of(plan_.guards[guard], holds);
}

const Tensor& RunState::At(const ValueRef& ref) const {
  return ref.kind == ValueRef::Kind::kConstant ? plan_.constants[ref.index] : values_[ref.index];
}

void RunState::Merge(const Step& step) {
  for (int i = 0; i < step.num_inputs; ++i) {
    if (!Holds(step.input_guards[i])) continue;
    values_[step.first_output] = At(plan_.inputs[step.first_input + i]);
    values_[step.first_output + 1] = Tensor::Scalar(static_cast<int32_t>(i));
    return;
  }
}

std::vector<Tensor> RunPlan(const Plan& plan, std::vector<Tensor> feeds, const RunEnvironment& environment) {
  struct Borrowed {
    const Plan& plan;
    std::unique_ptr<RunState> state;
    ~Borrowed() { plan.GiveBack(std::move(state)); }
  } borrowed{plan, plan.TakeState()};
  std::vector<Tensor> results(plan.results.size());
  borrowed.state->Run(feeds, results, environment);
  return results;
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
      << " slots, " << plan.variables.size() << " variables read, compiled in " << plan.compile_seconds * 1e3
      << " ms\n";
  if (level >= 2) {
    for (const std::string& note : plan.source->notes) out << "  " << note << "\n";
  }
  for (size_t s = 0; s < plan.steps.size(); ++s) {
    const Step& step = plan.steps[s];
    out << "  " << s << ": ";
    for (int o = 0; o < step.num_outputs; ++o) {
      out << (o ? ", " : "") << Describe(plan, {ValueRef::Kind::kValue, step.first_output + o}, level) << ":"
          << step.node->output_shape(o);
    }
    out << (step.num_outputs > 0 ? " = " : "") << step.node->type() << "(";
    for (int i = 0; i < step.num_inputs; ++i)
      out << (i ? ", " : "") << Describe(plan, plan.inputs[step.first_input + i], level);
    if (step.variable >= 0) out << plan.variables[step.variable]->name;
    out << ")  of " << OriginOf(*step.node) << "\n";
  }
  return out.str();
}

}  // namespace headrace
