// The current graph of a thread, scopes on it, and the tracing of functions.
#include <utility>

#include "graph/function_effects.h"
#include "graph/immediate.h"
#include "headrace/op.h"

namespace headrace {
namespace {

thread_local std::vector<Graph*> current_graphs;
thread_local std::shared_ptr<Graph> default_graph;
thread_local Graph* immediate_graph = nullptr;
thread_local Immediate* immediate_runner = nullptr;
std::atomic<Graph& (*)()> default_source{nullptr};

}  // namespace

void SetImmediate(Graph* graph, Immediate* runner) {
  immediate_graph = graph;
  immediate_runner = runner;
}

Immediate* ImmediateOf(const Graph& graph) {
  return &graph == immediate_graph ? immediate_runner : nullptr;
}

Graph& InnermostCollecting() {
  for (auto graph = current_graphs.rbegin(); graph != current_graphs.rend(); ++graph) {
    if (!ImmediateOf(**graph)) return **graph;
  }
  if (!default_graph) default_graph = std::make_shared<Graph>();
  return *default_graph;
}

void SetDefaultGraphSource(Graph& (*source)()) {
  default_source.store(source, std::memory_order_relaxed);
}

Graph& Graph::Current() {
  if (!current_graphs.empty()) return *current_graphs.back();
  if (const auto source = default_source.load(std::memory_order_relaxed)) return source();
  if (!default_graph) default_graph = std::make_shared<Graph>();
  return *default_graph;
}

std::shared_ptr<Graph> Graph::SharedCurrent() {
  auto shared = Current().weak_from_this().lock();
  if (!shared) {
    throw FailedPrecondition(
        "the current graph lies on the stack, and who runs it has to share it: make it by std::make_shared<Graph>()");
  }
  return shared;
}

void Graph::ResetDefault() {
  if (!current_graphs.empty()) {
    throw FailedPrecondition("Do not use tf.reset_default_graph() to clear nested graphs.");
  }
  default_graph.reset();
}

GraphScope::GraphScope(Graph& graph) : graph_(&graph) {
  current_graphs.push_back(&graph);
}

GraphScope::~GraphScope() {
  // Python's scopes may end out of order: remove this one, wherever it is.
  for (auto i = current_graphs.end(); i != current_graphs.begin();) {
    if (*--i == graph_) {
      current_graphs.erase(i);
      return;
    }
  }
}

ContextScope::ContextScope(ControlFlowContext* context, Graph& graph) : graph_(graph), saved_(graph.context()) {
  graph.set_context(context);
}

ContextScope::~ContextScope() {
  graph_.set_context(saved_);
}

NameScope::NameScope(std::string_view name, Graph& graph) : graph_(graph), outer_(graph.name_scope()) {
  if (name.empty()) {
    name_ = "";
  } else if (name.ends_with('/')) {
    name_ = name;
  } else if (ImmediateOf(graph)) {  // nothing remembers names there
    name_ = outer_ + std::string(name) + "/";
  } else {
    name_ = graph.UniqueName(name) + "/";
  }
  graph.set_name_scope(name_);
}

NameScope::~NameScope() {
  graph_.set_name_scope(outer_);
}

ControlDependencies::ControlDependencies(std::vector<Node*> nodes, Graph& graph)
    : graph_(graph), saved_(graph.control_dependency_stack()), context_(graph.context()) {
  graph.control_dependency_stack().push_back(std::move(nodes));
}

std::unique_ptr<ControlDependencies> ControlDependencies::Clear(Graph& graph) {
  auto scope = std::unique_ptr<ControlDependencies>(new ControlDependencies(graph));
  scope->saved_ = std::exchange(graph.control_dependency_stack(), {});
  graph.set_context(nullptr);
  return scope;
}

ControlDependencies::~ControlDependencies() {
  graph_.control_dependency_stack() = std::move(saved_);
  graph_.set_context(context_);
}

std::shared_ptr<const Function> TraceFunction(
    const std::string& name, const std::vector<std::pair<DType, PartialShape>>& args,
    const std::function<std::vector<Output>(const std::vector<Output>&)>& build) {
  Graph& outer = Graph::Current();
  auto function = std::make_shared<Function>();
  function->body = std::make_shared<Graph>();
  Graph& body = *function->body;
  body.set_outer(&outer);
  body.seed = outer.seed;
  std::vector<Output> inner;
  for (const auto& [dtype, shape] : args) {
    const auto index = static_cast<int64_t>(inner.size());
    Node* arg =
        body.AddNode({.name = "arg" + std::to_string(index), .op = "_Arg", .attrs = {{"T", dtype}, {"index", index}}});
    arg->set_output_shape(0, shape);
    function->args.push_back(arg);
    function->arg_names.push_back(arg->name());
    inner.push_back(arg->output());
  }
  {
    GraphScope scope(body);
    for (const Output& result : build(inner)) function->results.push_back(body.Capture(result));
  }
  for (const auto& [from, to] : body.captures()) {
    to.node->set_attr("index", static_cast<int64_t>(function->args.size()));
    function->args.push_back(to.node);
    function->arg_names.push_back(to.node->name());
    function->captures.push_back(from);
  }
  function->control_results = OrderEffects(body);
  body.set_outer(nullptr);
  for (const auto& [nested_name, nested] : body.functions()) outer.AddFunction(nested);
  for (int i = 0;; ++i) {
    function->name = i == 0 ? name : name + "_" + std::to_string(i);
    if (!outer.FindFunction(function->name)) break;
  }
  outer.AddFunction(function);
  return function;
}

}  // namespace headrace
