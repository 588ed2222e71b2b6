// tf.cond: a Switch for what the branches take, a Merge for what they give.
#include <algorithm>

#include "flow/context.h"
#include "headrace/control_flow.h"

namespace headrace {
namespace {

std::vector<Output> BuildBranch(Graph& graph, CondContext* context, const std::function<std::vector<Output>()>& build) {
  const ContextScope inside(context, graph);
  std::vector<Output> results = build();
  for (Output& result : results) {
    result = context->AddValue(result.graph() == &graph ? result : graph.Capture(result));
    if (context->outer()) context->outer()->Know(result);
  }
  return results;
}

}  // namespace

std::vector<Output> Cond(Output predicate, const std::function<std::vector<Output>()>& true_fn,
                         const std::function<std::vector<Output>()>& false_fn, std::string_view name) {
  Graph& graph = Graph::Current();
  const NameScope scope(name, graph);
  Node* split = graph.Apply("Switch", {{predicate}, {predicate}});
  const Output on_true = ApplyOp("Identity", {{split->output(1)}}, {}, "switch_t");
  const Output on_false = ApplyOp("Identity", {{split->output(0)}}, {}, "switch_f");
  const Output chosen = ApplyOp("Identity", {{predicate}}, {}, "pred_id");
  const auto branch = [&](Output pivot, int number) {
    return static_cast<CondContext*>(graph.Keep(std::make_unique<CondContext>(chosen, pivot, number)));
  };
  const std::vector<Output> if_true = BuildBranch(graph, branch(on_true, 1), true_fn);
  const std::vector<Output> if_false = BuildBranch(graph, branch(on_false, 0), false_fn);
  if (if_true.size() != if_false.size()) {
    throw InvalidArgument("true_fn and false_fn must return the same number of results, got ", if_true.size(), " and ",
                          if_false.size());
  }
  if (if_true.empty()) throw InvalidArgument("true_fn and false_fn must return at least one result.");
  std::vector<Output> merged;
  for (size_t i = 0; i < if_true.size(); ++i) {
    if (if_true[i].dtype() != if_false[i].dtype()) {
      throw InvalidArgument("Outputs of true_fn and false_fn must have the same type: ", if_true[i].dtype(), ", ",
                            if_false[i].dtype());
    }
  }
  for (size_t i = 0; i < if_true.size(); ++i) {
    const auto is_ref = [](Output output) { return output.node->output_is_ref(output.index); };
    const bool references = is_ref(if_true[i]) && is_ref(if_false[i]);
    merged.push_back(ApplyOp(references ? "RefMerge" : "Merge", {{if_false[i], if_true[i]}}, {}, "Merge"));
  }
  return merged;
}

Output ControlPivot() {
  for (auto* context = static_cast<BuildContext*>(Graph::Current().context()); context; context = context->outer()) {
    if (context->pivot()) return context->pivot();
  }
  return {};
}

}  // namespace headrace
