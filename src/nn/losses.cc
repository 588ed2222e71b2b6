// Losses. A loss is an elementwise difference, built in a name scope of its own, then weighted and reduced in the same
// scope.
#include "headrace/losses.h"

#include "nn/alignment.h"
#include "nn/filled.h"

namespace headrace {
namespace {

// A name scope of the given name, or the default.
struct LossScope {
  LossScope(const LossOptions& options, const char* name)
      : names(options.scope.empty() ? std::string_view(name) : std::string_view(options.scope)), options(options) {
    this->options.scope = names.name();
  }
  NameScope names;
  LossOptions options;  // with which the losses are weighted in this scope
};

Output WithScalar(const char* op, Output x, double value) {
  return ApplyOp(op, {{x}, {ScalarConstant(x.dtype(), value)}});
}

Output ScalarWith(const char* op, double value, Output x) {
  return ApplyOp(op, {{ScalarConstant(x.dtype(), value)}, {x}});
}

Output Multiply(Output x, Output y) {
  return ApplyOp("Mul", {{x}, {y}});
}

Output CountNonzeroWeights(Output losses, Output weights) {
  NameScope scope("num_present");
  const Output present = AsFloat(ApplyOp("NotEqual", {{weights}, {ScalarConstant(weights.dtype(), 0, "zeros")}}));
  const Output everywhere = Multiply(present, ApplyOp("OnesLike", {{losses}}));
  return ApplyOp("Sum", {{everywhere}, {AllAxes(everywhere)}}, {}, scope.name());
}

Output CountElements(Output losses) {
  NameScope scope("num_elements");
  return ApplyOp("Cast", {{ApplyOp("Size", {{losses}})}}, {{"DstT", DType::kFloat}}, scope.name());
}

Output SafeMean(Output total, Output count) {
  return ApplyOp("DivNoNan", {{total}, {count}}, {}, "value");
}

Output SmoothLabels(Output labels, double smoothing, double towards) {
  if (smoothing == 0) return labels;
  return WithScalar("AddV2", WithScalar("Mul", labels, 1 - smoothing), smoothing * towards);
}

}  // namespace

Reduction ParseReduction(std::string_view name) {
  if (name == "none") return Reduction::kNone;
  if (name == "weighted_sum") return Reduction::kSum;
  if (name == "weighted_mean") return Reduction::kMean;
  if (name == "weighted_sum_over_batch_size") return Reduction::kSumOverBatchSize;
  if (name == "weighted_sum_by_nonzero_weights") return Reduction::kSumByNonzeroWeights;
  throw InvalidArgument("Invalid ReductionKey ", name,
                        "; known are none, weighted_sum, weighted_mean, weighted_sum_over_batch_size and "
                        "weighted_sum_by_nonzero_weights");
}

Output ComputeWeightedLoss(Output losses, const LossOptions& options) {
  NameScope scope(options.scope.empty() ? std::string_view("weighted_loss") : std::string_view(options.scope));
  const DType dtype = losses.dtype();
  losses = AsFloat(losses);
  const Output weights = options.weights ? AsFloat(options.weights) : ScalarConstant(DType::kFloat, 1, "Cast/x");
  Node* checked = CheckBroadcastable(weights, losses);
  ControlDependencies after(checked ? std::vector<Node*>{checked} : std::vector<Node*>{});
  Output loss = Multiply(losses, weights);
  if (options.reduction != Reduction::kNone) {
    const Output weighted = loss;
    loss = SumAll(weighted);
    if (options.reduction == Reduction::kMean) {
      loss = SafeMean(loss, SumAll(Multiply(ApplyOp("OnesLike", {{losses}}), weights)));
    } else if (options.reduction == Reduction::kSumOverBatchSize) {
      loss = SafeMean(loss, CountElements(losses));
    } else if (options.reduction == Reduction::kSumByNonzeroWeights) {
      loss = SafeMean(loss, CountNonzeroWeights(losses, weights));
    }
  }
  if (dtype != DType::kFloat) loss = ApplyOp("Cast", {{loss}}, {{"DstT", dtype}});
  if (!options.collection.empty()) Graph::Current().collection(options.collection).emplace_back(loss);
  return loss;
}

Output MeanSquaredError(Output labels, Output predictions, const LossOptions& options) {
  LossScope scope(options, "mean_squared_error");
  predictions = AsFloat(predictions), labels = AsFloat(labels);
  CheckSameShape(labels, predictions, "mean_squared_error");
  return ComputeWeightedLoss(ApplyOp("SquaredDifference", {{predictions}, {labels}}), scope.options);
}

Output AbsoluteDifference(Output labels, Output predictions, const LossOptions& options) {
  LossScope scope(options, "absolute_difference");
  predictions = AsFloat(predictions), labels = AsFloat(labels);
  CheckSameShape(labels, predictions, "absolute_difference");
  return ComputeWeightedLoss(ApplyOp("Abs", {{ApplyOp("Sub", {{predictions}, {labels}})}}), scope.options);
}

Output LogLoss(Output labels, Output predictions, double epsilon, const LossOptions& options) {
  LossScope scope(options, "log_loss");
  predictions = AsFloat(predictions), labels = AsFloat(labels);
  CheckSameShape(labels, predictions, "log_loss");
  const auto log = [&](Output p) { return ApplyOp("Log", {{WithScalar("AddV2", p, epsilon)}}); };
  const Output positive = Multiply(ApplyOp("Neg", {{labels}}), log(predictions));
  const Output negative = Multiply(ScalarWith("Sub", 1, labels), log(ScalarWith("Sub", 1, predictions)));
  return ComputeWeightedLoss(ApplyOp("Sub", {{positive}, {negative}}), scope.options);
}

Output HuberLoss(Output labels, Output predictions, double delta, const LossOptions& options) {
  LossScope scope(options, "huber_loss");
  predictions = AsFloat(predictions), labels = AsFloat(labels);
  CheckSameShape(labels, predictions, "huber_loss");
  const Output error = ApplyOp("Abs", {{ApplyOp("Sub", {{predictions}, {labels}})}});
  const Output quadratic = WithScalar("Minimum", error, delta);
  const Output linear = ApplyOp("Sub", {{error}, {quadratic}});
  const Output losses =
      ApplyOp("AddV2", {{WithScalar("Mul", Multiply(quadratic, quadratic), 0.5)}, {WithScalar("Mul", linear, delta)}});
  return ComputeWeightedLoss(losses, scope.options);
}

Output HingeLoss(Output labels, Output logits, const LossOptions& options) {
  LossScope scope(options, "hinge_loss");
  logits = AsFloat(logits), labels = AsFloat(labels);
  CheckSameShape(labels, logits, "hinge_loss");
  const Output sign = WithScalar("Sub", WithScalar("Mul", labels, 2), 1);  // 0 and 1 become -1 and 1
  const Output losses = ApplyOp("Relu", {{ScalarWith("Sub", 1, Multiply(sign, logits))}});
  return ComputeWeightedLoss(losses, scope.options);
}

Output SigmoidCrossEntropy(Output labels, Output logits, double label_smoothing, const LossOptions& options) {
  LossScope scope(options, "sigmoid_cross_entropy_loss");
  labels =
      SmoothLabels(labels.dtype() == logits.dtype() ? labels : ApplyOp("Cast", {{labels}}, {{"DstT", logits.dtype()}}),
                   label_smoothing, 0.5);
  return ComputeWeightedLoss(nn::SigmoidCrossEntropyWithLogits(labels, logits, "xentropy"), scope.options);
}

Output SoftmaxCrossEntropy(Output onehot_labels, Output logits, double label_smoothing, const LossOptions& options) {
  LossScope scope(options, "softmax_cross_entropy_loss");
  Output labels = onehot_labels.dtype() == logits.dtype()
                      ? onehot_labels
                      : ApplyOp("Cast", {{onehot_labels}}, {{"DstT", logits.dtype()}});
  CheckSameShape(labels, logits, "softmax_cross_entropy");
  if (label_smoothing != 0) {
    const int64_t classes = labels.shape().has_rank() ? labels.shape()[labels.shape().rank() - 1] : -1;
    if (classes < 1) throw InvalidArgument("label smoothing needs a known number of classes, got ", labels.shape());
    labels = SmoothLabels(labels, label_smoothing, 1.0 / static_cast<double>(classes));
  }
  labels = ApplyOp("StopGradient", {{labels}}, {}, "labels_stop_gradient");
  return ComputeWeightedLoss(nn::SoftmaxCrossEntropyWithLogits(labels, logits, -1, "xentropy"), scope.options);
}

Output SparseSoftmaxCrossEntropy(Output labels, Output logits, const LossOptions& options) {
  LossScope scope(options, "sparse_softmax_cross_entropy_loss");
  AlignRanks(&labels, &logits, 1);
  if (scope.options.weights) scope.options.weights = AlignWeights(scope.options.weights, labels, false);
  return ComputeWeightedLoss(nn::SparseSoftmaxCrossEntropyWithLogits(labels, logits, "xentropy"), scope.options);
}

Output TotalLoss(bool add_regularization_losses, std::string_view name) {
  Graph& graph = Graph::Current();
  OpArgument losses;
  for (const CollectionItem& item : graph.collection(keys::kLosses)) losses.push_back(std::get<Output>(item));
  if (add_regularization_losses) {
    for (const CollectionItem& item : graph.collection(keys::kRegularizationLosses)) {
      losses.push_back(std::get<Output>(item));
    }
  }
  if (losses.empty()) throw InvalidArgument("there is no loss in the collections losses and regularization_losses");
  return ApplyOp("AddN", {losses}, {}, name);
}

}  // namespace headrace
