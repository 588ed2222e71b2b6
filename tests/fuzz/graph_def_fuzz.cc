// GraphDefs. What is imported can be written, and what was written can be read again. The seeds hold each op once, with
// placeholders as inputs and the default attributes; most mutations change a message, not its bytes.
#include <cstdint>
#include <iterator>
#include <random>

#include "formats/graph_def.h"
#include "fuzz.h"
#include "headrace/op.h"
#include "wire/graph.pb.h"

namespace headrace::fuzz {
namespace {

headrace::wire::AttrValue ValueOf(const OpAttr& attr) {
  headrace::wire::AttrValue value;
  if (attr.type == "type") value.set_type(headrace::wire::DT_FLOAT);
  if (attr.type == "int") value.set_i(attr.minimum.value_or(1));
  if (attr.type == "shape") value.mutable_shape()->add_dim()->set_size(2);
  if (attr.type == "string") value.set_s(attr.allowed_strings.empty() ? "s" : attr.allowed_strings[0]);
  if (attr.type == "list(type)") value.mutable_list()->add_type(headrace::wire::DT_FLOAT);
  if (attr.type == "list(shape)") value.mutable_list()->add_shape()->add_dim()->set_size(2);
  if (attr.type == "list(int)") value.mutable_list()->add_i(1);
  if (!attr.allowed_types.empty() && attr.type == "type") {
    value.set_type(static_cast<headrace::wire::DataType>(attr.allowed_types[0]));
  }
  return value;
}

headrace::wire::DataType TypeOf(const OpDef& op, const OpArg& arg, const headrace::wire::NodeDef& node) {
  if (arg.dtype != DType::kInvalid) return static_cast<headrace::wire::DataType>(arg.dtype);
  if (node.attr().contains(arg.type_attr)) return node.attr().at(arg.type_attr).type();
  const OpAttr* attr = op.FindAttr(arg.type_attr);
  if (attr && attr->default_value) return static_cast<headrace::wire::DataType>(attr->default_value->get<DType>());
  return headrace::wire::DT_FLOAT;
}

// Inputs of vectors of two, or of which the shape is not known.
std::string GraphOf(const OpDef& op, bool known_shapes) {
  headrace::wire::GraphDef graph;
  headrace::wire::NodeDef node;
  node.set_name("node");
  node.set_op(op.name);
  for (const OpAttr& attr : op.attrs) {
    if (!attr.default_value) (*node.mutable_attr())[attr.name] = ValueOf(attr);
  }
  for (const OpArg& arg : op.inputs) {
    const headrace::wire::DataType dtype = TypeOf(op, arg, node);
    auto* input = graph.add_node();
    input->set_name(arg.name + "_in");
    input->set_op(dtype == headrace::wire::DT_INT32 ? "Const" : "Placeholder");
    (*input->mutable_attr())["dtype"].set_type(dtype);
    if (dtype == headrace::wire::DT_INT32) {
      auto* value = (*input->mutable_attr())["value"].mutable_tensor();
      value->set_dtype(dtype);
      value->mutable_tensor_shape()->add_dim()->set_size(2);
      value->add_int_val(1);
    } else {
      auto* shape = (*input->mutable_attr())["shape"].mutable_shape();
      known_shapes ? shape->add_dim()->set_size(2) : shape->set_unknown_rank(true);
    }
    node.add_input(input->name());
  }
  *graph.add_node() = node;
  return graph.SerializeAsString();
}

// Changes one thing of a graph that is a graph: bytes changed anywhere are mostly no message at all.
class Mutator {
 public:
  Mutator(headrace::wire::GraphDef* graph, unsigned seed) : graph_(*graph), random_(seed) {}

  void Mutate() {
    if (graph_.node().empty()) return;
    headrace::wire::NodeDef& node = *graph_.mutable_node(Below(graph_.node_size()));
    const int what = Below(8);
    if (what == 0) {
      const auto ops = OpRegistry::Global().All();
      node.set_op(ops[Below(static_cast<int>(ops.size()))]->name);
    } else if (what == 1 && node.input_size() > 0) {
      node.set_input(Below(node.input_size()), graph_.node(Below(graph_.node_size())).name());
    } else if (node.attr_size() > 0) {
      auto attr = node.mutable_attr()->begin();
      std::advance(attr, Below(node.attr_size()));
      Change(&attr->second);
    }
  }

 private:
  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  int64_t Number() {
    constexpr int64_t kEdges[] = {INT64_MIN, INT32_MIN, -1, 0, 1, INT32_MAX, int64_t{1} << 32, INT64_MAX};
    return Below(2) == 0 ? Below(5) - 1 : kEdges[Below(std::size(kEdges))];
  }
  void Change(headrace::wire::TensorShapeProto* shape) {
    if (shape->unknown_rank()) shape->Clear();
    const int what = Below(shape->dim_size() + 2);
    if (what < shape->dim_size()) {
      shape->mutable_dim(what)->set_size(Number());
    } else if (what == shape->dim_size() || shape->dim().empty()) {
      shape->add_dim()->set_size(Number());
    } else {
      shape->mutable_dim()->RemoveLast();
    }
  }
  void Change(headrace::wire::AttrValue* attr) {
    if (attr->has_i()) return attr->set_i(Number());
    if (attr->has_type()) return attr->set_type(static_cast<headrace::wire::DataType>(Below(24)));
    if (attr->has_shape()) return Change(attr->mutable_shape());
    if (attr->has_b()) return attr->set_b(!attr->b());
    if (attr->has_tensor() && Below(2) == 0) return Change(attr->mutable_tensor()->mutable_tensor_shape());
    if (attr->has_tensor()) {
      auto* values = attr->mutable_tensor()->mutable_int_val();
      values->Add(0);
      values->Set(Below(values->size()), static_cast<int>(Number()));
      if (Below(2) == 0) values->RemoveLast();
    }
    if (!attr->has_list()) return;
    auto* list = attr->mutable_list();
    if (list->i_size() > 0) list->set_i(Below(list->i_size()), Number());
    if (list->shape_size() > 0) Change(list->mutable_shape(Below(list->shape_size())));
    if (list->type_size() > 0) list->add_type(static_cast<headrace::wire::DataType>(Below(24)));
    if (list->i_size() > 0 || Below(4) == 0) list->add_i(Number());
  }

  headrace::wire::GraphDef& graph_;
  std::minstd_rand random_;
};

}  // namespace

std::vector<std::string> Seeds() {
  std::vector<std::string> seeds;
  for (const OpDef* op : OpRegistry::Global().All()) {
    for (const bool known_shapes : {true, false}) seeds.push_back(GraphOf(*op, known_shapes));
  }
  return seeds;
}

}  // namespace headrace::fuzz

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned seed) {
  headrace::wire::GraphDef graph;
  if (seed % 4 == 0 || !graph.ParseFromArray(data, static_cast<int>(size))) return LLVMFuzzerMutate(data, size, most);
  headrace::fuzz::Mutator(&graph, seed).Mutate();
  const size_t changed = graph.ByteSizeLong();
  if (changed > most) return LLVMFuzzerMutate(data, size, most);
  graph.SerializeToArray(data, static_cast<int>(changed));
  return changed;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  std::string written;
  if (!fuzz::Succeeds([&] { written = SerializeGraph(ParseGraph(fuzz::View(data, size)), {.add_shapes = true}); })) {
    return 0;
  }
  ParseGraph(written);
  return 0;
}
