// Binding, purity and calls of datasets' functions.
#include "data/bound_function.h"

#include <algorithm>
#include <set>
#include <string>

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

// Calling the op early or again makes no difference.
bool IsRepeatable(const OpDef& op) {
  const Traits& traits = op.traits;
  return op.effects.pure() || traits.placeholder || traits.makes_dataset || traits.only_checks;
}

// Ops without effects outside of themselves, in the function and in those that it calls (`seen` so far).
bool IsPure(const Function& function, const FunctionRunner& runner, std::set<std::string>* seen) {
  bool pure = true;
  for (const auto& node : function.body->nodes()) {
    pure = pure && IsRepeatable(node->op());
    ForEachFunctionOf(*node, [&](const std::string& callee) {
      if (!pure || !seen->insert(callee).second) return;
      const auto called = runner.Find(callee);
      pure = called && IsPure(*called, runner, seen);
    });
    if (!pure) return false;
  }
  return true;
}

}  // namespace

BoundFunction Bind(KernelContext& c, const char* name, const char* arguments) {
  BoundFunction bound;
  bound.ref = c.node().attr<FunctionRef>(name);
  bound.function = c.functions().Find(bound.ref.name);
  if (!bound.function) throw NotFound("function '", bound.ref.name, "' is not in the graph's library");
  const auto [begin, end] = c.node().InputRange(arguments);
  for (int i = begin; i < end; ++i) bound.captures.push_back(c.input(i));
  std::set<std::string> seen = {bound.ref.name};
  bound.pure = IsPure(*bound.function, c.functions(), &seen);
  return bound;
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

Error AtPosition(const Error& error, const std::string& position) {
  if (position.empty()) return error;
  std::string message = error.what();
  message.insert(std::min(message.find(" [op '"), message.size()), " (" + position + ")");
  return {error.code(), message};
}

BoundCall::BoundCall(const BoundFunction& f, FunctionRunner& runner)
    : captures_(f.captures), function_(runner.Prepare(f.ref)), frame_(function_->TakeFrame()) {}

std::vector<Tensor> BoundCall::operator()(std::vector<Tensor> args, const Cancellation* cancellation) {
  args.insert(args.end(), captures_.begin(), captures_.end());
  std::vector<Tensor> results(function_->function().results.size());
  frame_->Run(args, results, cancellation);
  return results;
}

}  // namespace headrace::data
