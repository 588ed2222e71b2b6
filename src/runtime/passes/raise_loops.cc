// RaiseLoops: turns each frame of a v1 graph (Enter, Merge, Switch, NextIteration, Exit) into one node that runs its
// body as a plan of its own, innermost frames first. What the frame computes between its Merges and its LoopCond is
// computed at the end of an iteration, for the next.
#include <algorithm>
#include <map>
#include <set>

#include "runtime/loop.h"
#include "runtime/plan_graph.h"

namespace headrace {
namespace {

using OutputKey = std::pair<const Node*, int>;
OutputKey KeyOf(Output output) {
  return {output.node, output.index};
}

// A variable of the loop: what it is at first, what the iteration reads, what the next one gets.
struct LoopVariable {
  Output initial;
  const Node* merge = nullptr;
  Output next;
};

struct Frame {
  std::string name;
  const Frame* parent = nullptr;
  int depth = 0;
};

// Which frame each node runs in.
class Frames {
 public:
  explicit Frames(const PlanGraph& plan) {
    for (Node* node : plan.graph.TopologicalOrder()) {
      order_[node] = static_cast<int>(order_.size());
      const Frame* frame = nullptr;
      const auto join = [&](const Node* input) {
        const Frame* other = OfOutputs(input);
        if (other && (!frame || other->depth > frame->depth)) frame = other;
      };
      for (const Output& input : node->inputs()) {
        if (node->op().flow == Flow::kMerge && input.node->op().flow == Flow::kNextIteration) continue;
        join(input.node);
      }
      for (const Node* control : node->control_inputs()) join(control);
      if (node->op().flow == Flow::kEnter) frame = Child(frame, node->attr<std::string>("frame_name"));
      if (frame) of_[node] = frame;
      if (frame && (!deepest_ || frame->depth > deepest_->depth)) deepest_ = frame;
    }
  }
  const Frame* Of(const Node* node) const {
    const auto found = of_.find(node);
    return found == of_.end() ? nullptr : found->second;
  }
  const Frame* deepest() const { return deepest_; }
  int order(const Node* node) const { return order_.at(node); }

 private:
  const Frame* OfOutputs(const Node* node) const {
    const Frame* frame = Of(node);
    return frame && node->op().flow == Flow::kExit ? frame->parent : frame;
  }
  const Frame* Child(const Frame* parent, const std::string& name) {
    auto& child = children_[{parent, name}];
    if (!child) child.reset(new Frame{name, parent, parent ? parent->depth + 1 : 1});
    return child.get();
  }
  std::map<std::pair<const Frame*, std::string>, std::unique_ptr<Frame>> children_;
  std::unordered_map<const Node*, const Frame*> of_;
  std::unordered_map<const Node*, int> order_;
  const Frame* deepest_ = nullptr;
};

// The variable that a reference in the frame leads to.
Node* VariableBehind(Output reference) {
  Node* node = reference.node;
  while (!node->inputs().empty()) {
    if (!node->input_is_ref(0)) return nullptr;
    node = node->input(0).node;
  }
  return node;
}

class LoopRaiser {
 public:
  LoopRaiser(PlanGraph& plan, const Frames& frames, const Frame* frame) : plan_(plan), frames_(frames), frame_(frame) {}

  void Raise() {
    Collect();
    auto body = std::make_shared<LoopBody>();
    body->frame = frame_->name;
    body->num_variables = static_cast<int>(variables_.size());
    // The iteration first, since it may find more that comes from outside.
    for (const LoopVariable& variable : variables_) Need(variable.next, /*condition=*/false);
    Need(condition_, /*condition=*/true);
    Build(*body);
    Replace(body);
  }

 private:
  [[noreturn]] void Fail(const Node& node, const std::string& why) const {
    throw Unimplemented("the loop '", frame_->name, "' can't run: ", why, " at ", OriginOf(node));
  }
  bool Inside(const Node* node) const { return frames_.Of(node) == frame_; }

