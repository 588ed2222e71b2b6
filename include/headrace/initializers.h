// Initializers: functions that build a variable's initial value. They name their nodes as TensorFlow's do, so that
// "dense/kernel/Initializer/random_uniform" is where one expects it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "headrace/graph.h"

namespace headrace {

using Initializer = std::function<Output(const Shape& shape, DType dtype)>;

Initializer ZerosInitializer();
Initializer OnesInitializer();
Initializer ConstantInitializer(double value);
// A given value; its shape must be the variable's. Errors: InvalidArgument otherwise.
Initializer ValueInitializer(Tensor value);
Initializer RandomUniformInitializer(double min = 0, double max = 1, std::optional<int64_t> seed = {});
Initializer RandomNormalInitializer(double mean = 0, double stddev = 1, std::optional<int64_t> seed = {});
Initializer TruncatedNormalInitializer(double mean = 0, double stddev = 1, std::optional<int64_t> seed = {});

struct VarianceScalingOptions {
  double scale = 1;
  std::string mode = "fan_in";                    // or "fan_out", "fan_avg"
  std::string distribution = "truncated_normal";  // or "untruncated_normal", "uniform"; "normal" is the first
  std::optional<int64_t> seed = {};
};
// Errors: InvalidArgument for a scale that is not positive, an unknown mode or distribution.
Initializer VarianceScalingInitializer(const VarianceScalingOptions& options = {});
Initializer GlorotUniformInitializer(std::optional<int64_t> seed = {});
Initializer GlorotNormalInitializer(std::optional<int64_t> seed = {});

}  // namespace headrace
