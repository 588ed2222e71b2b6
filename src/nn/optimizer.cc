// What all optimizers share: gradients, slots, and the nodes around the updates. A slot of a partitioned variable is
// saved under the whole variable's name, with the part of its own name that follows the variable's; like 1.15, that is
// counted in characters, so a slot made inside a scope "dnn" is saved as "dnn/x/t_0/Adagrad".
#include <algorithm>
#include <atomic>

#include "headrace/eager.h"
#include "headrace/gradients.h"
#include "headrace/optimizers.h"
#include "nn/filled.h"

namespace headrace {
namespace {

// The nodes created for a slot must not depend on what control dependencies are open.
std::shared_ptr<Variable> BuildSlot(const Variable& primary, const std::string& name, const Initializer& initializer) {
  const GraphScope graph(IsEagerVariable(primary.handle) ? ImmediateGraph() : Graph::Current());
  const auto no_dependencies = ControlDependencies::Clear();
  const auto scope = VariableScope::Unique(primary.name + "/" + name);
  VariableScope::Current().partitioner = {};
  VariableScope::Current().regularizer = {};
  auto slot = GetVariable("", primary.shape().ToShape(),
                          {.dtype = primary.dtype(),
                           .initializer = initializer,
                           .trainable = false,
                           .use_resource = primary.is_resource(),
                           .reuse = Reuse::kNo});
  if (!primary.save_name.empty()) {
    slot->save_name = primary.save_name + "/" + slot->name.substr(primary.name.size() + 1);
    slot->slice_begin = primary.slice_begin;
    slot->slice_full_shape = primary.slice_full_shape;
  }
  return slot;
}

Node* IncrementGlobalStep(const Variable& step, std::string_view name) {
  const Output one = ScalarConstant(step.dtype(), 1, "value");
  return Graph::Current().Apply(step.is_resource() ? "AssignAddVariableOp" : "AssignAdd", {{step.handle}, {one}}, {},
                                name);
}

}  // namespace

struct Optimizer::State {
  std::map<std::string, std::map<std::string, std::shared_ptr<Variable>>> slots;  // by slot, by variable's name
  std::map<std::string, std::shared_ptr<Variable>> scalars;
  VariableList made;
};

Optimizer::Optimizer(std::string name) : name_(std::move(name)) {
  static std::atomic<int64_t> count{0};
  id_ = ++count;
}

Optimizer::State& Optimizer::StateIn(Graph& graph) const {
  struct States {
    std::map<int64_t, State> by_optimizer;
  };
  return graph.Extension<States>().by_optimizer[id_];
}

const VariableList& Optimizer::variables() const {
  return StateIn(Graph::Current()).made;
}

Node* Optimizer::Minimize(Output loss, const std::shared_ptr<Variable>& global_step, const VariableList& variables,
                          std::string_view name, Output grad_loss) {
  return ApplyGradients(ComputeGradients(loss, variables, grad_loss), global_step, name);
}

std::vector<GradientAndVariable> Optimizer::ComputeGradients(Output loss, const VariableList& variables,
                                                             Output grad_loss) {
  const VariableList chosen = variables.empty() ? loss.graph()->variables(keys::kTrainableVariables) : variables;
  if (chosen.empty()) throw InvalidArgument("No variables to optimize.");
  std::vector<Output> handles;
  for (const auto& variable : chosen) handles.push_back(variable->handle);
  GradientOptions options;
  if (grad_loss) options.grad_ys = {grad_loss};
  const std::vector<Gradient> gradients = Gradients({loss}, handles, options);
  std::vector<GradientAndVariable> result;
  for (size_t i = 0; i < chosen.size(); ++i) result.emplace_back(gradients[i], chosen[i]);
  return result;
}

Node* Optimizer::ApplyGradients(const std::vector<GradientAndVariable>& gradients,
                                const std::shared_ptr<Variable>& global_step, std::string_view name) {
  VariableList variables;
  for (const auto& [gradient, variable] : gradients) {
    if (gradient) variables.push_back(variable);
  }
  if (variables.empty()) {
    std::string names;
    for (const auto& [gradient, variable] : gradients) names += (names.empty() ? "" : ", ") + variable->name;
    throw InvalidArgument("No gradients provided for any variable: ", names, ".");
  }
  CreateSlots(variables);

  NameScope scope(name.empty() ? std::string_view(name_) : name);
  Prepare();
  std::vector<Node*> updates;
  for (const auto& [gradient, variable] : gradients) {
    if (!gradient) continue;
    NameScope update("update_" + variable->name);
    if (gradient.sparse() && ConstraintOf(*variable)) {
      throw FailedPrecondition("Cannot use a constraint function on a sparse variable: ", variable->name);
    }
    updates.push_back(gradient.sparse() ? ApplySparseDuplicateIndices(*variable, gradient.values, gradient.indices)
                                        : Constrained(*variable, ApplyDense(*variable, gradient.values)));
  }
  Node* train = nullptr;
  if (global_step) {
    ControlDependencies after({Finish(updates, "update")});
    train = IncrementGlobalStep(*global_step, scope.name());
  } else {
    train = Finish(updates, scope.name());
  }
  if (!ExecutingEagerly()) Graph::Current().collection("train_op").emplace_back(train);
  return train;
}

Node* Optimizer::Constrained(const Variable& variable, Node* update) const {
  const Constraint constraint = ConstraintOf(variable);
  if (!constraint) return update;
  ControlDependencies after({update});
  const Output updated = variable.is_resource()
                             ? ApplyOp("ReadVariableOp", {{variable.handle}}, {{"dtype", variable.dtype()}})
                             : ApplyOp("Identity", {{variable.handle}});
  return AssignVariable(variable, constraint(updated));
}

Node* Optimizer::ApplySparseDuplicateIndices(const Variable& variable, Output values, Output indices) {
  Node* unique = Graph::Current().Apply("Unique", {{indices}});
  const auto index = [](int32_t i) { return Constant(Tensor::Vector(std::vector<int32_t>{i})); };
  const Output count =
      ApplyOp("StridedSlice", {{ApplyOp("Shape", {{unique->output(0)}})}, {index(0)}, {index(1)}, {index(1)}},
              {{"shrink_axis_mask", 1}}, "strided_slice");
  const Output summed = ApplyOp("UnsortedSegmentSum", {{values}, {unique->output(1)}, {count}});
  return ApplySparse(variable, summed, unique->output(0));
}

Node* Optimizer::Finish(const std::vector<Node*>& updates, std::string_view name) {
  return Group(updates, name);
}

std::shared_ptr<Variable> Optimizer::GetSlot(const Variable& variable, const std::string& slot) const {
  const auto& slots = StateIn(*variable.handle.graph()).slots;
  const auto of_slot = slots.find(slot);
  if (of_slot == slots.end()) return nullptr;
  const auto found = of_slot->second.find(variable.name);
  return found == of_slot->second.end() ? nullptr : found->second;
}

const Variable& Optimizer::Slot(const Variable& variable, const std::string& slot) const {
  const auto found = GetSlot(variable, slot);
  if (!found) throw NotFound("optimizer ", name_, " has no slot '", slot, "' for variable ", variable.name);
  return *found;
}

std::vector<std::string> Optimizer::SlotNames() const {
  std::vector<std::string> names;
  for (const auto& [name, variables] : StateIn(Graph::Current()).slots) names.push_back(name);
  return names;
}

std::shared_ptr<Variable> Optimizer::MakeSlot(const Variable& variable, const std::string& slot,
                                              const Initializer& initializer, const std::string& name) {
  State& state = StateIn(*variable.handle.graph());
  auto& made = state.slots[slot][variable.name];
  if (!made) {
    made = BuildSlot(variable, name.empty() ? name_ : name, initializer);
    state.made.push_back(made);
  }
  return made;
}

std::shared_ptr<Variable> Optimizer::ZerosSlot(const Variable& variable, const std::string& slot,
                                               const std::string& name) {
  return MakeSlot(variable, slot, ZerosInitializer(), name);
}

std::shared_ptr<Variable> Optimizer::MakeScalar(const std::string& name, double initial_value, const Variable& like) {
  const GraphScope graph(IsEagerVariable(like.handle) ? ImmediateGraph() : Graph::Current());
  const auto no_dependencies = ControlDependencies::Clear();
  State& state = StateIn(*like.handle.graph());
  auto& made = state.scalars[name];
  if (!made) {
    made = MakeVariable(FilledTensor(like.dtype(), {}, initial_value), name,
                        {.trainable = false, .use_resource = like.is_resource()});
    state.made.push_back(made);
  }
  return made;
}

Node* Optimizer::ApplyUpdate(std::string_view op, const Variable& variable, std::vector<OpArgument> arguments,
                             AttrMap attrs) {
  arguments.insert(arguments.begin(), OpArgument{variable.handle});
  if (use_locking_) attrs["use_locking"] = true;
  return Graph::Current().Apply(variable.is_resource() ? "Resource" + std::string(op) : std::string(op), arguments,
                                std::move(attrs));
}

}  // namespace headrace
