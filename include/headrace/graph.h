// Graph: nodes that apply ops to the outputs of other nodes. Building follows TensorFlow 1: there is a current graph,
// it has a stack of name scopes, control dependencies and devices, and names are made unique as 1.15 makes them.
// A graph owns its nodes, whose addresses stay valid as long as the graph. Threads: nodes may be added and sessions may
// run what is there already at the same time; scopes belong to the one thread that builds, and so does iterating
// nodes().
#pragma once

#include <any>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <typeindex>
#include <unordered_map>
#include <variant>
#include <vector>

#include "headrace/attr.h"

namespace headrace {

class ControlFlowContext;
class Graph;
class Node;
struct OpDef;
struct Function;
struct Variable;

// One output of a node: what TensorFlow's Python calls a Tensor. A small value; `node` is null in an absent one.
struct Output {
  Node* node = nullptr;
  int index = 0;

  explicit operator bool() const { return node != nullptr; }
  bool operator==(const Output&) const = default;
  DType dtype() const;
  const PartialShape& shape() const;
  std::string name() const;  // "dense/MatMul:0"
  Graph* graph() const;
};

class Node {
 public:
  int id() const { return id_; }  // the order of creation in its graph, never reused
  const std::string& name() const { return name_; }
  const OpDef& op() const { return *op_; }
  const std::string& type() const;  // the op's name
  Graph* graph() const { return graph_; }
  const std::string& device() const { return device_; }
  // The branch or loop that it was built in; nullptr outside of any, and for nodes that were imported.
  ControlFlowContext* context() const { return context_; }
  const std::vector<Output>& inputs() const { return inputs_; }
  const Output& input(int i) const { return inputs_.at(i); }
  const std::vector<Node*>& control_inputs() const { return control_inputs_; }
  int num_outputs() const { return static_cast<int>(output_dtypes_.size()); }
  Output output(int i = 0) { return {this, i}; }
  std::vector<Output> outputs();
  DType output_dtype(int i) const { return output_dtypes_.at(i); }
  bool output_is_ref(int i) const { return output_refs_.at(i); }
  bool input_is_ref(int i) const { return input_refs_.at(i); }
  const PartialShape& output_shape(int i) const { return output_shapes_.at(i); }
  void set_output_shape(int i, const PartialShape& shape);
  // The range [first, second) of flat input positions that the op's argument of this name takes.
  std::pair<int, int> InputRange(std::string_view arg) const;

  const AttrMap& attrs() const { return attrs_; }
  bool has_attr(std::string_view name) const { return attrs_.contains(name); }
  const AttrValue& attr(std::string_view name) const;  // errors: NotFound
  template <class T>
  const T& attr(std::string_view name) const {
    return attr(name).get<T>();
  }
  void set_attr(const std::string& name, AttrValue value);

 private:
  friend class Graph;
  Node() = default;
  int id_ = 0;
  std::string name_;
  const OpDef* op_ = nullptr;
  Graph* graph_ = nullptr;
  std::string device_;
  ControlFlowContext* context_ = nullptr;
  std::vector<Output> inputs_;
  std::vector<Node*> control_inputs_;
  AttrMap attrs_;
  std::vector<DType> output_dtypes_;
  std::vector<bool> output_refs_, input_refs_;
  std::vector<PartialShape> output_shapes_;
};

// All that AddNode needs, with final names.
struct NodeSpec {
  std::string name;
  std::string op;
  std::vector<Output> inputs;  // flat, in the order of the op's arguments
  std::vector<Node*> control_inputs;
  AttrMap attrs;  // absent ones take the op's defaults
  std::string device;
  ControlFlowContext* context = nullptr;
};

// A branch of tf.cond or a tf.while_loop while v1 graphs are built: a node that is made inside gets what comes from
// outside through a Switch or an Enter (flow/ has the two kinds). Owned by the graph.
class ControlFlowContext {
 public:
  explicit ControlFlowContext(ControlFlowContext* outer) : outer_(outer) {}
  virtual ~ControlFlowContext() = default;
  ControlFlowContext(const ControlFlowContext&) = delete;
  ControlFlowContext* outer() const { return outer_; }
  // What stands inside for a tensor, which may be one of outside.
  virtual Output AddValue(Output value) = 0;
  // Completes the spec of a node that is to be made inside: its inputs and control inputs.
  virtual void Adopt(NodeSpec* spec) = 0;
  virtual void Made(Node* node) = 0;  // the node is there
  // The context in which this node is made instead: a gradient may add to the forward pass.
  virtual ControlFlowContext* PlaceOf(const NodeSpec&) { return this; }

