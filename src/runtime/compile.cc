// Graph to plan: the passes, then the order of steps, then the place of each value.
#include <algorithm>
#include <bit>
#include <chrono>
#include <map>

#include "runtime/passes.h"
#include "runtime/plan.h"
#include "runtime/run_state.h"
#include "runtime/schedule.h"

namespace headrace {
namespace {

// TensorFlow's name of a dtype in this message: "float", not "float32".
std::string ShortName(DType dtype) {
  if (dtype == DType::kFloat) return "float";
  if (dtype == DType::kDouble) return "double";
  return Name(dtype);
}

void CheckPlaceholders(const PlanGraph& plan) {
  for (const auto& node : plan.graph.nodes()) {
    if (!node->op().traits.placeholder || !node->inputs().empty()) continue;
    const PartialShape& shape = node->output_shape(0);
    throw InvalidArgument("You must feed a value for placeholder tensor '", node->name(), "' with dtype ",
                          ShortName(node->output_dtype(0)),
                          shape.has_rank() ? " and shape " + shape.ToString() : std::string(), " [op ", OriginOf(*node),
                          "]");
  }
}

// Handles of variables don't change: they are made here, and the variables behind them are known to the plan.
bool MakesVariableHandle(const Node& node) {
  return node.op().traits.handle && node.inputs().empty() && node.num_outputs() == 1 && node.op().kernel;
}

class Builder {
 public:
  Builder(PlanGraph source, KernelCache& kernels, RunEnvironment environment)
      : plan_(std::make_shared<Plan>()), kernels_(kernels), environment_(environment) {
    plan_->source = std::move(source);
  }

  std::shared_ptr<const Plan> Build() {
    FindVariables();
    const Schedule schedule = MakeSchedule(plan_->source, variables_);
    for (size_t i = 0; i < plan_->source.feeds.size(); ++i) AddFeed(plan_->source.feeds[i]);
    plan_->lock_at = -1;
    for (const Node* node : schedule.order) AddStep(*node, schedule.snapshots.contains(node));
    if (plan_->lock_at < 0) plan_->lock_at = static_cast<int>(plan_->steps.size());
    for (const Output& fetch : plan_->source.fetches) plan_->results.push_back(refs_.at(Key(fetch)));
    std::ranges::sort(plan_->locks, {}, [](const LockedVariable& l) { return l.state.get(); });
    PlaceValues();
    return plan_;
  }

 private:
  static std::pair<const Node*, int> Key(Output output) { return {output.node, output.index}; }

  void FindVariables() {
    for (const Node* node : plan_->source.graph.TopologicalOrder()) {
      if (MakesVariableHandle(*node)) {
        const Tensor handle =
            RunKernel(*node, kernels_.Get(*node), {}, environment_.resources, environment_.functions).at(0);
        refs_[{node, 0}] = AddConstant(handle);
        if (auto state = std::dynamic_pointer_cast<VariableState>(handle.object())) {
          variables_.states[{node, 0}] = state;
        }
        continue;
      }
      PassReferenceOn(*node);
    }
  }

  // What writes a variable gives the reference on to who comes after it.
  void PassReferenceOn(const Node& node) {
    for (int i = 0; i < node.num_outputs(); ++i) {
      if (!node.output_is_ref(i)) continue;
      for (size_t input = 0; input < node.inputs().size(); ++input) {
        if (!node.input_is_ref(static_cast<int>(input))) continue;
        const Output given = node.input(static_cast<int>(input));
        if (const auto state = variables_.Find(given)) {
          variables_.states[{&node, i}] = state;
          refs_[{&node, i}] = refs_.at(Key(given));
        }
        break;
      }
    }
  }

  ValueRef AddConstant(const Tensor& value) {
    plan_->constants.push_back(value);
    return {ValueRef::Kind::kConstant, static_cast<int>(plan_->constants.size()) - 1};
  }

  int VariableIndex(const std::shared_ptr<VariableState>& state) {
    const auto found = std::ranges::find(plan_->variables, state);
    if (found != plan_->variables.end()) return static_cast<int>(found - plan_->variables.begin());
    plan_->variables.push_back(state);
    return static_cast<int>(plan_->variables.size()) - 1;
  }

