// The optimizers, one class each: which slots it keeps and which op applies a gradient.
#include "headrace/optimizers.h"

#include <algorithm>

#include "nn/filled.h"

namespace headrace {
namespace {

// The tensor of a hyper-parameter, made once a Prepare(): a constant of this name, or what the caller gave.
Output HyperTensor(const HyperParameter& parameter, std::string_view name, DType dtype = DType::kFloat) {
  if (const double* value = std::get_if<double>(&parameter)) return ScalarConstant(dtype, *value, name);
  if (const auto* make = std::get_if<std::function<Output()>>(&parameter)) return (*make)();
  return std::get<Output>(parameter);
}

Output Cast(Output x, DType dtype) {
  return x.dtype() == dtype ? x : ApplyOp("Cast", {{x}}, {{"DstT", dtype}});
}

Output Binary(const char* op, Output x, Output y, std::string_view name = {}) {
  return ApplyOp(op, {{x}, {y}}, {}, name);
}

Node* Scatter(const char* op, const Variable& variable, Output indices, Output updates) {
  const std::string name = variable.is_resource() ? std::string("Resource") + op : std::string(op);
  return Graph::Current().Apply(name, {{variable.handle}, {indices}, {updates}});
}

class GradientDescent : public Optimizer {
 public:
  GradientDescent(HyperParameter rate, std::string name) : Optimizer(std::move(name)), rate_(std::move(rate)) {}

 protected:
  void Prepare() override { rate_tensor_ = HyperTensor(rate_, "learning_rate"); }
  Node* ApplyDense(const Variable& v, Output gradient) override {
    return ApplyUpdate("ApplyGradientDescent", v, {{Cast(rate_tensor_, v.dtype())}, {gradient}});
  }
  // Subtraction needs no unique indices.
  Node* ApplySparseDuplicateIndices(const Variable& v, Output values, Output indices) override {
    return ApplySparse(v, values, indices);
  }
  Node* ApplySparse(const Variable& v, Output values, Output indices) override {
    const Output step = Binary("Mul", values, Cast(rate_tensor_, v.dtype()), "mul");
    return Scatter("ScatterSub", v, indices, step);
  }

 private:
  HyperParameter rate_;
  Output rate_tensor_;
};

class Momentum : public Optimizer {
 public:
  explicit Momentum(MomentumOptions options) : Optimizer(options.name), options_(std::move(options)) {}

 protected:
  void CreateSlots(const VariableList& variables) override {
    for (const auto& v : variables) ZerosSlot(*v, "momentum");
  }
  void Prepare() override {
    rate_ = HyperTensor(options_.learning_rate, "learning_rate");
    momentum_ = HyperTensor(options_.momentum, "momentum");
  }
  Node* ApplyDense(const Variable& v, Output gradient) override {
    return ApplyUpdate(
        "ApplyMomentum", v,
        {{Slot(v, "momentum").handle}, {Cast(rate_, v.dtype())}, {gradient}, {Cast(momentum_, v.dtype())}},
        {{"use_nesterov", options_.use_nesterov}});
  }
  Node* ApplySparse(const Variable& v, Output values, Output indices) override {
    return ApplyUpdate(
        "SparseApplyMomentum", v,
        {{Slot(v, "momentum").handle}, {Cast(rate_, v.dtype())}, {values}, {indices}, {Cast(momentum_, v.dtype())}},
        {{"use_nesterov", options_.use_nesterov}});
  }

 private:
  MomentumOptions options_;
  Output rate_, momentum_;
};

class Adagrad : public Optimizer {
 public:
  explicit Adagrad(AdagradOptions options) : Optimizer(options.name), options_(std::move(options)) {
    if (!(options_.initial_accumulator_value > 0)) {
      throw InvalidArgument("initial_accumulator_value must be positive: ", options_.initial_accumulator_value);
    }
  }

