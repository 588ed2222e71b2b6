// Writing whole variables and finding rows of them.
#include "ops/variable_kernels.h"

#include <cstring>

namespace headrace {

void StoreValue(VariableState& variable, const Tensor& value) {
  const bool in_place = variable.value.defined() && !variable.value.SharesBuffer() && SizeOf(value.dtype()) > 0 &&
                        variable.value.dtype() == value.dtype() && variable.value.shape() == value.shape();
  if (in_place) {
    std::memcpy(variable.value.raw(), value.raw(), value.bytes());
  } else {
    variable.value = value.Clone();
  }
}

std::vector<int64_t> CheckedRows(const Tensor& indices, int64_t rows, const std::string& node) {
  std::vector<int64_t> checked = indices.AsInt64s();
  for (size_t i = 0; i < checked.size(); ++i) {
    if (checked[i] < 0 || checked[i] >= rows) {
      throw InvalidArgument("indices[", i, "] = ", checked[i], " is not in [0, ", rows, ") at '", node, "'");
    }
  }
  return checked;
}

}  // namespace headrace
