// The parts of heads.
#include "estimator/head_parts.h"

#include "headrace/summary.h"
#include "nn/filled.h"

namespace headrace {

std::string HeadKey(const std::string& head_name, const std::string& key) {
  return head_name.empty() ? key : key + "/" + head_name;
}

Output CheckedLabels(const Features& labels, Output logits, int64_t dimension) {
  if (labels.size() != 1) {
    throw InvalidArgument("You must provide a labels Tensor. Given: ", labels.empty() ? "None" : "several",
                          ". Suggested troubleshooting steps: Check that your data contain your label feature. Check "
                          "that your input_fn properly parses and returns labels.");
  }
  NameScope scope("labels");
  const Output given = labels.begin()->second;
  Output label = given;
  if (label.shape().has_rank() && logits.shape().has_rank() && label.shape().rank() == logits.shape().rank() - 1) {
    label = ApplyOp("ExpandDims", {{label}, {ScalarConstant(DType::kInt32, -1, "ExpandDims/dim")}});
  }
  const PartialShape& shape = label.shape();
  const int64_t last = shape.has_rank() && shape.rank() > 0 ? shape[shape.rank() - 1] : -1;
  if (last >= 0 && last != dimension) {
    throw InvalidArgument("Mismatched label shape. Expected labels dimension=", dimension, ".  Received ", last,
                          ". Suggested Fix: If your classifier expects one-hot encoding label, check your n_classes "
                          "argument to the estimator and/or the shape of your label, ",
                          given.name(), ".");
  }
  return ApplyOp("Identity", {{label}}, {}, scope.name());
}

Output ExampleWeights(const FeatureTensors& features, const WeightColumn& weight_column, Output logits) {
  if (!weight_column.column) return {};
  const auto* numbers = dynamic_cast<const DenseColumn*>(weight_column.column.get());
  if (!numbers) {
    throw InvalidArgument("Weight column must be either a string or a numeric column. Given: ",
                          weight_column.column->name());
  }
  NameScope scope("weights");
  FeatureTransforms transforms(features);
  Output weights = numbers->Dense(transforms, {});
  if (weights.shape().has_rank() && logits.shape().has_rank() && weights.shape().rank() == logits.shape().rank() - 1) {
    weights = ApplyOp("ExpandDims", {{weights}, {ScalarConstant(DType::kInt32, -1)}});
  }
  return weights;
}

void FinishTraining(const HeadLosses& losses, Reduction reduction, const std::string& head_name,
                    const std::function<Node*(Output)>& train, EstimatorSpec* spec) {
  spec->train_op = train(losses.total);
  Output mean_loss;
  if (reduction == Reduction::kSum) {
    const Output weights = losses.weights ? losses.weights : ScalarConstant(DType::kFloat, 1, "mul/x");
    const Output ones = ApplyOp("OnesLike", {{losses.unreduced}}, {}, "ones_like");
    const Output weight_sum = SumAll(ApplyOp("Mul", {{weights}, {ones}}, {}, "mul"));
    mean_loss = ApplyOp("RealDiv", {{losses.total}, {weight_sum}}, {}, "truediv");
  }
  NameScope root("");
  SummarizeScalar(HeadKey(head_name, "loss"), losses.total);
  if (mean_loss) SummarizeScalar(HeadKey(head_name, "average_loss"), mean_loss);
}

}  // namespace headrace
