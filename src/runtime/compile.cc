// Graph to plan: the passes, then the order of steps, then the place of each value.
#include <algorithm>
#include <bit>
#include <chrono>
#include <map>

#include "runtime/liveness.h"
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
    source_ = std::make_shared<PlanGraph>(std::move(source));
    plan_->source = source_;
  }

  std::shared_ptr<const Plan> Build() {
    liveness_.emplace(source_->graph);
    FindVariables();
    for (const Output& feed : source_->feeds) AddFeed(feed);
    for (const Node* node : MakeSchedule(*source_, variables_)) {
      if (IsPlainRead(*node) && variables_.Find(node->input(0))) {
        waiting_reads_.push_back(node);
        continue;
      }
      AddReadsFor(*node);
      AddStep(*node);
    }
    while (!waiting_reads_.empty()) AddRead(0);
    for (const Output& fetch : source_->fetches) {
      plan_->results.push_back(refs_.at(Key(fetch)));
      plan_->result_guards.push_back(liveness_->Of(fetch));
    }
    AddGuards();
    PlaceValues();
    return plan_;
  }

 private:
  static std::pair<const Node*, int> Key(Output output) { return {output.node, output.index}; }

  void AddGuards() {
    for (int g = 0; g < liveness_->num_guards(); ++g) {
      Guard& guard = plan_->guards.emplace_back();
      for (const int i : liveness_->ConditionsOf(g)) {
        const Condition& condition = liveness_->condition(i);
        const bool is_any = !condition.any.empty();
        guard.push_back({.predicate = is_any ? ValueRef() : refs_.at(Key(condition.predicate)),
                         .value = condition.value,
                         .any = condition.any});
      }
    }
  }

  void FindVariables() {
    for (const Node* node : source_->graph.TopologicalOrder()) {
      if (MakesVariableHandle(*node)) {
        const Tensor handle = RunKernel(*node, kernels_.Get(*node), {}, environment_).at(0);
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

  // A read comes as late as it may, so that its value is held no longer than needed: a write, be it of another thread's
  // run, copies what is held.
  void AddReadsFor(const Node& node) {
    const bool others = node.op().effects.stateful || node.op().effects.blocking || CallsFunctions(node.op());
    for (size_t i = 0; i < waiting_reads_.size();) {
      const Node* read = waiting_reads_[i];
      const auto uses = [&](const Output& input) { return input.node == read; };
      if (others || std::ranges::any_of(node.inputs(), uses) ||
          std::ranges::find(node.control_inputs(), read) != node.control_inputs().end() ||
          Writes(node, *variables_.Find(read->input(0)))) {
        AddRead(i);
      } else {
        ++i;
      }
    }
  }

  bool Writes(const Node& node, const VariableState& variable) const {
    for (const int argument : node.op().effects.writes) {
      const auto [begin, end] = node.InputRange(node.op().inputs[argument].name);
      for (int i = begin; i < end; ++i) {
        const auto state = variables_.Find(node.input(i));
        if (!state || state.get() == &variable) return true;
      }
    }
    return false;
  }

  void AddRead(size_t waiting) {
    const Node* node = waiting_reads_[waiting];
    waiting_reads_.erase(waiting_reads_.begin() + static_cast<std::ptrdiff_t>(waiting));
    Step step;
    step.node = node;
    step.first_input = static_cast<int>(plan_->inputs.size());
    step.first_output = plan_->num_values++;
    step.num_outputs = 1;
    step.variable = VariableIndex(variables_.Find(node->input(0)));
    refs_[{node, 0}] = {ValueRef::Kind::kValue, step.first_output};
    plan_->steps.push_back(std::move(step));
  }

  void AddStep(const Node& node) {
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
    if (refs_.contains({&node, 0}) && node.inputs().empty()) return;  // a variable's handle
    if (node.op().traits.only_orders) return;
    step.guard = liveness_->Of(&node);
    if (node.op().flow == Flow::kSwitch) {  // both outputs are the input: who lives on which is for guards to say
      for (int i = 0; i < 2; ++i) refs_.try_emplace({&node, i}, refs_.at(Key(node.input(0))));
      return;
    }
    if (!node.op().kernel) {
      throw Unimplemented("op ", node.type(), " can't run: it has no kernel [op ", OriginOf(node), "]");
    }
    if (node.op().flow == Flow::kMerge) {
      for (const Output& input : node.inputs()) step.input_guards.push_back(liveness_->Of(input));
    } else {
      step.kernel = kernels_.Get(node);
      // The steps of a function that is called lock what they touch themselves.
      if (node.op().calls == Calls::kNone) step.variables = VariableArguments(node);
    }
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
    plan.needed = std::shared_ptr<bool[]>(new bool[plan.num_values + 1]());
    plan.may_reuse.assign(plan.inputs.size(), 0);
    for (int s = 0; s < steps; ++s) {
      const Step& step = plan.steps[s];
      for (int i = step.first_input; i < step.first_input + step.num_inputs; ++i) {
        if (plan.inputs[i].kind != ValueRef::Kind::kValue) continue;
        last_use[plan.inputs[i].index] = s;
        plan.needed[plan.inputs[i].index] = true;
      }
    }
    for (int s = 0; s < steps; ++s) {
      NoteUses(plan.steps[s].guard, s, &last_use);
      for (const int guard : plan.steps[s].input_guards) NoteUses(guard, s, &last_use);
    }
    for (const int guard : plan.result_guards) NoteUses(guard, steps, &last_use);
    std::vector<bool> kept(plan.num_values);
    plan.moves.assign(plan.results.size(), 0);
    for (size_t i = plan.results.size(); i-- > 0;) {
      const ValueRef& result = plan.results[i];
      plan.moves[i] = result.kind == ValueRef::Kind::kValue && !kept[result.index] ? 1 : 0;
      if (plan.moves[i] != 0) kept[result.index] = true;
    }
    for (const ValueRef& result : plan.results) {
      if (result.kind != ValueRef::Kind::kValue) continue;
      kept[result.index] = true;
      plan.needed[result.index] = true;
    }
    plan.slot_of_value.assign(plan.num_values, -1);
    std::vector<std::pair<int, int>> free_slots;  // (slot, size class), last freed at the back
    std::vector<int> class_of_slot;
    for (int s = 0; s < steps; ++s) {
      Step& step = plan.steps[s];
      for (int o = 0; o < step.num_outputs; ++o) {
        const int value = step.first_output + o;
        const DType dtype = step.node->output_dtype(o);
        const bool holds_data = SizeOf(dtype) > 0 && !step.node->output_is_ref(o);
        if (kept[value] || !holds_data || step.variable >= 0) continue;
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
      MarkDying(s, last_use, kept);
      for (const int value : step.dying) {
        const int slot = plan.slot_of_value[value];
        if (slot >= 0) free_slots.emplace_back(slot, class_of_slot[slot]);
      }
    }
  }

  // A predicate is needed as long as steps ask for it.
  void NoteUses(int guard, int step, std::vector<int>* last_use) {
    for (const GuardCondition& condition : plan_->guards[guard]) {
      for (const int other : condition.any) NoteUses(other, step, last_use);
      if (!condition.any.empty() || condition.predicate.kind != ValueRef::Kind::kValue) continue;
      int& last = (*last_use)[condition.predicate.index];
      last = std::max(last, step);
      plan_->needed[condition.predicate.index] = true;
    }
  }

  void MarkDying(int s, const std::vector<int>& last_use, const std::vector<bool>& kept) {
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
      if (uses == 1) plan.may_reuse[i] = 1;  // a feed, too: it was moved in, and who else holds it keeps it
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
  std::shared_ptr<PlanGraph> source_;
  KernelCache& kernels_;
  RunEnvironment environment_;
  VariableUse variables_;
  std::optional<Liveness> liveness_;
  std::map<std::pair<const Node*, int>, ValueRef> refs_;
  std::vector<const Node*> waiting_reads_;
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
