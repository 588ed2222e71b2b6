// Nodes and their outputs.
#include <mutex>

#include "graph/signature.h"
#include "headrace/op.h"

namespace headrace {
namespace {

const Node& Given(const Node* node) {
  if (!node) throw InvalidArgument("an absent tensor was used: an hr::Output that no op gave");
  return *node;
}

}  // namespace

DType Output::dtype() const {
  return Given(node).output_dtype(index);
}

const PartialShape& Output::shape() const {
  return Given(node).output_shape(index);
}

std::string Output::name() const {
  return Given(node).name() + ":" + std::to_string(index);
}

Graph* Output::graph() const {
  return Given(node).graph();
}

const std::string& Node::type() const {
  return op_->name;
}

std::vector<Output> Node::outputs() {
  std::vector<Output> all(num_outputs());
  for (int i = 0; i < num_outputs(); ++i) all[i] = {this, i};
  return all;
}

std::pair<int, int> Node::InputRange(std::string_view arg) const {
  int begin = 0;
  for (const OpArg& candidate : op_->inputs) {
    const int size = static_cast<int>(ArgDTypes(candidate, attrs_, *op_).size());
    if (candidate.name == arg) return {begin, begin + size};
    begin += size;
  }
  throw NotFound("op ", op_->name, " has no argument '", arg, "'");
}

const AttrValue& Node::attr(std::string_view name) const {
  const auto found = attrs_.find(name);
  if (found == attrs_.end()) throw NotFound("node '", name_, "' (", type(), ") has no attribute '", name, "'");
  return found->second;
}

void Node::set_attr(const std::string& name, AttrValue value) {
  std::unique_lock lock(graph_->mutex_);
  attrs_[name] = std::move(value);
  ++graph_->version_;
}

void Node::set_output_shape(int i, const PartialShape& shape) {
  std::unique_lock lock(graph_->mutex_);
  if (output_shapes_.at(i) == shape) return;
  output_shapes_[i] = shape;
  ++graph_->version_;
}

}  // namespace headrace
