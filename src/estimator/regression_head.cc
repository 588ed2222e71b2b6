// The head of regression models: squared error, and the means of labels and predictions.
#include "estimator/head_parts.h"
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
                     const std::function<Node*(Output)>& train) const override {
    EstimatorSpec spec{.mode = mode};
    NameScope scope(options_.name.empty() ? "head" : options_.name);
    spec.predictions = {{"predictions", logits}};
    if (mode == Mode::kPredict) {
      const ExportOutput regression = ExportOutput::Regression(logits);
      spec.export_outputs = {{"serving_default", regression},
                             {"regression", regression},
                             {"predict", ExportOutput::Predict({{"predictions", logits}})}};
      return spec;
    }
    const HeadLosses losses = BuildLosses(features, labels, logits);
    spec.loss = losses.total;
    if (mode == Mode::kEval) {
      spec.eval_metrics = Metrics(losses, logits);
    } else {
      FinishTraining(losses, options_.loss_reduction, options_.name, train, &spec);
    }
    return spec;
  }

 private:
  HeadLosses BuildLosses(const FeatureTensors& features, const Features& labels, Output logits) const {
    HeadLosses losses;
    if (!labels.empty() && labels.begin()->second.dtype() == DType::kString) {
      throw InvalidArgument("labels must be numbers, got strings in ", labels.begin()->second.name());
    }
    losses.labels = AsFloat(CheckedLabels(labels, logits, options_.label_dimension));
    losses.unreduced = MeanSquaredError(losses.labels, logits, {.reduction = Reduction::kNone});
    losses.weights = ExampleWeights(features, options_.weight_column, logits);
    losses.total =
        ComputeWeightedLoss(losses.unreduced, {.weights = losses.weights, .reduction = options_.loss_reduction});
    return losses;
  }

  std::map<std::string, Metric> Metrics(const HeadLosses& losses, Output predictions) const {
    const auto key = [&](const char* name) { return HeadKey(options_.name, name); };
    const Output weights = losses.weights;
    return {{key("average_loss"), MeanMetric(losses.unreduced, {.weights = weights})},
            {key("prediction/mean"), MeanMetric(predictions, {.weights = weights, .name = "prediction/mean"})},
            {key("label/mean"), MeanMetric(losses.labels, {.weights = weights})}};
  }

  RegressionHeadOptions options_;
};

}  // namespace

std::shared_ptr<const Head> RegressionHead(RegressionHeadOptions options) {
  return std::make_shared<Regression>(std::move(options));
}

}  // namespace headrace