 protected:
  void CreateSlots(const VariableList& variables) override {
    for (const auto& v : variables) {
      MakeSlot(*v, "accumulator", ConstantInitializer(options_.initial_accumulator_value));
    }
  }
  void Prepare() override { rate_ = HyperTensor(options_.learning_rate, "learning_rate"); }
  Node* ApplyDense(const Variable& v, Output gradient) override {
    return ApplyUpdate("ApplyAdagrad", v, {{Slot(v, "accumulator").handle}, {Cast(rate_, v.dtype())}, {gradient}});
  }
  Node* ApplySparse(const Variable& v, Output values, Output indices) override {
    return ApplyUpdate("SparseApplyAdagrad", v,
                       {{Slot(v, "accumulator").handle}, {Cast(rate_, v.dtype())}, {values}, {indices}});
  }

 private:
  AdagradOptions options_;
  Output rate_;
};

class Adam : public Optimizer {
 public:
  explicit Adam(AdamOptions options) : Optimizer(options.name), options_(std::move(options)) {}

 protected:
  void CreateSlots(const VariableList& variables) override {
    const auto first = *std::ranges::min_element(variables, {}, [](const auto& v) { return v->name; });
    beta1_power_ = MakeScalar("beta1_power", options_.beta1, *first);
    beta2_power_ = MakeScalar("beta2_power", options_.beta2, *first);
    for (const auto& v : variables) {
      ZerosSlot(*v, "m");
      ZerosSlot(*v, "v");
    }
  }

  void Prepare() override {
    rate_ = HyperTensor(options_.learning_rate, "learning_rate");
    beta1_ = ScalarConstant(DType::kFloat, options_.beta1, "beta1");
    beta2_ = ScalarConstant(DType::kFloat, options_.beta2, "beta2");
    epsilon_ = ScalarConstant(DType::kFloat, options_.epsilon, "epsilon");
  }

  Node* ApplyDense(const Variable& v, Output gradient) override {
    const DType t = v.dtype();
    return ApplyUpdate("ApplyAdam", v,
                       {{Slot(v, "m").handle},
                        {Slot(v, "v").handle},
                        {Cast(ReadVariable(*beta1_power_), t)},
                        {Cast(ReadVariable(*beta2_power_), t)},
                        {Cast(rate_, t)},
                        {Cast(beta1_, t)},
                        {Cast(beta2_, t)},
                        {Cast(epsilon_, t)},
                        {gradient}});
  }

  Node* ApplySparse(const Variable& v, Output values, Output indices) override {
    const DType t = v.dtype();
    const Output one = ScalarConstant(t, 1, "sub/x");
    const auto complement = [&](Output x) { return Binary("Sub", one, Cast(x, t), "sub"); };
    const Output correction = ApplyOp("Sqrt", {{complement(ReadVariable(*beta2_power_))}});
    const Output scaled = Binary("Mul", Cast(rate_, t), correction, "mul");
    const Output rate = Binary("RealDiv", scaled, complement(ReadVariable(*beta1_power_)), "truediv");
    // m and v decay everywhere; the rows of the gradient are added to them.
    const auto decay_and_add = [&](const Variable& slot, Output beta, Output rows) {
      const Output weighted = Binary("Mul", rows, complement(beta), "mul");
      Node* decayed = AssignVariable(slot, Binary("Mul", ReadVariable(slot), Cast(beta, t), "mul"));
      ControlDependencies after({decayed});
      Node* added = Scatter("ScatterAdd", slot, indices, weighted);
      ControlDependencies after_add({added});
      return std::pair(added, slot.is_resource() ? ReadVariable(slot) : added->output());
    };
    const auto [m_node, m] = decay_and_add(Slot(v, "m"), beta1_, values);
    const auto [v_node, second] = decay_and_add(Slot(v, "v"), beta2_, Binary("Mul", values, values, "mul"));
    const Output root = Binary("AddV2", ApplyOp("Sqrt", {{second}}), Cast(epsilon_, t), "add");
    const Output step = Binary("RealDiv", Binary("Mul", rate, m, "mul"), root, "truediv");
    Node* update = Graph::Current().Apply(v.is_resource() ? "AssignSubVariableOp" : "AssignSub", {{v.handle}, {step}});
    return Group({update, m_node, v_node});
  }

