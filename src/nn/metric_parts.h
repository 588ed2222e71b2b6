// What metrics have in common: inputs brought into step, and variables that they add to.
#pragma once

#include "headrace/metrics.h"
#include "nn/alignment.h"

namespace headrace {

// Labels and predictions of one shape, and the weights that go with them. Errors: InvalidArgument if they have none.
struct AlignedMetric {
  AlignedMetric(Output labels, Output predictions, const MetricOptions& options, const char* default_name);
  Output labels, predictions;
  MetricOptions options;  // with a name
};

Output AsBool(Output x);
// variable += value; the new value.
Output AddTo(const Variable& variable, Output value);

}  // namespace headrace
