// Making plan graphs, and the questions that several passes ask of them.
#include "runtime/plan_graph.h"

#include <algorithm>

#include "base/thread_pool.h"

namespace headrace {

Node* PlanGraph::AddNode(NodeSpec spec) {
  Node* node = graph.AddNode(std::move(spec));
  for (const Output& input : node->inputs()) users_[input.node].push_back(node);
  for (const Node* control : node->control_inputs()) users_[control].push_back(node);
  return node;
}

void PlanGraph::ReplaceInput(Node* node, int i, Output with) {
  graph.ReplaceInput(node, i, with);
  users_[with.node].push_back(node);
}

void PlanGraph::Replace(Output old_output, Output with) {
  const std::vector<Node*> users = users_[old_output.node];
  for (Node* user : users) {
    for (int i = 0; i < static_cast<int>(user->inputs().size()); ++i) {
      if (user->input(i) == old_output) ReplaceInput(user, i, with);
    }
  }
  std::ranges::replace(fetches, old_output, with);
}

void PlanGraph::ReplaceControl(Node* node, Node* instead) {
  const std::vector<Node*> users = users_[node];
  for (Node* user : users) {
    const std::vector<Node*> controls = user->control_inputs();
    if (std::ranges::find(controls, node) == controls.end()) continue;
    graph.ClearControlInputs(user);
    for (Node* control : controls) {
      Node* kept = control == node ? instead : control;
      if (kept != user) graph.AddControlInput(user, kept);
    }
    users_[instead].push_back(user);
  }
  std::ranges::replace(targets, node, instead);
}

void PlanGraph::Keep(const std::unordered_set<const Node*>& kept) {
  graph.RemoveNodes([&](const Node& node) { return !kept.contains(&node); });
  users_.clear();
  for (const auto& node : graph.nodes()) {
    for (const Output& input : node->inputs()) users_[input.node].push_back(node.get());
    for (const Node* control : node->control_inputs()) users_[control].push_back(node.get());
  }
}

namespace {

void CheckBelongs(const Graph& graph, const Node* node, const char* role) {
  if (!node) throw InvalidArgument("a ", role, " is null");
  if (node->graph() != &graph) {
    throw InvalidArgument("the ", role, " '", node->name(), "' is not an element of the session's graph");
  }
}

// Nobody waits for a placeholder that is fed: it never runs.
void DropControlEdgesFrom(Graph* graph, const std::unordered_set<const Node*>& placeholders) {
  for (const auto& node : graph->nodes()) {
    const auto fed = [&](const Node* control) { return placeholders.contains(control); };
    if (std::ranges::none_of(node->control_inputs(), fed)) continue;
    const std::vector<Node*> controls = node->control_inputs();
    graph->ClearControlInputs(node.get());
    for (Node* control : controls) {
      if (!fed(control)) graph->AddControlInput(node.get(), control);
    }
  }
}

}  // namespace

PlanGraph MakePlanGraph(const Graph& graph, const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                        const std::vector<Node*>& targets) {
  for (const Output& feed : feeds) CheckBelongs(graph, feed.node, "feed");
  for (const Output& fetch : fetches) CheckBelongs(graph, fetch.node, "fetch");
  for (const Node* target : targets) CheckBelongs(graph, target, "target");
  PlanGraph plan;
  std::unordered_map<const Node*, Node*> copies;
  std::vector<const Node*> roots(targets.begin(), targets.end());
  for (const Output& fetch : fetches) roots.push_back(fetch.node);
  for (const Output& feed : feeds) roots.push_back(feed.node);  // checked and counted even if nothing uses them
  plan.graph = graph.ExtractSubgraph(roots, &copies);
  for (const Output& fetch : fetches) plan.fetches.push_back({copies.at(fetch.node), fetch.index});
  for (const Node* target : targets) plan.targets.push_back(copies.at(target));
  for (const Output& feed : feeds) plan.feeds.push_back({copies.at(feed.node), feed.index});
  plan = Prune(std::move(plan), {});  // drops nothing yet, but knows each node's users
  std::unordered_set<const Node*> placeholders;
  for (size_t i = 0; i < feeds.size(); ++i) {
    if (std::find(feeds.begin(), feeds.begin() + static_cast<int64_t>(i), feeds[i]) !=
        feeds.begin() + static_cast<int64_t>(i)) {
      throw InvalidArgument("tensor ", feeds[i].name(), " is fed twice");
    }
    const Output fed = plan.feeds[i];
    Node* feed = plan.AddNode({.name = "_feed_" + std::to_string(i),
                               .op = "_Feed",
                               .attrs = {{"dtype", fed.dtype()}, {"origin", OriginOf(*feeds[i].node)}}});
    feed->set_output_shape(0, fed.shape());
    plan.Replace(fed, feed->output());
    plan.feeds[i] = feed->output();
    if (fed.node->op().traits.placeholder && fed.node->inputs().empty()) {
      placeholders.insert(fed.node);
      std::erase(plan.targets, fed.node);
    }
  }
  if (!placeholders.empty()) DropControlEdgesFrom(&plan.graph, placeholders);
  return Prune(std::move(plan), {});
}

std::unordered_map<const Node*, Uses> CollectUses(const PlanGraph& plan) {
  std::unordered_map<const Node*, Uses> uses;
  for (const auto& node : plan.graph.nodes()) {
    uses[node.get()];
    for (size_t i = 0; i < node->inputs().size(); ++i) {
      uses[node->inputs()[i].node].inputs.emplace_back(node.get(), static_cast<int>(i));
    }
    for (const Node* control : node->control_inputs()) uses[control].controls.push_back(node.get());
  }
  for (const Output& fetch : plan.fetches) uses[fetch.node].fetched = true;
  for (const Node* target : plan.targets) uses[target].target = true;
  return uses;
}

namespace {

// A context for one kernel: everything is allocated afresh.
class LooseContext : public KernelContext {
 public:
  LooseContext(const Node& node, const std::vector<Tensor>& inputs, std::vector<Tensor>* outputs,
               ResourceManager& resources, FunctionRunner& functions)
      : resources_(resources), functions_(functions) {
    for (const Tensor& input : inputs) pointers_.push_back(&input);
    node_ = &node;
    inputs_ = pointers_.data();
    outputs_ = outputs->data();
    num_inputs_ = static_cast<int>(inputs.size());
    num_outputs_ = static_cast<int>(outputs->size());
  }
  ThreadPool& pool() override { return ThreadPool::Compute(); }
  ResourceManager& resources() override { return resources_; }
  FunctionRunner& functions() override { return functions_; }
  bool cancelled() const override { return false; }

 protected:
  Tensor Allocate(int, DType dtype, const Shape& shape) override { return Tensor(dtype, shape); }
  bool MayReuse(int, int) override { return false; }
  Tensor AllocateScratch(DType dtype, const Shape& shape) override { return Tensor(dtype, shape); }

 private:
  std::vector<const Tensor*> pointers_;
  ResourceManager& resources_;
  FunctionRunner& functions_;
};

}  // namespace

std::vector<Tensor> RunKernel(const Node& node, const Kernel& kernel, const std::vector<Tensor>& inputs,
                              ResourceManager& resources, FunctionRunner& functions) {
  std::vector<Tensor> outputs(node.num_outputs());
  LooseContext context(node, inputs, &outputs, resources, functions);
  kernel(context);
  return outputs;
}

std::string OriginOf(const Node& node) {
  if (node.has_attr("origin")) return node.attr<std::string>("origin");
  return "'" + node.name() + "' (" + node.type() + ")";
}

}  // namespace headrace
