// The order of the pass, and what it does at each node.
#include "autodiff/differentiator.h"
#include "autodiff/function_gradient.h"

#include <algorithm>
#include <mutex>
#include <set>

namespace headrace {
namespace {

class NamedGradients {
 public:
  void Add(const std::string& name, GradientFunction gradient) {
    const std::lock_guard lock(mutex_);
    if (!gradients_.emplace(name, std::move(gradient)).second) {
      throw AlreadyExists("a gradient is registered under the name '", name, "' already");
    }
  }
  GradientFunction Find(const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto found = gradients_.find(name);
    return found == gradients_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, GradientFunction> gradients_;
};

NamedGradients& Named() {
  static NamedGradients& named = *new NamedGradients;
  return named;
}

// Empty if the node passes none.
GradientFunction GradientOf(const Node& node) {
  const OpDef& op = node.op();
  if (node.has_attr("_gradient_op_type")) {
    const std::string& name = node.attr<std::string>("_gradient_op_type");
    if (GradientFunction named = Named().Find(name)) return named;
    const OpDef* other = OpRegistry::Global().FindOrNull(name);
    if (other && other->gradient) return other->gradient;
    if (other && other->no_gradient) return nullptr;
    throw NotFound("No gradient defined for operation '", node.name(), "' (op type: ", name, ")");
  }
  switch (op.flow) {
    case Flow::kSwitch:
      return SwitchGradient;
    case Flow::kMerge:
      return MergeGradient;
    case Flow::kEnter:
      return [](Backward& b) { b.Return(b.gradient()); };
    default:
      break;
  }
  switch (op.calls) {
    case Calls::kOnce:
      return CallGradient;
    case Calls::kBranch:
      return BranchGradient;
    case Calls::kLoop:
      return FunctionLoopGradient;
    case Calls::kNone:
      break;
  }
  if (op.gradient || op.no_gradient) return op.gradient;
  if (GradientFunction named = Named().Find(op.name)) return named;
  throw NotFound("No gradient defined for operation '", node.name(), "' (op type: ", op.name, ")");
}

}  // namespace

void RegisterGradient(const std::string& name, GradientFunction gradient) {
  Named().Add(name, std::move(gradient));
}

Differentiator::Differentiator(std::vector<Output> xs, const Options& options, WhileContext* scope)
    : xs_(std::move(xs)), options_(options), scope_(scope), around_{nullptr} {
  for (const Output& stop : options.stops) stops_.insert(stop.node);
  for (WhileContext* loop = scope; loop; loop = loop->outer() ? loop->outer()->enclosing_loop() : nullptr) {
    around_.insert(loop);
  }
}

// The outermost loop that has the node but not the scope; the node itself if there is none.
Differentiator::Unit Differentiator::UnitOf(Node* node) const {
  WhileContext* unit = nullptr;
  for (WhileContext* loop = LoopOf(node); !around_.contains(loop);
       loop = loop->outer() ? loop->outer()->enclosing_loop() : nullptr) {
    unit = loop;
  }
  if (unit) return {nullptr, unit};
  return {node, nullptr};
}

// Where an iteration of the scope's loop begins: what is before it belongs to the loop's own gradient.
bool Differentiator::IsStartOfScope(const Node& node) const {
  if (!scope_ || ContextOf(&node) != scope_) return false;
  return std::ranges::any_of(scope_->variables(), [&](const LoopVariableNodes& variable) {
    return variable.split == &node || variable.merge.node == &node || variable.enter.node == &node;
  });
}

std::vector<Output> Differentiator::InputsOf(const Unit& unit) const {
  if (unit.node) return IsStartOfScope(*unit.node) ? std::vector<Output>{} : unit.node->inputs();
  std::vector<Output> inputs;
  for (const LoopVariableNodes& variable : unit.loop->variables()) inputs.push_back(variable.enter.node->input(0));
  for (const Output& invariant : unit.loop->invariants()) inputs.push_back(invariant.node->input(0));
  return inputs;
}

// What ys are computed from, inputs first.
std::vector<Differentiator::Unit> Differentiator::OrderBelow(const std::vector<Output>& ys) const {
  std::vector<Unit> order;
  std::set<Unit> seen;
  struct Open {
    Unit unit;
    std::vector<Output> inputs;
    size_t next = 0;
  };
  std::vector<Open> stack;
  const auto open = [&](Output output) {
    const Unit unit = UnitOf(output.node);
    if (seen.insert(unit).second) stack.push_back({unit, InputsOf(unit)});
  };
  for (const Output& y : ys) {
    open(y);
    while (!stack.empty()) {
      Open& top = stack.back();
      if (top.next < top.inputs.size()) {
        open(top.inputs[top.next++]);
        continue;
      }
      order.push_back(top.unit);
      stack.pop_back();
    }
  }
  return order;
}

void Differentiator::Run(const std::vector<Output>& ys) {
  std::set<Unit> sources;
  for (const Output& x : xs_) sources.insert(UnitOf(x.node));
  std::vector<Unit> between;
  for (const Unit& unit : OrderBelow(ys)) {
    bool depends = sources.contains(unit);
    if (!unit.node || !IsStop(unit.node)) {
      depends |= std::ranges::any_of(InputsOf(unit), [this](const Output& input) { return Depends(input); });
    }
    if (!depends) continue;
    depends_.insert(unit);
    between.push_back(unit);
  }
  for (auto unit = between.rbegin(); unit != between.rend(); ++unit) {
    if (unit->loop) {
      VisitLoop(unit->loop);
    } else {
      Visit(unit->node);
    }
  }
}

// All that has arrived at an output, as one.
Gradient Differentiator::Gather(Output output) {
  std::vector<Gradient>& parts = Arrived(output);
  const Gradient sum = SumGradients(parts);
  if (sum) parts = {sum};
  return sum;
}

void Differentiator::Pass(Output input, const Gradient& gradient) {
  if (gradient && Depends(input)) Arrived(input).push_back(gradient);
}

void Differentiator::Visit(Node* node) {
  if (IsStop(node) || IsStartOfScope(*node)) return;
  // A source whose own inputs lead to no other source needs no step further back.
  if (std::ranges::none_of(node->inputs(), [this](const Output& input) { return Depends(input); })) return;
  std::vector<Gradient> dys;
  for (const Output& output : node->outputs()) dys.push_back(Gather(output));
  if (std::ranges::none_of(dys, [](const Gradient& dy) { return static_cast<bool>(dy); })) return;
  const GradientFunction gradient = GradientOf(*node);
  if (!gradient) return;
  const NameScope scope(node->name() + "_grad");
  const size_t inputs = node->inputs().size();  // a call may be given more meanwhile
  Backward backward(node, std::move(dys));
  gradient(backward);
  std::vector<Gradient> result = backward.result();
  if (result.size() != inputs) {
    throw Internal("the gradient of ", node->type(), " returned ", result.size(), " gradients for ", inputs, " inputs");
  }
  if (options_.gate && std::ranges::count_if(result, [](const Gradient& g) { return static_cast<bool>(g); }) > 1) {
    std::vector<Node*> all;
    for (const Gradient& g : result) {
      if (g) all.push_back(g.values.node);
    }
    const NameScope tuple("tuple");
    std::unique_ptr<ControlDependencies> after = std::make_unique<ControlDependencies>(all);
    Node* together = Graph::Current().Apply("NoOp", {}, {}, "group_deps");
    after = std::make_unique<ControlDependencies>(std::vector<Node*>{together});
    for (Gradient& g : result) {
      if (g) g.values = ApplyOp("Identity", {{g.values}}, {}, "control_dependency");
    }
  }
  for (size_t i = 0; i < result.size(); ++i) Pass(node->input(static_cast<int>(i)), result[i]);
}

}  // namespace headrace
