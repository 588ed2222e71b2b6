// What has to be true of a plan graph between any two passes.
#include <unordered_set>

#include "runtime/passes.h"

namespace headrace {
namespace {

template <class... Args>
[[noreturn]] void Fail(const char* after, const Args&... what) {
  throw Internal("after ", after, " the plan's graph is broken: ", what...);
}

// The dtype that an argument's tensors have, or kInvalid if they differ from each other.
DType DTypeOfArgument(const Node& node, const OpArg& arg) {
  if (!arg.type_attr.empty()) return node.attr<DType>(arg.type_attr);
  return arg.type_list_attr.empty() ? arg.dtype : DType::kInvalid;
}

void CheckInputs(const Node& node, const std::unordered_set<const Node*>& nodes, const char* after) {
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    const Output& input = node.inputs()[i];
    if (!nodes.contains(input.node)) Fail(after, "input ", i, " of ", OriginOf(node), " is a node that is gone");
    if (input.index < 0 || input.index >= input.node->num_outputs()) {
      Fail(after, "input ", i, " of ", OriginOf(node), " is output ", input.index, " of ", OriginOf(*input.node),
           ", which has ", input.node->num_outputs());
    }
    if (node.input_is_ref(static_cast<int>(i)) && !input.node->output_is_ref(input.index)) {
      Fail(after, "input ", i, " of ", OriginOf(node), " must be a reference");
    }
  }
  for (const Node* control : node.control_inputs()) {
    if (!nodes.contains(control)) Fail(after, OriginOf(node), " waits for a node that is gone");
  }
}

void CheckDTypes(const Node& node, const char* after) {
  for (const OpArg& arg : node.op().inputs) {
    const auto [begin, end] = node.InputRange(arg.name);
    const DType one = DTypeOfArgument(node, arg);
    for (int i = begin; i < end; ++i) {
      const DType expected = one != DType::kInvalid
                                 ? one
                                 : node.attr<std::vector<DType>>(arg.type_list_attr).at(static_cast<size_t>(i - begin));
      if (node.input(i).dtype() != expected) {
        Fail(after, "input ", i, " of ", OriginOf(node), " is ", node.input(i).dtype(), ", expected ", expected);
      }
    }
  }
}

// The shapes that nodes are marked with against those that their ops' rules tell.
void CheckShapes(const Node& node, const char* after) {
  std::vector<PartialShape> shapes(static_cast<size_t>(node.num_outputs()));
  ShapeContext context(node, &shapes);
  try {
    node.op().shape ? node.op().shape(context) : void();
  } catch (const Error&) {
    return;  // wrong from the start: the run says so
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    const PartialShape& told = shapes[static_cast<size_t>(i)];
    if (!told.IsCompatibleWith(node.output_shape(i))) {
      Fail(after, "output ", i, " of ", OriginOf(node), " is marked ", node.output_shape(i), ", its op says ", told);
    }
  }
}

}  // namespace

PlanInvariants::PlanInvariants(const PlanGraph& plan) : targets_(plan.targets.size()) {
  for (const Output& feed : plan.feeds) feeds_.push_back({feed.dtype(), feed.shape()});
  for (const Output& fetch : plan.fetches) fetches_.push_back({fetch.dtype(), fetch.shape()});
}

void PlanInvariants::Check(const PlanGraph& plan, const char* after) const {
  std::unordered_set<const Node*> nodes;
  for (const auto& node : plan.graph.nodes()) nodes.insert(node.get());
  for (const auto& node : plan.graph.nodes()) {
    CheckInputs(*node, nodes, after);
    CheckDTypes(*node, after);
    CheckShapes(*node, after);
  }
  try {
    plan.graph.TopologicalOrder();
  } catch (const Error& error) {
    Fail(after, error.what());
  }
  const auto check_values = [&](const std::vector<Output>& values, const std::vector<Value>& asked, const char* what) {
    if (values.size() != asked.size()) Fail(after, values.size(), " ", what, ", expected ", asked.size());
    for (size_t i = 0; i < values.size(); ++i) {
      if (!nodes.contains(values[i].node)) Fail(after, what, " ", i, " is gone");
      if (values[i].dtype() != asked[i].dtype || !values[i].shape().IsCompatibleWith(asked[i].shape)) {
        Fail(after, what, " ", i, " is ", values[i].dtype(), values[i].shape(), ", expected ", asked[i].dtype,
             asked[i].shape);
      }
    }
  };
  check_values(plan.feeds, feeds_, "feeds");
  check_values(plan.fetches, fetches_, "fetches");
  if (plan.targets.size() != targets_) Fail(after, plan.targets.size(), " targets, expected ", targets_);
  for (const Node* target : plan.targets) {
    if (!nodes.contains(target)) Fail(after, "a target is gone");
  }
}

}  // namespace headrace
