// The gradient's body is built inside the body of the function that is differentiated, as if that were the graph around
// it: what it needs of the forward pass it captures.
#include "autodiff/traced_gradient.h"

#include <algorithm>
#include <unordered_set>

#include "autodiff/differentiator.h"

namespace headrace {
namespace {

// Functions are looked up in the graph that is being built as well.
class Enclosed {
 public:
  Enclosed(Graph& body, Graph& around) : body_(body), saved_(body.outer()) {
    if (!saved_ && &body != &around) body.set_outer(&around);
  }
  ~Enclosed() { body_.set_outer(saved_); }

 private:
  Graph& body_;
  Graph* saved_;
};

Output Zeros(Output argument, int number, const TraceOptions& options) {
  if (argument.dtype() != DType::kResource) return ApplyOp("ZerosLike", {{argument}});
  const auto dtype =
      options.zeros_of_handles ? options.zeros_of_handles->find(number) : std::map<int, DType>::const_iterator();
  if (!options.zeros_of_handles || dtype == options.zeros_of_handles->end()) {
    throw Unimplemented("the gradient of a handle whose variable's dtype is not known: ", argument.name());
  }
  const Output shape = ApplyOp("VariableShape", {{argument}}, {{"out_type", DType::kInt32}});
  return ApplyOp("Fill", {{shape}, {Constant(Tensor::Zeros(dtype->second, {}))}});
}

}  // namespace

Gradient GradientAt::Of(Node* call) const {
  if (!sparse) return call->output(values);
  return {call->output(values), call->output(indices), dense_shape < 0 ? Output() : call->output(dense_shape)};
}

TracedGradient TraceGradient(const std::shared_ptr<const Function>& function, const std::vector<int>& results,
                             const std::set<int>& arguments, const TraceOptions& options,
                             const std::vector<std::pair<DType, PartialShape>>& specs) {
  Graph& body = *function->body;
  Graph& around = Graph::Current();
  const Enclosed enclosed(body, around);
  const GraphScope inside(body);
  const ContextScope no_context(nullptr, body);
  TracedGradient traced;
  const auto build = [&](const std::vector<Output>& given) {
    const NameScope scope("gradients");
    std::vector<Output> xs, ys, made;
    for (const int argument : arguments) xs.push_back(function->args[static_cast<size_t>(argument)]->output());
    const Differentiator::Options rules;
    Differentiator differentiator(xs, rules, nullptr);
    for (size_t i = 0; i < results.size(); ++i) {
      ys.push_back(function->results[static_cast<size_t>(results[i])]);
      differentiator.Start(ys.back(), ApplyOp("Identity", {{given[i]}}, {}, "grad_ys_" + std::to_string(i)));
    }
    differentiator.Run(ys);
    size_t x = 0;
    for (const int argument : arguments) {
      Gradient gradient = differentiator.Result(xs[x++]);
      if (options.dense) {
        const Output given_argument = function->args[static_cast<size_t>(argument)]->output();
        gradient = gradient ? Gradient(Densify(gradient)) : Gradient(Zeros(given_argument, argument, options));
      }
      if (!gradient) continue;
      GradientAt at{.values = static_cast<int>(made.size()), .sparse = gradient.sparse()};
      made.push_back(gradient.values);
      if (gradient.sparse()) {
        at.indices = static_cast<int>(made.size());
        made.push_back(gradient.indices);
        if (gradient.dense_shape) {
          at.dense_shape = static_cast<int>(made.size());
          made.push_back(gradient.dense_shape);
        }
      }
      traced.gradients[argument] = at;
    }
    return made;
  };
  traced.function = TraceFunction(function->name + "_gradient", specs, build);
  traced.captures = traced.function->captures;
  for (const auto& [name, nested] : body.functions()) around.AddFunction(nested);
  return traced;
}

std::shared_ptr<const Function> FunctionOf(const Node& node, const std::string& name) {
  if (auto function = node.graph()->FindFunction(name)) return function;
  if (auto function = Graph::Current().FindFunction(name)) return function;
  throw NotFound("there is no function '", name, "', which '", node.name(), "' calls");
}

std::set<int> ArgumentsReached(const Function& function, const std::vector<int>& results) {
  std::set<int> reached;
  std::unordered_set<const Node*> seen;
  std::vector<Output> pending;
  for (const int i : results) pending.push_back(function.results[static_cast<size_t>(i)]);
  while (!pending.empty()) {
    const Output output = pending.back();
    pending.pop_back();
    if (!CarriesGradient(output.dtype())) continue;
    if (const int argument = ArgumentNumber(function, output); argument >= 0) {
      reached.insert(argument);
      continue;
    }
    if (!seen.insert(output.node).second) continue;
    if (output.node->op().no_gradient && !output.node->has_attr("_gradient_op_type")) continue;
    for (const Output& input : output.node->inputs()) pending.push_back(input);
  }
  return reached;
}

int ArgumentNumber(const Function& function, Output output) {
  const Node* const node = output.node;
  const auto found = std::ranges::find(function.args, node);
  return found == function.args.end() ? -1 : static_cast<int>(found - function.args.begin());
}

std::string FreshName(const Graph& graph, const std::string& name) {
  for (int i = 0;; ++i) {
    const std::string candidate = i == 0 ? name : name + "_" + std::to_string(i);
    if (!graph.FindFunction(candidate) && !Graph::Current().FindFunction(candidate)) return candidate;
  }
}

std::shared_ptr<const Function> WithResults(const Function& function, const std::vector<Output>& more,
                                            const std::string& suffix) {
  auto wider = std::make_shared<Function>(function);
  wider->name = FreshName(*function.body, function.name + suffix);
  wider->result_names.clear();
  for (const Output& output : more) {
    if (ArgumentNumber(function, output) >= 0 || std::ranges::find(wider->results, output) != wider->results.end()) {
      continue;
    }
    wider->results.push_back(output);
  }
  return wider;
}

std::shared_ptr<const Function> WithArguments(const Function& function, size_t shared, size_t from,
                                              const std::vector<Output>& like) {
  auto wider = std::make_shared<Function>(function);
  wider->name = FreshName(*function.body, function.name + "_of_all");
  wider->args.clear();
  wider->arg_names.clear();
  wider->captures.clear();
  const size_t own = function.args.size() - shared;
  for (size_t i = 0; i < like.size(); ++i) {
    if (i < shared) {
      wider->args.push_back(function.args[i]);
    } else if (i >= from && i < from + own) {
      wider->args.push_back(function.args[shared + i - from]);
    } else {
      wider->args.push_back(function.body->AddNode({.name = function.body->UniqueName("unused"),
                                                    .op = "_Arg",
                                                    .attrs = {{"T", like[i].dtype()}, {"index", 0}}}));
    }
    wider->args.back()->set_attr("index", static_cast<int64_t>(i));
    wider->arg_names.push_back(wider->args.back()->name());
  }
  return wider;
}

Output StandInFor(const Function& function, DType dtype) {
  const GraphScope inside(*function.body);
  const ContextScope no_context(nullptr, *function.body);
  if (dtype == DType::kVariant) {
    return ApplyOp("EmptyTensorList",
                   {{Constant(Tensor::Scalar<int32_t>(-1))}, {Constant(Tensor::Scalar<int32_t>(-1))}},
                   {{"element_dtype", DType::kFloat}, {"shape_type", DType::kInt32}});
  }
  if (dtype == DType::kResource) throw Unimplemented("a resource made in a branch can't be passed to its gradient");
  return Constant(dtype == DType::kString ? Tensor::Scalar("") : Tensor::Zeros(dtype, {}));
}

void NoteHandle(const Function& function, int argument, std::map<int, DType>* handles) {
  const Node* const handle = function.args[static_cast<size_t>(argument)];
  if (handle->output_dtype(0) != DType::kResource) return;
  for (const auto& node : function.body->nodes()) {
    if (node->has_attr("dtype") && !node->inputs().empty() && node->input(0).node == handle) {
      handles->emplace(argument, node->attr<DType>("dtype"));
    }
  }
}

void AddToLibrary(Graph& graph, const std::shared_ptr<const Function>& function) {
  for (const auto& [name, nested] : function->body->functions()) graph.AddFunction(nested);
  graph.AddFunction(function);
}

}  // namespace headrace
