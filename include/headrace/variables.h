// Variables and the scopes that share them, with the semantics and the names of TensorFlow 1.15's get_variable.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/graph.h"
#include "headrace/initializers.h"

namespace headrace {

using Regularizer = std::function<Output(Output weights)>;  // gives a scalar loss, or nothing
// Gives the value that a variable is moved to after each update by an optimizer (tf.clip_by_value, a norm, …).
using Constraint = std::function<Output(Output value)>;
// How many parts to cut a variable of this shape into along each axis.
using Partitioner = std::function<std::vector<int64_t>(const Shape& shape, DType dtype)>;
// At most `max_partitions` parts of at least `min_slice_bytes` along axis 0 (tf.min_max_variable_partitioner).
Partitioner MinMaxPartitioner(int64_t max_partitions, int64_t min_slice_bytes = 256 << 10);

enum class Reuse {
  kNo,    // a variable that exists is an error
  kYes,   // a variable that doesn't exist is an error
  kAuto,  // tf.AUTO_REUSE
};

// What is left unset comes from the variable scopes around it.
struct VariableOptions {
  std::optional<DType> dtype = {};
  Initializer initializer = {};  // of the scope, else glorot_uniform for floating types and zeros for others
  Regularizer regularizer = {};
  Partitioner partitioner = {};
  Constraint constraint = {};
  bool trainable = true;
  std::optional<bool> use_resource = {};
  std::vector<std::string> collections = {keys::kGlobalVariables};  // trainable ones get into that collection, too
  std::optional<Reuse> reuse = {};
};

// The variable of this name in the current variable scope, made or shared as the scopes' reuse says. A partitioned one
// is its part "NAME/part_0", saved under NAME.
// Errors: InvalidArgument where 1.15 raises ValueError: against the reuse, or for another shape or dtype than it has.
std::shared_ptr<Variable> GetVariable(std::string_view name, const Shape& shape, const VariableOptions& options = {});

// The same for one that exists: its shape is the variable's. Errors: InvalidArgument if it doesn't, or is not to be
// shared.
std::shared_ptr<Variable> GetExistingVariable(std::string_view name, const VariableOptions& options = {});

// A variable outside of get_variable's store, as tf.Variable(initial_value) makes it: its name is made unique in the
// current name scope. `options` gives trainable, use_resource, constraint and collections.
std::shared_ptr<Variable> MakeVariable(Output initial_value, std::string_view name = "Variable",
                                       const VariableOptions& options = {});
std::shared_ptr<Variable> MakeVariable(const Tensor& initial_value, std::string_view name = "Variable",
                                       const VariableOptions& options = {});
// The same from a function that builds the initial value under "NAME/Initializer", or under "NAME" itself.
std::shared_ptr<Variable> MakeVariable(const std::function<Output()>& initial_value, std::string_view name = "Variable",
                                       const VariableOptions& options = {}, bool initializer_scope = true);

// The variable's value for use as an op's input: "x/read" of a reference variable, a fresh ReadVariableOp in the
// current name scope for a resource; the part of a partitioned one is joined to a tensor of the full variable's name.
Output ReadVariable(const Variable& variable);
// The variable's constraint; none is an empty function.
Constraint ConstraintOf(const Variable& variable);
// Assign or AssignVariableOp: the node to run.
Node* AssignVariable(const Variable& variable, Output value, std::string_view name = {});

struct VariableScopeOptions {
  std::optional<Reuse> reuse = {};  // kYes is inherited by inner scopes whatever they say
  Initializer initializer = {};
  Regularizer regularizer = {};
  Partitioner partitioner = {};
  Constraint constraint = {};
  std::optional<bool> use_resource = {};
  std::optional<DType> dtype = {};
  bool name_scope = true;  // false: only variables' names change (auxiliary_name_scope)
};

// What is in force inside a variable scope; can be kept and entered again.
struct VariableScopeState {
  std::string name;                 // "a/b"; "" at the root
  std::string original_name_scope;  // "a/b/"
  Reuse reuse = Reuse::kNo;
  Initializer initializer;
  Regularizer regularizer;
  Partitioner partitioner;
  Constraint constraint;
  bool use_resource = false;
  DType dtype = DType::kFloat;
};

// tf.variable_scope on the current graph. RAII.
class VariableScope {
 public:
  // A scope below the current one, with a name scope of the same name (made unique).
  explicit VariableScope(std::string_view name, const VariableScopeOptions& options = {});
  // A scope that was open before, as tf.variable_scope(scope).
  explicit VariableScope(const VariableScopeState& scope, const VariableScopeOptions& options = {});
  // A scope of a fresh name: `default_name`, or "default_name_1", …; never shared.
  static std::unique_ptr<VariableScope> Unique(std::string_view default_name, const VariableScopeOptions& options = {});
  ~VariableScope();
  VariableScope(const VariableScope&) = delete;

  const VariableScopeState& state() const { return state_; }
  static VariableScopeState& Current();  // of the current graph; changes last as long as the scope (get_variable_scope)

 private:
  VariableScope() = default;
  void Enter(std::string full_name, const VariableScopeState& base, const VariableScopeOptions& options);
  Graph* graph_ = nullptr;
  VariableScopeState state_, outer_;
  std::optional<std::map<std::string, int>> outer_counts_;  // of sub-scopes, restored after re-entering a scope
  std::unique_ptr<NameScope> name_scope_;
};

// A node that runs the initializers of these variables, or of a whole collection: "init".
Node* VariablesInitializer(const std::vector<std::shared_ptr<Variable>>& variables, std::string_view name = "init");
Node* GlobalVariablesInitializer();
Node* LocalVariablesInitializer();
// A node that has run when all of these have (tf.group).
Node* Group(const std::vector<Node*>& nodes, std::string_view name = "group_deps");

// The int64 scalar "global_step"; made if the graph has none yet.
std::shared_ptr<Variable> GetOrCreateGlobalStep();
std::shared_ptr<Variable> GetGlobalStep();  // nullptr if there is none

}  // namespace headrace
