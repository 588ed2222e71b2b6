// Immediate graphs: one a thread. Applying an op runs it and adds a node that stands for its results, until the region
// in which it was made ends. What variables of eager execution are is in home graphs (graph/immediate.h).
#include "headrace/eager.h"

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "graph/immediate.h"
#include "runtime/dispatch.h"
#include "runtime/immediate.h"

namespace headrace {
namespace {

// The handles of eager variables by the shared names of their states; without the values, which end with the variables.
struct Handles {
  static Handles& Global() {
    static Handles& handles = *new Handles;
    return handles;
  }
  std::mutex mutex;
  std::unordered_map<std::string, EagerValue> by_name;
};

// The handle of a home graph's variable.
struct HomeHandle {
  EagerValue value;
  std::string name;
  ~HomeHandle() {
    if (name.empty()) return;
    EagerState::Global().resources.Remove("", name);
    std::lock_guard lock(Handles::Global().mutex);
    Handles::Global().by_name.erase(name);
  }
};

// An op that only gives a tensor attribute's value.
bool IsConstant(const OpDef& op) {
  return op.inputs.empty() && op.outputs.size() == 1 && !op.effects.stateful && op.FindAttr("value") &&
         op.FindAttr("value")->type == "tensor";
}

class Runner : public Immediate {
 public:
  Runner() { SetImmediate(graph_.get(), this); }
  ~Runner() override { SetImmediate(nullptr, nullptr); }

  static Runner& OfThread() {
    static thread_local Runner runner;
    return runner;
  }

  Node* Apply(const OpDef& op, const std::vector<OpArgument>& arguments, const AttrMap& attrs) override {
    if (IsConstant(op)) {
      Node* node = Add({.op = op.name, .attrs = attrs});
      made_[node] = {NewEagerValue(node->attr<Tensor>("value"))};
      return node;
    }
    std::vector<EagerValue> values;
    std::vector<Output> inputs;
    std::vector<int> lengths;
    for (const OpArgument& argument : arguments) {
      lengths.push_back(static_cast<int>(argument.size()));
      for (const Output& output : argument) {
        if (!output) throw InvalidArgument("an argument of op ", op.name, " is absent");
        inputs.push_back(Local(output));
        values.push_back(made_.at(inputs.back().node)[inputs.back().index]);
      }
    }
    std::vector<const EagerValue*> pointers;
    std::vector<const Tensor*> tensors;
    for (const EagerValue& value : values) {
      pointers.push_back(&value);
      tensors.push_back(&value.value);
    }
    const auto application = FindApplication(op, tensors, lengths, attrs);
    std::vector<EagerValue> made(NodeOf(*application).num_outputs());
    RunApplication(application, pointers, made.data());
    return AddMade(NodeOf(*application), inputs, std::move(made));
  }

  Graph& library() override { return EagerState::Global().library; }
  Graph& graph() { return *graph_; }

  Node* AddMade(const Node& like, const std::vector<Output>& inputs, std::vector<EagerValue> made) {
    Node* node = Add({.op = like.type(), .inputs = inputs, .attrs = like.attrs()});
    for (size_t i = 0; i < made.size(); ++i) node->set_output_shape(static_cast<int>(i), made[i].value.shape());
    made_[node] = std::move(made);
    return node;
  }

  // The same value has one node, so that a function captures it once.
  Output AddValue(const EagerValue& value) {
    if (const auto known = by_id_.find(value.id); known != by_id_.end()) return known->second->output();
    Node* node = Add({.op = "_Feed", .attrs = {{"dtype", value.value.dtype()}, {"origin", "a value"}}});
    node->set_output_shape(0, value.value.shape());
    made_[node] = {value};
    by_id_[value.id] = node;
    return node->output();
  }

  const EagerValue* Find(const Output& output) const {
    const auto found = made_.find(output.node);
    return found == made_.end() ? nullptr : &found->second.at(output.index);
  }

  // The Output of this graph with the value of `output`.
  Output Local(const Output& output) {
    if (output.graph() == graph_.get()) return output;
    if (!output.graph()->Extension<HomeGraph>().is_home) {
      throw InvalidArgument("an op that runs eagerly can't take ", output.name(),
                            ", a tensor of a graph, which has no value yet");
    }
    const Node& node = *output.node;
    if (node.inputs().empty()) return AddValue(output.graph()->Extension<HomeHandle>().value);
    std::vector<OpArgument> arguments;
    for (const Output& input : node.inputs()) arguments.push_back({Local(input)});
    return {Apply(node.op(), arguments, node.attrs()), output.index};
  }

