// Layers of tf.layers: functions that make their variables and apply them. Unnamed layers are called after their class,
// "dense", "dense_1", …, in the current variable scope.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "headrace/variables.h"

namespace headrace {

using Activation = std::function<Output(Output)>;
// An activation by the op's name: "Relu", "Tanh", "Sigmoid", "Elu", …; "" for none.
Activation ActivationOp(std::string op);

struct DenseOptions {
  Activation activation = {};
  bool use_bias = true;
  Initializer kernel_initializer = {};  // the variable scope's, else glorot_uniform
  Initializer bias_initializer = ZerosInitializer();
  Regularizer kernel_regularizer = {}, bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {}, bias_constraint = {};
  bool trainable = true;
  std::optional<bool> use_resource = {};
  std::string name = {};
  std::optional<Reuse> reuse = {};
};

// activation(x · kernel + bias), over the last axis of x, whose size must be known. Shapes: [..., in] -> [..., units].
Output Dense(Output x, int64_t units, const DenseOptions& options = {});

// Sets a fraction `rate` of the elements to zero and scales the others by 1 / (1 - rate). tf.nn.dropout.
Output Dropout(Output x, double rate, std::optional<int64_t> seed = {}, std::string_view name = "dropout");
// The same with a rate that is a tensor, and with draws of another shape that is broadcast to x's (absent: x's own).
Output Dropout(Output x, Output rate, Output noise_shape, std::optional<int64_t> seed = {},
               std::string_view name = "dropout");
// The layer: does so only while training.
Output DropoutLayer(Output x, double rate, bool training, std::optional<int64_t> seed = {}, std::string_view name = {});

// x * sigmoid(x)
Output Swish(Output x, std::string_view name = "swish");
// [batch, …] -> [batch, n]; with `channels_first`, axis 1 is moved behind the others before.
Output Flatten(Output x, bool channels_first = false, std::string_view name = "flatten");

// The fraction of elements that are zero: a float32 scalar named "zero_fraction/fraction" (tf.nn.zero_fraction).
Output ZeroFraction(Output x, std::string_view name = "zero_fraction");

}  // namespace headrace
