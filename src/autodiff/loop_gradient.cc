// The gradient of a loop is a loop: as many iterations, in which the gradients of the variables go from the last to the
// first. What a value was in each iteration of the loop that it follows is kept in a list, which that loop gets as one
// variable more; here the list is another variable, of which each iteration takes the last element. Lists have
// gradients themselves, so that this can be done again.
#include <algorithm>

#include "autodiff/differentiator.h"
#include "headrace/operators.h"

namespace headrace {
namespace {

using OutputKey = std::pair<const Node*, int>;

Graph& GraphOf(const WhileContext* loop) {
  return *loop->variables()[0].merge.graph();
}

ControlFlowContext* OuterOf(const WhileContext* loop) {
  return loop->outer();
}

// Adds nodes to a loop that is there, without what is in force where the gradient is built.
class Addition {
 public:
  Addition(ControlFlowContext* context, Graph& graph)
      : in_graph_(graph), no_controls_(ControlDependencies::Clear(graph)), inside_(context, graph) {}

 private:
  GraphScope in_graph_;  // the loop may be in the body of a function that is being differentiated
  std::unique_ptr<ControlDependencies> no_controls_;
  ContextScope inside_;
};

// The number of iterations that the loop took, counted by one variable more.
Output CountOf(WhileContext* loop) {
  if (loop->count) return loop->count;
  Output zero;
  {
    const Addition around(OuterOf(loop), GraphOf(loop));
    zero = Constant(Tensor::Scalar<int32_t>(0), "f_count");
  }
  const Addition inside(OuterOf(loop), GraphOf(loop));
  const int counter = loop->AddVariable(zero, Shape(), "f_count");
  const ContextScope body(loop);
  loop->SetNext(counter, loop->BodyValue(counter) + 1.0);
  return loop->count = loop->AddExit(counter, "f_count");
}

// A tensor that stands in for a value of a branch that is not taken.
Output StandIn(DType dtype) {
  if (dtype == DType::kVariant) {
    return ApplyOp("EmptyTensorList",
                   {{Constant(Tensor::Scalar<int32_t>(-1))}, {Constant(Tensor::Scalar<int32_t>(-1))}},
                   {{"element_dtype", DType::kFloat}, {"shape_type", DType::kInt32}});
  }
  return Constant(dtype == DType::kString ? Tensor::Scalar("") : Tensor::Zeros(dtype, {}));
}

// The branches inside the loop that a value is made in, innermost first.
std::vector<CondContext*> BranchesOf(Output value, const WhileContext* loop) {
  std::vector<CondContext*> branches;
  for (BuildContext* context = OutputContextOf(value.node); context && context != loop; context = context->outer()) {
    if (auto* branch = dynamic_cast<CondContext*>(context)) branches.push_back(branch);
  }
  return branches;
}

// The list of what a value inside the loop was in each iteration, as it is behind the loop.
Output Recorded(WhileContext* loop, Output value) {
  const auto [found, fresh] = loop->recorded.try_emplace({value.node, value.index});
  if (!fresh) return found->second;
  Output kept = value;
  const std::vector<CondContext*> branches = BranchesOf(value, loop);
  for (CondContext* branch : branches) {
    const Addition around(branch->outer(), GraphOf(loop));
    Node* split = Graph::Current().Apply("Switch", {{StandIn(value.dtype())}, {branch->predicate()}});
    const Output other = split->output(1 - branch->branch());
    kept = ApplyOp("Merge", {branch->branch() == 1 ? OpArgument{other, kept} : OpArgument{kept, other}});
  }
  Output empty;
  {
    const Addition around(OuterOf(loop), GraphOf(loop));
    const PartialShape& shape = value.shape();
    const bool known = branches.empty() && shape.IsFullyDefined() && value.dtype() != DType::kVariant;
    const Output element_shape =
        known ? Constant(Tensor::Vector(std::vector<int32_t>(shape.dims().begin(), shape.dims().end())))
              : Constant(Tensor::Scalar<int32_t>(-1));
    empty = ApplyOp("EmptyTensorList", {{element_shape}, {Constant(Tensor::Scalar<int32_t>(-1))}},
                    {{"element_dtype", value.dtype()}, {"shape_type", DType::kInt32}}, "f_acc");
  }
  const Addition around(OuterOf(loop), GraphOf(loop));
  const int list = loop->AddVariable(empty, Shape(), "f_acc");
  const ContextScope body(loop);
  loop->SetNext(list, ApplyOp("TensorListPushBack", {{loop->BodyValue(list)}, {kept}}));
  return loop->recorded[{value.node, value.index}] = loop->AddExit(list, "f_acc");
}

// What a value of the loop that `back` follows is in the same iteration of `back`.
Output History(WhileContext* loop, WhileContext* back, Output value) {
  const Node& node = *value.node;
  if (node.op().flow == Flow::kEnter && node.attr<bool>("is_constant")) return back->AddValue(node.input(0));
  const Addition here(back, Graph::Current());
  if (node.op().traits.constant) return Constant(node.attr<Tensor>("value"));
  Output list;
  {
    const ContextScope around(OuterOf(back));
    list = Recorded(loop, value);
  }
  const std::vector<CondContext*> branches = BranchesOf(value, loop);
  const int variable = [&] {
    const ContextScope around(OuterOf(back));
    return back->AddVariable(list, Shape(), "b_acc");
  }();
  const PartialShape& shape = value.shape();
  const bool known = branches.empty() && shape.IsFullyDefined() && value.dtype() != DType::kVariant;
  const Output element_shape =
      known ? Constant(Tensor::Vector(std::vector<int32_t>(shape.dims().begin(), shape.dims().end())))
            : Constant(Tensor::Scalar<int32_t>(-1));
  Node* popped = Graph::Current().Apply("TensorListPopBack", {{back->BodyValue(variable)}, {element_shape}},
                                        {{"element_dtype", value.dtype()}});
  back->SetNext(variable, popped->output(0));
  back->AddExit(variable, "b_acc");
  Output result = popped->output(1);
  // It lives only in those iterations in which its branches were taken.
  for (auto branch = branches.rbegin(); branch != branches.rend(); ++branch) {
    const Output predicate = back->AddValue((*branch)->predicate());
    result = Graph::Current().Apply("Switch", {{result}, {predicate}})->output((*branch)->branch());
  }
  result.node->set_output_shape(result.index, shape);
  return result;
}

// Which of a loop's variables and constants each variable's next value is computed from, as gradients see it.
class BodyDependencies {
 public:
  explicit BodyDependencies(WhileContext* loop) : variables_(loop->variables()) {
    for (size_t i = 0; i < variables_.size(); ++i) {
      start_[variables_[i].split] = start_[variables_[i].merge.node] = static_cast<int>(i);
    }
    const auto& invariants = loop->invariants();
    for (size_t k = 0; k < invariants.size(); ++k) {
      start_[invariants[k].node] = static_cast<int>(variables_.size() + k);
    }
    for (const LoopVariableNodes& variable : variables_) from_.push_back(Search(variable.next));
  }
  // Numbers of variables; constants come behind them.
  const std::set<int>& Of(int variable) const { return from_[static_cast<size_t>(variable)]; }