  void AddFeed(Output feed) {
    refs_[Key(feed)] = {ValueRef::Kind::kValue, plan_->num_values++};
    plan_->feed_dtypes.push_back(feed.dtype());
    plan_->feed_shapes.push_back(feed.shape());
  }

  void Lock(const std::shared_ptr<VariableState>& state, bool exclusive) {
    if (plan_->lock_at < 0) plan_->lock_at = static_cast<int>(plan_->steps.size());
    const auto found = std::ranges::find(plan_->locks, state, &LockedVariable::state);
    if (found == plan_->locks.end()) {
      plan_->locks.push_back({state, exclusive});
    } else {
      found->exclusive |= exclusive;
    }
  }

  void LockArguments(const Node& node, const std::vector<int>& arguments, bool exclusive, Step* step) {
    for (const int argument : arguments) {
      const auto [begin, end] = node.InputRange(node.op().inputs[argument].name);
      for (int i = begin; i < end; ++i) {
        const auto state = variables_.Find(node.input(i));
        if (state) {
          Lock(state, exclusive);
        } else {
          step->locks_dynamically = true;
        }
      }
    }
  }

  void AddStep(const Node& node, bool snapshot) {
    Step step;
    step.node = &node;
    step.first_input = static_cast<int>(plan_->inputs.size());
    step.first_output = plan_->num_values;
    step.num_outputs = node.num_outputs();
    if (refs_.contains({&node, 0}) && node.inputs().empty()) return;  // fed, or a variable's handle
    if (node.op().traits.constant) {
      refs_[{&node, 0}] = AddConstant(node.attr<Tensor>("value"));
      return;
    }
    if (node.op().traits.only_orders) return;
    if (IsPlainRead(node) && variables_.Find(node.input(0))) {
      const auto state = variables_.Find(node.input(0));
      Lock(state, false);
      step.variable = VariableIndex(state);
      step.kind = snapshot ? Step::Kind::kSnapshot : Step::Kind::kAlias;
      refs_[{&node, 0}] = snapshot ? ValueRef{ValueRef::Kind::kValue, plan_->num_values++}
                                   : ValueRef{ValueRef::Kind::kVariable, step.variable};
      step.num_outputs = snapshot ? 1 : 0;
      plan_->steps.push_back(std::move(step));
      return;
    }
    if (!node.op().kernel) {
      throw Unimplemented("op ", node.type(), " can't run: it has no kernel [op ", OriginOf(node), "]");
    }
    step.kernel = kernels_.Get(node);
    LockArguments(node, node.op().effects.reads, false, &step);
    LockArguments(node, node.op().effects.writes, true, &step);
    for (const Output& input : node.inputs()) {
      plan_->inputs.push_back(refs_.at(Key(input)));
      step.num_inputs++;
    }
    for (int i = 0; i < node.num_outputs(); ++i) {
      const ValueRef made{ValueRef::Kind::kValue, plan_->num_values++};
      refs_.try_emplace({&node, i}, made);  // references known before the run stay what they are
    }
    plan_->steps.push_back(std::move(step));
  }

