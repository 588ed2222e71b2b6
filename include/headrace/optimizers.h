// Optimizers of tf.train: they compute gradients and build the nodes that apply them, with 1.15's names for slots and
// updates. A subclass overrides what its algorithm changes, in the order 1.15 calls it: CreateSlots, Prepare, one
// ApplyDense or ApplySparse a variable, Finish.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "headrace/op.h"
#include "headrace/variables.h"

namespace headrace {

// A number, a tensor, or a function that makes the tensor when the update is built.
using HyperParameter = std::variant<double, Output, std::function<Output()>>;
using GradientAndVariable = std::pair<Gradient, std::shared_ptr<Variable>>;
using VariableList = std::vector<std::shared_ptr<Variable>>;

class Optimizer {
 public:
  explicit Optimizer(std::string name);
  virtual ~Optimizer() = default;

  // Gradients of the loss for these variables (all trainable ones if empty), then their application. The node to run.
  // Errors: InvalidArgument if no variable has a gradient.
  // `grad_loss`, if given, is the gradient of the loss to start from, instead of 1.
  Node* Minimize(Output loss, const std::shared_ptr<Variable>& global_step = nullptr,
                 const VariableList& variables = {}, std::string_view name = {}, Output grad_loss = {});
  virtual std::vector<GradientAndVariable> ComputeGradients(Output loss, const VariableList& variables = {},
                                                            Output grad_loss = {});
  // Adds 1 to `global_step`, if given, after the updates. A variable with a constraint is moved to what that gives.
  // Errors: FailedPrecondition for a constraint on a variable that is updated sparsely.
  virtual Node* ApplyGradients(const std::vector<GradientAndVariable>& gradients,
                               const std::shared_ptr<Variable>& global_step = nullptr, std::string_view name = {});

  const std::string& name() const { return name_; }
  void set_use_locking(bool use_locking) { use_locking_ = use_locking; }                       // of the updates
  std::shared_ptr<Variable> GetSlot(const Variable& variable, const std::string& slot) const;  // nullptr if absent
  std::vector<std::string> SlotNames() const;                                                  // in the current graph
  // All variables this optimizer made in the current graph: slots and others.
  const VariableList& variables() const;

 protected:
  virtual void CreateSlots(const VariableList& variables) {}
  virtual void Prepare() {}
  virtual Node* ApplyDense(const Variable& variable, Output gradient) = 0;
  // Rows `indices` of the gradient are `values`; indices may repeat. The default sums those and calls ApplySparse.
  virtual Node* ApplySparseDuplicateIndices(const Variable& variable, Output values, Output indices);
  virtual Node* ApplySparse(const Variable& variable, Output values, Output unique_indices) = 0;
  virtual Node* Finish(const std::vector<Node*>& updates, std::string_view name);

  // A slot of the variable's shape, kept under "VARIABLE/OPTIMIZER" ("_1", … for further ones), or "VARIABLE/NAME".
  std::shared_ptr<Variable> MakeSlot(const Variable& variable, const std::string& slot, const Initializer& initializer,
                                     const std::string& name = {});
  std::shared_ptr<Variable> ZerosSlot(const Variable& variable, const std::string& slot, const std::string& name = {});
  const Variable& Slot(const Variable& variable, const std::string& slot) const;  // errors: NotFound
  // A scalar variable of the optimizer itself, of the kind (reference or resource) of `like`.
  std::shared_ptr<Variable> MakeScalar(const std::string& name, double initial_value, const Variable& like);
  // The op's name for this kind of variable: "ApplyAdam" or "ResourceApplyAdam"; built with `arguments`.
  Node* ApplyUpdate(std::string_view op, const Variable& variable, std::vector<OpArgument> arguments,
                    AttrMap attrs = {});

 private:
  struct State;  // what it made in one graph; kept with that graph
  State& StateIn(Graph& graph) const;

  Node* Constrained(const Variable& variable, Node* update) const;

  std::string name_;
  bool use_locking_ = false;
  int64_t id_;  // among all optimizers of the process
};

// The optimizers. Their hyper-parameters are as in 1.15's classes of the same names.
std::shared_ptr<Optimizer> GradientDescentOptimizer(HyperParameter learning_rate, std::string name = "GradientDescent");

struct MomentumOptions {
  HyperParameter learning_rate = 0.0;
  HyperParameter momentum = 0.9;
  bool use_nesterov = false;
  std::string name = "Momentum";
};
std::shared_ptr<Optimizer> MomentumOptimizer(MomentumOptions options);

struct AdagradOptions {
  HyperParameter learning_rate = 0.0;
  double initial_accumulator_value = 0.1;
  std::string name = "Adagrad";
};
std::shared_ptr<Optimizer> AdagradOptimizer(AdagradOptions options);

struct AdamOptions {
  HyperParameter learning_rate = 0.001;
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  std::string name = "Adam";
};
std::shared_ptr<Optimizer> AdamOptimizer(AdamOptions options = {});

struct FtrlOptions {
  HyperParameter learning_rate = 0.0;
  double learning_rate_power = -0.5;
  double initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0, l2_regularization_strength = 0;
  double l2_shrinkage_regularization_strength = 0;
  std::string name = "Ftrl";
  std::string accumulator_name = {}, linear_name = {};  // of the slots' variables; the optimizer's name if empty
};
std::shared_ptr<Optimizer> FtrlOptimizer(FtrlOptions options);

struct RmsPropOptions {
  HyperParameter learning_rate = 0.0;
  double decay = 0.9, momentum = 0, epsilon = 1e-10;
  bool centered = false;
  std::string name = "RMSProp";
};
std::shared_ptr<Optimizer> RmsPropOptimizer(RmsPropOptions options);

// By the names canned estimators accept: "Adagrad", "Adam", "Ftrl", "RMSProp", "SGD". Errors: InvalidArgument.
std::shared_ptr<Optimizer> OptimizerByName(const std::string& name, double learning_rate);

}  // namespace headrace