  Node* Finish(const std::vector<Node*>& updates, std::string_view name) override {
    std::vector<Node*> all = updates;
    ControlDependencies after(updates);
    for (const auto& [power, beta] : {std::pair(beta1_power_, beta1_), std::pair(beta2_power_, beta2_)}) {
      // Read after the updates, which use the old power.
      const Output next = Binary("Mul", ReadVariable(*power), Cast(beta, power->dtype()), "mul");
      all.push_back(AssignVariable(*power, next));
    }
    return Group(all, name);
  }

 private:
  AdamOptions options_;
  std::shared_ptr<Variable> beta1_power_, beta2_power_;
  Output rate_, beta1_, beta2_, epsilon_;
};

class Ftrl : public Optimizer {
 public:
  explicit Ftrl(FtrlOptions options) : Optimizer(options.name), options_(std::move(options)) {
    const auto non_negative = [](double value, const char* what) {
      if (value < 0) throw InvalidArgument(what, " ", value, " needs to be greater than or equal to zero");
    };
    non_negative(options_.initial_accumulator_value, "initial_accumulator_value");
    non_negative(options_.l1_regularization_strength, "l1_regularization_strength");
    non_negative(options_.l2_regularization_strength, "l2_regularization_strength");
    non_negative(options_.l2_shrinkage_regularization_strength, "l2_shrinkage_regularization_strength");
    if (options_.learning_rate_power > 0) {
      throw InvalidArgument("learning_rate_power ", options_.learning_rate_power,
                            " needs to be less than or equal to zero");
    }
  }

 protected:
  void CreateSlots(const VariableList& variables) override {
    const double start = options_.initial_accumulator_value;
    const Initializer accumulator = [start](const Shape& shape, DType dtype) {
      const Output ones = OnesInitializer()(shape, dtype);
      NameScope product("mul");
      return ApplyOp("Mul", {{ones}, {ScalarConstant(dtype, start, "y")}}, {}, product.name());
    };
    for (const auto& v : variables) {
      MakeSlot(*v, "accum", accumulator, options_.accumulator_name);
      ZerosSlot(*v, "linear", options_.linear_name);
    }
  }

  void Prepare() override {
    rate_ = HyperTensor(options_.learning_rate, "learning_rate");
    l1_ = ScalarConstant(DType::kFloat, options_.l1_regularization_strength, "l1_regularization_strength");
    l2_ = ScalarConstant(DType::kFloat, options_.l2_regularization_strength, "l2_regularization_strength");
    shrinkage_ = ScalarConstant(DType::kFloat, options_.l2_shrinkage_regularization_strength,
                                "l2_shrinkage_regularization_strength");
    power_ = ScalarConstant(DType::kFloat, options_.learning_rate_power, "learning_rate_power");
  }

  Node* ApplyDense(const Variable& v, Output gradient) override { return Apply("ApplyFtrl", v, {{gradient}}); }
  Node* ApplySparse(const Variable& v, Output values, Output indices) override {
    return Apply("SparseApplyFtrl", v, {{values}, {indices}});
  }

 private:
  Node* Apply(std::string op, const Variable& v, const std::vector<OpArgument>& gradient) {
    const DType t = v.dtype();
    std::vector<OpArgument> arguments = {{Slot(v, "accum").handle}, {Slot(v, "linear").handle}};
    arguments.insert(arguments.end(), gradient.begin(), gradient.end());
    for (const Output& x : {rate_, l1_, l2_}) arguments.push_back({Cast(x, t)});
    if (options_.l2_shrinkage_regularization_strength > 0) {
      op += "V2";
      arguments.push_back({Cast(shrinkage_, t)});
    }
    arguments.push_back({Cast(power_, t)});
    return ApplyUpdate(op, v, std::move(arguments));
  }

