// The parts of metrics.
#include "nn/metric_parts.h"

namespace headrace {

AlignedMetric::AlignedMetric(Output given_labels, Output given_predictions, const MetricOptions& given,
                             const char* default_name)
    : labels(given_labels), predictions(given_predictions), options(given) {
  if (options.name.empty()) options.name = default_name;
  AlignRanks(&labels, &predictions);
  CheckSameShape(labels, predictions, default_name);
  if (options.weights) options.weights = AlignWeights(options.weights, predictions, true);
}

Output AsBool(Output x) {
  return x.dtype() == DType::kBool ? x : ApplyOp("Cast", {{x}}, {{"DstT", DType::kBool}});
}

Output AddTo(const Variable& variable, Output value) {
  return ApplyOp("AssignAdd", {{variable.handle}, {value}});
}

std::shared_ptr<Variable> MetricVariable(const Shape& shape, DType dtype, std::string_view name) {
  return MakeVariable(
      [&] { return ZerosInitializer()(shape, dtype); }, name,
      {.trainable = false, .use_resource = false, .collections = {keys::kLocalVariables, keys::kMetricVariables}});
}

}  // namespace headrace
