// Nodes are added in the order of the GraphDef as far as their inputs allow. The one kind of cycle there is, a v1
// loop's NextIteration -> Merge, is closed at the end.
#include "formats/graph_reader.h"

#include <algorithm>
#include <queue>
#include <set>

#include "formats/tensor_proto.h"
#include "formats/text_format.h"
#include "formats/wire.h"
#include "graph/signature.h"
#include "headrace/op.h"
#include "wire/graph.pb.h"

namespace headrace {
namespace {

using NodeDefs = google::protobuf::RepeatedPtrField<wire::NodeDef>;

// The node that an input ("^a", "a:1", "a:out:0") comes from.
std::string NodeNameOf(std::string_view input) {
  if (input.starts_with('^')) input.remove_prefix(1);
  return std::string(input.substr(0, input.find(':')));
}

// "a" -> "a:0"
std::string WithIndex(const std::string& tensor) {
  return tensor.find(':') == std::string::npos ? tensor + ":0" : tensor;
}

int ParseIndex(std::string_view digits, const std::string& input) {
  int index = -1;
  if (!digits.empty() && digits.size() < 9 &&
      std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return std::isdigit(c); })) {
    index = std::stoi(std::string(digits));
  }
  if (index < 0) throw InvalidArgument("'", input, "' is not the name of a tensor in a GraphDef");
  return index;
}

// True for the value a newer TensorFlow writes for an attribute that is off: false, zero, empty.
bool IsNothing(const wire::AttrValue& value) {
  switch (value.value_case()) {
    case wire::AttrValue::kB:
      return !value.b();
    case wire::AttrValue::kI:
      return value.i() == 0;
    case wire::AttrValue::kF:
      return value.f() == 0;
    case wire::AttrValue::kS:
      return value.s().empty();
    case wire::AttrValue::kList:
      return value.list().ByteSizeLong() == 0;
    default:
      return value.value_case() == wire::AttrValue::VALUE_NOT_SET;
  }
}

// Adds a list of NodeDefs, of a graph or of a function's body, to a graph.
class NodeImporter {
 public:
  NodeImporter(Graph& graph, const NodeDefs& defs, std::string prefix)
      : graph_(graph), defs_(defs), prefix_(std::move(prefix)) {
    for (int i = 0; i < defs.size(); ++i) {
      if (!positions_.emplace(defs[i].name(), i).second) {
        throw InvalidArgument("a GraphDef has two nodes named '", defs[i].name(), "'");
      }
    }
    wanted_.assign(static_cast<size_t>(defs.size()), true);
  }

  // Makes a name stand for a tensor that exists: a function's argument "x", or a replaced tensor "x:0".
  void Bind(const std::string& name, Output tensor) { bound_[name] = tensor; }

  void RestrictTo(const std::vector<std::string>& names) {
    std::fill(wanted_.begin(), wanted_.end(), false);
    std::vector<std::string> open(names);
    while (!open.empty()) {
      auto found = positions_.find(NodeNameOf(open.back()));
      open.pop_back();
      if (found == positions_.end() || wanted_[static_cast<size_t>(found->second)]) continue;
      wanted_[static_cast<size_t>(found->second)] = true;
      const auto& def = defs_[found->second];
      open.insert(open.end(), def.input().begin(), def.input().end());
    }
  }

