// Reverse-mode differentiation of graphs, as tf.gradients of 1.15: the names it gives, the way it sums.
#pragma once

#include <string>
#include <vector>

#include "headrace/op.h"

namespace headrace {

struct GradientOptions {
  std::vector<Output> grad_ys;         // one for each y, of its shape; ones where absent
  std::vector<Output> stop_gradients;  // taken as constants
  std::string name = "gradients";      // the name scope of what is built
};

// The gradient of sum(ys) by each of xs; an empty Gradient where ys don't depend on x. An x that is a variable's
// handle (a reference or a resource) stands for its value. Builds on the current graph.
// Errors: NotFound for an op on the way that has no gradient, naming it.
std::vector<Gradient> Gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                const GradientOptions& options = {});

}  // namespace headrace
