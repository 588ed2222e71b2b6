// Streaming metrics of tf.metrics: local variables, an op that updates them from a batch and gives the new value, and
// a tensor of the value so far.
#pragma once

#include <string>
#include <string_view>

#include "headrace/variables.h"

namespace headrace {

struct Metric {
  Output value, update;
};

struct MetricOptions {
  Output weights = {};  // broadcast to the values; absent means 1
  std::string name = {};
};

Metric MeanMetric(Output values, const MetricOptions& options = {});
Metric MeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options = {});
Metric RootMeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options = {});
Metric MeanAbsoluteErrorMetric(Output labels, Output predictions, const MetricOptions& options = {});
// How often the two agree.
Metric AccuracyMetric(Output labels, Output predictions, const MetricOptions& options = {});
// Of what was predicted true, how much is; of what is true, how much was predicted. Both are cast to bool.
Metric PrecisionMetric(Output labels, Output predictions, const MetricOptions& options = {});
Metric RecallMetric(Output labels, Output predictions, const MetricOptions& options = {});
// The area under the ROC (or precision-recall) curve, by the trapezoidal rule over 200 thresholds.
Metric AucMetric(Output labels, Output predictions, const MetricOptions& options = {},
                 const std::string& curve = "ROC");

// A zero-initialised variable in the collections of local and metric variables.
std::shared_ptr<Variable> MetricVariable(const Shape& shape, DType dtype, std::string_view name);

}  // namespace headrace
