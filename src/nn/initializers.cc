// Initializers of variables. Random ones take their seeds by TensorFlow's rules, and name their nodes as its do.
#include "headrace/initializers.h"

#include <cmath>

#include "headrace/random_seed.h"
#include "nn/filled.h"

namespace headrace {
namespace {

// A constant of one value; large ones are filled at run time, so that graphs stay small.
Output Filled(DType dtype, const Shape& shape, double value, const std::string& name) {
  if (shape.num_elements() < 1000) return Constant(FilledTensor(dtype, shape, value), name);
  NameScope scope(name);
  std::vector<int32_t> dims(shape.begin(), shape.end());
  const Output dims_tensor = Constant(Tensor::Vector(dims), "shape_as_tensor");
  return ApplyOp("Fill", {{dims_tensor}, {Constant(FilledTensor(dtype, {}, value))}}, {}, scope.name());
}

// A sample of `op` times `factor` plus `shift`: every random initializer.
struct RandomRecipe {
  const char* name;
  const char* op;
  const char* first;  // what the two parameters' constants are called
  const char* second;
  bool is_range;  // the parameters are min and max rather than mean and stddev
};

Output Random(const RandomRecipe& recipe, const Shape& shape, DType dtype, double a, double b,
              std::optional<int64_t> seed) {
  NameScope scope(recipe.name);
  const std::vector<int32_t> dims(shape.begin(), shape.end());
  const Output shape_tensor = Constant(Tensor::Vector(dims), "shape");
  const Output first = Constant(FilledTensor(dtype, {}, a), recipe.first);
  const Output second = Constant(FilledTensor(dtype, {}, b), recipe.second);
  const auto [seed1, seed2] = GetSeed(seed);
  const Output sample =
      ApplyOp(recipe.op, {{shape_tensor}}, {{"dtype", dtype}, {"seed", seed1}, {"seed2", seed2}}, recipe.op);
  const Output factor = recipe.is_range ? ApplyOp("Sub", {{second}, {first}}, {}, "sub") : second;
  const Output scaled = ApplyOp("Mul", {{sample}, {factor}}, {}, "mul");
  return ApplyOp("AddV2", {{scaled}, {first}}, {}, scope.name());
}

constexpr RandomRecipe kUniform{"random_uniform", "RandomUniform", "min", "max", true};
constexpr RandomRecipe kNormal{"random_normal", "RandomStandardNormal", "mean", "stddev", false};
constexpr RandomRecipe kTruncatedNormal{"truncated_normal", "TruncatedNormal", "mean", "stddev", false};

Initializer RandomInitializer(const RandomRecipe& recipe, double a, double b, std::optional<int64_t> seed) {
  return [=](const Shape& shape, DType dtype) { return Random(recipe, shape, dtype, a, b, seed); };
}

// Connections into and out of a unit: the last two axes, times the size of the receptive field before them.
std::pair<double, double> Fans(const Shape& shape) {
  const int rank = shape.rank();
  if (rank == 0) return {1, 1};
  if (rank == 1) return {shape[0], shape[0]};
  double field = 1;
  for (int axis = 0; axis < rank - 2; ++axis) field *= static_cast<double>(shape[axis]);
  return {field * static_cast<double>(shape[rank - 2]), field * static_cast<double>(shape[rank - 1])};
}

}  // namespace

Initializer ZerosInitializer() {
  return [](const Shape& shape, DType dtype) { return Filled(dtype, shape, 0, "zeros"); };
}

Initializer OnesInitializer() {
  return [](const Shape& shape, DType dtype) { return Filled(dtype, shape, 1, "ones"); };
}

Initializer ConstantInitializer(double value) {
  return [value](const Shape& shape, DType dtype) { return Filled(dtype, shape, value, "Const"); };
}

Initializer ValueInitializer(Tensor value) {
  return [value = std::move(value)](const Shape& shape, DType dtype) {
    if (value.shape() != shape || value.dtype() != dtype) {
      throw InvalidArgument("an initial value of ", value.dtype(), value.shape(), " was given for a variable of ",
                            dtype, shape);
    }
    return Constant(value);
  };
}

Initializer RandomUniformInitializer(double min, double max, std::optional<int64_t> seed) {
  return RandomInitializer(kUniform, min, max, seed);
}

Initializer RandomNormalInitializer(double mean, double stddev, std::optional<int64_t> seed) {
  return RandomInitializer(kNormal, mean, stddev, seed);
}

Initializer TruncatedNormalInitializer(double mean, double stddev, std::optional<int64_t> seed) {
  return RandomInitializer(kTruncatedNormal, mean, stddev, seed);
}

Initializer VarianceScalingInitializer(const VarianceScalingOptions& options) {
  const auto& [scale, mode, distribution, seed] = options;
  if (!(scale > 0)) throw InvalidArgument("a variance scaling initializer's scale must be positive, got ", scale);
  if (mode != "fan_in" && mode != "fan_out" && mode != "fan_avg") {
    throw InvalidArgument("a variance scaling initializer's mode is fan_in, fan_out or fan_avg, got '", mode, "'");
  }
  if (distribution != "uniform" && distribution != "normal" && distribution != "truncated_normal" &&
      distribution != "untruncated_normal") {
    throw InvalidArgument(
        "a variance scaling initializer's distribution is truncated_normal, untruncated_normal or uniform, got '",
        distribution, "'");
  }
  return [options](const Shape& shape, DType dtype) {
    const auto [fan_in, fan_out] = Fans(shape);
    const double fan = options.mode == "fan_in" ? fan_in : options.mode == "fan_out" ? fan_out : (fan_in + fan_out) / 2;
    const double variance = options.scale / std::max(1.0, fan);
    if (options.distribution == "uniform") {
      const double limit = std::sqrt(3.0 * variance);
      return Random(kUniform, shape, dtype, -limit, limit, options.seed);
    }
    if (options.distribution == "untruncated_normal") {
      return Random(kNormal, shape, dtype, 0, std::sqrt(variance), options.seed);
    }
    constexpr double kTruncatedStddev = .87962566103423978;  // of a unit normal cut at two deviations
    return Random(kTruncatedNormal, shape, dtype, 0, std::sqrt(variance) / kTruncatedStddev, options.seed);
  };
}

Initializer GlorotUniformInitializer(std::optional<int64_t> seed) {
  return VarianceScalingInitializer({.mode = "fan_avg", .distribution = "uniform", .seed = seed});
}

Initializer GlorotNormalInitializer(std::optional<int64_t> seed) {
  return VarianceScalingInitializer({.mode = "fan_avg", .distribution = "truncated_normal", .seed = seed});
}

}  // namespace headrace