 private:
  ControlFlowContext* outer_;
};

// One argument of an op application: a tensor, or a list of them for arguments that take a list.
using OpArgument = std::vector<Output>;

using CollectionItem = std::variant<Output, Node*, std::string, std::shared_ptr<Object>, std::shared_ptr<Variable>>;

// The standard collections' names (tf.GraphKeys).
namespace keys {
inline constexpr const char* kGlobalVariables = "variables";
inline constexpr const char* kLocalVariables = "local_variables";
inline constexpr const char* kMetricVariables = "metric_variables";
inline constexpr const char* kModelVariables = "model_variables";
inline constexpr const char* kTrainableVariables = "trainable_variables";
inline constexpr const char* kSummaries = "summaries";
inline constexpr const char* kLosses = "losses";
inline constexpr const char* kRegularizationLosses = "regularization_losses";
inline constexpr const char* kUpdateOps = "update_ops";
inline constexpr const char* kTableInitializers = "table_initializer";
inline constexpr const char* kGlobalStep = "global_step";
inline constexpr const char* kAssetFilepaths = "asset_filepaths";
inline constexpr const char* kSavers = "savers";
}  // namespace keys

// A variable as the graph's builder sees it; its state lives in the session.
struct Variable {
  Output handle;                // the VariableV2 output (a reference) or the VarHandleOp output (a resource)
  Output value;                 // reads it: the Identity "x/read" or the ReadVariableOp "x/Read/ReadVariableOp"
  Node* initializer = nullptr;  // assigns the initial value
  Output initial_value;
  std::string name;       // without ":0"; the key in checkpoints unless save_name is given
  std::string save_name;  // the full variable's name when this is one part of a partitioned variable
  std::vector<int64_t> slice_begin, slice_full_shape;  // empty unless partitioned: where this part lies
  bool trainable = true;
  bool is_resource() const { return handle.dtype() == DType::kResource; }
  DType dtype() const { return value.dtype(); }
  const PartialShape& shape() const { return value.shape(); }
};

class Graph : public std::enable_shared_from_this<Graph> {
 public:
  Graph();
  ~Graph();
  Graph(Graph&&) noexcept;  // nodes' graph() follows the move
  Graph& operator=(Graph&&) noexcept;
  Graph(const Graph&) = delete;
  // A copy of `roots` and all nodes that they need, with functions and seed, without collections. `map`, if given,
  // receives old node -> new node.
  Graph ExtractSubgraph(const std::vector<const Node*>& roots,
                        std::unordered_map<const Node*, Node*>* map = nullptr) const;

  // --- nodes ---
  // Adds a node under exactly this name. Checks inputs and attributes against the op's declaration, fills in defaults
  // and infers dtypes and shapes. Errors: NotFound (op), AlreadyExists (name), InvalidArgument (anything else).
  Node* AddNode(NodeSpec spec);
  // Applies an op as TensorFlow's Python does: infers type and length attributes from the arguments, applies the name
  // scopes, control dependencies and device in force, makes the name unique, captures outer tensors in functions.
  // `name` defaults to the op's name; a name that ends in "/" is taken as it is.
  Node* Apply(std::string_view op, const std::vector<OpArgument>& arguments, AttrMap attrs = {},
              std::string_view name = {});
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }  // in order of creation
  Node* FindNode(std::string_view name) const;                                // nullptr if absent
  Output FindOutput(std::string_view name) const;  // "a:0" or "a"; errors: NotFound, InvalidArgument
  bool Contains(const Node* node) const;
  // Grows with every change of what was there before; adding nodes and functions is none.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void Finalize() { finalized_ = true; }  // any later change is an error, FailedPrecondition
  bool finalized() const { return finalized_; }

