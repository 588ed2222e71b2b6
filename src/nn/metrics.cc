// Streaming metrics: most are the mean of something, kept as a total and a count.
#include "headrace/metrics.h"

#include "nn/filled.h"
#include "nn/metric_parts.h"

namespace headrace {
namespace {

Output Quotient(Output total, Output count, const char* name) {
  const Output floor = ScalarConstant(count.dtype(), 0, "Maximum/y");
  return ApplyOp("DivNoNan", {{total}, {ApplyOp("Maximum", {{count}, {floor}})}}, {}, name);
}

// A running sum of the weights where `hit` holds.
Metric CountWhere(Output hit, const MetricOptions& options, const char* name) {
  NameScope scope(name);
  Output hits = AsFloat(hit);
  if (options.weights) hits = ApplyOp("Mul", {{hits}, {BroadcastWeights(options.weights, hits)}});
  const auto count = MetricVariable({}, DType::kFloat, "count");
  return {count->value, AddTo(*count, SumAll(hits))};
}

// hits / (hits + misses), 0 where there is neither.
Metric Ratio(const Metric& hits, const Metric& misses) {
  const auto ratio = [](Output hit, Output miss, const char* name) {
    return ApplyOp("DivNoNan", {{hit}, {ApplyOp("AddV2", {{hit}, {miss}})}}, {}, name);
  };
  return {ratio(hits.value, misses.value, "value"), ratio(hits.update, misses.update, "update_op")};
}

}  // namespace

Metric MeanMetric(Output values, const MetricOptions& options) {
  VariableScope scope(options.name.empty() ? "mean" : options.name);
  values = AsFloat(values);
  const auto total = MetricVariable({}, DType::kFloat, "total");
  const auto count = MetricVariable({}, DType::kFloat, "count");
  Output number;
  if (options.weights) {
    const Output weights = BroadcastWeights(AlignWeights(options.weights, values, true), values);
    values = ApplyOp("Mul", {{values}, {weights}});
    number = SumAll(weights);
  } else {
    number = AsFloat(ApplyOp("Size", {{values}}));
  }
  const Output new_total = AddTo(*total, SumAll(values));
  Output new_count;
  {
    ControlDependencies after({values.node});
    new_count = AddTo(*count, number);
  }
  const Output value = Quotient(total->value, count->value, "value");
  return {value, Quotient(new_total, new_count, "update_op")};
}

Metric MeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options) {
  const AlignedMetric pair(AsFloat(labels), AsFloat(predictions), options, "mean_squared_error");
  return MeanMetric(ApplyOp("SquaredDifference", {{pair.labels}, {pair.predictions}}), pair.options);
}

Metric RootMeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options) {
  const AlignedMetric pair(labels, predictions, options, "root_mean_squared_error");
  const Metric squared = MeanSquaredErrorMetric(pair.labels, pair.predictions, pair.options);
  const Output value = ApplyOp("Sqrt", {{squared.value}});
  return {value, ApplyOp("Sqrt", {{squared.update}})};
}

Metric MeanAbsoluteErrorMetric(Output labels, Output predictions, const MetricOptions& options) {
  const AlignedMetric pair(AsFloat(labels), AsFloat(predictions), options, "mean_absolute_error");
  const Output error = ApplyOp("Sub", {{pair.predictions}, {pair.labels}}, {}, "sub");
  return MeanMetric(ApplyOp("Abs", {{error}}), pair.options);
}

Metric AccuracyMetric(Output labels, Output predictions, const MetricOptions& options) {
  if (labels.dtype() != predictions.dtype()) {
    predictions = ApplyOp("Cast", {{predictions}}, {{"DstT", labels.dtype()}});
  }
  const AlignedMetric pair(labels, predictions, options, "accuracy");
  const Output correct = AsFloat(ApplyOp("Equal", {{pair.predictions}, {pair.labels}}));
  return MeanMetric(correct, pair.options);
}

Metric PrecisionMetric(Output labels, Output predictions, const MetricOptions& options) {
  VariableScope scope(options.name.empty() ? "precision" : options.name);
  const AlignedMetric pair(AsBool(labels), AsBool(predictions), options, "precision");
  const Output wrong = ApplyOp("LogicalNot", {{pair.labels}});
  return Ratio(CountWhere(ApplyOp("LogicalAnd", {{pair.labels}, {pair.predictions}}), pair.options, "true_positives"),
               CountWhere(ApplyOp("LogicalAnd", {{wrong}, {pair.predictions}}), pair.options, "false_positives"));
}

Metric RecallMetric(Output labels, Output predictions, const MetricOptions& options) {
  VariableScope scope(options.name.empty() ? "recall" : options.name);
  const AlignedMetric pair(AsBool(labels), AsBool(predictions), options, "recall");
  const Output missed = ApplyOp("LogicalNot", {{pair.predictions}});
  return Ratio(CountWhere(ApplyOp("LogicalAnd", {{pair.labels}, {pair.predictions}}), pair.options, "true_positives"),
               CountWhere(ApplyOp("LogicalAnd", {{pair.labels}, {missed}}), pair.options, "false_negatives"));
}

}  // namespace headrace
