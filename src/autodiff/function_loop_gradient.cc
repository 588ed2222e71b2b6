// The gradient of a loop whose body is a function. As for loops in the graph (loop_gradient.cc), the forward loop gets
// a counter and lists of what the gradient of an iteration takes; the backward loop calls that gradient, from the last
// iteration to the first.
#include <algorithm>

#include "autodiff/function_gradient.h"
#include "autodiff/traced_gradient.h"
#include "headrace/operators.h"

namespace headrace {
namespace {

Output Minus1() {
  return Constant(Tensor::Scalar<int32_t>(-1));
}

// An argument more for a function, which gives it on by way of `build`.
void AddState(Function* function, DType dtype, const PartialShape& shape, const std::function<Output(Output)>& build) {
  Graph& body = *function->body;
  Node* arg = body.AddNode({.name = body.UniqueName("state"),
                            .op = "_Arg",
                            .attrs = {{"T", dtype}, {"index", static_cast<int64_t>(function->args.size())}}});
  arg->set_output_shape(0, shape);
  function->args.push_back(arg);
  function->arg_names.push_back(arg->name());
  if (!build) return;
  const GraphScope inside(body);
  const ContextScope no_context(nullptr, body);
  function->results.push_back(build(arg->output()));
}

std::shared_ptr<Function> CopyOf(const Function& function, const char* suffix) {
  auto copy = std::make_shared<Function>(function);
  copy->name = FreshName(*function.body, function.name + suffix);
  copy->result_names.clear();
  return copy;
}

bool IsInvariant(const Function& body, int i) {
  return ArgumentNumber(body, body.results[static_cast<size_t>(i)]) == i;
}

}  // namespace

void FunctionLoopGradient(Backward& b) {
  Node* const node = b.node();
  Graph& home = *node->graph();
  const auto body = FunctionOf(*node, node->attr<FunctionRef>("body").name);
  const auto condition = FunctionOf(*node, node->attr<FunctionRef>("cond").name);
  const auto variables = static_cast<int>(node->inputs().size());
  std::vector<Gradient> result(node->inputs().size());
  std::set<int> reached;
  for (int i = 0; i < variables; ++i) {
    if (b.gradient(i)) reached.insert(i);
  }
  for (size_t before = 0; before != reached.size();) {
    before = reached.size();
    reached.merge(ArgumentsReached(*body, {reached.begin(), reached.end()}));
  }
  if (reached.empty()) return b.ReturnList(std::move(result));
  const std::vector<int> active(reached.begin(), reached.end());
  std::map<int, DType> handles;
  for (const int i : active) NoteHandle(*body, i, &handles);

  // What the gradients start with.
  std::vector<Output> initial;
  for (const int i : active) {
    if (b.gradient(i)) {
      initial.push_back(b.dy(i));
    } else if (node->input(i).dtype() != DType::kResource) {
      initial.push_back(ApplyOp("ZerosLike", {{b.y(i)}}));
    } else {
      const Output shape = ApplyOp("VariableShape", {{b.x(i)}}, {{"out_type", DType::kInt32}});
      initial.push_back(ApplyOp("Fill", {{shape}, {Constant(Tensor::Zeros(handles.at(i), {}))}}));
    }
  }
  std::vector<std::pair<DType, PartialShape>> gradient_specs;
  for (size_t j = 0; j < active.size(); ++j) {
    const Node* const arg = body->args[static_cast<size_t>(active[j])];
    const bool handle = arg->output_dtype(0) == DType::kResource;
    gradient_specs.emplace_back(initial[j].dtype(), handle ? PartialShape() : arg->output_shape(0));
  }
  const TracedGradient traced =
      TraceGradient(body, active, reached, {.dense = true, .zeros_of_handles = &handles}, gradient_specs);

  // The forward loop keeps what that takes.
  const auto longer = CopyOf(*body, "_forward"), longer_condition = CopyOf(*condition, "_forward");
  std::vector<Output> starts;
  std::vector<std::pair<DType, PartialShape>> more;
  {
    const GraphScope in_graph(home);
    const auto no_controls = ControlDependencies::Clear(home);
    const ContextScope context(node->context(), home);
    const auto add = [&](Output start, const PartialShape& shape, const std::function<Output(Output)>& build) {
      starts.push_back(start);
      more.emplace_back(start.dtype(), shape);
      AddState(longer.get(), start.dtype(), shape, build);
      AddState(longer_condition.get(), start.dtype(), shape, nullptr);
      return variables + static_cast<int>(starts.size()) - 1;
    };
    add(Constant(Tensor::Scalar<int32_t>(0), "f_count"), Shape(), [](Output n) { return n + 1.0; });
    for (const Output& capture : traced.captures) {
      const int argument = ArgumentNumber(*body, capture);
      if (argument >= 0 && IsInvariant(*body, argument)) continue;
      const Output empty = ApplyOp("EmptyTensorList", {{Minus1()}, {Minus1()}},
                                   {{"element_dtype", capture.dtype()}, {"shape_type", DType::kInt32}}, "f_acc");
      add(empty, Shape(), [&](Output list) { return ApplyOp("TensorListPushBack", {{list}, {capture}}); });
    }
    AddToLibrary(home, longer);
    AddToLibrary(home, longer_condition);
  }
  std::vector<DType> dtypes;
  for (const Output& input : node->inputs()) dtypes.push_back(input.dtype());
  for (const Output& start : starts) dtypes.push_back(start.dtype());
  AttrMap attrs = {{"T", dtypes},
                   {"body", FunctionRef{longer->name, nullptr}},
                   {"cond", FunctionRef{longer_condition->name, nullptr}}};
  if (auto shapes = node->attr<std::vector<PartialShape>>("output_shapes"); !shapes.empty()) {
    shapes.resize(dtypes.size());
    attrs["output_shapes"] = shapes;
  }
  home.Extend(node, std::move(attrs), starts, more);

  // The backward loop: the counter, the gradients, then what was kept and what never changed.
  std::vector<Output> state = {node->output(variables)};
  state.insert(state.end(), initial.begin(), initial.end());
  int list = variables;
  std::vector<bool> is_list;
  for (const Output& capture : traced.captures) {
    const int argument = ArgumentNumber(*body, capture);
    is_list.push_back(argument < 0 || !IsInvariant(*body, argument));
    state.push_back(is_list.back() ? node->output(++list) : node->input(argument));
  }
  std::vector<std::pair<DType, PartialShape>> specs;
  for (const Output& value : state) specs.emplace_back(value.dtype(), PartialShape());
  specs[0].second = Shape();
  AddToLibrary(Graph::Current(), traced.function);
  const size_t gradients = active.size();
  const auto step = [&](const std::vector<Output>& values) {
    std::vector<Output> next = {values[0] - 1.0};
    std::vector<Output> args(values.begin() + 1, values.begin() + 1 + static_cast<int64_t>(gradients)), lists;
    for (size_t k = 0; k < traced.captures.size(); ++k) {
      const Output value = values[1 + gradients + k];
      if (!is_list[k]) {
        args.push_back(value);
        lists.push_back(value);
        continue;
      }
      Node* popped = Graph::Current().Apply("TensorListPopBack", {{value}, {Minus1()}},
                                            {{"element_dtype", traced.captures[k].dtype()}});
      lists.push_back(popped->output(0));
      args.push_back(popped->output(1));
    }
    std::vector<DType> outputs;
    for (const Output& output : traced.function->results) outputs.push_back(output.dtype());
    Node* call =
        Graph::Current().Apply(node->op().effects.stateful ? "StatefulPartitionedCall" : "PartitionedCall", {args},
                               {{"f", FunctionRef{traced.function->name, nullptr}}, {"Tout", outputs}});
    for (const int i : active) next.push_back(call->output(traced.gradients.at(i).values));
    next.insert(next.end(), lists.begin(), lists.end());
    return next;
  };
  const auto more_left = [](const std::vector<Output>& values) {
    return std::vector<Output>{ApplyOp("Greater", {{values[0]}, {Constant(Tensor::Scalar<int32_t>(0))}})};
  };
  const auto back_body = TraceFunction(body->name + "_backward", specs, step);
  const auto back_condition = TraceFunction(condition->name + "_backward", specs, more_left);
  Node* back = Graph::Current().Apply(node->type(), {state},
                                      {{"body", FunctionRef{back_body->name, nullptr}},
                                       {"cond", FunctionRef{back_condition->name, nullptr}},
                                       {"parallel_iterations", node->attr("parallel_iterations")}});
  for (size_t j = 0; j < active.size(); ++j) {
    const Output gradient = back->output(static_cast<int>(j) + 1);
    if (node->input(active[j]).dtype() != DType::kResource) {
      back->set_output_shape(gradient.index, node->input(active[j]).shape());
    }
    result[static_cast<size_t>(active[j])] = gradient;
  }
  b.ReturnList(std::move(result));
}

}  // namespace headrace
