// What the heads share: labels and weights checked against the logits, losses weighted and summed, the training spec.
#pragma once

#include <map>
#include <string>

#include "headrace/canned.h"

namespace headrace {

struct HeadLosses {
  Output labels, weights, unreduced, total;  // weights may be absent: 1
};

// [batch] or [batch, d] labels as [batch, d], in a name scope "labels".
Output CheckedLabels(const Features& labels, Output logits, int64_t dimension);
// The feature that weights examples as [batch, 1]; absent without such a column.
Output ExampleWeights(const FeatureTensors& features, const WeightColumn& weight_column, Output logits);
// The key of a metric or summary of a head: "loss", or "loss/NAME".
std::string HeadKey(const std::string& head_name, const std::string& key);
// Builds the training op in the current scope, then the summaries "loss" and "average_loss" at the root.
void FinishTraining(const HeadLosses& losses, Reduction reduction, const std::string& head_name,
                    const std::function<Node*(Output)>& train, EstimatorSpec* spec);

}  // namespace headrace