  void AddAll() {
    CheckOps();
    std::vector<std::vector<int>> users(static_cast<size_t>(defs_.size()));
    std::vector<int> missing(static_cast<size_t>(defs_.size()), 0);
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (int i = 0; i < defs_.size(); ++i) {
      if (!wanted_[static_cast<size_t>(i)]) continue;
      for (const std::string& input : defs_[i].input()) {
        if (IsBound(input) || IsBackEdge(defs_[i], input)) continue;
        users[static_cast<size_t>(Position(input, defs_[i]))].push_back(i);
        ++missing[static_cast<size_t>(i)];
      }
      if (missing[static_cast<size_t>(i)] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      int i = ready.top();
      ready.pop();
      Add(defs_[i]);
      for (int user : users[static_cast<size_t>(i)]) {
        if (--missing[static_cast<size_t>(user)] == 0) ready.push(user);
      }
    }
    for (int i = 0; i < defs_.size(); ++i) {
      if (missing[static_cast<size_t>(i)] > 0) {
        throw InvalidArgument("the GraphDef has a cycle through '", defs_[i].name(), "'");
      }
    }
    for (const auto& [node, position, input] : back_edges_) graph_.ReplaceInput(node, position, Resolve(input));
  }

  Output Resolve(const std::string& input) const {
    if (auto bound = bound_.find(input); bound != bound_.end()) return bound->second;
    if (auto bound = bound_.find(WithIndex(input)); bound != bound_.end()) return bound->second;
    auto found = nodes_.find(NodeNameOf(input));
    if (found == nodes_.end()) throw InvalidArgument("'", input, "' is no tensor of the GraphDef");
    Node* node = found->second;
    size_t first = input.find(':'), second = first == std::string::npos ? first : input.find(':', first + 1);
    int index = 0;
    if (second != std::string::npos) {
      index = OutputStart(*node, input.substr(first + 1, second - first - 1)) +
              ParseIndex(std::string_view(input).substr(second + 1), input);
    } else if (first != std::string::npos) {
      index = ParseIndex(std::string_view(input).substr(first + 1), input);
    }
    if (index >= node->num_outputs()) {
      throw InvalidArgument("'", input, "': the node has only ", node->num_outputs(), " outputs");
    }
    return {node, index};
  }

  std::vector<const wire::NodeDef*> Wanted() const {
    std::vector<const wire::NodeDef*> wanted;
    for (int i = 0; i < defs_.size(); ++i) {
      if (wanted_[static_cast<size_t>(i)]) wanted.push_back(&defs_[i]);
    }
    return wanted;
  }

  Node* FindNode(const std::string& name) const {
    auto found = nodes_.find(name);
    return found == nodes_.end() ? nullptr : found->second;
  }

 private:
  struct BackEdge {
    Node* node;
    int position;
    std::string input;
  };

  bool IsBound(const std::string& input) const {
    return !input.starts_with('^') && (bound_.contains(input) || bound_.contains(WithIndex(input)));
  }

  int Position(const std::string& input, const wire::NodeDef& user) const {
    auto found = positions_.find(NodeNameOf(input));
    if (found == positions_.end()) {
      throw InvalidArgument("node '", user.name(), "' has the input '", input, "', which the GraphDef does not hold");
    }
    return found->second;
  }

  bool IsBackEdge(const wire::NodeDef& user, const std::string& input) const {
    return FlowOf(user) == Flow::kMerge && FlowOf(defs_[Position(input, user)]) == Flow::kNextIteration;
  }

  static Flow FlowOf(const wire::NodeDef& node) {
    const OpDef* op = OpRegistry::Global().FindOrNull(node.op());
    return op ? op->flow : Flow::kNone;
  }

  void CheckOps() const {
    std::set<std::string> absent;
    for (int i = 0; i < defs_.size(); ++i) {
      if (wanted_[static_cast<size_t>(i)] && !OpRegistry::Global().FindOrNull(defs_[i].op())) {
        absent.insert(defs_[i].op());
      }
    }
    if (absent.empty()) return;
    std::string names;
    for (const std::string& name : absent) names += (names.empty() ? "" : ", ") + name;
    throw NotFound("the graph uses ops that Headrace does not have: ", names);
  }

  // Where the outputs of an output argument begin.
  static int OutputStart(const Node& node, const std::string& arg_name) {
    int start = 0;
    for (const OpArg& arg : node.op().outputs) {
      if (arg.name == arg_name) return start;
      start += static_cast<int>(ArgDTypes(arg, node.attrs(), node.op()).size());
    }
    throw InvalidArgument("op ", node.type(), " has no output '", arg_name, "' (at '", node.name(), "')");
  }

  AttrMap Attrs(const wire::NodeDef& def, const OpDef& op) const {
    AttrMap attrs;
    for (const auto& [name, value] : def.attr()) {
      const OpAttr* attr = op.FindAttr(name);
      bool is_private = name.starts_with('_');
      if (name == "_output_shapes" || (!attr && !is_private && IsNothing(value))) continue;
      attrs[name] = AttrFromProto(value, attr ? attr->type : "");
    }
    if (auto colocation = attrs.find("_class"); colocation != attrs.end() && !prefix_.empty()) {
      auto names = colocation->second.get<std::vector<std::string>>();
      for (std::string& name : names) {
        if (name.starts_with("loc:@")) name.insert(5, prefix_);
      }
      colocation->second = names;
    }
    return attrs;
  }

  void Add(const wire::NodeDef& def) {
    NodeSpec spec{.name = prefix_ + def.name(), .op = def.op(), .device = def.device()};
    spec.attrs = Attrs(def, OpRegistry::Global().Find(def.op()));
    std::vector<std::pair<int, std::string>> later;
    for (const std::string& input : def.input()) {
      if (input.starts_with('^')) {
        spec.control_inputs.push_back(nodes_.at(NodeNameOf(input)));
      } else if (!IsBound(input) && IsBackEdge(def, input)) {
        if (spec.inputs.empty()) throw InvalidArgument("the first input of '", def.name(), "' comes from its own loop");
        later.emplace_back(static_cast<int>(spec.inputs.size()), input);
        spec.inputs.push_back(spec.inputs.front());
      } else {
        spec.inputs.push_back(Resolve(input));
      }
    }
    Node* node = graph_.AddNode(std::move(spec));
    nodes_[def.name()] = node;
    for (auto& [position, input] : later) {
      back_edges_.push_back({node, position, input});
      // What goes round the loop may change shape.
      for (int i = 0; i < node->num_outputs() - 1; ++i) node->set_output_shape(i, {});
    }
  }

  Graph& graph_;
  const NodeDefs& defs_;
  std::string prefix_;
  std::map<std::string, int> positions_;
  std::vector<bool> wanted_;
  std::map<std::string, Output> bound_;
  std::map<std::string, Node*> nodes_;
  std::vector<BackEdge> back_edges_;
};

PartialShape ArgShape(const wire::FunctionDef& proto, int i) {
  auto attrs = proto.arg_attr().find(static_cast<uint32_t>(i));
  if (attrs == proto.arg_attr().end()) return {};
  auto shapes = attrs->second.attr().find("_output_shapes");
  if (shapes == attrs->second.attr().end() || shapes->second.list().shape().empty()) return {};
  return ShapeFromProto(shapes->second.list().shape(0));
}

std::shared_ptr<const Function> FunctionFromProto(const wire::FunctionDef& proto) {
  auto function = std::make_shared<Function>();
  const auto& signature = proto.signature();
  function->name = signature.name();
  function->body = std::make_shared<Graph>();
  NodeImporter importer(*function->body, proto.node_def(), "");
  for (int i = 0; i < signature.input_arg_size(); ++i) {
    const auto& arg = signature.input_arg(i);
    Node* node = function->body->AddNode(
        {.name = arg.name(), .op = "_Arg", .attrs = {{"T", DTypeFromProto(arg.type())}, {"index", i}}});
    node->set_output_shape(0, ArgShape(proto, i));
    function->args.push_back(node);
    function->arg_names.push_back(arg.name());
    importer.Bind(arg.name(), node->output());
  }
  importer.AddAll();
  for (const auto& result : signature.output_arg()) {
    auto source = proto.ret().find(result.name());
    if (source == proto.ret().end()) {
      throw InvalidArgument("function '", function->name, "' does not say what its result '", result.name(), "' is");
    }
    function->results.push_back(importer.Resolve(source->second));
    function->result_names.push_back(result.name());
  }
  for (const auto& [name, node_name] : proto.control_ret()) {
    Node* node = importer.FindNode(node_name);
    if (!node) throw InvalidArgument("function '", function->name, "' has no node '", node_name, "' to run");
    function->control_results.push_back(node);
  }
  return function;
}

void AppendCalls(const wire::NodeDef& node, std::vector<std::string>& names) {
  for (const auto& [attr_name, value] : node.attr()) {
    if (value.has_func()) names.push_back(value.func().name());
    for (const auto& function : value.list().func()) names.push_back(function.name());
  }
}

// The functions that these nodes refer to, through other functions too.
std::set<std::string> ReachableFunctions(const wire::GraphDef& proto, const std::vector<const wire::NodeDef*>& nodes) {
  std::map<std::string, const wire::FunctionDef*> library;
  for (const auto& function : proto.library().function()) library[function.signature().name()] = &function;
  std::set<std::string> reached;
  std::vector<std::string> open;
  for (const auto* node : nodes) AppendCalls(*node, open);
  while (!open.empty()) {
    std::string name = std::move(open.back());
    open.pop_back();
    auto found = library.find(name);
    if (found == library.end() || !reached.insert(name).second) continue;
    for (const auto& node : found->second->node_def()) AppendCalls(node, open);
  }
  return reached;
}

wire::GraphDef ParseProto(std::string_view bytes) {
  return FromBytes<wire::GraphDef>(bytes, "GraphDef");
}

wire::GraphDef ParseTextProto(std::string_view text) {
  wire::GraphDef proto;
  ParseText(std::string(text), "GraphDef", &proto);
  return proto;
}

}  // namespace

