// The area under a curve of a classifier: confusion counts at each threshold, summed up as the curve's points.
#include <algorithm>

#include "nn/filled.h"
#include "nn/metric_parts.h"

namespace headrace {
namespace {

constexpr double kEpsilon = 1e-6;  // keeps ratios of nothing finite

struct Counts {
  Output true_positives, false_negatives, true_negatives, false_positives;  // [thresholds] each
};

// Ascending, with one end below 0 and one above 1, so that predictions of exactly 0 and 1 lie inside.
std::vector<float> Thresholds(const AucOptions& options) {
  constexpr double kMargin = 1e-7;
  std::vector<double> inner = options.thresholds;
  std::ranges::sort(inner);
  if (inner.empty()) {
    if (options.num_thresholds < 2) throw InvalidArgument("num_thresholds must be > 1, got ", options.num_thresholds);
    for (int64_t i = 1; i < options.num_thresholds - 1; ++i) {
      inner.push_back(static_cast<double>(i) / static_cast<double>(options.num_thresholds - 1));
    }
  }
  std::vector<float> all = {static_cast<float>(-kMargin)};
  for (const double threshold : inner) all.push_back(static_cast<float>(threshold));
  all.push_back(static_cast<float>(1 + kMargin));
  return all;
}

Output Binary(const char* op, Output x, Output y) {
  return ApplyOp(op, {{x}, {y}});
}
Output Plus(Output x, double y) {
  return Binary("AddV2", x, ScalarConstant(DType::kFloat, y));
}

// Predictions, once they are known to be probabilities.
Output CheckedProbabilities(Output predictions) {
  const auto require = [&](const char* op, double bound) {
    const Output holds = Binary(op, predictions, ScalarConstant(DType::kFloat, bound));
    const Output all = ApplyOp("All", {{holds}, {AllAxes(holds)}});
    const Output words = Constant(Tensor::Scalar(std::string("predictions must be in [0, 1]")));
    return Graph::Current().Apply("Assert", {{all}, {words, predictions}});
  };
  ControlDependencies checked({require("GreaterEqual", 0), require("LessEqual", 1)});
  return ApplyOp("Identity", {{predictions}});
}

// Counts at every threshold, as they were and with this batch.
std::pair<Counts, Counts> Confusion(const AlignedMetric& batch, const std::vector<float>& thresholds) {
  const auto n = static_cast<int64_t>(thresholds.size());
  const Output row_shape = Constant(Tensor::Vector(std::vector<int32_t>{1, -1}));
  const auto as_row = [&](Output x) { return ApplyOp("Reshape", {{x}, {row_shape}}); };
  const Output predictions = CheckedProbabilities(batch.predictions);
  const Output limits = Constant(Tensor::Of<float>({n, 1}, thresholds));
  const Output above = Binary("Greater", as_row(predictions), limits);
  const Output below = ApplyOp("LogicalNot", {{above}});
  const Output positive = as_row(AsBool(batch.labels));
  const Output negative = ApplyOp("LogicalNot", {{positive}});
  const Output weights =
      batch.options.weights ? as_row(BroadcastWeights(batch.options.weights, predictions)) : Output();
  std::pair<Counts, Counts> counts;
  const auto count = [&](Output side, Output truth, Output Counts::*field, const char* name) {
    const Output matches = AsFloat(Binary("LogicalAnd", side, truth));
    const auto sums = MetricVariable({n}, DType::kFloat, name);
    const Output counted = weights ? Binary("Mul", matches, weights) : matches;
    const Output axis = ScalarConstant(DType::kInt32, 1, "Sum/reduction_indices");
    counts.first.*field = sums->value;
    counts.second.*field = AddTo(*sums, ApplyOp("Sum", {{counted}, {axis}}));
  };
  count(above, positive, &Counts::true_positives, "true_positives");
  count(below, positive, &Counts::false_negatives, "false_negatives");
  count(below, negative, &Counts::true_negatives, "true_negatives");
  count(above, negative, &Counts::false_positives, "false_positives");
  return counts;
}

// Values at the intervals' ends: [thresholds - 1] each.
struct Ends {
  explicit Ends(Output x) : low(Slice(x, 0, -1)), high(Slice(x, 1, 0)) {}
  static Output Slice(Output x, int begin, int end) {
    const auto index = [](int32_t i) { return Constant(Tensor::Vector(std::vector<int32_t>{i})); };
    return ApplyOp("StridedSlice", {{x}, {index(begin)}, {index(end)}, {index(1)}},
                   {{"end_mask", static_cast<int64_t>(end == 0)}});
  }
  Output low, high;
};

// Davis and Goadrich 2006, section 4: true and false positives, not precision, are taken as linear within an interval,
// which integrates to slope * (dTP + intercept * log(P_low / P_high)) with P = TP + FP and slope = dTP / dP.
Output InterpolatedPrecisionRecall(const Counts& counts, const char* name) {
  const Output zero = ScalarConstant(DType::kFloat, 0), one = ScalarConstant(DType::kFloat, 1);
  const auto quotient = [](Output x, Output y) { return Binary("DivNoNan", x, y); };
  const Ends tp(counts.true_positives), fn(counts.false_negatives);
  const Ends p(Binary("AddV2", counts.true_positives, counts.false_positives));
  const Output dtp = Binary("Sub", tp.low, tp.high);
  const Output slope = quotient(dtp, Binary("Maximum", Binary("Sub", p.low, p.high), zero));
  const Output intercept = Binary("Sub", tp.high, Binary("Mul", slope, p.high));
  const Output both = Binary("LogicalAnd", Binary("Greater", p.low, zero), Binary("Greater", p.high, zero));
  const Output ratio = ApplyOp("SelectV2", {{both}, {quotient(p.low, p.high)}, {one}});
  const Output bent = Binary("AddV2", dtp, Binary("Mul", intercept, ApplyOp("Log", {{ratio}})));
  return SumAll(quotient(Binary("Mul", slope, bent), Binary("AddV2", tp.high, fn.high)), name);
}

Output Area(const Counts& counts, const AucOptions& options, const char* name) {
  const bool precision_recall = options.curve == "PR";
  if (precision_recall && options.summation_method == "careful_interpolation") {
    return InterpolatedPrecisionRecall(counts, name);
  }
  const auto share = [](Output part, Output rest) {
    return Binary("RealDiv", Plus(part, kEpsilon), Plus(Binary("AddV2", part, rest), kEpsilon));
  };
  const Output recall = share(counts.true_positives, counts.false_negatives);
  Output x = recall, y;
  if (precision_recall) {
    y = share(counts.true_positives, counts.false_positives);
  } else {
    const Output negatives = Binary("AddV2", counts.false_positives, counts.true_negatives);
    x = Binary("RealDiv", counts.false_positives, Plus(negatives, kEpsilon));
    y = recall;
  }
  const Ends xs(x), ys(y);
  Output height;
  if (options.summation_method == "minoring") {
    height = Binary("Minimum", ys.low, ys.high);
  } else if (options.summation_method == "majoring") {
    height = Binary("Maximum", ys.low, ys.high);
  } else {
    height = Binary("Mul", Binary("AddV2", ys.low, ys.high), ScalarConstant(DType::kFloat, 0.5));
  }
  return SumAll(Binary("Mul", Binary("Sub", xs.low, xs.high), height), name);
}

}  // namespace

Metric AucMetric(Output labels, Output predictions, const MetricOptions& options, const AucOptions& auc) {
  if (auc.curve != "ROC" && auc.curve != "PR") {
    throw InvalidArgument("curve must be either ROC or PR, ", auc.curve, " unknown");
  }
  constexpr const char* kMethods[] = {"trapezoidal", "careful_interpolation", "minoring", "majoring"};
  if (std::ranges::count(kMethods, auc.summation_method) == 0) {
    throw InvalidArgument("Invalid summation_method: ", auc.summation_method);
  }
  VariableScope scope(options.name.empty() ? "auc" : options.name);
  const AlignedMetric batch(AsBool(labels), AsFloat(predictions), options, "auc");
  const auto [before, after] = Confusion(batch, Thresholds(auc));
  return {Area(before, auc, "value"), Area(after, auc, "update_op")};
}

}  // namespace headrace