  // --- changes, for passes and v1's mutators ---
  void ReplaceInput(Node* node, int i, Output with);
  void ReplaceUses(Output old_output, Output with);  // in all nodes
  void AddControlInput(Node* node, Node* input);
  void ClearControlInputs(Node* node);
  void RemoveNodes(const std::function<bool(const Node&)>& remove);  // none of them may be used by a node that stays
  // Inputs first; what a v1 loop's Merge gets from its NextIteration does not count. Errors: InvalidArgument naming a
  // cycle.
  std::vector<Node*> TopologicalOrder() const;
  void InferShapes(Node* node);

  // More inputs and outputs of a node that is there, and attributes that say so: a function that is called takes and
  // gives more.
  void Extend(Node* node, AttrMap attrs, const std::vector<Output>& inputs,
              const std::vector<std::pair<DType, PartialShape>>& outputs);

  // --- names, scopes ---
  std::string UniqueName(std::string_view name, bool mark_as_used = true);  // within the current scope
  const std::string& name_scope() const { return name_scope_; }             // "" or "a/b/"
  void set_name_scope(std::string scope) { name_scope_ = std::move(scope); }
  std::vector<std::vector<Node*>>& control_dependency_stack() { return control_stack_; }
  std::string& current_device() { return device_; }
  ControlFlowContext* context() const { return context_; }  // in which nodes are made; nullptr outside of any
  void set_context(ControlFlowContext* context) { context_ = context; }
  ControlFlowContext* Keep(std::unique_ptr<ControlFlowContext> context);

  // --- functions ---
  void AddFunction(std::shared_ptr<const Function> function);  // same name again: ignored
  std::shared_ptr<const Function> FindFunction(
      std::string_view name) const;  // looks in outer graphs; nullptr if absent
  const std::map<std::string, std::shared_ptr<const Function>, std::less<>>& functions() const { return functions_; }
  Graph* outer() const { return outer_; }  // of a function's body while it is traced
  void set_outer(Graph* outer) { outer_ = outer; }
  const std::vector<std::pair<Output, Output>>& captures() const { return captures_; }  // (outer, inner placeholder)
  Output Capture(Output outer);  // the inner stand-in of an outer graph's tensor

  // --- state of the builder ---
  std::vector<CollectionItem>& collection(const std::string& key) { return collections_[key]; }
  const std::map<std::string, std::vector<CollectionItem>>& collections() const { return collections_; }
  void ClearCollection(const std::string& key) { collections_.erase(key); }
  std::vector<std::shared_ptr<Variable>> variables(const std::string& key = keys::kGlobalVariables) const;
  std::optional<int64_t> seed;              // tf.set_random_seed
  int last_id() const { return next_id_; }  // what 1.15 derives op seeds from
  // State that an upper layer keeps with the graph (variable scopes, layer name counts): one T a graph.
  template <class T>
  T& Extension() {
    auto& slot = extensions_[std::type_index(typeid(T))];
    if (!slot) slot = std::make_shared<T>();
    return *std::static_pointer_cast<T>(slot);
  }

  // --- the current graph, a thread ---
  static Graph& Current();                        // the innermost GraphScope's, else the thread's default graph
  static std::shared_ptr<Graph> SharedCurrent();  // the same, owned: what a Session takes
  static void ResetDefault();                     // tf.reset_default_graph

