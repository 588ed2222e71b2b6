// Building and changing graphs: AddNode checks and infers, Apply adds 1.15's rules for names, scopes and captures.
#include "headrace/graph.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <mutex>

#include "graph/immediate.h"
#include "graph/node_rules.h"
#include "graph/signature.h"
#include "headrace/op.h"
#include "headrace/state_error.h"

namespace headrace {

Graph::Graph() = default;
Graph::~Graph() = default;

Graph::Graph(Graph&& other) noexcept {
  *this = std::move(other);
}

Graph& Graph::operator=(Graph&& other) noexcept {
  if (this == &other) return *this;
  nodes_ = std::move(other.nodes_);
  by_name_ = std::move(other.by_name_);
  used_names_ = std::move(other.used_names_);
  functions_ = std::move(other.functions_);
  collections_ = std::move(other.collections_);
  extensions_ = std::move(other.extensions_);
  control_stack_ = std::move(other.control_stack_);
  contexts_ = std::move(other.contexts_);
  context_ = other.context_;
  captures_ = std::move(other.captures_);
  name_scope_ = std::move(other.name_scope_);
  device_ = std::move(other.device_);
  seed = other.seed;
  outer_ = other.outer_;
  version_ = other.version();
  next_id_ = other.next_id_;
  finalized_ = other.finalized_;
  for (auto& node : nodes_) node->graph_ = this;
  return *this;
}

Graph Graph::ExtractSubgraph(const std::vector<const Node*>& roots, std::unordered_map<const Node*, Node*>* map) const {
  std::unordered_map<const Node*, Node*> local;
  auto& to = map ? *map : local;
  std::vector<const Node*> needed;
  const auto need = [&](const Node* node) {
    if (to.try_emplace(node, nullptr).second) needed.push_back(node);
  };
  std::shared_lock lock(mutex_);
  for (const Node* root : roots) need(root);
  for (size_t i = 0; i < needed.size(); ++i) {  // grows while it is walked
    for (const Output& input : needed[i]->inputs_) need(input.node);
    for (const Node* input : needed[i]->control_inputs_) need(input);
  }
  std::ranges::sort(needed, {}, &Node::id_);
  Graph copy;
  for (const Node* node : needed) {
    auto fresh = std::unique_ptr<Node>(new Node(*node));
    fresh->graph_ = &copy;
    fresh->context_ = nullptr;
    to[node] = fresh.get();
    copy.by_name_[fresh->name_] = fresh.get();
    copy.nodes_.push_back(std::move(fresh));
  }
  for (auto& node : copy.nodes_) {
    for (Output& input : node->inputs_) input.node = to.at(input.node);
    for (Node*& input : node->control_inputs_) input = to.at(input);
  }
  copy.functions_ = functions_;
  copy.seed = seed;
  copy.outer_ = outer_;
  copy.next_id_ = next_id_;
  return copy;
}

void Graph::CheckMutable() const {
  if (finalized_) throw StateError("Graph is finalized and cannot be modified.");
}

// ------------------------------------------------------------------------------------------------------------- nodes

namespace {

std::string Lower(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

// 1.15's rule: [A-Za-z0-9.][A-Za-z0-9_.\-/]*, and a leading underscore for nodes that the engine makes.
void CheckNodeName(const std::string& name) {
  const auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-' || c == '/' || c == '\\' ||
           c == '>';
  };
  if (name.empty() || !std::ranges::all_of(name, fits) || name[0] == '-' || name[0] == '/' || name[0] == '\\') {
    throw InvalidArgument("'", name, "' is not a valid node name");
  }
}

}  // namespace

Node* Graph::AddNode(NodeSpec spec) {
  CheckMutable();
  CheckNodeName(spec.name);
  const OpDef& op = OpRegistry::Global().Find(spec.op);
  const std::string where = "'" + spec.name + "' (op: '" + spec.op + "')";
  CompleteAttrs(op, &spec.attrs, where);

  auto node = std::unique_ptr<Node>(new Node);
  size_t next = 0;
  for (const OpArg& arg : op.inputs) {
    for (DType expected : ArgDTypes(arg, spec.attrs, op)) {
      if (next >= spec.inputs.size()) {
        throw InvalidArgument("too few inputs (", spec.inputs.size(), ") for ", where, ": '", arg.name, "' is absent");
      }
      const Output& input = spec.inputs[next++];
      if (input.graph() != this) throw InvalidArgument(input.name(), " is of another graph than ", where);
      if (input.dtype() != expected) {
        throw InvalidArgument("Input '", arg.name, "' of ", where, " has type ", input.dtype(),
                              " that does not match expected type of ", expected, "; it is ", input.name());
      }
      if (arg.is_ref && !input.node->output_is_ref(input.index)) {
        throw InvalidArgument("Input '", arg.name, "' of ", where, " requires a variable (a reference), got ",
                              input.name());
      }
      node->input_refs_.push_back(arg.is_ref);
    }
  }
  if (next != spec.inputs.size()) {
    throw InvalidArgument("too many inputs for ", where, ": expected ", next, ", got ", spec.inputs.size());
  }
  for (const OpArg& arg : op.outputs) {
    for (DType dtype : ArgDTypes(arg, spec.attrs, op)) {
      node->output_dtypes_.push_back(dtype);
      node->output_refs_.push_back(arg.is_ref);
    }
  }
  node->name_ = std::move(spec.name);
  node->op_ = &op;
  node->graph_ = this;
  node->device_ = std::move(spec.device);
  node->context_ = spec.context;
  node->inputs_ = std::move(spec.inputs);
  node->control_inputs_ = std::move(spec.control_inputs);
  node->attrs_ = std::move(spec.attrs);
  node->output_shapes_.resize(node->output_dtypes_.size());
  InferShapes(node.get());

  Node* result = node.get();
  Insert(std::move(node));
  return result;
}

void Graph::Insert(std::unique_ptr<Node> node) {
  std::unique_lock lock(mutex_);
  if (!by_name_.try_emplace(node->name_, node.get()).second) {
    throw AlreadyExists("the graph has a node named '", node->name_, "' already");
  }
  // Every prefix counts as used, so that a later scope or op of that name gets another.
  used_names_.try_emplace(Lower(node->name_), 1);
  node->id_ = next_id_++;
  nodes_.push_back(std::move(node));
}

void Graph::InferShapes(Node* node) {
  if (!node->op().shape) return;
  ShapeContext context(*node, &node->output_shapes_);
  try {
    node->op().shape(context);
  } catch (const Error& error) {
    std::string inputs;
    for (const Output& input : node->inputs_) inputs += (inputs.empty() ? "" : ", ") + input.shape().ToString();
    throw error.With(internal::Concat(" for '", node->name(), "' (op: '", node->type(), "')",
                                      inputs.empty() ? "" : " with input shapes: ", inputs, "."));
  }
}

Node* Graph::Apply(std::string_view op_name, const std::vector<OpArgument>& arguments, AttrMap attrs,
                   std::string_view name) {
  CheckMutable();
  const OpDef& op = OpRegistry::Global().Find(op_name);
  if (Immediate* runner = ImmediateOf(*this)) return runner->Apply(op, arguments, attrs);
  if (name.empty()) name = op_name;
  NodeSpec spec;
  spec.op = op.name;
  const std::string where = "'" + name_scope_ + std::string(name) + "' (op: '" + op.name + "')";
  std::vector<OpArgument> local = arguments;
  for (OpArgument& tensors : local) {
    for (Output& tensor : tensors) {
      if (tensor && tensor.graph() != this && !context_) tensor = Capture(tensor);  // a context does so itself
    }
  }
  spec.attrs = std::move(attrs);
  spec.inputs = MatchArguments(op, local, &spec.attrs, where);
  for (const auto& level : control_stack_) {
    for (Node* control : level) {
      if (std::ranges::find(spec.control_inputs, control) == spec.control_inputs.end()) {
        spec.control_inputs.push_back(control);
      }
    }
  }
  spec.device = device_;
  spec.name = name.ends_with('/') ? std::string(name.substr(0, name.size() - 1)) : UniqueName(name);
  if (auto rules = extensions_.find(std::type_index(typeid(NodeRules))); rules != extensions_.end()) {
    const auto& change = static_cast<NodeRules*>(rules->second.get())->change;
    if (change) change(spec);
  }
  ControlFlowContext* const context = context_ ? context_->PlaceOf(spec) : nullptr;
  if (!context) return AddNode(std::move(spec));
  spec.context = context;
  {
    const NameScope scope(spec.name + "/", *this);  // of what brings the inputs in
    context->Adopt(&spec);
  }
  Node* node = AddNode(std::move(spec));
  context->Made(node);
  return node;
}

ControlFlowContext* Graph::Keep(std::unique_ptr<ControlFlowContext> context) {
  return contexts_.emplace_back(std::move(context)).get();
}

Node* Graph::FindNode(std::string_view name) const {
  std::shared_lock lock(mutex_);
  const auto found = by_name_.find(std::string(name));
  return found == by_name_.end() ? nullptr : found->second;
}

Output Graph::FindOutput(std::string_view name) const {
  const size_t colon = name.rfind(':');
  int index = 0;
  if (colon != std::string_view::npos) {
    const char *digits = name.data() + colon + 1, *end = name.data() + name.size();
    const auto [behind, failed] = std::from_chars(digits, end, index);
    if (failed != std::errc() || behind != end || *digits == '-') {
      throw InvalidArgument("'", name, "' is no tensor name; expected one such as 'dense/MatMul:0'");
    }
  }
  Node* node = FindNode(name.substr(0, colon));
  if (!node) {
    throw NotFound("The name '", name, "' refers to a Tensor which does not exist. The operation, '",
                   name.substr(0, colon), "', does not exist in the graph.");
  }
  if (index >= node->num_outputs()) {
    throw NotFound("The name '", name, "' refers to a Tensor which does not exist. The operation, '", node->name(),
                   "', exists but only has ", node->num_outputs(), " outputs.");
  }
  return {node, index};
}

bool Graph::Contains(const Node* node) const {
  return node && node->graph() == this;
}

// ----------------------------------------------------------------------------------------------------------- changes

void Graph::ReplaceInput(Node* node, int i, Output with) {
  CheckMutable();
  std::unique_lock lock(mutex_);
  node->inputs_.at(i) = with;
  ++version_;
}

void Graph::ReplaceUses(Output old_output, Output with) {
  CheckMutable();
  std::unique_lock lock(mutex_);
  for (auto& node : nodes_) {
    for (Output& input : node->inputs_) {
      if (input == old_output) input = with;
    }
  }
  ++version_;
}

void Graph::AddControlInput(Node* node, Node* input) {
  CheckMutable();
  std::unique_lock lock(mutex_);
  if (std::ranges::find(node->control_inputs_, input) != node->control_inputs_.end()) return;
  node->control_inputs_.push_back(input);
  ++version_;
}

void Graph::ClearControlInputs(Node* node) {
  CheckMutable();
  std::unique_lock lock(mutex_);
  node->control_inputs_.clear();
  ++version_;
}

void Graph::Extend(Node* node, AttrMap attrs, const std::vector<Output>& inputs,
                   const std::vector<std::pair<DType, PartialShape>>& outputs) {
  CheckMutable();
  std::unique_lock lock(mutex_);
  for (const Output& input : inputs) {
    node->inputs_.push_back(input);
    node->input_refs_.push_back(false);
  }
  for (auto& [name, value] : attrs) node->attrs_[name] = std::move(value);
  for (const auto& [dtype, shape] : outputs) {
    node->output_dtypes_.push_back(dtype);
    node->output_refs_.push_back(false);
    node->output_shapes_.push_back(shape);
  }
  ++version_;
}

void Graph::RemoveNodes(const std::function<bool(const Node&)>& remove) {
  CheckMutable();
  std::unique_lock lock(mutex_);
  const auto removed = [&](const auto& node) {
    if (!remove(*node)) return false;
    by_name_.erase(node->name_);
    return true;
  };
  nodes_.erase(std::remove_if(nodes_.begin(), nodes_.end(), removed), nodes_.end());
  ++version_;
}

std::vector<Node*> Graph::TopologicalOrder() const {
  // Depth first from each node in order of creation; an explicit stack, since graphs can be thousands of nodes deep.
  enum class Mark : char { kNew, kOpen, kDone };
  std::unordered_map<const Node*, Mark> marks;
  std::vector<Node*> order;
  order.reserve(nodes_.size());
  for (const auto& root : nodes_) {
    std::vector<std::pair<Node*, size_t>> stack = {{root.get(), 0}};
    if (marks[root.get()] != Mark::kNew) continue;
    marks[root.get()] = Mark::kOpen;
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      const size_t inputs = node->inputs_.size();
      if (next == inputs + node->control_inputs_.size()) {
        marks[node] = Mark::kDone;
        order.push_back(node);
        stack.pop_back();
        continue;
      }
      Node* input = next < inputs ? node->inputs_[next].node : node->control_inputs_[next - inputs];
      ++next;
      if (node->op().flow == Flow::kMerge && input->op().flow == Flow::kNextIteration) continue;
      Mark& mark = marks[input];
      if (mark == Mark::kOpen) throw InvalidArgument("the graph has a cycle through '", input->name(), "'");
      if (mark == Mark::kDone) continue;
      mark = Mark::kOpen;
      stack.emplace_back(input, 0);
    }
  }
  return order;
}

