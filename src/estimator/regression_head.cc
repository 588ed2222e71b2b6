// The head of regression models: squared error, and the means of labels and predictions.
#include "headrace/canned.h"
#include "headrace/summary.h"
#include "nn/filled.h"

namespace headrace {
namespace {

class Regression : public Head {
 public:
  explicit Regression(RegressionHeadOptions options) : options_(std::move(options)) {
    if (options_.label_dimension < 1) throw InvalidArgument("Invalid label_dimension ", options_.label_dimension);
    if (options_.loss_reduction == Reduction::kNone) throw InvalidArgument("Invalid loss_reduction: none");
  }
  int64_t logits_dimension() const override { return options_.label_dimension; }
  EstimatorSpec Spec(const FeatureTensors& features, const Features& labels, Mode mode, Output logits,
                     const std::function<Node*(Output)>& train) const override;

 private:
  struct Losses {
    Output labels, weights, unreduced, total;
  };
  Losses BuildLosses(const FeatureTensors& features, const Features& labels, Output logits) const;
  Output CheckedLabels(const Features& labels, Output logits) const;
  Output Weights(const FeatureTensors& features, Output logits) const;
  std::map<std::string, Metric> Metrics(const Losses& losses, Output predictions) const;
  void Summarize(const Losses& losses, Output mean_loss) const;
  std::string Key(const std::string& name) const { return options_.name.empty() ? name : name + "/" + options_.name; }

  RegressionHeadOptions options_;
};

// [batch] or [batch, d] labels as [batch, d] floats.
Output Regression::CheckedLabels(const Features& labels, Output logits) const {
  if (labels.size() != 1) {
    throw InvalidArgument("You must provide a labels Tensor. Given: ", labels.empty() ? "None" : "several",
                          ". Suggested troubleshooting steps: Check that your data contain your label feature. Check "
                          "that your input_fn properly parses and returns labels.");
  }
  NameScope scope("labels");
  Output label = labels.begin()->second;
  if (label.shape().has_rank() && logits.shape().has_rank() && label.shape().rank() == logits.shape().rank() - 1) {
    label = ApplyOp("ExpandDims", {{label}, {ScalarConstant(DType::kInt32, -1, "ExpandDims/dim")}});
  }
  const PartialShape& shape = label.shape();
  const int64_t last = shape.has_rank() && shape.rank() > 0 ? shape[shape.rank() - 1] : -1;
  if (last >= 0 && last != options_.label_dimension) {
    throw InvalidArgument("Mismatched label shape. Expected labels dimension=", options_.label_dimension,
                          ".  Received ", last, ". Suggested Fix: check the shape of your label, ",
                          labels.begin()->second.name(), ".");
  }
  if (label.dtype() == DType::kString) {
    throw InvalidArgument("labels must be numbers, got strings in ", labels.begin()->second.name());
  }
  return ApplyOp("Identity", {{label}}, {}, scope.name());
}

Output Regression::Weights(const FeatureTensors& features, Output logits) const {
  if (options_.weight_column.empty()) return {};
  const auto found = features.find(options_.weight_column);
  if (found == features.end() || !std::holds_alternative<Output>(found->second)) {
    std::string names;
    for (const auto& [name, tensor] : features) names += (names.empty() ? "" : ", ") + name;
    throw NotFound("Feature ", options_.weight_column, " is not in features dictionary; the input_fn gave ", names);
  }
  NameScope scope("weights");
  Output weights = AsFloat(std::get<Output>(found->second));
  if (weights.shape().has_rank() && weights.shape().rank() == logits.shape().rank() - 1) {
    weights = ApplyOp("ExpandDims", {{weights}, {ScalarConstant(DType::kInt32, -1)}});
  }
  return weights;
}

Regression::Losses Regression::BuildLosses(const FeatureTensors& features, const Features& labels,
                                           Output logits) const {
  Losses losses;
  losses.labels = AsFloat(CheckedLabels(labels, logits));
  losses.unreduced = MeanSquaredError(losses.labels, logits, {.reduction = Reduction::kNone});
  losses.weights = Weights(features, logits);
  losses.total =
      ComputeWeightedLoss(losses.unreduced, {.weights = losses.weights, .reduction = options_.loss_reduction});
  return losses;
}

std::map<std::string, Metric> Regression::Metrics(const Losses& losses, Output predictions) const {
  return {{Key("average_loss"), MeanMetric(losses.unreduced, {.weights = losses.weights})},
          {Key("prediction/mean"), MeanMetric(predictions, {.weights = losses.weights, .name = "prediction/mean"})},
          {Key("label/mean"), MeanMetric(losses.labels, {.weights = losses.weights})}};
}

void Regression::Summarize(const Losses& losses, Output mean_loss) const {
  NameScope root("");
  SummarizeScalar(Key("loss"), losses.total);
  if (mean_loss) SummarizeScalar(Key("average_loss"), mean_loss);
}

EstimatorSpec Regression::Spec(const FeatureTensors& features, const Features& labels, Mode mode, Output logits,
                               const std::function<Node*(Output)>& train) const {
  EstimatorSpec spec{.mode = mode};
  auto scope = std::make_unique<NameScope>(options_.name.empty() ? "head" : options_.name);
  spec.predictions = {{"predictions", logits}};
  if (mode == Mode::kPredict) {
    const ExportOutput regression = ExportOutput::Regression(logits);
    spec.export_outputs = {{"serving_default", regression},
                           {"regression", regression},
                           {"predict", ExportOutput::Predict({{"predictions", logits}})}};
    return spec;
  }
  const Losses losses = BuildLosses(features, labels, logits);
  spec.loss = losses.total;
  if (mode == Mode::kEval) {
    spec.eval_metrics = Metrics(losses, logits);
    return spec;
  }
  spec.train_op = train(losses.total);
  Output mean_loss;
  if (options_.loss_reduction == Reduction::kSum) {
    const Output weights = losses.weights ? losses.weights : ScalarConstant(DType::kFloat, 1, "mul/x");
    const Output everywhere =
        ApplyOp("Mul", {{weights}, {ApplyOp("OnesLike", {{losses.unreduced}}, {}, "ones_like")}}, {}, "mul");
    mean_loss = ApplyOp("RealDiv", {{losses.total}, {SumAll(everywhere)}}, {}, "truediv");
  }
  scope.reset();
  Summarize(losses, mean_loss);
  return spec;
}

}  // namespace

std::shared_ptr<const Head> RegressionHead(RegressionHeadOptions options) {
  return std::make_shared<Regression>(std::move(options));
}

}  // namespace headrace