 private:
  friend class GraphScope;
  friend class Node;
  void CheckMutable() const;
  void Insert(std::unique_ptr<Node> node);
  std::vector<std::unique_ptr<Node>> nodes_;
  std::unordered_map<std::string, Node*> by_name_;
  std::unordered_map<std::string, int> used_names_;  // lower-cased, as 1.15 does
  std::map<std::string, std::shared_ptr<const Function>, std::less<>> functions_;
  std::map<std::string, std::vector<CollectionItem>> collections_;
  std::unordered_map<std::type_index, std::shared_ptr<void>> extensions_;
  std::vector<std::vector<Node*>> control_stack_;
  std::vector<std::unique_ptr<ControlFlowContext>> contexts_;
  ControlFlowContext* context_ = nullptr;
  std::vector<std::pair<Output, Output>> captures_;
  std::string name_scope_, device_;
  Graph* outer_ = nullptr;
  std::atomic<uint64_t> version_ = 0;
  int next_id_ = 0;
  bool finalized_ = false;
  // Guards nodes, their edges and attributes, names and functions: shared to read, exclusive to change.
  mutable std::shared_mutex mutex_;
};

// A function of the graph's library: args are _Arg nodes of the body, in order; results are outputs in it. A function
// traced inside another graph takes its captures as the last args.
struct Function {
  std::string name;
  std::shared_ptr<Graph> body;
  std::vector<Node*> args;
  std::vector<Output> results;
  std::vector<std::string> arg_names, result_names;  // as FunctionDef's signature has them; may be empty
  std::vector<Node*> control_results;                // stateful nodes that must run even if no result needs them
  std::vector<Output> captures;                      // outer tensors to pass for the last args (only while tracing)
};

// Traces `build` into a function: it gets one placeholder per (dtype, shape) and returns the results. The function is
// added to the current graph under a unique name that starts with `name`.
std::shared_ptr<const Function> TraceFunction(
    const std::string& name, const std::vector<std::pair<DType, PartialShape>>& args,
    const std::function<std::vector<Output>(const std::vector<Output>&)>& build);

// Makes a graph the current one of this thread. RAII.
class GraphScope {
 public:
  explicit GraphScope(Graph& graph);
  ~GraphScope();
  GraphScope(const GraphScope&) = delete;

 private:
  Graph* graph_;
};

// tf.name_scope on the current graph: unique unless it ends in "/", which re-enters a scope; "" leaves all. RAII.
class NameScope {
 public:
  explicit NameScope(std::string_view name, Graph& graph = Graph::Current());
  ~NameScope();
  NameScope(const NameScope&) = delete;
  const std::string& name() const { return name_; }  // "dense_1/", to be re-entered

 private:
  Graph& graph_;
  std::string name_, outer_;
};

// Makes a context, or none, the one in which nodes are made. RAII.
class ContextScope {
 public:
  explicit ContextScope(ControlFlowContext* context, Graph& graph = Graph::Current());
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;

 private:
  Graph& graph_;
  ControlFlowContext* saved_;
};

// tf.control_dependencies on the current graph. An empty list adds none; Clear() leaves those in force, and the
// branch or loop that is being built. RAII.
class ControlDependencies {
 public:
  explicit ControlDependencies(std::vector<Node*> nodes, Graph& graph = Graph::Current());
  static std::unique_ptr<ControlDependencies> Clear(Graph& graph = Graph::Current());
  ~ControlDependencies();
  ControlDependencies(const ControlDependencies&) = delete;

 private:
  explicit ControlDependencies(Graph& graph) : graph_(graph), context_(graph.context()) {}
  Graph& graph_;
  std::vector<std::vector<Node*>> saved_;
  ControlFlowContext* context_;
};

// Shorthand for one-output ops on the current graph: Apply("Neg", {{x}}).
Output ApplyOp(std::string_view op, const std::vector<OpArgument>& arguments, AttrMap attrs = {},
               std::string_view name = {});
Output Constant(const Tensor& value, std::string_view name = "Const");

}  // namespace headrace