// ------------------------------------------------------------------------------------------------------------- names

std::string Graph::UniqueName(std::string_view name, bool mark_as_used) {
  std::unique_lock lock(mutex_);
  std::string full = name_scope_ + std::string(name);
  const std::string key = Lower(full);
  const auto found = used_names_.find(key);
  int count = found == used_names_.end() ? 0 : found->second;
  if (mark_as_used) used_names_[key] = count + 1;
  if (count == 0) return full;
  std::string candidate, candidate_key;
  do {
    candidate = full + "_" + std::to_string(count++);
    candidate_key = Lower(candidate);
  } while (used_names_.contains(candidate_key));
  if (mark_as_used) {
    used_names_[key] = count;
    used_names_[candidate_key] = 1;
  }
  return candidate;
}

// --------------------------------------------------------------------------------------------------------- functions

void Graph::AddFunction(std::shared_ptr<const Function> function) {
  if (Immediate* runner = ImmediateOf(*this)) return runner->library().AddFunction(std::move(function));
  std::unique_lock lock(mutex_);
  auto& known = functions_[function->name];
  if (!known) known = std::move(function);
}

std::shared_ptr<const Function> Graph::FindFunction(std::string_view name) const {
  for (const Graph* graph = this; graph; graph = graph->outer_) {
    if (Immediate* runner = ImmediateOf(*graph)) graph = &runner->library();
    std::shared_lock lock(graph->mutex_);
    if (const auto found = graph->functions_.find(name); found != graph->functions_.end()) return found->second;
  }
  return nullptr;
}

