// Losses of tf.losses: each gives the loss to minimise and adds it to a collection.
#pragma once

#include <string>
#include <string_view>

#include "headrace/cross_entropy.h"
#include "headrace/graph.h"

namespace headrace {

enum class Reduction {
  kNone,                 // one loss an element
  kSum,                  // of the weighted losses
  kMean,                 // that sum divided by the sum of the weights
  kSumOverBatchSize,     // divided by the number of losses
  kSumByNonzeroWeights,  // divided by the number of weights that aren't zero
};
// "none", "weighted_sum", "weighted_mean", "weighted_sum_over_batch_size", "weighted_sum_by_nonzero_weights", as
// tf.losses.Reduction has them. Errors: InvalidArgument, listing these.
Reduction ParseReduction(std::string_view name);

struct LossOptions {
  Output weights = {};  // a scalar, or of the losses' rank with axes of their size or 1; absent means 1
  std::string scope = {};
  std::string collection = keys::kLosses;  // "" for none
  Reduction reduction = Reduction::kSumByNonzeroWeights;
};

// Weighted and reduced losses of any kind. Errors: InvalidArgument for weights that cannot be broadcast to them.
Output ComputeWeightedLoss(Output losses, const LossOptions& options = {});

// All of these need predictions and labels of the same shape. Errors: InvalidArgument.
Output MeanSquaredError(Output labels, Output predictions, const LossOptions& options = {});
Output AbsoluteDifference(Output labels, Output predictions, const LossOptions& options = {});
Output LogLoss(Output labels, Output predictions, double epsilon = 1e-7, const LossOptions& options = {});
Output HuberLoss(Output labels, Output predictions, double delta = 1, const LossOptions& options = {});
Output HingeLoss(Output labels, Output logits, const LossOptions& options = {});
Output SigmoidCrossEntropy(Output labels, Output logits, double label_smoothing = 0, const LossOptions& options = {});
Output SoftmaxCrossEntropy(Output onehot_labels, Output logits, double label_smoothing = 0,
                           const LossOptions& options = {});
// Labels are class numbers, int32 or int64, of one axis less than the logits (or with a last axis of 1, which is
// dropped of weights, too).
Output SparseSoftmaxCrossEntropy(Output labels, Output logits, const LossOptions& options = {});

// The sum of the collected losses, with the regularization losses (tf.losses.get_total_loss).
Output TotalLoss(bool add_regularization_losses = true, std::string_view name = "total_loss");

}  // namespace headrace