  void Collect() {
    std::vector<Node*> nodes;
    for (const auto& node : plan_.graph.nodes()) {
      if (Inside(node.get())) nodes.push_back(node.get());
    }
    std::ranges::sort(nodes, {}, [](const Node* node) { return node->id(); });
    for (Node* node : nodes) {
      switch (node->op().flow) {
        case Flow::kMerge:
          CollectVariable(node);
          break;
        case Flow::kLoopCond:
          if (condition_) Fail(*node, "it has two conditions");
          condition_ = node->output();
          break;
        case Flow::kEnter:
          for (Node* control : node->control_inputs()) controls_.insert(control);
          break;
        default:
          break;
      }
    }
    if (!condition_) throw Unimplemented("the loop '", frame_->name, "' can't run: it has no LoopCond");
    for (Node* node : nodes) {
      if (node->op().flow == Flow::kExit) CollectExit(node);
    }
    for (const Output& fetch : plan_.fetches) {
      if (Inside(fetch.node) && fetch.node->op().flow != Flow::kExit) Fail(*fetch.node, "a value is fetched inside");
    }
  }

  void CollectVariable(Node* merge) {
    if (merge->inputs().size() != 2) return;
    for (int back = 0; back < 2; ++back) {
      const Node *next = merge->input(back).node, *enter = merge->input(1 - back).node;
      if (next->op().flow != Flow::kNextIteration) continue;
      if (enter->op().flow != Flow::kEnter) Fail(*merge, "what it starts with does not come from an Enter");
      number_[merge] = static_cast<int>(variables_.size());
      variables_.push_back({enter->input(0), merge, next->input(0)});
      return;
    }
  }

  // The number of the variable that a Switch of the loop splits; -1 for another node.
  int SwitchedVariable(const Node& node) const {
    if (node.op().flow != Flow::kSwitch || !(node.input(1) == condition_)) return -1;
    const auto found = number_.find(node.input(0).node);
    return found == number_.end() || node.input(0).index != 0 ? -1 : found->second;
  }

  void CollectExit(Node* exit) {
    const Output from = exit->input(0);
    const int number = SwitchedVariable(*from.node);
    if (number < 0 || from.index != 0) Fail(*exit, "it does not leave the loop by its condition");
    exits_.emplace_back(exit, number);
  }

  // ---------------------------------------------------------------------------------------------- what is computed
  // What stands for an output inside the frame: a variable (its number), or something from outside.
  bool IsVariable(Output output, int* number) const {
    if (const auto merge = number_.find(output.node); merge != number_.end() && output.index == 0) {
      *number = merge->second;
      return true;
    }
    const int switched = SwitchedVariable(*output.node);
    if (switched < 0) return false;
    if (output.index == 0) Fail(*output.node, "a value is used behind the loop's end other than by an Exit");
    *number = switched;
    return true;
  }

  // What output, made outside, stands behind one in the frame; absent if it is made inside.
  Output Outer(Output output) const {
    if (!Inside(output.node)) return output;
    const Node& node = *output.node;
    if (node.op().flow == Flow::kEnter && node.attr<bool>("is_constant")) return node.input(0);
    return {};
  }

  void NeedOuter(Output outer) {
    if (outer.node->output_is_ref(outer.index)) {
      Node* variable = VariableBehind(outer);
      if (!variable) Fail(*outer.node, "it takes a reference that is no variable's");
      if (std::ranges::find(references_, outer) == references_.end()) references_.push_back(outer);
      handles_[KeyOf(outer)] = variable;
      return;
    }
    if (shared_.emplace(KeyOf(outer), static_cast<int>(invariants_.size())).second) invariants_.push_back(outer);
  }

  void Need(Output root, bool condition) {
    std::vector<Output> pending = {root};
    auto& nodes = condition ? condition_nodes_ : body_nodes_;
    const auto need_node = [&](Node* node) {
      if (!nodes.insert(node).second) return;
      switch (node->op().flow) {
        case Flow::kEnter:
          Fail(*node, "a variable of the loop is used before it is merged");
        case Flow::kExit:
        case Flow::kNextIteration:
          Fail(*node, "it is used inside its own loop");
        default:
          break;
      }
      for (const Output& input : node->inputs()) pending.push_back(input);
      for (Node* control : node->control_inputs()) {
        if (!Inside(control)) {
          controls_.insert(control);
        } else if (!IsBoundary(*control)) {
          for (const Output& output : control->outputs()) pending.push_back(output);
          if (control->num_outputs() == 0) pending.push_back({control, -1});
        }
      }
    };
    while (!pending.empty()) {
      const Output output = pending.back();
      pending.pop_back();
      int number = 0;
      if (output.index >= 0 && IsVariable(output, &number)) continue;
      if (const Output outer = output.index >= 0 ? Outer(output) : Output()) {
        NeedOuter(outer);
        continue;
      }
      need_node(output.node);
    }
  }

