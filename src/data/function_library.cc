// Calling functions outside of a session: a function's body is put in order once; a call runs the kernels one after
// another on the calling thread.
#include "data/function_library.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <unordered_map>
#include <unordered_set>

#include "base/thread_pool.h"

namespace headrace::data {
namespace {

// Calls f(name) for each function that the node names.
template <class F>
void ForEachFunctionOf(const Node& node, F f) {
  for (const std::pair<const std::string, AttrValue>& attr : node.attrs()) {
    const AttrValue& value = attr.second;
    if (const auto* one = value.get_if<FunctionRef>()) {
      if (!one->name.empty()) f(one->name);
    } else if (const auto* many = value.get_if<std::vector<FunctionRef>>()) {
      for (const FunctionRef& ref : *many) f(ref.name);
    }
  }
}

// Whether calling the op early or again makes no difference.
bool IsRepeatable(const OpDef& op) {
  const Traits& traits = op.traits;
  return op.effects.pure() || traits.placeholder || traits.makes_dataset || traits.only_checks;
}

}  // namespace

std::shared_ptr<const FunctionLibrary> FunctionLibrary::Collect(const std::string& name, FunctionRunner& runner) {
  auto library = std::make_shared<FunctionLibrary>();
  library->Add(name, runner);
  return library;
}

void FunctionLibrary::Add(const std::string& name, FunctionRunner& runner) {
  if (functions_.contains(name)) return;
  auto function = runner.Find(name);
  if (!function) throw NotFound("function '", name, "' is not in the graph's library");
  functions_[name] = function;
  for (const auto& node : function->body->nodes()) {
    ForEachFunctionOf(*node, [&](const std::string& callee) { Add(callee, runner); });
  }
}

std::shared_ptr<const Function> FunctionLibrary::Find(const std::string& name) const {
  const auto found = functions_.find(name);
  return found == functions_.end() ? nullptr : found->second;
}

bool IsPure(const Function& function, const FunctionLibrary& library) {
  bool pure = true;
  for (const auto& node : function.body->nodes()) {
    pure = pure && IsRepeatable(node->op());
    ForEachFunctionOf(*node, [&](const std::string& callee) {
      const auto called = library.Find(callee);
      pure = pure && called && IsPure(*called, library);
    });
    if (!pure) return false;
  }
  return true;
}

std::unordered_set<const Node*> ReachableNodes(const Function& function) {
  std::unordered_set<const Node*> reachable;
  std::vector<const Node*> stack(function.control_results.begin(), function.control_results.end());
  for (const Output& result : function.results) stack.push_back(result.node);
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    if (!reachable.insert(node).second) continue;
    for (const Output& input : node->inputs()) stack.push_back(input.node);
    stack.insert(stack.end(), node->control_inputs().begin(), node->control_inputs().end());
  }
  return reachable;
}

// ------------------------------------------------------------------------------------------------------- evaluation

namespace {

class EvaluationContext final : public KernelContext {
 public:
  EvaluationContext(ResourceManager& resources, FunctionRunner& functions)
      : resources_(resources), functions_(functions) {}
  void Prepare(const Node* node, const std::vector<const Tensor*>& inputs, Tensor* outputs, const bool* needed) {
    node_ = node;
    inputs_ = inputs.data();
    num_inputs_ = static_cast<int>(inputs.size());
    outputs_ = outputs;
    num_outputs_ = node->num_outputs();
    needed_ = needed;
  }
  ThreadPool& pool() override { return ThreadPool::Compute(); }
  ResourceManager& resources() override { return resources_; }
  FunctionRunner& functions() override { return functions_; }
  bool cancelled() const override { return false; }

 protected:
  Tensor Allocate(int, DType dtype, const Shape& shape) override { return Tensor(dtype, shape); }
  bool MayReuse(int, int) override { return false; }
  Tensor AllocateScratch(DType dtype, const Shape& shape) override { return Tensor(dtype, shape); }

 private:
  ResourceManager& resources_;
  FunctionRunner& functions_;
};

struct Step {
  const Node* node = nullptr;
  Kernel kernel;
  std::vector<int> inputs;  // slots
  int first_output = 0;     // slot
  std::unique_ptr<bool[]> needed;
  std::vector<int> reads, writes;  // flat inputs that may be variables
};

// Holds the locks of the variables that one step touches.
class VariableLocks {
 public:
  VariableLocks(const Step& step, const std::vector<const Tensor*>& inputs) {
    for (const int i : step.writes) {
      if (auto* state = StateOf(*inputs[i])) exclusive_.emplace_back(state->mutex);
    }
    for (const int i : step.reads) {
      if (auto* state = StateOf(*inputs[i])) shared_.emplace_back(state->mutex);
    }
  }

