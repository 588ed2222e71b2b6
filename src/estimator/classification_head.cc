// The heads of classifiers: a logistic loss for two classes, softmax cross-entropy for more.
#include <numeric>

#include "estimator/head_parts.h"
#include "features/transforms.h"
#include "nn/filled.h"

namespace headrace {
namespace {

Output WithLastAxis(Output x) {
  return ApplyOp("ExpandDims", {{x}, {ScalarConstant(DType::kInt32, -1, "ExpandDims/dim")}});
}

// [batch, classes] of all the classes' names, one row an example.
Output AllClasses(Output logits, const std::vector<std::string>& names) {
  const auto index = [](int32_t i) { return Constant(Tensor::Vector(std::vector<int32_t>{i})); };
  const Output batch = ApplyOp("StridedSlice", {{ApplyOp("Shape", {{logits}})}, {index(0)}, {index(1)}, {index(1)}});
  const Output row = Constant(Tensor::Of<std::string>({1, static_cast<int64_t>(names.size())}, names));
  return ApplyOp("Tile", {{row}, {ApplyOp("ConcatV2", {{batch, index(1)}, {ScalarConstant(DType::kInt32, 0)}})}});
}

class Classification : public Head {
 public:
  explicit Classification(ClassificationHeadOptions options) : options_(std::move(options)) {
    if (options_.n_classes < 2) throw InvalidArgument("n_classes must be > 1, got ", options_.n_classes);
    if (options_.loss_reduction == Reduction::kNone) throw InvalidArgument("Invalid loss_reduction: none");
    const auto names = static_cast<int64_t>(options_.label_vocabulary.size());
    if (names > 0 && names != options_.n_classes) {
      throw InvalidArgument("label_vocabulary must have one name for each of the ", options_.n_classes,
                            " classes, got ", names);
    }
  }
  int64_t logits_dimension() const override { return binary() ? 1 : options_.n_classes; }

  EstimatorSpec Spec(const FeatureTensors& features, const Features& labels, Mode mode, Output logits,
                     const std::function<Node*(Output)>& train) const override {
    EstimatorSpec spec{.mode = mode};
    NameScope scope(options_.name.empty() ? "head" : options_.name);
    const Predictions predictions = BuildPredictions(logits);
    spec.predictions = {{"logits", logits}};
    if (binary()) spec.predictions.emplace_back("logistic", predictions.logistic);
    spec.predictions.emplace_back("probabilities", predictions.probabilities);
    spec.predictions.emplace_back("class_ids", predictions.class_ids);
    spec.predictions.emplace_back("classes", predictions.classes);
    if (mode == Mode::kPredict) {
      AddExports(predictions, logits, &spec);
      return spec;
    }
    const HeadLosses losses = BuildLosses(features, labels, logits);
    spec.loss = losses.total;
    if (mode == Mode::kEval) {
      spec.eval_metrics = Metrics(losses, predictions);
    } else {
      FinishTraining(losses, options_.loss_reduction, options_.name, train, &spec);
    }
    return spec;
  }

 private:
  struct Predictions {
    Output logistic, probabilities, class_ids, classes;
  };
  bool binary() const { return options_.n_classes == 2; }

  Predictions BuildPredictions(Output logits) const {
    NameScope scope("predictions");
    Predictions predictions;
    Output by_class = logits;
    if (binary()) {
      predictions.logistic = ApplyOp("Sigmoid", {{logits}}, {}, "logistic");
      by_class = ApplyOp("ConcatV2",
                         {{ApplyOp("ZerosLike", {{logits}}, {}, "zeros_like"), logits},
                          {ScalarConstant(DType::kInt32, -1, "two_class_logits/axis")}},
                         {}, "two_class_logits");
    }
    predictions.probabilities = ApplyOp("Softmax", {{by_class}}, {}, "probabilities");
    predictions.class_ids = WithLastAxis(
        ApplyOp("ArgMax", {{by_class}, {ScalarConstant(DType::kInt32, -1, "class_ids/dimension")}}, {}, "class_ids"));
    predictions.classes =
        options_.label_vocabulary.empty()
            ? ApplyOp("AsString", {{predictions.class_ids}}, {}, "str_classes")
            : ApplyOp("GatherV2",
                      {{Constant(Tensor::Vector(options_.label_vocabulary), "class_string_vocabulary")},
                       {predictions.class_ids},
                       {ScalarConstant(DType::kInt32, 0)}},
                      {}, "class_string_lookup");
    return predictions;
  }

  void AddExports(const Predictions& predictions, Output logits, EstimatorSpec* spec) const {
    std::vector<std::string> names = options_.label_vocabulary;
    for (int64_t i = 0; i < options_.n_classes && options_.label_vocabulary.empty(); ++i)
      names.push_back(std::to_string(i));
    const ExportOutput classes = ExportOutput::Classification(predictions.probabilities, AllClasses(logits, names));
    spec->export_outputs = {{"serving_default", classes},
                            {"classification", classes},
                            {"predict", ExportOutput::Predict({spec->predictions.begin(), spec->predictions.end()})}};
    if (binary()) spec->export_outputs["regression"] = ExportOutput::Regression(predictions.logistic);
  }