  // Where the frame begins: waiting for it means nothing inside.
  bool IsBoundary(const Node& node) const {
    return node.op().flow == Flow::kEnter || node.op().flow == Flow::kLoopCond || number_.contains(&node) ||
           SwitchedVariable(node) >= 0;
  }

  // ------------------------------------------------------------------------------------------------------- building
  class Copier {
   public:
    Copier(const LoopRaiser& raiser, Function& function) : raiser_(raiser), graph_(*function.body) {
      const auto add = [&](DType dtype, const PartialShape& shape) {
        const std::string number = std::to_string(args_.size());
        Node* arg = graph_.AddNode({.name = "_variable_" + number,
                                    .op = "_Arg",
                                    .attrs = {{"T", dtype}, {"index", static_cast<int64_t>(args_.size())}}});
        arg->set_output_shape(0, shape);
        function.args.push_back(arg);
        args_.push_back(arg->output());
      };
      for (const LoopVariable& variable : raiser.variables_) {
        add(variable.merge->output_dtype(0), variable.merge->output_shape(0));
      }
      for (const Output& invariant : raiser.invariants_) add(invariant.dtype(), invariant.shape());
    }
    const std::vector<Output>& args() const { return args_; }

    // Copies these nodes; `variables` stand for the loop's.
    void Copy(const std::set<Node*>& nodes, const std::vector<Output>& variables, const std::string& suffix) {
      std::unordered_map<const Node*, Node*> copies;
      std::vector<Node*> order(nodes.begin(), nodes.end());
      std::ranges::sort(order, {}, [&](const Node* node) { return raiser_.frames_.order(node); });
      variables_ = variables;
      copies_.clear();
      for (Node* node : order) {
        NodeSpec spec{.name = node->name(), .op = node->type(), .attrs = node->attrs(), .device = node->device()};
        for (const Output& input : node->inputs()) spec.inputs.push_back(Inner(input));
        for (const Node* control : node->control_inputs()) {
          if (const auto copy = copies_.find(control); copy != copies_.end()) {
            spec.control_inputs.push_back(copy->second);
          }
        }
        if (graph_.FindNode(spec.name)) {
          spec.attrs["origin"] = OriginOf(*node);
          spec.name += suffix;
        }
        Node* copy = graph_.AddNode(std::move(spec));
        for (int i = 0; i < node->num_outputs(); ++i) copy->set_output_shape(i, node->output_shape(i));
        copies_[node] = copy;
      }
    }

    Output Inner(Output output) {
      int number = 0;
      if (raiser_.IsVariable(output, &number)) return variables_[static_cast<size_t>(number)];
      const Output outer = raiser_.Outer(output);
      if (!outer) return {copies_.at(output.node), output.index};
      if (const auto handle = raiser_.handles_.find(KeyOf(outer)); handle != raiser_.handles_.end()) {
        return Handle(handle->second);
      }
      return args_[raiser_.variables_.size() + static_cast<size_t>(raiser_.shared_.at(KeyOf(outer)))];
    }

   private:
    Output Handle(const Node* variable) {
      if (Node* known = graph_.FindNode(variable->name())) return known->output();
      NodeSpec spec{.name = variable->name(), .op = variable->type(), .attrs = variable->attrs()};
      return graph_.AddNode(std::move(spec))->output();
    }

    const LoopRaiser& raiser_;
    Graph& graph_;
    std::vector<Output> args_, variables_;
    std::unordered_map<const Node*, Node*> copies_;
  };

