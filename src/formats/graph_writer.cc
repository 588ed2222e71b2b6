// Nodes in order of creation; functions of the library with their bodies in FunctionDef's own naming of tensors.
#include "formats/graph_writer.h"

#include "formats/tensor_proto.h"
#include "formats/text_format.h"
#include "formats/wire.h"
#include "graph/signature.h"
#include "headrace/op.h"
#include "wire/graph.pb.h"

namespace headrace {
namespace {

// What 1.15 writes: the version of the GraphDef's meaning, and the least that reads functions.
constexpr int kProducer = 134, kMinConsumerOfFunctions = 12;

std::string TensorNameInGraph(const Output& tensor) {
  return tensor.index == 0 ? tensor.node->name() : tensor.node->name() + ":" + std::to_string(tensor.index);
}

// "argument" for an argument of the function, else "node:output_argument:index within it".
std::string TensorNameInFunction(const Output& tensor, const std::map<const Node*, std::string>& arg_names) {
  if (auto arg = arg_names.find(tensor.node); arg != arg_names.end()) return arg->second;
  int first = 0;
  for (const OpArg& arg : tensor.node->op().outputs) {
    int count = static_cast<int>(ArgDTypes(arg, tensor.node->attrs(), tensor.node->op()).size());
    if (tensor.index < first + count) {
      return tensor.node->name() + ":" + arg.name + ":" + std::to_string(tensor.index - first);
    }
    first += count;
  }
  throw Internal("output ", tensor.index, " of ", tensor.node->name(), " is none of its op's");
}

template <class NameOf>
void NodeToProto(const Node& node, const GraphDefOptions& options, NameOf name_of, wire::NodeDef* proto) {
  proto->set_name(node.name());
  proto->set_op(node.type());
  proto->set_device(node.device());
  for (const Output& input : node.inputs()) proto->add_input(name_of(input));
  for (const Node* input : node.control_inputs()) proto->add_input("^" + input->name());
  for (const auto& [name, value] : node.attrs()) {
    const OpAttr* attr = node.op().FindAttr(name);
    if (options.strip_default_attrs && attr && attr->default_value && *attr->default_value == value) continue;
    AttrToProto(value, &(*proto->mutable_attr())[name]);
  }
  if (!options.add_shapes) return;
  auto* shapes = (*proto->mutable_attr())["_output_shapes"].mutable_list();
  for (int i = 0; i < node.num_outputs(); ++i) ShapeToProto(node.output_shape(i), shapes->add_shape());
}

std::string ArgName(const Function& function, size_t i) {
  return i < function.arg_names.size() ? function.arg_names[i] : function.args[i]->name();
}

std::string ResultName(const Function& function, size_t i) {
  return i < function.result_names.size() ? function.result_names[i] : "result" + std::to_string(i);
}

void FunctionToProto(const Function& function, const GraphDefOptions& options, wire::FunctionDef* proto) {
  auto* signature = proto->mutable_signature();
  signature->set_name(function.name);
  std::map<const Node*, std::string> arg_names;
  for (size_t i = 0; i < function.args.size(); ++i) {
    const Node* arg = function.args[i];
    arg_names[arg] = ArgName(function, i);
    auto* arg_proto = signature->add_input_arg();
    arg_proto->set_name(arg_names[arg]);
    arg_proto->set_type(static_cast<wire::DataType>(arg->output_dtype(0)));
    auto& attrs = (*proto->mutable_arg_attr())[static_cast<uint32_t>(i)];
    ShapeToProto(arg->output_shape(0), (*attrs.mutable_attr())["_output_shapes"].mutable_list()->add_shape());
  }
  auto name_of = [&](const Output& tensor) { return TensorNameInFunction(tensor, arg_names); };
  for (size_t i = 0; i < function.results.size(); ++i) {
    auto* result = signature->add_output_arg();
    result->set_name(ResultName(function, i));
    result->set_type(static_cast<wire::DataType>(function.results[i].dtype()));
    (*proto->mutable_ret())[ResultName(function, i)] = name_of(function.results[i]);
  }
  for (const auto& node : function.body->nodes()) {
    if (arg_names.contains(node.get())) continue;
    NodeToProto(*node, options, name_of, proto->add_node_def());
    if (node->op().effects.stateful) signature->set_is_stateful(true);
  }
  for (const Node* node : function.control_results) {
    signature->add_control_output(node->name());
    (*proto->mutable_control_ret())[node->name()] = node->name();
  }
}

}  // namespace

void GraphToProto(const Graph& graph, const GraphDefOptions& options, wire::GraphDef* proto) {
  for (const auto& node : graph.nodes()) NodeToProto(*node, options, TensorNameInGraph, proto->add_node());
  proto->mutable_versions()->set_producer(kProducer);
  if (graph.functions().empty()) return;
  proto->mutable_versions()->set_min_consumer(kMinConsumerOfFunctions);
  for (const auto& [name, function] : graph.functions()) {
    FunctionToProto(*function, options, proto->mutable_library()->add_function());
  }
}

std::string SerializeNode(const Node& node) {
  wire::NodeDef proto;
  NodeToProto(node, {}, TensorNameInGraph, &proto);
  return ToBytes(proto);
}

std::string SerializeOpDef(const OpDef& op) {
  wire::OpDef proto;
  proto.set_name(op.name);
  proto.set_is_stateful(op.effects.stateful);
  const auto add = [](const OpArg& arg, wire::OpDef::ArgDef* to) {
    to->set_name(arg.name);
    to->set_is_ref(arg.is_ref);
    to->set_type_attr(arg.type_attr);
    to->set_number_attr(arg.number_attr);
    to->set_type_list_attr(arg.type_list_attr);
    if (arg.type_attr.empty() && arg.type_list_attr.empty()) to->set_type(static_cast<wire::DataType>(arg.dtype));
  };
  for (const OpArg& arg : op.inputs) add(arg, proto.add_input_arg());
  for (const OpArg& arg : op.outputs) add(arg, proto.add_output_arg());
  for (const OpAttr& attr : op.attrs) {
    auto* to = proto.add_attr();
    to->set_name(attr.name);
    to->set_type(attr.type);
    if (attr.default_value) AttrToProto(*attr.default_value, to->mutable_default_value());
  }
  return ToBytes(proto);
}

std::string SerializeGraph(const Graph& graph, const GraphDefOptions& options) {
  wire::GraphDef proto;
  GraphToProto(graph, options, &proto);
  return ToBytes(proto);
}

std::string GraphToText(const Graph& graph, const GraphDefOptions& options) {
  wire::GraphDef proto;
  GraphToProto(graph, options, &proto);
  return PrintText(proto);
}

}  // namespace headrace
