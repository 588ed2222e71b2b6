// The update rules of the optimizers, one struct each: what happens to one element of a variable and of its slots. From
// a rule, UpdateKernel makes the kernels of the dense and the sparse op, of the reference and of the resource form.
//
// A rule names its hyperparameters as the ops' arguments do (Scalars), reads them and the attributes in its
// constructor, and is called with the variable's element, its slots' elements and the gradient's.
#pragma once

#include <array>
#include <cmath>
#include <string_view>

#include "headrace/op.h"

namespace headrace {

template <class T>
struct GradientDescentRule {
  static constexpr int kSlots = 0;
  static constexpr std::array<std::string_view, 1> kScalars = {"alpha"};
  T alpha;
  GradientDescentRule(const std::array<T, 1>& scalars, const Node&) : alpha(scalars[0]) {}
  void operator()(T& variable, T gradient) const { variable -= gradient * alpha; }
};

template <class T>
struct MomentumRule {
  static constexpr int kSlots = 1;
  static constexpr std::array<std::string_view, 2> kScalars = {"lr", "momentum"};
  T rate, momentum, nesterov;
  MomentumRule(const std::array<T, 2>& scalars, const Node& node)
      : rate(scalars[0]), momentum(scalars[1]), nesterov(node.attr<bool>("use_nesterov") ? T(1) : T(0)) {}
  void operator()(T& variable, T& accumulator, T gradient) const {
    accumulator = accumulator * momentum + gradient;
    variable -= rate * (nesterov * (gradient + accumulator * momentum) + (T(1) - nesterov) * accumulator);
  }
};

// Duchi et al., 2011.
template <class T>
struct AdagradRule {
  static constexpr int kSlots = 1;
  static constexpr std::array<std::string_view, 1> kScalars = {"lr"};
  T rate, update;
  AdagradRule(const std::array<T, 1>& scalars, const Node& node)
      : rate(scalars[0]), update(node.attr<bool>("update_slots") ? T(1) : T(0)) {}
  void operator()(T& variable, T& accumulator, T gradient) const {
    accumulator += update * gradient * gradient;
    variable -= rate * gradient / std::sqrt(accumulator);
  }
};

template <class T>
struct AdagradV2Rule {
  static constexpr int kSlots = 1;
  static constexpr std::array<std::string_view, 2> kScalars = {"lr", "epsilon"};
  T rate, epsilon, update;
  AdagradV2Rule(const std::array<T, 2>& scalars, const Node& node)
      : rate(scalars[0]), epsilon(scalars[1]), update(node.attr<bool>("update_slots") ? T(1) : T(0)) {}
  void operator()(T& variable, T& accumulator, T gradient) const {
    accumulator += update * gradient * gradient;
    variable -= rate * gradient / (std::sqrt(accumulator) + epsilon);
  }
};

// Kingma and Ba, 2014; the powers of the betas are variables that the optimizer multiplies after each step.
template <class T>
struct AdamRule {
  static constexpr int kSlots = 2;
  static constexpr std::array<std::string_view, 6> kScalars = {"beta1_power", "beta2_power", "lr",
                                                               "beta1",       "beta2",       "epsilon"};
  T rate, beta1, beta2, epsilon, nesterov;
  AdamRule(const std::array<T, 6>& scalars, const Node& node)
      : rate(scalars[2] * std::sqrt(T(1) - scalars[1]) / (T(1) - scalars[0])),
        beta1(scalars[3]),
        beta2(scalars[4]),
        epsilon(scalars[5]),
        nesterov(node.attr<bool>("use_nesterov") ? T(1) : T(0)) {}
  void operator()(T& variable, T& m, T& v, T gradient) const {
    m += (gradient - m) * (T(1) - beta1);
    v += (gradient * gradient - v) * (T(1) - beta2);
    const T step = nesterov * (gradient * (T(1) - beta1) + beta1 * m) + (T(1) - nesterov) * m;
    variable -= step * rate / (std::sqrt(v) + epsilon);
  }
};

// Follow the regularized leader: McMahan et al., 2013.
template <class T>
struct FtrlRule {
  static constexpr int kSlots = 2;
  static constexpr std::array<std::string_view, 4> kScalars = {"lr", "l1", "l2", "lr_power"};
  T rate, l1, l2, power, linear_rate, shrinkage = 0;
  FtrlRule(const std::array<T, 4>& scalars, const Node& node)
      : FtrlRule(scalars[0], scalars[1], scalars[2], T(0), scalars[3], node) {}
  FtrlRule(T rate, T l1, T l2, T shrinkage, T power, const Node& node)
      : rate(rate), l1(l1), l2(l2), power(power), shrinkage(shrinkage) {
    // With multiply_linear_by_lr, `linear` and the thresholds are kept multiplied by the learning rate.
    linear_rate = node.attr<bool>("multiply_linear_by_lr") ? rate : T(1);
  }
  T Power(T x) const { return power == T(-0.5) ? std::sqrt(x) : std::pow(x, -power); }
  void operator()(T& variable, T& accumulator, T& linear, T gradient) const {
    const T next = accumulator + gradient * gradient;
    const T scale = linear_rate / rate;  // 1 / rate, or 1
    const T grown = Power(next);
    linear += (gradient + T(2) * shrinkage * variable) * linear_rate - (grown - Power(accumulator)) * scale * variable;
    const T threshold = l1 * linear_rate;
    const T pulled = (linear > 0 ? threshold : -threshold) - linear;
    const T quotient = pulled / (grown * scale + T(2) * l2 * linear_rate);
    variable = std::abs(linear) > threshold ? quotient : T(0);
    accumulator = next;
  }
};

template <class T>
struct FtrlV2Rule : FtrlRule<T> {
  static constexpr std::array<std::string_view, 5> kScalars = {"lr", "l1", "l2", "l2_shrinkage", "lr_power"};
  FtrlV2Rule(const std::array<T, 5>& scalars, const Node& node)
      : FtrlRule<T>(scalars[0], scalars[1], scalars[2], scalars[3], scalars[4], node) {}
};

// Tieleman and Hinton, 2012, with momentum.
template <class T>
struct RmsPropRule {
  static constexpr int kSlots = 2;
  static constexpr std::array<std::string_view, 4> kScalars = {"lr", "rho", "momentum", "epsilon"};
  T rate, rho, momentum, epsilon;
  RmsPropRule(const std::array<T, 4>& scalars, const Node&)
      : rate(scalars[0]), rho(scalars[1]), momentum(scalars[2]), epsilon(scalars[3]) {}
  void operator()(T& variable, T& mean_square, T& moment, T gradient) const {
    mean_square += (gradient * gradient - mean_square) * (T(1) - rho);
    moment = momentum * moment + rate * gradient / std::sqrt(mean_square + epsilon);
    variable -= moment;
  }
};

}  // namespace headrace
