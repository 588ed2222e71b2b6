// Cross entropies of logits, one for each element or record: what tf.nn has of them, labels first. (The ops of the same
// names are in headrace::.) tf.losses' weighted forms are in losses.h.
#pragma once

#include <string_view>

#include "headrace/graph.h"

namespace headrace::nn {

// Elementwise: -labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), which overflows nowhere.
// Errors: InvalidArgument unless labels and logits have one shape.
Output SigmoidCrossEntropyWithLogits(Output labels, Output logits, std::string_view name = "logistic_loss");
// The same with errors on positives counted `positive_weight` times.
Output WeightedCrossEntropyWithLogits(Output labels, Output logits, Output positive_weight,
                                      std::string_view name = "logistic_loss");

// Along an axis of class probabilities (labels) and logits; the result lacks that axis. Differentiates by both.
Output SoftmaxCrossEntropyWithLogits(Output labels, Output logits, int axis = -1,
                                     std::string_view name = "softmax_cross_entropy_with_logits");

// Labels are the numbers of the classes on the last axis of the logits: int32 or int64, of one axis less. Errors:
// InvalidArgument for other ranks; when run, for labels that are no class (on a CPU).
Output SparseSoftmaxCrossEntropyWithLogits(Output labels, Output logits,
                                           std::string_view name = "SparseSoftmaxCrossEntropyWithLogits");

}  // namespace headrace::nn