 private:
  std::set<int> Search(Output root) const {
    std::set<int> found;
    std::unordered_set<const Node*> seen;
    std::vector<Output> pending;
    if (root) pending.push_back(root);
    while (!pending.empty()) {
      const Output output = pending.back();
      pending.pop_back();
      if (!CarriesGradient(output.dtype())) continue;
      if (const auto start = start_.find(output.node); start != start_.end()) {
        found.insert(start->second);
        continue;
      }
      if (!seen.insert(output.node).second) continue;
      if (output.node->op().no_gradient && !output.node->has_attr("_gradient_op_type")) continue;
      for (const Output& input : output.node->inputs()) pending.push_back(input);
    }
    return found;
  }

  std::vector<LoopVariableNodes> variables_;
  std::unordered_map<const Node*, int> start_;
  std::vector<std::set<int>> from_;
};

Output ZerosLikeOutside(Output x, DType dtype) {
  if (x.dtype() != DType::kResource) return ApplyOp("ZerosLike", {{x}});
  const Output shape = ApplyOp("VariableShape", {{x}}, {{"out_type", DType::kInt32}});
  return ApplyOp("Fill", {{shape}, {Constant(Tensor::Zeros(dtype, {}))}});
}

}  // namespace

void Differentiator::VisitLoop(WhileContext* loop) {
  if (!loop->parameters().back_prop) return;
  const std::vector<LoopVariableNodes> variables = loop->variables();  // the loop is about to get more
  const std::vector<Output> invariants = loop->invariants();
  const auto count = static_cast<int>(variables.size());
  const auto carries = [](Output x) { return CarriesGradient(x.dtype()) && x.dtype() != DType::kResource; };
  const auto usable = [&](const LoopVariableNodes& v) { return v.exit && v.next && carries(v.merge); };

  // Those to which a gradient comes, and those that depend on xs, by way of any number of iterations.
  std::vector<Gradient> dys(variables.size());
  std::set<int> reached, depending;
  for (int i = 0; i < count; ++i) {
    const LoopVariableNodes& variable = variables[static_cast<size_t>(i)];
    if (variable.exit) dys[static_cast<size_t>(i)] = Gather(variable.exit);
    if (dys[static_cast<size_t>(i)]) reached.insert(i);
    if (Depends(variable.enter.node->input(0))) depending.insert(i);
  }
  if (reached.empty()) return;
  for (size_t k = 0; k < invariants.size(); ++k) {
    if (Depends(invariants[k].node->input(0))) depending.insert(count + static_cast<int>(k));
  }
  const BodyDependencies body(loop);
  for (bool changed = true; changed;) {
    changed = false;
    const std::set<int> now = reached;
    for (const int i : now) {
      if (i >= count) continue;
      for (const int from : body.Of(i)) changed |= reached.insert(from).second;
    }
    for (int i = 0; i < count; ++i) {
      const std::set<int>& from = body.Of(i);
      if (std::ranges::any_of(from, [&](int other) { return depending.contains(other); })) {
        changed |= depending.insert(i).second;
      }
    }
  }
  std::vector<int> active;
  std::vector<Output> sources, active_invariants;
  for (const int i : reached) {
    if (!depending.contains(i)) continue;
    if (i >= count) {
      active_invariants.push_back(invariants[static_cast<size_t>(i - count)]);
    } else if (usable(variables[static_cast<size_t>(i)])) {
      active.push_back(i);
    }
  }
  if (active.empty()) return;

  Graph& graph = Graph::Current();
  const NameScope scope(loop->variables()[0].exit.node->name() + "_grad");
  const Output iterations = CountOf(loop);
  auto* back = static_cast<WhileContext*>(graph.Keep(std::make_unique<WhileContext>(loop->parameters())));
  back->forward = loop;
  back->history = [loop, back](Output value) { return History(loop, back, value); };
  const int counter = back->AddVariable(iterations, Shape(), "b_count");
  back->SetConditionPivot(back->MergeOf(counter));
  std::vector<int> gradients;
  for (const int i : active) {
    const LoopVariableNodes& variable = variables[static_cast<size_t>(i)];
    const Gradient& dy = dys[static_cast<size_t>(i)];
    const Output initial = dy ? Densify(dy) : ApplyOp("ZerosLike", {{variable.exit}});
    gradients.push_back(back->AddVariable(initial, variable.merge.shape(), "b_var"));
  }
  Differentiator inner(
      [&] {
        std::vector<Output> xs = active_invariants;
        for (const int i : active) xs.push_back(variables[static_cast<size_t>(i)].split->output(1));
        return xs;
      }(),
      options_, loop);
  std::vector<Gradient> totals(active_invariants.size());
  std::vector<int> sums(active_invariants.size(), -1);
  {
    const ContextScope inside(back, graph);
    back->SetCondition(
        ApplyOp("GreaterEqual", {{back->MergeOf(counter)}, {Constant(Tensor::Scalar<int32_t>(1), "b_count")}}),
        "b_count");
    const Output left = back->BodyValue(counter) - 1.0;
    back->SetBodyPivot(left);
    back->SetNext(counter, left);
    back->AddExit(counter, "b_count");
    std::vector<Output> ys, given;
    for (size_t j = 0; j < active.size(); ++j) {
      given.push_back(ApplyOp("Identity", {{back->BodyValue(gradients[j])}}));
      ys.push_back(variables[static_cast<size_t>(active[j])].next);
      inner.Start(ys.back(), given.back());
    }
    inner.Run(ys);
    for (size_t j = 0; j < active.size(); ++j) {
      const Gradient dx = inner.Result(variables[static_cast<size_t>(active[j])].split->output(1));
      back->SetNext(gradients[j], dx ? Densify(dx) : ApplyOp("ZerosLike", {{given[j]}}));
    }
    for (size_t k = 0; k < active_invariants.size(); ++k) {
      const Gradient dx = inner.Result(active_invariants[k]);
      if (!dx) continue;
      const Output dense = Densify(dx);
      const Output outside = active_invariants[k].node->input(0);
      const int sum = [&] {
        const ContextScope around(OuterOf(back), graph);
        const Output zeros = ZerosLikeOutside(outside, dense.dtype());
        return back->AddVariable(zeros, outside.dtype() == DType::kResource ? dense.shape() : outside.shape(), "b_acc");
      }();
      const bool lists = dense.dtype() == DType::kVariant;
      const Output added = lists ? ApplyOp("AddN", {{back->BodyValue(sum), dense}})
                                 : ApplyOp("AddV2", {{back->BodyValue(sum)}, {dense}}, {}, "add");
      back->SetNext(sum, added);
      sums[k] = sum;
    }
    for (size_t k = 0; k < sums.size(); ++k) {
      if (sums[k] >= 0) totals[k] = back->AddExit(sums[k], "b_acc");
    }
    for (const int gradient : gradients) back->AddExit(gradient);
  }
  for (size_t k = 0; k < totals.size(); ++k) Pass(active_invariants[k].node->input(0), totals[k]);
  for (size_t j = 0; j < active.size(); ++j) {
    Pass(variables[static_cast<size_t>(active[j])].enter.node->input(0),
         back->variables()[static_cast<size_t>(gradients[j])].exit);
  }
}

}  // namespace headrace
