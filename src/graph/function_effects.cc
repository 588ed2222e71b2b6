// Who reads and who writes is what the ops declare; what an op with functions among its attributes does to a resource
// given to it, only they know, so that it counts as a write.
#include "graph/function_effects.h"

#include <algorithm>
#include <map>

#include "headrace/op.h"

namespace headrace {
namespace {

struct Use {
  Output resource;
  bool writes = false;
};

// What a resource's handle is called in the body: an argument, or what made it.
Output RootOf(Output handle) {
  while (handle.node->inputs().size() == 1 && handle.node->op().effects.pure() && handle.node->num_outputs() == 1 &&
         handle.node->input(0).dtype() == DType::kResource) {
    handle = handle.node->input(0);
  }
  return handle;
}

std::vector<Use> UsesOf(const Node& node) {
  const Effects& effects = node.op().effects;
  std::vector<Use> uses;
  const auto declared = [&](const std::vector<int>& arguments, int input) {
    return std::ranges::any_of(arguments, [&](int argument) {
      const auto [begin, end] = node.InputRange(node.op().inputs[argument].name);
      return begin <= input && input < end;
    });
  };
  for (int i = 0; i < static_cast<int>(node.inputs().size()); ++i) {
    if (node.input(i).dtype() != DType::kResource) continue;
    const bool reads = declared(effects.reads, i);
    const bool writes = declared(effects.writes, i) || (!reads && effects.stateful);
    if (reads || writes) uses.push_back({RootOf(node.input(i)), writes});
  }
  return uses;
}

bool HasToRun(const Node& node, const std::vector<Use>& uses) {
  const Effects& effects = node.op().effects;
  return effects.keep || !effects.writes.empty() || (effects.stateful && node.num_outputs() == 0) ||
         std::ranges::any_of(uses, &Use::writes);
}

}  // namespace

std::vector<Node*> OrderEffects(Graph& body) {
  struct Touched {
    Node* writer = nullptr;
    std::vector<Node*> readers;  // since then
  };
  std::map<std::pair<const Node*, int>, Touched> touched;
  std::vector<Node*> kept;
  for (const auto& owned : body.nodes()) {
    Node* node = owned.get();
    const std::vector<Use> uses = UsesOf(*node);
    for (const auto& [resource, writes] : uses) {
      Touched& last = touched[{resource.node, resource.index}];
      const auto wait_for = [&](Node* earlier) {
        const bool waits = earlier == node ||
                           std::ranges::find(node->control_inputs(), earlier) != node->control_inputs().end() ||
                           std::ranges::any_of(node->inputs(), [&](Output o) { return o.node == earlier; });
        if (!waits) body.AddControlInput(node, earlier);
      };
      if (last.writer) wait_for(last.writer);
      if (!writes) {
        last.readers.push_back(node);
        continue;
      }
      for (Node* reader : last.readers) wait_for(reader);
      last = {node, {}};
    }
    if (HasToRun(*node, uses)) kept.push_back(node);
  }
  return kept;
}

}  // namespace headrace
