// Bringing labels, predictions and weights into step, as tf.losses and tf.metrics do it: where ranks differ by one, a
// last axis of size 1 is dropped or added; anything else that doesn't fit is an error instead of a broadcast. Ranks
// that are unknown while the graph is built are compared when it runs.
#pragma once

#include "headrace/graph.h"

namespace headrace {

// Drops the last axis of the one that has an axis too many, if it is of size 1. Predictions are to have
// `expected_difference` axes more than labels.
void AlignRanks(Output* labels, Output* predictions, int expected_difference = 0);
// The same for weights beside values: weights with one axis too many lose it, and with one too few get one if `expand`.
Output AlignWeights(Output weights, Output values, bool expand);

// Weights fit values if they are a scalar, or of the same rank with each axis of size 1 or of the values' size. The
// node that checks this when the graph runs; nullptr if shapes prove it. Errors: InvalidArgument if they disprove it.
Node* CheckBroadcastable(Output weights, Output values);
// Float weights, one for each value, once they have been checked.
Output BroadcastWeights(Output weights, Output values);

// Errors: InvalidArgument, "Shapes (2, 1) and (3, 1) are incompatible", naming both and `what`.
void CheckSameShape(Output labels, Output predictions, const char* what);

}  // namespace headrace
