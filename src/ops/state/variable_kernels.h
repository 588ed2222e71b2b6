// What the kernels of the ops on variables share, whether the variable is a reference or a resource: both arrive as an
// input whose VariableState is context.variable(i). The runtime holds the variables' locks meanwhile.
#pragma once

#include <string>
#include <vector>

#include "headrace/op.h"

namespace headrace {

// Indices into `rows` rows, as int64. Errors: InvalidArgument for one out of range, naming node, position and value.
std::vector<int64_t> CheckedRows(const Tensor& indices, int64_t rows, const std::string& node);

// What is known of the shape of the variable behind a handle.
PartialShape VariableShapeOf(const Output& handle);

// The position of an op's argument among a node's inputs.
inline int ArgumentIndex(const Node& node, std::string_view name) {
  return node.InputRange(name).first;
}

}  // namespace headrace