  void Build(LoopBody& body) const {
    const auto make = [&](const char* what) {
      auto function = std::make_shared<Function>();
      function->name = frame_->name + what;
      function->body = std::make_shared<Graph>();
      return function;
    };
    const auto before = make(" (condition)"), again = make(" (iteration)");
    Copier first(*this, *before);
    first.Copy(condition_nodes_, first.args(), "");
    before->results = {first.Inner(condition_)};
    Copier iteration(*this, *again);
    iteration.Copy(body_nodes_, iteration.args(), "");
    for (const LoopVariable& variable : variables_) again->results.push_back(iteration.Inner(variable.next));
    for (const Node* node : condition_nodes_) {
      const bool twice = body_nodes_.contains(const_cast<Node*>(node)) && !node->op().effects.pure();
      if (twice) Fail(*node, "the condition and the body share what has effects");
    }
    iteration.Copy(condition_nodes_, again->results, "/_next");
    again->results.push_back(iteration.Inner(condition_));
    body.first = before;
    body.iteration = again;
  }

  void Replace(const std::shared_ptr<LoopBody>& body) {
    std::vector<Output> inputs;
    std::vector<DType> variable_dtypes, shared_dtypes, reference_dtypes;
    for (const LoopVariable& variable : variables_) {
      inputs.push_back(variable.initial);
      variable_dtypes.push_back(variable.initial.dtype());
    }
    for (const Output& invariant : invariants_) {
      inputs.push_back(invariant);
      shared_dtypes.push_back(invariant.dtype());
    }
    for (const Output& reference : references_) {
      inputs.push_back(reference);
      reference_dtypes.push_back(reference.dtype());
    }
    const std::shared_ptr<Object> object = body;
    Node* loop =
        plan_.AddNode({.name = exits_.empty() ? condition_.node->name() + "/_loop" : exits_[0].first->name() + "/_loop",
                       .op = "_Loop",
                       .inputs = std::move(inputs),
                       .control_inputs = {controls_.begin(), controls_.end()},
                       .attrs = {{"Tvariables", variable_dtypes},
                                 {"Tshared", shared_dtypes},
                                 {"Treferences", reference_dtypes},
                                 {"body", Tensor::Variant(object)},
                                 {"origin", "'" + frame_->name + "' (while loop)"}}});
    for (const auto& [exit, number] : exits_) {
      loop->set_output_shape(number, exit->output_shape(0));
      plan_.Replace(exit->output(), loop->output(number));
      plan_.ReplaceControl(exit, loop);
    }
    for (const auto& node : plan_.graph.nodes()) {  // of what waits for something inside
      const std::vector<Node*> controls = node->control_inputs();
      for (Node* control : controls) {
        if (!Inside(node.get()) && node.get() != loop && Inside(control)) plan_.ReplaceControl(control, loop);
      }
    }
    for (Node*& target : plan_.targets) {
      if (Inside(target)) target = loop;
    }
    plan_.notes.push_back("raised the loop '" + frame_->name + "'");
  }

  PlanGraph& plan_;
  const Frames& frames_;
  const Frame* frame_;
  std::vector<LoopVariable> variables_;
  std::unordered_map<const Node*, int> number_;  // of Merges: the variable
  Output condition_;
  std::vector<std::pair<Node*, int>> exits_;
  std::set<Node*> controls_;  // outside, for which the loop waits
  std::vector<Output> invariants_, references_;
  std::map<OutputKey, int> shared_;     // by what is outside: its number among the invariants
  std::map<OutputKey, Node*> handles_;  // by a reference: the variable behind it
  std::set<Node*> body_nodes_, condition_nodes_;
};

}  // namespace

PlanGraph RaiseLoops(PlanGraph plan, const PlanOptions& options) {
  const auto enters = [](const auto& node) { return node->op().flow == Flow::kEnter; };
  auto left = std::ranges::count_if(plan.graph.nodes(), enters);
  while (left > 0) {
    const Frames frames(plan);
    const std::string name = frames.deepest()->name;
    LoopRaiser(plan, frames, frames.deepest()).Raise();
    plan = Prune(std::move(plan), options);
    const auto now = std::ranges::count_if(plan.graph.nodes(), enters);
    if (now >= left) throw Unimplemented("the loop '", name, "' can't run: a value inside is used outside");
    left = now;
  }
  return plan;
}

}  // namespace headrace
