// Streaming metrics: most are the mean of something, kept as a total and a count.
#include "headrace/metrics.h"

#include "nn/filled.h"

namespace headrace {
namespace {

constexpr int kThresholds = 200;

Output AssignAdd(const Variable& variable, Output value) {
  return ApplyOp("AssignAdd", {{variable.handle}, {value}});
}

Output Quotient(Output total, Output count, const char* name) {
  const Output floor = ScalarConstant(count.dtype(), 0, "Maximum/y");
  return ApplyOp("DivNoNan", {{total}, {ApplyOp("Maximum", {{count}, {floor}})}}, {}, name);
}

// Weights as one number for each value.
Output BroadcastWeights(Output weights, Output values) {
  NameScope scope("broadcast_weights");
  return ApplyOp("Mul", {{AsFloat(weights)}, {ApplyOp("OnesLike", {{values}}, {}, "ones_like")}}, {}, scope.name());
}

MetricOptions WithName(MetricOptions options, const char* name) {
  if (options.name.empty()) options.name = name;
  return options;
}

Output AsBool(Output x) {
  return x.dtype() == DType::kBool ? x : ApplyOp("Cast", {{x}}, {{"DstT", DType::kBool}});
}

// A running sum of the weights where `hit` holds.
Metric CountWhere(Output hit, const MetricOptions& options, const char* name) {
  NameScope scope(name);
  Output hits = AsFloat(hit);
  if (options.weights) hits = ApplyOp("Mul", {{hits}, {BroadcastWeights(options.weights, hits)}});
  const auto count = MetricVariable({}, DType::kFloat, "count");
  return {count->value, AssignAdd(*count, SumAll(hits))};
}

// hits / (hits + misses), 0 where there is neither.
Metric Ratio(const Metric& hits, const Metric& misses) {
  const auto ratio = [](Output hit, Output miss, const char* name) {
    return ApplyOp("DivNoNan", {{hit}, {ApplyOp("AddV2", {{hit}, {miss}})}}, {}, name);
  };
  return {ratio(hits.value, misses.value, "value"), ratio(hits.update, misses.update, "update_op")};
}

// Row-wise sums at every threshold: how many predictions lie above it (or not) among the positives (or negatives).
Metric ConfusionAtThresholds(Output above, Output labels, Output weights, const char* name) {
  const Output matches = AsFloat(ApplyOp("LogicalAnd", {{above}, {labels}}));
  const Output axis = ScalarConstant(DType::kInt32, 1, "Sum/reduction_indices");
  const auto sums = MetricVariable({kThresholds}, DType::kFloat, name);
  const Output counted = weights ? ApplyOp("Mul", {{matches}, {weights}}) : matches;
  return {sums->value, AssignAdd(*sums, ApplyOp("Sum", {{counted}, {axis}}))};
}

Output SlicePair(Output x, int begin, int end) {
  const auto index = [](int32_t i) { return Constant(Tensor::Vector(std::vector<int32_t>{i})); };
  return ApplyOp("StridedSlice", {{x}, {index(begin)}, {index(end)}, {index(1)}});
}

// The trapezoids under y over x, whose points run from the highest threshold's end of the axis to the lowest's.
Output AreaUnder(Output x, Output y, const char* name) {
  const Output dx = ApplyOp("Sub", {{SlicePair(x, 0, kThresholds - 1)}, {SlicePair(x, 1, kThresholds)}});
  const Output sum = ApplyOp("AddV2", {{SlicePair(y, 0, kThresholds - 1)}, {SlicePair(y, 1, kThresholds)}});
  const Output height = ApplyOp("Mul", {{sum}, {ScalarConstant(DType::kFloat, 0.5)}});
  return SumAll(ApplyOp("Mul", {{dx}, {height}}), name);
}

Output Smoothed(Output numerator, Output rest) {
  constexpr double kEpsilon = 1e-6;
  const Output total = ApplyOp("AddV2", {{numerator}, {rest}});
  return ApplyOp("RealDiv", {{ApplyOp("AddV2", {{numerator}, {ScalarConstant(DType::kFloat, kEpsilon)}})},
                             {ApplyOp("AddV2", {{total}, {ScalarConstant(DType::kFloat, kEpsilon)}})}});
}

}  // namespace

std::shared_ptr<Variable> MetricVariable(const Shape& shape, DType dtype, std::string_view name) {
  return MakeVariable(
      [&] { return ZerosInitializer()(shape, dtype); }, name,
      {.trainable = false, .use_resource = false, .collections = {keys::kLocalVariables, keys::kMetricVariables}});
}

Metric MeanMetric(Output values, const MetricOptions& options) {
  VariableScope scope(options.name.empty() ? "mean" : options.name);
  values = AsFloat(values);
  const auto total = MetricVariable({}, DType::kFloat, "total");
  const auto count = MetricVariable({}, DType::kFloat, "count");
  Output number;
  if (options.weights) {
    const Output weights = BroadcastWeights(options.weights, values);
    values = ApplyOp("Mul", {{values}, {weights}});
    number = SumAll(weights);
  } else {
    number = AsFloat(ApplyOp("Size", {{values}}));
  }
  const Output new_total = AssignAdd(*total, SumAll(values));
  Output new_count;
  {
    ControlDependencies after({values.node});
    new_count = AssignAdd(*count, number);
  }
  const Output value = Quotient(total->value, count->value, "value");
  return {value, Quotient(new_total, new_count, "update_op")};
}

Metric MeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options) {
  const Output error = ApplyOp("SquaredDifference", {{AsFloat(labels)}, {AsFloat(predictions)}});
  return MeanMetric(error, WithName(options, "mean_squared_error"));
}