std::vector<Output> GraphFromProto(Graph& graph, const wire::GraphDef& proto, const ImportOptions& options) {
  std::string prefix = options.prefix;
  if (!prefix.empty())
    prefix = graph.UniqueName(prefix.ends_with('/') ? prefix.substr(0, prefix.size() - 1) : prefix) + "/";
  NodeImporter importer(graph, proto.node(), prefix);
  for (const auto& [name, tensor] : options.input_map) importer.Bind(WithIndex(name), tensor);
  if (!options.needed.empty()) importer.RestrictTo(options.needed);
  // Functions first, since the shapes of calls follow from them; of a part of the graph, only those it calls.
  std::set<std::string> reachable = ReachableFunctions(proto, importer.Wanted());
  for (const auto& function : proto.library().function()) {
    if (options.needed.empty() || reachable.contains(function.signature().name())) {
      graph.AddFunction(FunctionFromProto(function));
    }
  }
  importer.AddAll();
  std::vector<Output> returned;
  for (const std::string& name : options.return_elements) returned.push_back(importer.Resolve(name));
  return returned;
}

Graph ParseGraph(std::string_view bytes) {
  Graph graph;
  GraphFromProto(graph, ParseProto(bytes), {});
  return graph;
}

Graph ParseGraphText(std::string_view text) {
  Graph graph;
  GraphFromProto(graph, ParseTextProto(text), {});
  return graph;
}

std::string GraphDefBytesToText(std::string_view bytes) {
  return PrintText(ParseProto(bytes));
}

std::string GraphDefTextToBytes(std::string_view text) {
  return ToBytes(ParseTextProto(text));
}

std::vector<Output> ImportGraphDef(Graph& graph, std::string_view bytes, const ImportOptions& options) {
  return GraphFromProto(graph, ParseProto(bytes), options);
}

}  // namespace headrace
