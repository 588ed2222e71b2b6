// Constants and samples shared by losses, metrics, layers and optimizers.
#include "nn/filled.h"

#include <numeric>

#include "headrace/random_seed.h"

namespace headrace {

Tensor FilledTensor(DType dtype, const Shape& shape, double value) {
  Tensor tensor(dtype, shape);
  VisitNumeric(dtype, "a constant", [&](auto zero) {
    using T = decltype(zero);
    for (T& element : tensor.flat<T>()) element = static_cast<T>(value);
  });
  return tensor;
}

Output ScalarConstant(DType dtype, double value, std::string_view name) {
  return Constant(FilledTensor(dtype, {}, value), name);
}

Output RandomUniformOf(Output shape, DType dtype, std::optional<int64_t> seed) {
  NameScope scope("random_uniform");
  const auto [seed1, seed2] = GetSeed(seed);
  return ApplyOp("RandomUniform", {{shape}}, {{"dtype", dtype}, {"seed", seed1}, {"seed2", seed2}});
}

Output AllAxes(Output x, std::string_view name) {
  if (!x.shape().has_rank()) {
    const Output rank = ApplyOp("Rank", {{x}});
    return ApplyOp("Range", {{ScalarConstant(DType::kInt32, 0)}, {rank}, {ScalarConstant(DType::kInt32, 1)}});
  }
  std::vector<int32_t> axes(x.shape().rank());
  std::iota(axes.begin(), axes.end(), 0);
  return Constant(Tensor::Vector(axes), name);
}

Output SumAll(Output x, std::string_view name) {
  return ApplyOp("Sum", {{x}, {AllAxes(x)}}, {}, name);
}

Output AsFloat(Output x) {
  return x.dtype() == DType::kFloat ? x : ApplyOp("Cast", {{x}}, {{"DstT", DType::kFloat}});
}

}  // namespace headrace