  // Classes as float 0 or 1, or as int64 numbers below n_classes; others are an error when the step runs.
  Output CheckedClasses(Output labels) const {
    NameScope scope("assert_range");
    const Output limit = ScalarConstant(labels.dtype(), static_cast<double>(options_.n_classes - 1), "Const");
    const Output zero = ScalarConstant(labels.dtype(), 0, "Const");
    const auto require = [&](const char* op, Output bound, const std::string& message) {
      const Output holds = ApplyOp(op, {{labels}, {bound}});
      const Output all = ApplyOp("All", {{holds}, {AllAxes(holds)}});
      return Graph::Current().Apply("Assert", {{all}, {Constant(Tensor::Scalar(message)), labels}});
    };
    ControlDependencies checked({require("LessEqual", limit, "Labels must <= n_classes - 1"),
                                 require("GreaterEqual", zero, "Labels must >= 0")});
    return ApplyOp("Identity", {{labels}});
  }

  // Labels as numbers: by the vocabulary if they are strings.
  Output LabelIds(Output labels) const {
    const bool text = labels.dtype() == DType::kString;
    if (options_.label_vocabulary.empty()) {
      if (text) throw InvalidArgument("Labels are strings (", labels.name(), "): label_vocabulary must be given.");
      return labels;
    }
    if (!text) {
      throw InvalidArgument("Labels dtype should be string if there is a vocabulary. Instead got ", labels.dtype(),
                            ".");
    }
    NameScope scope("class_id_lookup");
    return LookUpInVocabulary(labels, Tensor::Vector(options_.label_vocabulary), "labels");
  }

  HeadLosses BuildLosses(const FeatureTensors& features, const Features& labels, Output logits) const {
    HeadLosses losses;
    losses.labels = LabelIds(CheckedLabels(labels, logits, 1));
    if (binary()) {
      losses.labels = CheckedClasses(AsFloat(losses.labels));
      losses.unreduced = nn::SigmoidCrossEntropyWithLogits(losses.labels, logits);
    } else {
      if (!IsInteger(losses.labels.dtype())) {
        throw InvalidArgument("Labels dtype should be integer. Instead got ", losses.labels.dtype(), ".");
      }
      losses.labels = CheckedClasses(losses.labels);
      losses.unreduced =
          WithLastAxis(SparseSoftmaxCrossEntropy(losses.labels, logits, {.reduction = Reduction::kNone}));
    }
    losses.weights = ExampleWeights(features, options_.weight_column, logits);
    losses.total =
        ComputeWeightedLoss(losses.unreduced, {.weights = losses.weights, .reduction = options_.loss_reduction});
    return losses;
  }

  std::map<std::string, Metric> Metrics(const HeadLosses& losses, const Predictions& predictions) const {
    const auto key = [&](const char* name) { return HeadKey(options_.name, name); };
    const auto options = [&](const char* name) { return MetricOptions{.weights = losses.weights, .name = name}; };
    const Output labels = losses.labels, ids = predictions.class_ids;
    std::map<std::string, Metric> metrics = {
        {key("average_loss"), MeanMetric(losses.unreduced, options("average_loss"))},
        {key("accuracy"), AccuracyMetric(labels, ids, options("accuracy"))}};
    if (!binary()) return metrics;
    const Metric label_mean = MeanMetric(labels, options("label/mean"));
    metrics[key("precision")] = PrecisionMetric(labels, ids, options("precision"));
    metrics[key("recall")] = RecallMetric(labels, ids, options("recall"));
    metrics[key("prediction/mean")] = MeanMetric(predictions.logistic, options("prediction/mean"));
    metrics[key("label/mean")] = label_mean;
    metrics[key("accuracy_baseline")] = {Majority(label_mean.value), Majority(label_mean.update)};
    metrics[key("auc")] = AucMetric(labels, predictions.logistic, options("auc"));
    metrics[key("auc_precision_recall")] =
        AucMetric(labels, predictions.logistic, options("auc_precision_recall"), {.curve = "PR"});
    return metrics;
  }

  // How often one is right who always names the more frequent class.
  static Output Majority(Output label_mean) {
    const Output other = ApplyOp("Sub", {{ScalarConstant(DType::kFloat, 1)}, {label_mean}});
    return ApplyOp("Maximum", {{label_mean}, {other}});
  }

  ClassificationHeadOptions options_;
};

}  // namespace

std::shared_ptr<const Head> ClassificationHead(ClassificationHeadOptions options) {
  return std::make_shared<Classification>(std::move(options));
}

}  // namespace headrace
