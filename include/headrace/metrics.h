// Streaming metrics of tf.metrics: local variables, an op that updates them from a batch and gives the new value, and
// a tensor of the value so far.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/variables.h"

namespace headrace {

struct Metric {
  Output value, update;
};

struct MetricOptions {
  Output weights = {};  // a scalar, or of the values' rank with axes of their size or 1, or with one axis less or more
  std::string name = {};
};

// Labels and predictions have one shape; where one has a last axis of size 1 more, it is dropped. Errors:
// InvalidArgument for other shapes, and for weights that cannot be broadcast to the values.
Metric MeanMetric(Output values, const MetricOptions& options = {});
Metric MeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options = {});
Metric RootMeanSquaredErrorMetric(Output labels, Output predictions, const MetricOptions& options = {});
Metric MeanAbsoluteErrorMetric(Output labels, Output predictions, const MetricOptions& options = {});
// How often the two agree.
Metric AccuracyMetric(Output labels, Output predictions, const MetricOptions& options = {});
// Of what was predicted true, how much is; of what is true, how much was predicted. Both are cast to bool.
Metric PrecisionMetric(Output labels, Output predictions, const MetricOptions& options = {});
Metric RecallMetric(Output labels, Output predictions, const MetricOptions& options = {});
struct AucOptions {
  std::string curve = "ROC";  // or "PR": precision over recall
  int64_t num_thresholds = 200;
  std::vector<double> thresholds = {};           // in [0, 1], instead of so many evenly spaced ones
  std::string summation_method = "trapezoidal";  // "careful_interpolation", "minoring" or "majoring"
};
// The area under a curve, from counts at each threshold. Labels are cast to bool. Errors when run: InvalidArgument for
// a prediction outside [0, 1].
Metric AucMetric(Output labels, Output predictions, const MetricOptions& options = {}, const AucOptions& auc = {});

// A zero-initialised variable in the collections of local and metric variables.
std::shared_ptr<Variable> MetricVariable(const Shape& shape, DType dtype, std::string_view name);

}  // namespace headrace