 private:
  static VariableState* StateOf(const Tensor& tensor) {
    return tensor.dtype() == DType::kResource ? dynamic_cast<VariableState*>(tensor.object().get()) : nullptr;
  }
  std::vector<std::unique_lock<std::shared_mutex>> exclusive_;
  std::vector<std::shared_lock<std::shared_mutex>> shared_;
};

}  // namespace

struct FunctionEvaluator::Impl final : FunctionRunner {
  Impl(std::shared_ptr<const Function> f, std::shared_ptr<const FunctionLibrary> l, ResourceManager& resources)
      : function(std::move(f)), library(std::move(l)), resources(resources), context(resources, *this) {
    const std::unordered_set<const Node*> wanted = ReachableNodes(*function);
    std::unordered_map<const Node*, int> first_slot;
    for (const Node* arg : function->args) first_slot[arg] = num_slots++;
    std::set<int> used;
    for (const Node* node : function->body->TopologicalOrder()) {
      if (!wanted.contains(node) || first_slot.contains(node)) continue;
      AddStep(*node, &first_slot, &used);
    }
    for (const Output& result : function->results) {
      results.push_back(first_slot.at(result.node) + result.index);
      used.insert(results.back());
    }
    for (Step& step : steps) {
      step.needed = std::make_unique<bool[]>(step.node->num_outputs());
      for (int i = 0; i < step.node->num_outputs(); ++i) step.needed[i] = used.contains(step.first_output + i);
    }
    slots.resize(num_slots);
  }

  void AddStep(const Node& node, std::unordered_map<const Node*, int>* first_slot, std::set<int>* used) {
    if (!node.op().kernel) {
      throw Unimplemented("function '", function->name, "' of a dataset uses the op ", node.type(), " ('", node.name(),
                          "'), which has no kernel of its own");
    }
    Step step;
    step.node = &node;
    step.kernel = node.op().kernel(node);
    for (const Output& input : node.inputs()) {
      step.inputs.push_back(first_slot->at(input.node) + input.index);
      used->insert(step.inputs.back());
    }
    step.first_output = num_slots;
    const auto flatten = [&](const std::vector<int>& arguments, std::vector<int>* flat) {
      for (const int argument : arguments) {
        const auto [begin, end] = node.InputRange(node.op().inputs[argument].name);
        for (int i = begin; i < end; ++i) flat->push_back(i);
      }
    };
    flatten(node.op().effects.reads, &step.reads);
    flatten(node.op().effects.writes, &step.writes);
    (*first_slot)[&node] = num_slots;
    num_slots += node.num_outputs();
    steps.push_back(std::move(step));
  }

  std::vector<Tensor> Run(const std::vector<Tensor>& args) {
    if (args.size() != function->args.size()) {
      throw InvalidArgument("function '", function->name, "' takes ", function->args.size(), " arguments, got ",
                            args.size());
    }
    std::copy(args.begin(), args.end(), slots.begin());
    std::vector<const Tensor*> inputs;
    for (const Step& step : steps) {
      inputs.clear();
      for (const int slot : step.inputs) inputs.push_back(&slots[slot]);
      context.Prepare(step.node, inputs, &slots[step.first_output], step.needed.get());
      const VariableLocks locks(step, inputs);
      step.kernel(context);
    }
    std::vector<Tensor> values;
    for (const int slot : results) values.push_back(slots[slot]);
    std::fill(slots.begin(), slots.end(), Tensor());
    return values;
  }

  // Nested calls.
  std::shared_ptr<const Function> Find(const std::string& name) const override { return library->Find(name); }
  std::vector<Tensor> Call(const std::string& name, const std::vector<Tensor>& args) override {
    auto& callee = callees[name];
    if (!callee) {
      auto found = Find(name);
      if (!found) throw NotFound("function '", name, "' is not in the graph's library");
      callee = std::make_unique<FunctionEvaluator>(std::move(found), library, resources);
    }
    return callee->Call(args);
  }

  const std::shared_ptr<const Function> function;
  const std::shared_ptr<const FunctionLibrary> library;
  ResourceManager& resources;
  EvaluationContext context;
  std::vector<Step> steps;
  std::vector<int> results;
  std::vector<Tensor> slots;
  int num_slots = 0;
  std::map<std::string, std::unique_ptr<FunctionEvaluator>> callees;
};

FunctionEvaluator::FunctionEvaluator(std::shared_ptr<const Function> function,
                                     std::shared_ptr<const FunctionLibrary> library, ResourceManager& resources)
    : impl_(std::make_unique<Impl>(std::move(function), std::move(library), resources)) {}
FunctionEvaluator::~FunctionEvaluator() = default;
FunctionEvaluator::FunctionEvaluator(FunctionEvaluator&&) noexcept = default;

std::vector<Tensor> FunctionEvaluator::Call(const std::vector<Tensor>& args) {
  return impl_->Run(args);
}

}  // namespace headrace::data