Metric RootMeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options) {
  const Metric squared = MeanSquaredErrorMetric(labels, predictions, WithName(options, "root_mean_squared_error"));
  const Output value = ApplyOp("Sqrt", {{squared.value}});
  return {value, ApplyOp("Sqrt", {{squared.update}})};
}

Metric MeanAbsoluteErrorMetric(Output labels, Output predictions, const MetricOptions& options) {
  const Output error = ApplyOp("Sub", {{AsFloat(predictions)}, {AsFloat(labels)}}, {}, "sub");
  return MeanMetric(ApplyOp("Abs", {{error}}), WithName(options, "mean_absolute_error"));
}

Metric AccuracyMetric(Output labels, Output predictions, const MetricOptions& options) {
  if (labels.dtype() != predictions.dtype()) {
    predictions = ApplyOp("Cast", {{predictions}}, {{"DstT", labels.dtype()}});
  }
  const Output correct = AsFloat(ApplyOp("Equal", {{predictions}, {labels}}));
  return MeanMetric(correct, WithName(options, "accuracy"));
}

Metric PrecisionMetric(Output labels, Output predictions, const MetricOptions& options) {
  VariableScope scope(options.name.empty() ? "precision" : options.name);
  labels = AsBool(labels), predictions = AsBool(predictions);
  const Output wrong = ApplyOp("LogicalNot", {{labels}});
  return Ratio(CountWhere(ApplyOp("LogicalAnd", {{labels}, {predictions}}), options, "true_positives"),
               CountWhere(ApplyOp("LogicalAnd", {{wrong}, {predictions}}), options, "false_positives"));
}

Metric RecallMetric(Output labels, Output predictions, const MetricOptions& options) {
  VariableScope scope(options.name.empty() ? "recall" : options.name);
  labels = AsBool(labels), predictions = AsBool(predictions);
  const Output missed = ApplyOp("LogicalNot", {{predictions}});
  return Ratio(CountWhere(ApplyOp("LogicalAnd", {{labels}, {predictions}}), options, "true_positives"),
               CountWhere(ApplyOp("LogicalAnd", {{labels}, {missed}}), options, "false_negatives"));
}

Metric AucMetric(Output labels, Output predictions, const MetricOptions& options, const std::string& curve) {
  if (curve != "ROC" && curve != "PR") throw InvalidArgument("curve must be either ROC or PR, ", curve, " unknown");
  VariableScope scope(options.name.empty() ? "auc" : options.name);
  std::vector<float> thresholds(kThresholds);
  constexpr double kEpsilon = 1e-7;  // so that predictions of exactly 0 and 1 lie inside
  thresholds[0] = -kEpsilon, thresholds[kThresholds - 1] = 1 + kEpsilon;
  for (int i = 1; i < kThresholds - 1; ++i) thresholds[i] = static_cast<float>(i) / (kThresholds - 1);

  const Output row = Constant(Tensor::Vector(std::vector<int32_t>{1, -1}));
  const auto as_row = [&](Output x) { return ApplyOp("Reshape", {{x}, {row}}); };
  const Output limits = Constant(Tensor::Of<float>({kThresholds, 1}, thresholds));
  const Output above = ApplyOp("Greater", {{as_row(AsFloat(predictions))}, {limits}});
  const Output below = ApplyOp("LogicalNot", {{above}});
  const Output positive = as_row(AsBool(labels));
  const Output negative = ApplyOp("LogicalNot", {{positive}});
  const Output weights = options.weights ? as_row(BroadcastWeights(options.weights, AsFloat(predictions))) : Output();

  const Metric tp = ConfusionAtThresholds(above, positive, weights, "true_positives");
  const Metric fn = ConfusionAtThresholds(below, positive, weights, "false_negatives");
  const Metric tn = ConfusionAtThresholds(below, negative, weights, "true_negatives");
  const Metric fp = ConfusionAtThresholds(above, negative, weights, "false_positives");
  const auto area = [&](Output Metric::*field, const char* name) {
    const Output recall = Smoothed(tp.*field, fn.*field);
    if (curve == "PR") return AreaUnder(recall, Smoothed(tp.*field, fp.*field), name);
    const Output negatives = ApplyOp("AddV2", {{fp.*field}, {tn.*field}});
    const Output fall_out = ApplyOp("DivNoNan", {{fp.*field}, {negatives}});
    return AreaUnder(fall_out, recall, name);
  };
  return {area(&Metric::value, "value"), area(&Metric::update, "update_op")};
}

}  // namespace headrace