namespace {

// A handle has one node in a graph, under the name that its state is shared by; what reads it is copied for each use.
Output CopyFromHome(Graph& graph, const Output& outer) {
  const Node& node = *outer.node;
  const std::string shared = node.has_attr("shared_name") ? node.attr<std::string>("shared_name") : "";
  if (Node* known = shared.empty() ? nullptr : graph.FindNode(shared)) return known->output(outer.index);
  NodeSpec spec{.name = shared, .op = node.type(), .attrs = node.attrs()};
  if (shared.empty()) spec.name = graph.UniqueName(node.name());
  for (const Output& input : node.inputs()) spec.inputs.push_back(graph.Capture(input));
  for (const auto& level : graph.control_dependency_stack()) {
    if (!node.inputs().empty()) spec.control_inputs.insert(spec.control_inputs.end(), level.begin(), level.end());
  }
  return graph.AddNode(std::move(spec))->output(outer.index);
}

}  // namespace

Output Graph::Capture(Output outer) {
  if (outer.graph() == this) return outer;
  if (outer.graph()->Extension<HomeGraph>().is_home) return CopyFromHome(*this, outer);
  bool encloses = false;
  for (const Graph* graph = outer_; graph; graph = graph->outer_) encloses |= graph == outer.graph();
  if (!encloses) throw InvalidArgument("tensor ", outer.name(), " is not an element of this graph");
  if (outer.node->op().traits.constant) {  // cheaper inside than passed along
    NodeSpec spec{.name = UniqueName(outer.node->name().substr(outer.node->name().rfind('/') + 1)),
                  .op = outer.node->type(),
                  .attrs = outer.node->attrs()};
    return AddNode(std::move(spec))->output();
  }
  const Output local = outer_->Capture(outer);  // through the functions in between
  for (const auto& [from, inner] : captures_) {
    if (from == local) return inner;
  }
  NodeSpec spec{.name = UniqueName("captured"),
                .op = "_Arg",
                .attrs = {{"T", local.dtype()}, {"index", static_cast<int64_t>(captures_.size())}}};
  Node* node = AddNode(std::move(spec));
  node->set_output_shape(0, local.shape());
  captures_.emplace_back(local, node->output());
  return node->output();
}

std::vector<std::shared_ptr<Variable>> Graph::variables(const std::string& key) const {
  std::vector<std::shared_ptr<Variable>> found;
  const auto collection = collections_.find(key);
  if (collection == collections_.end()) return found;
  for (const CollectionItem& item : collection->second) {
    if (const auto* variable = std::get_if<std::shared_ptr<Variable>>(&item)) found.push_back(*variable);
  }
  return found;
}

Output ApplyOp(std::string_view op, const std::vector<OpArgument>& arguments, AttrMap attrs, std::string_view name) {
  return Graph::Current().Apply(op, arguments, std::move(attrs), name)->output();
}

Output Constant(const Tensor& value, std::string_view name) {
  return ApplyOp("Const", {}, {{"value", value}, {"dtype", value.dtype()}}, name);
}

}  // namespace headrace