  void Hold() { ++holds_; }
  void Release() { --holds_; }
  std::pair<int, int> Mark() const { return {graph_->last_id(), next_}; }
  void ForgetSince(std::pair<int, int> mark) {
    const auto [first, names] = mark;
    if (graph_->last_id() == first) return;
    std::erase_if(by_id_, [&](const auto& entry) { return entry.second->id() >= first; });
    std::erase_if(made_, [&](const auto& entry) { return entry.first->id() >= first; });
    graph_->RemoveNodes([&](const Node& node) { return node.id() >= first; });
    next_ = names;
  }
  void ForgetIfFree() {
    if (holds_ == 0 && next_ > 0) ForgetSince({0, 0});
  }

 private:
  // Numbers, not names: they come again after Forget, so that the graph's memory of names does not grow.
  Node* Add(NodeSpec spec) {
    spec.name = "n" + std::to_string(next_);
    Node* node = graph_->AddNode(std::move(spec));
    ++next_;
    return node;
  }

  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  std::unordered_map<const Node*, std::vector<EagerValue>> made_;
  std::unordered_map<int64_t, Node*> by_id_;  // nodes that only stand for a value
  int next_ = 0, holds_ = 0;
};

}  // namespace

Node* AddImmediateNode(const Node& application, const std::vector<Output>& inputs, std::vector<EagerValue> made) {
  return Runner::OfThread().AddMade(application, inputs, std::move(made));
}

EagerValue EagerHandleNamed(const std::string& shared_name) {
  std::lock_guard lock(Handles::Global().mutex);
  const auto found = Handles::Global().by_name.find(shared_name);
  return found == Handles::Global().by_name.end() ? EagerValue() : found->second;
}

Graph& ImmediateGraph() {
  return Runner::OfThread().graph();
}

EagerHold::EagerHold() {
  Runner::OfThread().Hold();
}
EagerHold::~EagerHold() {
  Runner::OfThread().Release();
}

EagerRegion::EagerRegion() : mark_(Runner::OfThread().Mark()) {}
EagerRegion::~EagerRegion() {
  Runner::OfThread().ForgetSince(mark_);
}

EagerScope::EagerScope() : scope_(ImmediateGraph()) {}

GraphModeScope::GraphModeScope() : scope_(InnermostCollecting()) {}

void EnableEagerExecution() {
  SetDefaultGraphSource(&ImmediateGraph);
}

bool ExecutingEagerly() {
  return ImmediateOf(Graph::Current()) != nullptr;
}

void ForgetOutputs() {
  Runner::OfThread().ForgetIfFree();
}

ResourceManager& EagerResources() {
  return EagerState::Global().resources;
}

bool HasValue(const Output& output) {
  return output && (output.graph() == &ImmediateGraph() || output.graph()->Extension<HomeGraph>().is_home);
}

EagerValue ValueOf(const Output& output) {
  if (!HasValue(output)) {
    throw InvalidArgument(output ? output.name() : std::string("an absent tensor"),
                          " has no value: it is a tensor of a graph");
  }
  Runner& runner = Runner::OfThread();
  return *runner.Find(runner.Local(output));
}

EagerValue NewEagerValue(Tensor value) {
  static std::atomic<int64_t> last{0};
  return {std::move(value), last.fetch_add(1, std::memory_order_relaxed) + 1};
}

Output OutputOf(const EagerValue& value) {
  return Runner::OfThread().AddValue(value);
}

EagerVariable NewEagerVariable(const std::string& name, DType dtype, const PartialShape& shape, bool trainable) {
  static std::atomic<int64_t> count{0};
  auto home = std::make_shared<Graph>();
  auto& handle = home->Extension<HomeHandle>();
  handle.name = name + "_" + std::to_string(count++);
  auto state = EagerState::Global().resources.LookupOrCreate<VariableState>(
      "", handle.name, [&] { return std::make_shared<VariableState>(name, dtype, shape); });
  handle.value = NewEagerValue(Tensor::Resource(std::move(state)));
  handle.value.watch = trainable;
  {
    std::lock_guard lock(Handles::Global().mutex);
    Handles::Global().by_name[handle.name] = {Tensor(), handle.value.id, trainable};
  }
  home->Extension<HomeGraph>().is_home = true;
  Node* node = home->AddNode(
      {.name = name, .op = "VarHandleOp", .attrs = {{"dtype", dtype}, {"shape", shape}, {"shared_name", handle.name}}});
  return {home, node->output()};
}

std::vector<int64_t> TrainableVariablesIn(const Graph& body) {
  std::vector<int64_t> found;
  for (const auto& node : body.nodes()) {
    if (!node->inputs().empty() || !node->has_attr("shared_name")) continue;
    const EagerValue handle = EagerHandleNamed(node->attr<std::string>("shared_name"));
    if (handle.watch) found.push_back(handle.id);
  }
  return found;
}

bool IsEagerVariable(const Output& handle) {
  return handle && handle.graph()->Extension<HomeGraph>().is_home;
}

}  // namespace headrace