  FtrlOptions options_;
  Output rate_, l1_, l2_, shrinkage_, power_;
};

class RmsProp : public Optimizer {
 public:
  explicit RmsProp(RmsPropOptions options) : Optimizer(options.name), options_(std::move(options)) {}

 protected:
  void CreateSlots(const VariableList& variables) override {
    for (const auto& v : variables) {
      MakeSlot(*v, "rms", OnesInitializer());
      if (options_.centered) ZerosSlot(*v, "mg");
      ZerosSlot(*v, "momentum");
    }
  }

  void Prepare() override {
    rate_ = HyperTensor(options_.learning_rate, "learning_rate");
    decay_ = ScalarConstant(DType::kFloat, options_.decay, "decay");
    momentum_ = ScalarConstant(DType::kFloat, options_.momentum, "momentum");
    epsilon_ = ScalarConstant(DType::kFloat, options_.epsilon, "epsilon");
  }

  Node* ApplyDense(const Variable& v, Output gradient) override { return Apply("Apply", v, {{gradient}}); }
  Node* ApplySparse(const Variable& v, Output values, Output indices) override {
    return Apply("SparseApply", v, {{values}, {indices}});
  }

 private:
  Node* Apply(const std::string& prefix, const Variable& v, const std::vector<OpArgument>& gradient) {
    const DType t = v.dtype();
    std::vector<OpArgument> arguments;
    if (options_.centered) arguments.push_back({Slot(v, "mg").handle});
    arguments.push_back({Slot(v, "rms").handle});
    arguments.push_back({Slot(v, "momentum").handle});
    for (const Output& x : {rate_, decay_, momentum_, epsilon_}) arguments.push_back({Cast(x, t)});
    arguments.insert(arguments.end(), gradient.begin(), gradient.end());
    return ApplyUpdate(prefix + (options_.centered ? "CenteredRMSProp" : "RMSProp"), v, std::move(arguments));
  }

  RmsPropOptions options_;
  Output rate_, decay_, momentum_, epsilon_;
};

}  // namespace

std::shared_ptr<Optimizer> GradientDescentOptimizer(HyperParameter learning_rate, std::string name) {
  return std::make_shared<GradientDescent>(std::move(learning_rate), std::move(name));
}
std::shared_ptr<Optimizer> MomentumOptimizer(MomentumOptions options) {
  return std::make_shared<Momentum>(std::move(options));
}
std::shared_ptr<Optimizer> AdagradOptimizer(AdagradOptions options) {
  return std::make_shared<Adagrad>(std::move(options));
}
std::shared_ptr<Optimizer> AdamOptimizer(AdamOptions options) {
  return std::make_shared<Adam>(std::move(options));
}
std::shared_ptr<Optimizer> FtrlOptimizer(FtrlOptions options) {
  return std::make_shared<Ftrl>(std::move(options));
}
std::shared_ptr<Optimizer> RmsPropOptimizer(RmsPropOptions options) {
  return std::make_shared<RmsProp>(std::move(options));
}

std::shared_ptr<Optimizer> OptimizerByName(const std::string& name, double learning_rate) {
  if (name == "Adagrad") return AdagradOptimizer({.learning_rate = learning_rate});
  if (name == "Adam") return AdamOptimizer({.learning_rate = learning_rate});
  if (name == "Ftrl") return FtrlOptimizer({.learning_rate = learning_rate});
  if (name == "RMSProp") return RmsPropOptimizer({.learning_rate = learning_rate});
  if (name == "SGD") return GradientDescentOptimizer(learning_rate);
  throw InvalidArgument("Unsupported optimizer name: ", name,
                        ". Supported names are: (Adagrad, Adam, Ftrl, RMSProp, SGD)");
}

}  // namespace headrace
