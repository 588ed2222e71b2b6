// Learning rates that change with the steps of training (tf.train.…_decay): scalars of the rate's dtype. Steps and
// rates are scalars of any numeric dtype.
//
//   auto rate = hr::ExponentialDecay({.rate = hr::Number(0.1), .step = hr::GetGlobalStep()->value,
//                                     .decay_steps = hr::Number(1000)}, hr::Number(0.96));
#pragma once

#include <string_view>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

// A float scalar constant.
Output Number(double value);

struct Decay {
  Output rate;         // at step 0
  Output step;         // usually the global step
  Output decay_steps;  // the length of a period
  std::string_view name = {};
};

// rate * decay_rate ^ (step / decay_steps); whole periods only if `staircase`.
Output ExponentialDecay(const Decay& decay, Output decay_rate, bool staircase = false);
// rate / (1 + decay_rate * step / decay_steps)
Output InverseTimeDecay(const Decay& decay, Output decay_rate, bool staircase = false);
// rate * exp(-decay_rate * step / decay_steps)
Output NaturalExpDecay(const Decay& decay, Output decay_rate, bool staircase = false);
// (rate - end) * (1 - step / decay_steps) ^ power + end; later `end`, or up again from a multiple of decay_steps if
// `cycle`.
Output PolynomialDecay(const Decay& decay, Output end, Output power, bool cycle = false);
// Half a cosine from rate to alpha * rate.
Output CosineDecay(const Decay& decay, double alpha = 0);
// values[i] where boundaries[i - 1] < x <= boundaries[i]: one value more than boundaries, which ascend and are of x's
// dtype. Errors: InvalidArgument for other numbers of them and for values of different dtypes.
Output PiecewiseConstant(Output x, const std::vector<Output>& boundaries, const std::vector<Output>& values,
                         std::string_view name = "PiecewiseConstant");

}  // namespace headrace
