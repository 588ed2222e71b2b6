// Schedules of learning rates, each a formula of the step in the rate's dtype.
#include "headrace/learning_rates.h"

#include <numbers>

#include "nn/filled.h"

namespace headrace {
namespace {

Output Binary(const char* op, Output x, Output y, std::string_view name = {}) {
  return ApplyOp(op, {{x}, {y}}, {}, name);
}
Output CastTo(Output x, DType dtype) {
  return x.dtype() == dtype ? x : ApplyOp("Cast", {{x}}, {{"DstT", dtype}});
}

// The name scope of a schedule, and its inputs in the rate's dtype.
struct Schedule {
  Schedule(const Decay& decay, const char* name)
      : scope(decay.name.empty() ? std::string_view(name) : decay.name), rate(decay.rate) {
    if (!decay.step) throw InvalidArgument("global_step is required for ", name, ".");
    step = CastTo(decay.step, rate.dtype());
    decay_steps = CastTo(decay.decay_steps, rate.dtype());
  }
  Output Periods(bool staircase) const {
    const Output periods = Binary("RealDiv", step, decay_steps);
    return staircase ? ApplyOp("Floor", {{periods}}) : periods;
  }
  Output Of(double value) const { return ScalarConstant(rate.dtype(), value); }
  Output As(Output x) const { return CastTo(x, rate.dtype()); }
  NameScope scope;
  Output rate, step, decay_steps;
};

}  // namespace

Output Number(double value) {
  return ScalarConstant(DType::kFloat, value);
}

Output ExponentialDecay(const Decay& decay, Output decay_rate, bool staircase) {
  const Schedule s(decay, "ExponentialDecay");
  return Binary("Mul", s.rate, Binary("Pow", s.As(decay_rate), s.Periods(staircase)), s.scope.name());
}

Output InverseTimeDecay(const Decay& decay, Output decay_rate, bool staircase) {
  const Schedule s(decay, "InverseTimeDecay");
  const Output divisor = Binary("AddV2", s.Of(1), Binary("Mul", s.As(decay_rate), s.Periods(staircase)));
  return Binary("RealDiv", s.rate, divisor, s.scope.name());
}

Output NaturalExpDecay(const Decay& decay, Output decay_rate, bool staircase) {
  const Schedule s(decay, "NaturalExpDecay");
  const Output exponent = Binary("Mul", ApplyOp("Neg", {{s.As(decay_rate)}}), s.Periods(staircase));
  return Binary("Mul", s.rate, ApplyOp("Exp", {{exponent}}), s.scope.name());
}

Output PolynomialDecay(const Decay& decay, Output end, Output power, bool cycle) {
  const Schedule s(decay, "PolynomialDecay");
  Output step = s.step, period = s.decay_steps;
  if (cycle) {  // at least one period, whatever the step
    period = Binary("Mul", period, Binary("Maximum", ApplyOp("Ceil", {{Binary("RealDiv", step, period)}}), s.Of(1)));
  } else {
    step = Binary("Minimum", step, period);
  }
  const Output left = Binary("Sub", s.Of(1), Binary("RealDiv", step, period));
  const Output range = Binary("Sub", s.rate, s.As(end));
  return Binary("AddV2", Binary("Mul", range, Binary("Pow", left, s.As(power))), s.As(end), s.scope.name());
}

Output CosineDecay(const Decay& decay, double alpha) {
  const Schedule s(decay, "CosineDecay");
  const Output share = Binary("RealDiv", Binary("Minimum", s.step, s.decay_steps), s.decay_steps);
  const Output wave = ApplyOp("Cos", {{Binary("Mul", s.Of(std::numbers::pi), share)}});
  const Output half = Binary("Mul", s.Of(0.5), Binary("AddV2", s.Of(1), wave));
  return Binary("Mul", s.rate, Binary("AddV2", Binary("Mul", s.Of(1 - alpha), half), s.Of(alpha)));
}

Output PiecewiseConstant(Output x, const std::vector<Output>& boundaries, const std::vector<Output>& values,
                         std::string_view name) {
  if (values.size() != boundaries.size() + 1) {
    throw InvalidArgument("The length of boundaries should be 1 less than the length of values: ", boundaries.size(),
                          " boundaries, ", values.size(), " values");
  }
  NameScope scope(name);
  Output result = values[0];
  for (size_t i = 0; i < boundaries.size(); ++i) {
    if (boundaries[i].dtype() != x.dtype()) {
      throw InvalidArgument("Boundaries (", boundaries[i].dtype(), ") must have the same dtype as x (", x.dtype(),
                            ").");
    }
    if (values[i + 1].dtype() != values[0].dtype()) {
      throw InvalidArgument("Values must have elements all with the same dtype (", values[0].dtype(), " vs ",
                            values[i + 1].dtype(), ").");
    }
    result = ApplyOp("SelectV2", {{Binary("Greater", x, boundaries[i])}, {values[i + 1]}, {result}});
  }
  return ApplyOp("Identity", {{result}}, {}, scope.name());
}

}  // namespace headrace
