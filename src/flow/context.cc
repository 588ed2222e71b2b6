// The rules by which nodes made inside a context get their inputs.
#include "flow/context.h"

#include <algorithm>

namespace headrace {

BuildContext* ContextOf(const Node* node) {
  return static_cast<BuildContext*>(node->context());
}

BuildContext* OutputContextOf(const Node* node) {
  BuildContext* context = ContextOf(node);
  return context && node->op().flow == Flow::kExit ? context->outer() : context;
}

WhileContext* LoopOf(const Node* node) {
  BuildContext* context = ContextOf(node);
  return context ? context->enclosing_loop() : nullptr;
}

WhileContext* OutputLoopOf(const Node* node) {
  BuildContext* context = OutputContextOf(node);
  return context ? context->enclosing_loop() : nullptr;
}

Output BuildContext::Known(Output value) const {
  const auto found = external_.find(Key(value));
  return found == external_.end() ? value : found->second;
}

std::vector<Node*> BuildContext::RemoveExternalControls(NodeSpec* spec) {
  WhileContext* const loop = enclosing_loop();
  std::vector<Node*> external;
  if (!loop) return external;
  std::erase_if(spec->control_inputs, [&](Node* control) {
    if (OutputLoopOf(control) == loop) return false;
    external.push_back(control);
    return true;
  });
  return external;
}

// ------------------------------------------------------------------------------------------------------------- branch

CondContext::CondContext(Output predicate, Output pivot, int branch)
    : predicate_(predicate), pivot_(pivot), branch_(branch) {
  Graph::Current().UniqueName("cond_text");
  Know(predicate);
  external_[Key(predicate)] = predicate;
  Know(pivot);
}

// The value on this branch. Its node is inside, though it takes its input from outside.
Output CondContext::SwitchOf(Output value) {
  Graph& graph = Graph::Current();
  NodeSpec spec{.name = graph.UniqueName("Switch"),
                .op = value.node->output_is_ref(value.index) ? "RefSwitch" : "Switch",
                .inputs = {value, predicate_},
                .attrs = {{"T", value.dtype()}},
                .device = graph.current_device(),
                .context = this};
  const Output result = graph.AddNode(std::move(spec))->output(branch_);
  for (BuildContext* context = this; context; context = context->outer()) context->Know(result);
  return result;
}

Output CondContext::AddValue(Output value) {
  if (Knows(value)) return Known(value);
  Know(value);
  Output result = outer() ? outer()->AddValue(value) : Graph::Current().Capture(value);
  if (outer()) {
    Know(result);
    external_[Key(result)] = result;
  }
  result = SwitchOf(result);
  external_[Key(value)] = result;
  return result;
}

void CondContext::Adopt(NodeSpec* spec) {
  if (!spec->inputs.empty()) {
    for (Output& input : spec->inputs) input = AddValue(input);
    RemoveExternalControls(spec);
    return;
  }
  RemoveExternalControls(spec);
  const auto inside = [&](const Node* control) {
    for (const BuildContext* context = ContextOf(control); context; context = context->outer()) {
      if (context == this) return true;
    }
    return false;
  };
  if (std::ranges::none_of(spec->control_inputs, inside)) spec->control_inputs.push_back(pivot_.node);
}

void CondContext::Made(Node* node) {
  for (BuildContext* context = this; context; context = context->outer()) {
    for (const Output& output : node->outputs()) context->Know(output);
  }
}

// --------------------------------------------------------------------------------------------------------------- loop

WhileContext::WhileContext(const WhileParameters& parameters)
    : name_(Graph::Current().UniqueName("while_context")), parameters_(parameters) {}

// Those in force, as far as they are within the loop around this one and in a context around it.
std::vector<Node*> WhileContext::ControlsOfEnter() const {
  std::vector<Node*> kept;
  const WhileContext* const outer_loop = outer() ? outer()->enclosing_loop() : nullptr;
  for (const auto& level : Graph::Current().control_dependency_stack()) {
    for (Node* control : level) {
      const BuildContext* const home = OutputContextOf(control);
      const BuildContext* context = outer();
      while (context != home && context && context != outer_loop) context = context->outer();
      if (context == home && std::ranges::find(kept, control) == kept.end()) kept.push_back(control);
    }
  }
  return kept;
}

Node* WhileContext::Enter(Output value, bool constant, std::string_view name) {
  Graph& graph = Graph::Current();
  NodeSpec spec{.name = graph.UniqueName(name.empty() ? "Enter" : name),
                .op = value.node->output_is_ref(value.index) ? "RefEnter" : "Enter",
                .inputs = {value},
                .control_inputs = ControlsOfEnter(),
                .attrs = {{"T", value.dtype()},
                          {"frame_name", name_},
                          {"is_constant", constant},
                          {"parallel_iterations", static_cast<int64_t>(parameters_.parallel_iterations)}},
                .context = this};
  if (!constant && value.node->op().flow == Flow::kEnter && value.node->attr<bool>("is_constant")) {
    // A constant of the loop around enters again in each of its iterations.
    const BuildContext* context = outer();
    while (context && !context->pivot()) context = context->outer();
    if (context) spec.control_inputs.push_back(context->pivot().node);
  }
  Node* node = graph.AddNode(std::move(spec));
  Know(node->output());
  return node;
}

Output WhileContext::AddValue(Output value) {
  if (Knows(value) || ContextOf(value.node) == this) return Known(value);
  Know(value);
  if (forward && OutputLoopOf(value.node) == forward) return external_[Key(value)] = history(value);
  const Output outside = outer() ? outer()->AddValue(value) : Graph::Current().Capture(value);
  const Output result = Enter(outside, /*constant=*/true, {})->output();
  if (!(result.shape() == outside.shape())) result.node->set_output_shape(0, outside.shape());
  invariants_.push_back(result);
  return external_[Key(value)] = result;
}

void WhileContext::Adopt(NodeSpec* spec) {
  if (spec->inputs.empty()) {
    const std::vector<Node*> external = RemoveExternalControls(spec);
    if (spec->control_inputs.empty()) spec->control_inputs.push_back(pivot().node);
    for (Node* control : external) {
      if (control->num_outputs() > 0) spec->control_inputs.push_back(AddValue(control->output()).node);
    }
    return;
  }
  for (Output& input : spec->inputs) input = AddValue(input);
  const std::vector<Node*> external = RemoveExternalControls(spec);
  const auto constant = [](const Output& input) {
    return input.node->op().flow == Flow::kEnter && input.node->attr<bool>("is_constant");
  };
  // What depends on constants of the loop only would run once, whatever its condition says.
  if (spec->control_inputs.empty() && std::ranges::all_of(spec->inputs, constant) && pivot()) {
    spec->control_inputs.push_back(pivot().node);
  }
  for (Node* control : external) {
    if (control->num_outputs() > 0) spec->control_inputs.push_back(AddValue(control->output()).node);
  }
}

void WhileContext::Made(Node* node) {
  for (const Output& output : node->outputs()) Know(output);
}

int WhileContext::AddVariable(Output initial, const PartialShape& shape, std::string_view name) {
  Graph& graph = Graph::Current();
  LoopVariableNodes variable;
  variable.initial = outer() ? outer()->AddValue(initial) : graph.Capture(initial);
  variable.enter = Enter(variable.initial, /*constant=*/false, name)->output();
  variable.enter.node->set_output_shape(0, shape);
  const ContextScope inside(this, graph);
  variable.merge = graph
                       .Apply(variable.enter.node->output_is_ref(0) ? "RefMerge" : "Merge",
                              {{variable.enter, variable.enter}}, {}, name.empty() ? "Merge" : name)
                       ->output();
  if (condition_) Split(&variable);
  variables_.push_back(variable);
  return static_cast<int>(variables_.size()) - 1;
}

void WhileContext::Split(LoopVariableNodes* variable) {
  variable->split = Graph::Current().Apply(variable->merge.node->output_is_ref(0) ? "RefSwitch" : "Switch",
                                           {{variable->merge}, {condition_}}, {}, "Switch");
}

void WhileContext::SetCondition(Output condition, std::string_view name) {
  condition_ = ApplyOp("LoopCond", {{condition}}, {}, name);
  for (LoopVariableNodes& variable : variables_) Split(&variable);
}

void WhileContext::SetNext(int number, Output next) {
  LoopVariableNodes& variable = variables_[static_cast<size_t>(number)];
  const bool reference = next.node->output_is_ref(next.index);
  const Output iteration = ApplyOp(reference ? "RefNextIteration" : "NextIteration", {{next}});
  variable.next = iteration.node->input(0);
  Graph::Current().ReplaceInput(variable.merge.node, 1, iteration);
}

Output WhileContext::AddExit(int number, std::string_view name) {
  LoopVariableNodes& variable = variables_[static_cast<size_t>(number)];
  const bool reference = variable.split->output_is_ref(0);
  variable.exit = ApplyOp(reference ? "RefExit" : "Exit", {{variable.split->output(0)}}, {}, name);
  if (outer()) outer()->Know(variable.exit);
  return variable.exit;
}

}  // namespace headrace
