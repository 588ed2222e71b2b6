// tf.gradients: where a pass backwards starts and ends.
#include "headrace/gradients.h"

#include <algorithm>

#include "autodiff/accumulate.h"
#include "autodiff/differentiator.h"
#include "graph/immediate.h"

namespace headrace {
bool CarriesGradient(DType dtype) {
  return IsFloating(dtype) || IsComplex(dtype) || dtype == DType::kResource || dtype == DType::kVariant;
}

Gradient SumGradients(const std::vector<Gradient>& parts) {
  if (parts.size() <= 1) return parts.empty() ? Gradient() : parts[0];
  if (std::ranges::all_of(parts, &Gradient::sparse)) {
    OpArgument values, indices;
    for (const Gradient& part : parts) {
      values.push_back(part.values);
      indices.push_back(part.indices);
    }
    const Output axis = Constant(Tensor::Scalar<int32_t>(0), "axis");
    return {ApplyOp("ConcatV2", {values, {axis}}, {}, "concat"), ApplyOp("ConcatV2", {indices, {axis}}, {}, "concat"),
            parts[0].dense_shape};
  }
  OpArgument dense;
  for (const Gradient& part : parts) dense.push_back(Densify(part));
  return ApplyOp("AddN", {dense});
}

Output OnesGradient(Output y, std::string_view name) {
  if (!IsFloating(y.dtype()) && !IsComplex(y.dtype())) {
    throw InvalidArgument("Gradients of tensors must be floating or complex, got ", y.dtype(), " for ", y.name());
  }
  const Output shape = ApplyOp("Shape", {{y}}, {{"out_type", DType::kInt32}});
  const Output one = Constant(Tensor::Scalar(1.0f), name);
  const Output typed = y.dtype() == DType::kFloat ? one : ApplyOp("Cast", {{one}}, {{"DstT", y.dtype()}});
  return ApplyOp("Fill", {{shape}, {typed}});
}

std::vector<Gradient> Gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                const GradientOptions& options) {
  if (!options.grad_ys.empty() && options.grad_ys.size() != ys.size()) {
    throw InvalidArgument("expected a gradient for each of ", ys.size(), " ys, got ", options.grad_ys.size());
  }
  std::vector<Output> sources = xs;
  for (Output& x : sources) {  // of a variable of eager execution: its handle in this graph
    if (!ys.empty() && x.graph()->Extension<HomeGraph>().is_home) x = ys[0].graph()->Capture(x);
  }
  const NameScope scope(options.name);
  const Differentiator::Options rules{.stops = options.stop_gradients, .gate = options.gate_gradients};
  auto* const here = static_cast<BuildContext*>(Graph::Current().context());
  Differentiator differentiator(sources, rules, here ? here->enclosing_loop() : nullptr);
  for (size_t i = 0; i < ys.size(); ++i) {
    const Output given = options.grad_ys.empty() ? Output() : options.grad_ys[i];
    differentiator.Start(ys[i], given ? given : OnesGradient(ys[i], "grad_ys_" + std::to_string(i)));
  }
  differentiator.Run(ys);
  std::vector<Gradient> results;
  for (const Output& x : sources) results.push_back(differentiator.Result(x));
  return results;
}

}  // namespace headrace
