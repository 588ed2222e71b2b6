// The two kinds of contexts of v1 control flow, as 1.15 has them: what stands inside for a tensor of outside, which
// control edges stay, which nodes need one to the context's pivot. Gradients build loops with them as well.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "headrace/op.h"

namespace headrace {

class WhileContext;

class BuildContext : public ControlFlowContext {
 public:
  BuildContext() : ControlFlowContext(Graph::Current().context()) {}
  BuildContext* outer() const { return static_cast<BuildContext*>(ControlFlowContext::outer()); }
  virtual WhileContext* enclosing_loop() { return outer() ? outer()->enclosing_loop() : nullptr; }
  virtual Output pivot() const = 0;  // what nodes without inputs wait for
  void Know(Output value) { values_.insert(Key(value)); }

 protected:
  using OutputKey = std::pair<const Node*, int>;
  static OutputKey Key(Output output) { return {output.node, output.index}; }
  bool Knows(Output value) const { return values_.contains(Key(value)); }
  Output Known(Output value) const;  // what stands for a value that is known
  // Drops the control inputs from outside of the enclosing loop and returns them.
  std::vector<Node*> RemoveExternalControls(NodeSpec* spec);

  std::set<OutputKey> values_;            // seen inside
  std::map<OutputKey, Output> external_;  // what stands for those of outside
};

// The context of a node, and of what it gives: an Exit is in its loop, but its output is outside.
BuildContext* ContextOf(const Node* node);
BuildContext* OutputContextOf(const Node* node);
WhileContext* LoopOf(const Node* node);        // the loop that a node is in
WhileContext* OutputLoopOf(const Node* node);  // the loop that its outputs are in

// One branch of tf.cond.
class CondContext final : public BuildContext {
 public:
  CondContext(Output predicate, Output pivot, int branch);
  Output predicate() const { return predicate_; }
  int branch() const { return branch_; }
  Output pivot() const override { return pivot_; }
  Output AddValue(Output value) override;
  void Adopt(NodeSpec* spec) override;
  void Made(Node* node) override;

 private:
  Output SwitchOf(Output value);
  Output predicate_, pivot_;
  int branch_;
};

struct WhileParameters {
  int parallel_iterations = 10;
  bool back_prop = true;
  bool swap_memory = false;
};

// One variable of a loop, from its Enter to its Exit.
struct LoopVariableNodes {
  Output initial;  // outside
  Output enter, merge, exit;
  Node* split = nullptr;  // the Switch
  Output next;            // what the next iteration gets
};

class WhileContext final : public BuildContext {
 public:
  explicit WhileContext(const WhileParameters& parameters);
  WhileContext* enclosing_loop() override { return this; }
  Output pivot() const override { return body_pivot_ ? body_pivot_ : condition_pivot_; }
  Output AddValue(Output value) override;
  void Adopt(NodeSpec* spec) override;
  void Made(Node* node) override;

  // --- building a loop; all but AddVariable with the context in force ---
  // Brings a value of outside in as a variable; `shape` is what its merge may be. Before or after SetCondition.
  int AddVariable(Output initial, const PartialShape& shape, std::string_view name = {});
  Output MergeOf(int variable) const { return variables_[static_cast<size_t>(variable)].merge; }
  void SetConditionPivot(Output pivot) { condition_pivot_ = pivot; }
  void SetCondition(Output condition, std::string_view name = "LoopCond");  // splits the variables there are
  Output BodyValue(int variable) const { return variables_[static_cast<size_t>(variable)].split->output(1); }
  void SetBodyPivot(Output pivot) { body_pivot_ = pivot; }
  void SetNext(int variable, Output next);
  Output AddExit(int variable, std::string_view name = {});

  const WhileParameters& parameters() const { return parameters_; }
  const std::vector<LoopVariableNodes>& variables() const { return variables_; }
  const std::vector<Output>& invariants() const { return invariants_; }  // the constant Enters
  bool condition_set() const { return static_cast<bool>(condition_); }
  const std::string& name() const { return name_; }

  // A loop that runs another backwards: the loop it follows, and what a value of that loop is here.
  WhileContext* forward = nullptr;
  std::function<Output(Output)> history;
  // What gradients have added to this loop: its number of iterations, and lists of what values were.
  Output count;
  std::map<std::pair<const Node*, int>, Output> recorded;

 private:
  Node* Enter(Output value, bool constant, std::string_view name);
  std::vector<Node*> ControlsOfEnter() const;
  void Split(LoopVariableNodes* variable);

  std::string name_;
  WhileParameters parameters_;
  std::vector<LoopVariableNodes> variables_;
  std::vector<Output> invariants_;
  Output condition_, condition_pivot_, body_pivot_;
};

}  // namespace headrace
