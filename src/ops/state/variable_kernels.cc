// Finding variables' shapes and rows.
#include "ops/state/variable_kernels.h"

namespace headrace {

std::vector<int64_t> CheckedRows(const Tensor& indices, int64_t rows, const std::string& node) {
  std::vector<int64_t> checked = indices.AsInt64s();
  for (size_t i = 0; i < checked.size(); ++i) {
    if (checked[i] < 0 || checked[i] >= rows) {
      throw InvalidArgument("indices[", i, "] = ", checked[i], " is not in [0, ", rows, ") at '", node, "'");
    }
  }
  return checked;
}

PartialShape VariableShapeOf(const Output& handle) {
  const Node* node = handle.node;
  while (node->op().traits.forwards >= 0) node = node->input(node->op().traits.forwards).node;
  const bool has_shape = node->op().traits.handle && node->has_attr("shape");
  return has_shape ? node->attr<PartialShape>("shape") : PartialShape();
}

}  // namespace headrace
