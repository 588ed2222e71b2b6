// Variables are stored as serialized VariableDefs, nodes and tensors by name, strings as bytes. Objects of an upper
// layer (savers, scaffolds) have no stored form here and are left out.
#include "formats/collections.h"

#include <set>

#include "wire/saved_model.pb.h"

namespace headrace {
namespace {

std::string VariableToProto(const Variable& variable) {
  wire::VariableDef proto;
  proto.set_variable_name(variable.handle.name());
  if (variable.initializer) proto.set_initializer_name(variable.initializer->name());
  if (variable.value) proto.set_snapshot_name(variable.value.name());
  if (variable.initial_value) proto.set_initial_value_name(variable.initial_value.name());
  proto.set_is_resource(variable.is_resource());
  proto.set_trainable(variable.trainable);
  if (!variable.slice_full_shape.empty()) {
    auto* slice = proto.mutable_save_slice_info_def();
    slice->set_full_name(variable.save_name);
    for (int64_t size : variable.slice_full_shape) slice->add_full_shape(size);
    for (int64_t begin : variable.slice_begin) slice->add_var_offset(begin);
    for (int64_t size : variable.shape().dims()) slice->add_var_shape(size);
  }
  return proto.SerializeAsString();
}

// The collections whose bytes are VariableDefs.
bool HoldsVariables(const std::string& key) {
  static const std::set<std::string> kKeys = {keys::kGlobalVariables,         keys::kLocalVariables,
                                              keys::kMetricVariables,         keys::kModelVariables,
                                              keys::kTrainableVariables,      keys::kGlobalStep,
                                              "moving_average_variables",     "concatenated_variables",
                                              "trainable_resource_variables", "_trainable_concatenated_variables"};
  return kKeys.contains(key);
}

bool IsControlFlow(const std::string& key) {
  return key == "cond_context" || key == "while_context";
}

class CollectionReader {
 public:
  CollectionReader(Graph& graph, const std::string& prefix) : graph_(graph), prefix_(prefix) {}

  // A variable that stands in several collections is one object.
  std::shared_ptr<Variable> ReadVariable(const std::string& bytes) {
    wire::VariableDef proto;
    if (!proto.ParseFromString(bytes)) return nullptr;
    // A part of a graph may hold the variable but not what reads or initialises it; such a one is of no use to
    // builders, and TensorFlow would not import it again.
    Output handle = Find(proto.variable_name()), value = Find(proto.snapshot_name());
    Node* const initializer = graph_.FindNode(prefix_ + proto.initializer_name());
    if (!handle || !value || (!initializer && !proto.initializer_name().empty())) return nullptr;
    auto& variable = variables_[handle.name()];
    if (variable) return variable;
    variable = std::make_shared<Variable>();
    variable->handle = handle;
    variable->value = value;
    variable->initializer = initializer;
    variable->initial_value = Find(proto.initial_value_name());
    variable->name = handle.node->name();
    variable->trainable = proto.trainable();
    if (proto.has_save_slice_info_def()) {
      const auto& slice = proto.save_slice_info_def();
      variable->save_name = slice.full_name();
      variable->slice_full_shape.assign(slice.full_shape().begin(), slice.full_shape().end());
      variable->slice_begin.assign(slice.var_offset().begin(), slice.var_offset().end());
    }
    return variable;
  }

  void ReadNamed(const std::string& name, std::vector<CollectionItem>& items) {
    if (name.find(':') == std::string::npos) {
      if (Node* node = graph_.FindNode(prefix_ + name)) items.emplace_back(node);
    } else if (Output tensor = Find(name)) {
      items.emplace_back(tensor);
    }
  }

 private:
  Output Find(const std::string& tensor) const {
    if (tensor.empty() || !graph_.FindNode(prefix_ + tensor.substr(0, tensor.rfind(':')))) return {};
    return graph_.FindOutput(prefix_ + tensor);
  }

  Graph& graph_;
  std::string prefix_;
  std::map<std::string, std::shared_ptr<Variable>> variables_;
};

}  // namespace

void CollectionsToProto(const Graph& graph, wire::MetaGraphDef* proto) {
  for (const auto& [key, items] : graph.collections()) {
    wire::CollectionDef collection;
    for (const CollectionItem& item : items) {
      if (const auto* variable = std::get_if<std::shared_ptr<Variable>>(&item)) {
        collection.mutable_bytes_list()->add_value(VariableToProto(**variable));
      } else if (const auto* bytes = std::get_if<std::string>(&item)) {
        collection.mutable_bytes_list()->add_value(*bytes);
      } else if (const auto* tensor = std::get_if<Output>(&item)) {
        collection.mutable_node_list()->add_value(tensor->name());
      } else if (Node* const* node = std::get_if<Node*>(&item)) {
        collection.mutable_node_list()->add_value((*node)->name());
      }
    }
    if (collection.kind_case() != wire::CollectionDef::KIND_NOT_SET) {
      (*proto->mutable_collection_def())[key] = std::move(collection);
    }
  }
}

void CollectionsFromProto(Graph& graph, const wire::MetaGraphDef& proto, const std::string& prefix, bool whole_graph) {
  CollectionReader reader(graph, prefix);
  for (const auto& [key, collection] : proto.collection_def()) {
    if (IsControlFlow(key) && !whole_graph) continue;  // refers to nodes by names inside its bytes
    std::vector<CollectionItem> items;
    for (const std::string& name : collection.node_list().value()) reader.ReadNamed(name, items);
    for (const std::string& bytes : collection.bytes_list().value()) {
      if (!HoldsVariables(key)) {
        items.emplace_back(bytes);
      } else if (auto variable = reader.ReadVariable(bytes)) {
        items.emplace_back(variable);
      }
    }
    auto& target = graph.collection(key);
    target.insert(target.end(), items.begin(), items.end());
  }
}

}  // namespace headrace