  // Liveness gives each value that steps make a slot: memory that is reused when its value is dead. Of the free slots
  // the one that was freed last, of about the right size, is taken, since it is still in the cache.
  void PlaceValues() {
    Plan& plan = *plan_;
    const int steps = static_cast<int>(plan.steps.size());
    std::vector<int> last_use(plan.num_values, -1);
    plan.needed = std::make_unique<bool[]>(plan.num_values + 1);
    plan.may_reuse.assign(plan.inputs.size(), 0);
    for (int s = 0; s < steps; ++s) {
      const Step& step = plan.steps[s];
      for (int i = step.first_input; i < step.first_input + step.num_inputs; ++i) {
        if (plan.inputs[i].kind != ValueRef::Kind::kValue) continue;
        last_use[plan.inputs[i].index] = s;
        plan.needed[plan.inputs[i].index] = true;
      }
    }
    std::vector<bool> kept(plan.num_values);
    for (const ValueRef& result : plan.results) {
      if (result.kind != ValueRef::Kind::kValue) continue;
      kept[result.index] = true;
      plan.needed[result.index] = true;
    }
    plan.slot_of_value.assign(plan.num_values, -1);
    const int feeds = static_cast<int>(plan.source.feeds.size());
    std::vector<std::pair<int, int>> free_slots;  // (slot, size class), last freed at the back
    std::vector<int> class_of_slot;
    for (int s = 0; s < steps; ++s) {
      Step& step = plan.steps[s];
      for (int o = 0; o < step.num_outputs; ++o) {
        const int value = step.first_output + o;
        const DType dtype = step.node->output_dtype(o);
        const bool holds_data = SizeOf(dtype) > 0 && !step.node->output_is_ref(o);
        if (kept[value] || !holds_data || step.kind == Step::Kind::kSnapshot) continue;
        const int size_class = SizeClass(dtype, step.node->output_shape(o));
        auto best = free_slots.end();
        for (auto slot = free_slots.begin(); slot != free_slots.end(); ++slot) {
          const auto distance = [&](auto s) { return std::abs(s->second - size_class); };
          if (best == free_slots.end() || distance(slot) <= distance(best)) best = slot;
        }
        if (best != free_slots.end() && std::abs(best->second - size_class) <= 2) {
          plan.slot_of_value[value] = best->first;
          free_slots.erase(best);
        } else {
          plan.slot_of_value[value] = plan.num_slots++;
          class_of_slot.push_back(size_class);
        }
      }
      MarkDying(s, last_use, kept, feeds);
      for (const int value : step.dying) {
        const int slot = plan.slot_of_value[value];
        if (slot >= 0) free_slots.emplace_back(slot, class_of_slot[slot]);
      }
    }
  }

  void MarkDying(int s, const std::vector<int>& last_use, const std::vector<bool>& kept, int feeds) {
    Plan& plan = *plan_;
    Step& step = plan.steps[s];
    for (int i = step.first_input; i < step.first_input + step.num_inputs; ++i) {
      if (plan.inputs[i].kind != ValueRef::Kind::kValue) continue;
      const int value = plan.inputs[i].index;
      if (last_use[value] != s || kept[value]) continue;
      if (std::ranges::find(step.dying, value) != step.dying.end()) continue;
      int uses = 0;
      for (int j = step.first_input; j < step.first_input + step.num_inputs; ++j) {
        uses += plan.inputs[j].kind == ValueRef::Kind::kValue && plan.inputs[j].index == value ? 1 : 0;
      }
      if (uses == 1 && value >= feeds) plan.may_reuse[i] = 1;
      step.dying.push_back(value);
    }
    for (int o = 0; o < step.num_outputs; ++o) {  // made for nobody
      const int value = step.first_output + o;
      if (last_use[value] < 0 && !kept[value]) step.dying.push_back(value);
    }
  }

  static int SizeClass(DType dtype, const PartialShape& shape) {
    constexpr int64_t kUnknownSize = 256;
    int64_t bytes = static_cast<int64_t>(SizeOf(dtype));
    for (int axis = 0; axis < std::max(0, shape.rank()); ++axis) bytes *= shape[axis] < 0 ? kUnknownSize : shape[axis];
    if (!shape.has_rank()) bytes *= kUnknownSize;
    return std::bit_width(static_cast<uint64_t>(std::max<int64_t>(1, bytes)));
  }

  std::shared_ptr<Plan> plan_;
  KernelCache& kernels_;
  RunEnvironment environment_;
  VariableUse variables_;
  std::map<std::pair<const Node*, int>, ValueRef> refs_;
};

}  // namespace

Kernel KernelCache::Get(const Node& node) {
  if (!node.op().effects.stateful) return node.op().kernel(node);
  std::lock_guard lock(mutex_);
  auto& kernel = stateful_[node.type() + " " + node.name()];
  if (!kernel) kernel = node.op().kernel(node);
  return kernel;
}

std::shared_ptr<const Plan> Compile(const Graph& graph, const std::vector<Output>& feeds,
                                    const std::vector<Output>& fetches, const std::vector<Node*>& targets,
                                    const PlanOptions& options, KernelCache& kernels, RunEnvironment environment) {
  const auto start = std::chrono::steady_clock::now();
  PlanGraph source = MakePlanGraph(graph, feeds, fetches, targets);
  CheckPlaceholders(source);
  source = RunPasses(std::move(source), options);
  auto plan = std::const_pointer_cast<Plan>(Builder(std::move(source), kernels, environment).Build());
  for (const Output& feed : feeds) plan->feed_names.push_back(feed.name());
  plan->compile_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return plan;
}

}  // namespace headrace
