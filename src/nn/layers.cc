// Layers: each opens its variable scope as tf.layers does, makes its variables there and applies them.
#include "headrace/layers.h"

#include "nn/filled.h"

namespace headrace {
namespace {

// The scopes of one layer: a variable scope of the given name, or a fresh one named after the layer's class, and the
// name scope that belongs to it. They are opened once to claim the name and again for the layer's body, as 1.15 does.
class LayerScope {
 public:
  LayerScope(const std::string& name, const std::string& class_name, std::optional<Reuse> reuse) {
    VariableScopeState claimed;
    if (name.empty()) {
      claimed = VariableScope::Unique(class_name)->state();
    } else {
      claimed = VariableScope(name).state();
    }
    variables_ = std::make_unique<VariableScope>(claimed, VariableScopeOptions{.reuse = reuse, .name_scope = false});
    names_ = std::make_unique<NameScope>(claimed.original_name_scope);
  }
  ~LayerScope() {
    names_.reset();
    variables_.reset();
  }

 private:
  std::unique_ptr<VariableScope> variables_;
  std::unique_ptr<NameScope> names_;
};

// x · kernel where x has more than two axes: contracts its last one.
Output DenseProduct(Output x, Output kernel, int64_t units) {
  if (x.shape().rank() == 2) return ApplyOp("MatMul", {{x}, {kernel}});
  const int64_t inputs = x.shape()[x.shape().rank() - 1];
  NameScope scope("Tensordot");
  const Output shape = ApplyOp("Shape", {{x}});
  const auto index = [](int32_t value) { return Constant(Tensor::Vector(std::vector<int32_t>{value})); };
  const Output leading = ApplyOp("StridedSlice", {{shape}, {index(0)}, {index(-1)}, {index(1)}}, {{"begin_mask", 1}});
  const Output rows =
      ApplyOp("Reshape", {{x}, {Constant(Tensor::Vector(std::vector<int32_t>{-1, static_cast<int32_t>(inputs)}))}});
  const Output product = ApplyOp("MatMul", {{rows}, {kernel}});
  const Output result_shape =
      ApplyOp("ConcatV2", {{leading, index(static_cast<int32_t>(units))}, {ScalarConstant(DType::kInt32, 0)}});
  return ApplyOp("Reshape", {{product}, {result_shape}}, {}, scope.name());
}

// The elements of x where a draw from [0, 1) of this shape is at least the rate, zeros elsewhere.
Output KeptAbove(Output x, Output rate, Output shape, std::optional<int64_t> seed) {
  const Output sample = RandomUniformOf(shape, x.dtype(), seed);
  const Output keep = ApplyOp("GreaterEqual", {{sample}, {rate}});
  return ApplyOp("SelectV2", {{keep}, {x}, {ScalarConstant(x.dtype(), 0)}});
}

}  // namespace

Activation ActivationOp(std::string op) {
  if (op.empty()) return {};
  return [op = std::move(op)](Output x) { return ApplyOp(op, {{x}}); };
}

Output Dense(Output x, int64_t units, const DenseOptions& options) {
  const PartialShape& shape = x.shape();
  if (!shape.has_rank() || shape.rank() < 2 || shape[shape.rank() - 1] < 0) {
    throw InvalidArgument(
        "The last dimension of the inputs to `Dense` should be defined, and before it there should "
        "be at least one more; got shape ",
        shape, " of ", x.name());
  }
  LayerScope scope(options.name, "dense", options.reuse);
  const auto variable = [&](const char* name, const Shape& size, const Initializer& initializer,
                            const Regularizer& regularizer, const Constraint& constraint) {
    return GetVariable(name, size,
                       {.dtype = x.dtype(),
                        .initializer = initializer,
                        .regularizer = regularizer,
                        .constraint = constraint,
                        .trainable = options.trainable,
                        .use_resource = options.use_resource});
  };
  const auto kernel = variable("kernel", {shape[shape.rank() - 1], units}, options.kernel_initializer,
                               options.kernel_regularizer, options.kernel_constraint);
  std::shared_ptr<Variable> bias;
  if (options.use_bias) {
    bias = variable("bias", {units}, options.bias_initializer, options.bias_regularizer, options.bias_constraint);
  }

  // A resource is read in the scope of the op that uses it: "dense/MatMul/ReadVariableOp".
  const auto read = [](const Variable& v, const char* user) {
    NameScope reads(v.is_resource() && v.save_name.empty() ? Graph::Current().name_scope() + user + "/"
                                                           : Graph::Current().name_scope());
    return ReadVariable(v);
  };
  Output y = DenseProduct(x, read(*kernel, "MatMul"), units);
  if (bias) y = ApplyOp("BiasAdd", {{y}, {read(*bias, "BiasAdd")}});
  if (options.activation) y = options.activation(y);
  if (options.activity_regularizer) {
    if (const Output loss = options.activity_regularizer(y)) {
      Graph::Current().collection(keys::kRegularizationLosses).emplace_back(loss);
    }
  }
  return y;
}

Output Dropout(Output x, double rate, std::optional<int64_t> seed, std::string_view name) {
  if (!(rate >= 0 && rate < 1)) {
    throw InvalidArgument("rate must be a scalar tensor or a float in the range [0, 1), got ", rate);
  }
  if (!IsFloating(x.dtype())) {
    throw InvalidArgument("x has to be a floating point tensor since it's going to be scaled. Got a ", x.dtype(),
                          " tensor instead.");
  }
  if (rate == 0) return x;
  NameScope scope(name);
  const Output scaled = ApplyOp("Mul", {{x}, {ScalarConstant(x.dtype(), 1 / (1 - rate))}});
  return KeptAbove(scaled, ScalarConstant(x.dtype(), rate, "GreaterEqual/y"), ApplyOp("Shape", {{scaled}}), seed);
}

Output Dropout(Output x, Output rate, Output noise_shape, std::optional<int64_t> seed, std::string_view name) {
  if (!IsFloating(x.dtype())) {
    throw InvalidArgument("x has to be a floating point tensor since it's going to be scaled. Got a ", x.dtype(),
                          " tensor instead.");
  }
  if (rate.shape().has_rank() && rate.shape().rank() != 0) {
    throw InvalidArgument("rate must be a scalar, got shape ", rate.shape(), " of ", rate.name());
  }
  NameScope scope(name);
  const Output left = ApplyOp("Sub", {{ScalarConstant(x.dtype(), 1, "sub/x")}, {rate}});
  const Output scaled = ApplyOp("RealDiv", {{x}, {left}});
  const Output dropped = KeptAbove(scaled, rate, noise_shape ? noise_shape : ApplyOp("Shape", {{scaled}}), seed);
  if (x.shape().has_rank()) dropped.node->set_output_shape(0, dropped.shape().MergeWith(x.shape()));
  return dropped;
}

Output Swish(Output x, std::string_view name) {
  NameScope scope(name);
  return ApplyOp("Mul", {{x}, {ApplyOp("Sigmoid", {{x}})}});
}

Output Flatten(Output x, bool channels_first, std::string_view name) {
  NameScope scope(name);
  const auto vector = [](const std::vector<int32_t>& values) { return Constant(Tensor::Vector(values)); };
  if (!x.shape().has_rank() || x.shape().rank() == 0) {
    throw InvalidArgument("flatten needs a tensor of known rank with a batch axis, got ", x.shape(), " of ", x.name());
  }
  if (channels_first && x.shape().rank() > 2) {
    std::vector<int32_t> order = {0};
    for (int axis = 2; axis < x.shape().rank(); ++axis) order.push_back(axis);
    order.push_back(1);
    x = ApplyOp("Transpose", {{x}, {vector(order)}});
  }
  int64_t width = 1;
  for (int axis = 1; axis < x.shape().rank() && width >= 0; ++axis) {
    width = x.shape()[axis] < 0 ? -1 : width * x.shape()[axis];
  }
  if (width > 0) return ApplyOp("Reshape", {{x}, {vector({-1, static_cast<int32_t>(width)})}});
  const Output batch =
      ApplyOp("StridedSlice", {{ApplyOp("Shape", {{x}})}, {vector({0})}, {vector({1})}, {vector({1})}});
  const Output shape = ApplyOp("ConcatV2", {{batch, vector({-1})}, {ScalarConstant(DType::kInt32, 0)}});
  return ApplyOp("Reshape", {{x}, {shape}});
}

Output DropoutLayer(Output x, double rate, bool training, std::optional<int64_t> seed, std::string_view name) {
  LayerScope scope(std::string(name), "dropout", {});
  return training ? Dropout(x, rate, seed) : ApplyOp("Identity", {{x}});
}

Output ZeroFraction(Output x, std::string_view name) {
  NameScope scope(name);
  const Output size = ApplyOp("Size", {{x}}, {{"out_type", DType::kInt64}});
  Output nonzero;
  {
    NameScope counting("count_nonzero");
    const Output is_nonzero = ApplyOp("NotEqual", {{x}, {ScalarConstant(x.dtype(), 0, "zeros")}});
    nonzero = SumAll(ApplyOp("Cast", {{is_nonzero}}, {{"DstT", DType::kInt64}}), "nonzero_count");
  }
  Output fraction;
  {
    NameScope dividing("counts_to_fraction");
    const Output zeros = ApplyOp("Sub", {{size}, {nonzero}}, {}, "sub");
    fraction = ApplyOp("RealDiv", {{AsFloat(zeros)}, {AsFloat(size)}}, {}, "truediv");
  }
  return ApplyOp("Identity", {{fraction}}, {}, "fraction");
}

}  // namespace headrace
