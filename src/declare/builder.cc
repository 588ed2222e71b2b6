// Adds nodes for the generated builders and takes list outputs apart.
#include "declare/builder.h"

#include "headrace/op.h"

namespace headrace::internal {
namespace {

int64_t LengthOf(const Node& node, const OpArg& arg) {
  if (!arg.number_attr.empty()) return node.attr<int64_t>(arg.number_attr);
  if (!arg.type_list_attr.empty()) {
    return static_cast<int64_t>(node.attr<std::vector<DType>>(arg.type_list_attr).size());
  }
  return 1;
}

}  // namespace

Node* Build(std::string_view op, const std::vector<OpArgument>& arguments,
            std::initializer_list<std::pair<const char*, AttrValue>> attrs, std::string_view name) {
  AttrMap map;
  for (const auto& [key, value] : attrs) map.emplace(key, value);
  return Graph::Current().Apply(op, arguments, std::move(map), name);
}

std::vector<Output> OutputList(Node* node, int argument) {
  const std::vector<OpArg>& args = node->op().outputs;
  int64_t begin = 0;
  for (int i = 0; i < argument; ++i) begin += LengthOf(*node, args[i]);
  std::vector<Output> outputs;
  for (int64_t i = 0; i < LengthOf(*node, args.at(argument)); ++i) {
    outputs.push_back(node->output(static_cast<int>(begin + i)));
  }
  return outputs;
}

}  // namespace headrace::internal
