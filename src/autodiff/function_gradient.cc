// Calls and conditionals; loops are in function_loop_gradient.cc.
#include "autodiff/function_gradient.h"

#include <algorithm>

#include "autodiff/traced_gradient.h"

namespace headrace {
namespace {

std::vector<DType> DTypesOf(const std::vector<Output>& outputs) {
  std::vector<DType> dtypes;
  for (const Output& output : outputs) dtypes.push_back(output.dtype());
  return dtypes;
}

// The functions of the node's attributes in the order of the branches, and the attributes that name others instead.
std::vector<std::string> BranchNames(const Node& node) {
  std::vector<std::string> names;
  if (node.has_attr("branches")) {
    for (const FunctionRef& ref : node.attr<std::vector<FunctionRef>>("branches")) names.push_back(ref.name);
  } else {
    names = {node.attr<FunctionRef>("then_branch").name, node.attr<FunctionRef>("else_branch").name};
  }
  return names;
}

void SetBranches(AttrMap* attrs, const std::vector<std::string>& names, bool as_list) {
  if (!as_list) {
    (*attrs)["then_branch"] = FunctionRef{names[0], nullptr};
    (*attrs)["else_branch"] = FunctionRef{names[1], nullptr};
    return;
  }
  std::vector<FunctionRef> refs;
  for (const std::string& name : names) refs.push_back({name, nullptr});
  (*attrs)["branches"] = refs;
}

// Which results of the node have gradients, and what these are.
struct Given {
  std::vector<int> results;
  std::vector<Output> dys;
  std::vector<std::pair<DType, PartialShape>> specs;
};

Given GivenTo(Backward& b) {
  Given given;
  for (int i = 0; i < b.node()->num_outputs(); ++i) {
    if (!b.gradient(i)) continue;
    given.results.push_back(i);
    given.dys.push_back(b.dy(i));
    given.specs.emplace_back(given.dys.back().dtype(), given.dys.back().shape());
  }
  return given;
}

}  // namespace

void CallGradient(Backward& b) {
  Node* const node = b.node();
  const auto function = FunctionOf(*node, node->attr<FunctionRef>("f").name);
  const Given given = GivenTo(b);
  std::vector<Gradient> result(node->inputs().size());
  const std::set<int> reached = ArgumentsReached(*function, given.results);
  if (reached.empty()) return b.ReturnList(std::move(result));
  const TracedGradient traced = TraceGradient(function, given.results, reached, {}, given.specs);

  // The forward pass gives what the backward pass takes.
  const auto forward = WithResults(*function, traced.captures, "_forward");
  std::vector<std::pair<DType, PartialShape>> more;
  for (size_t i = function->results.size(); i < forward->results.size(); ++i) {
    more.emplace_back(forward->results[i].dtype(), forward->results[i].shape());
  }
  AddToLibrary(*node->graph(), forward);
  node->graph()->Extend(node, {{"f", FunctionRef{forward->name, nullptr}}, {"Tout", DTypesOf(forward->results)}}, {},
                        more);

  std::vector<Output> args = given.dys;
  for (const Output& capture : traced.captures) {
    const int argument = ArgumentNumber(*function, capture);
    if (argument >= 0) {
      args.push_back(node->input(argument));
    } else {
      const auto at = std::ranges::find(forward->results, capture) - forward->results.begin();
      args.push_back(node->output(static_cast<int>(at)));
    }
  }
  AddToLibrary(Graph::Current(), traced.function);
  Node* call = Graph::Current().Apply(
      node->type(), {args},
      {{"f", FunctionRef{traced.function->name, nullptr}}, {"Tout", DTypesOf(traced.function->results)}});
  for (const auto& [argument, at] : traced.gradients) result[static_cast<size_t>(argument)] = at.Of(call);
  b.ReturnList(std::move(result));
}

void BranchGradient(Backward& b) {
  Node* const node = b.node();
  const std::vector<std::string> names = BranchNames(*node);
  const bool as_list = node->has_attr("branches");
  const Given given = GivenTo(b);
  std::vector<Gradient> result(node->inputs().size());
  std::vector<std::shared_ptr<const Function>> branches;
  std::set<int> reached;
  for (const std::string& name : names) {
    branches.push_back(FunctionOf(*node, name));
    reached.merge(ArgumentsReached(*branches.back(), given.results));
  }
  if (reached.empty()) return b.ReturnList(std::move(result));
  std::map<int, DType> handles;  // arguments that are variables' handles: the variables' dtypes
  for (const auto& branch : branches) {
    for (const int argument : reached) NoteHandle(*branch, argument, &handles);
  }
  std::vector<TracedGradient> traced;
  for (const auto& branch : branches) {
    traced.push_back(
        TraceGradient(branch, given.results, reached, {.dense = true, .zeros_of_handles = &handles}, given.specs));
  }
  // Each branch gives what its own gradient takes, and stand-ins for what those of the others do.
  std::vector<Output> args = given.dys;
  std::vector<std::pair<DType, PartialShape>> more;
  std::vector<std::vector<Output>> results(branches.size());
  for (size_t k = 0; k < branches.size(); ++k) results[k] = branches[k]->results;
  for (size_t k = 0; k < branches.size(); ++k) {
    for (const Output& capture : traced[k].captures) {
      const int argument = ArgumentNumber(*branches[k], capture);
      if (argument >= 0) {
        args.push_back(node->input(argument + 1));
        continue;
      }
      args.push_back({node, static_cast<int>(results[k].size())});
      more.emplace_back(capture.dtype(), PartialShape());
      for (size_t other = 0; other < branches.size(); ++other) {
        results[other].push_back(other == k ? capture : StandInFor(*branches[other], capture.dtype()));
      }
    }
  }
  std::vector<std::string> forward_names, backward_names;
  std::vector<DType> dtypes;
  for (size_t k = 0; k < branches.size(); ++k) {
    auto forward = std::make_shared<Function>(*branches[k]);
    forward->results = results[k];
    forward->result_names.clear();
    forward->name = FreshName(*node->graph(), branches[k]->name + "_forward");
    AddToLibrary(*node->graph(), forward);
    forward_names.push_back(forward->name);
    dtypes = DTypesOf(forward->results);
  }
  AttrMap attrs = {{"Tout", dtypes}};
  if (!node->attr<std::vector<PartialShape>>("output_shapes").empty()) {
    auto shapes = node->attr<std::vector<PartialShape>>("output_shapes");
    shapes.resize(dtypes.size());
    attrs["output_shapes"] = shapes;
  }
  SetBranches(&attrs, forward_names, as_list);
  node->graph()->Extend(node, std::move(attrs), {}, more);

  // The gradients of all branches take the same arguments.
  size_t before = given.dys.size();
  const size_t count = args.size();
  for (size_t k = 0; k < branches.size(); ++k) {
    const auto widened = WithArguments(*traced[k].function, given.dys.size(), before, args);
    before += traced[k].captures.size();
    AddToLibrary(Graph::Current(), widened);
    backward_names.push_back(widened->name);
  }
  if (before != count) throw Internal("the gradients of ", node->name(), " take other arguments than they are given");
  AttrMap backward_attrs = {{"Tout", DTypesOf(traced[0].function->results)}};
  SetBranches(&backward_attrs, backward_names, as_list);
  Node* call = Graph::Current().Apply(node->type(), {{node->input(0)}, args}, std::move(backward_attrs));
  for (const auto& [argument, at] : traced[0].gradients) {
    result[static_cast<size_t>(argument) + 1] = at.Of(call);
    if (!at.sparse)
      call->set_output_shape(at.values, node->input(argument + 1).dtype() == DType::kResource
                                            ? PartialShape()
                                            : node->input(argument + 1).shape());
  }
  b.ReturnList(std::move(result));
}

}  // namespace headrace
