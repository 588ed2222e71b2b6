// Reverse-mode differentiation of graphs, as tf.gradients of 1.15: the names it gives, the way it sums. It goes through
// conditionals and loops, nested, and through its own results.
#pragma once

#include <string>
#include <vector>

#include "headrace/op.h"

namespace headrace {

struct GradientOptions {
  std::vector<Output> grad_ys;         // one for each y, of its shape; ones where absent
  std::vector<Output> stop_gradients;  // nothing goes through these; one that is an x as well still gets its gradient
  bool gate_gradients = false;         // no gradient of a node's inputs is used before all of them are there
  std::string name = "gradients";      // the name scope of what is built
};

// The gradient of sum(ys) by each of xs; an empty Gradient where ys don't depend on x. An x that is a variable's
// handle (a reference or a resource) stands for its value. Builds on the current graph.
// Errors: NotFound for an op on the way that has no gradient, naming it.
std::vector<Gradient> Gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                const GradientOptions& options = {});

// Names a gradient function. A node whose attribute _gradient_op_type is that name is differentiated by it, whatever
// its op's own gradient is. Errors: AlreadyExists.
void RegisterGradient(const std::string& name, GradientFunction gradient);

}  // namespace headrace
