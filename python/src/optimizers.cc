// tf.train's optimizers. The library's own are native; one that the program defines in Python is wrapped, so that the
// library calls the methods it overrides, in 1.15's order.
#include "headrace/optimizers.h"

#include "bind.h"
#include "casters.h"
#include "nn.h"
#include "optimizers.h"

namespace headrace::python {
namespace {

HyperParameter HyperParameterFromPython(nb::handle value) {
  double number = 0;
  if ((PyFloat_Check(value.ptr()) || PyLong_Check(value.ptr()) || !nb::isinstance<TensorRef>(value)) &&
      nb::try_cast(value, number)) {
    return number;
  }
  if (PyCallable_Check(value.ptr()) && !nb::isinstance<TensorRef>(value) && !nb::isinstance<Variable>(value)) {
    return std::function<Output()>([kept = Kept(value)] {
      nb::gil_scoped_acquire gil;
      return OutputFromPython(nb::borrow(kept.get())());
    });
  }
  if (value.is_none()) throw nb::value_error("None values not supported: an optimizer's rate must be given");
  return OutputFromPython(value, DType::kInvalid, "learning_rate");
}

VariableList VariablesFromPython(nb::handle variables) {
  VariableList list;
  if (variables.is_none()) return list;
  for (nb::handle variable : variables) {
    std::shared_ptr<Variable> native;
    if (!nb::isinstance<Variable>(variable) || !nb::try_cast(variable, native)) {
      throw nb::type_error(internal::Concat("Argument is not a tf.Variable: ", nb::repr(variable).c_str()).c_str());
    }
    list.push_back(native);
  }
  return list;
}

nb::list GradientsToPython(const std::vector<GradientAndVariable>& gradients) {
  nb::list list;
  for (const auto& [gradient, variable] : gradients) {
    list.append(nb::make_tuple(GradientToPython(gradient), nb::cast(variable)));
  }
  return list;
}

std::vector<GradientAndVariable> GradientsFromPython(nb::handle pairs) {
  std::vector<GradientAndVariable> gradients;
  for (nb::handle pair : pairs) {
    gradients.emplace_back(GradientFromPython(pair[0]), VariablesFromPython(nb::make_tuple(pair[1])).at(0));
  }
  return gradients;
}

std::shared_ptr<Variable> StepFromPython(nb::handle global_step) {
  return global_step.is_none() ? nullptr : nb::cast<std::shared_ptr<Variable>>(global_step);
}

std::string NameFromPython(nb::handle name) {
  return name.is_none() ? std::string() : nb::cast<std::string>(name);
}

// An optimizer written in Python. `overrides` are the names of the methods that its class defines itself.
class PythonOptimizer : public Optimizer {
 public:
  PythonOptimizer(nb::handle self, std::string name, std::vector<std::string> overrides)
      : Optimizer(std::move(name)), self_(self), overrides_(overrides.begin(), overrides.end()) {}

  std::vector<GradientAndVariable> ComputeGradients(Output loss, const VariableList& variables,
                                                    Output grad_loss) override {
    if (!Overrides("compute_gradients")) return Optimizer::ComputeGradients(loss, variables, grad_loss);
    nb::gil_scoped_acquire gil;
    nb::object list = variables.empty() ? nb::none() : nb::object(ListOf(variables));
    if (!grad_loss) {
      return GradientsFromPython(Method("compute_gradients")(OutputToPython(loss), nb::arg("var_list") = list));
    }
    return GradientsFromPython(Method("compute_gradients")(OutputToPython(loss), nb::arg("var_list") = list,
                                                           nb::arg("grad_loss") = OutputToPython(grad_loss)));
  }
  Node* ApplyGradients(const std::vector<GradientAndVariable>& gradients, const std::shared_ptr<Variable>& global_step,
                       std::string_view name) override {
    if (!Overrides("apply_gradients")) return Optimizer::ApplyGradients(gradients, global_step, name);
    nb::gil_scoped_acquire gil;
    nb::object step = global_step ? nb::cast(global_step) : nb::none();
    return NodeFromPython(Method("apply_gradients")(GradientsToPython(gradients), nb::arg("global_step") = step));
  }

  using Optimizer::ZerosSlot;
  std::shared_ptr<Variable> SlotOf(const Variable& variable, const std::string& slot, const Initializer& initializer) {
    return MakeSlot(variable, slot, initializer);
  }
  Node* DefaultFinish(const std::vector<Node*>& updates, std::string_view name) {
    return Optimizer::Finish(updates, name);
  }

 protected:
  void CreateSlots(const VariableList& variables) override {
    nb::gil_scoped_acquire gil;
    Method("_create_slots")(ListOf(variables));
  }
  void Prepare() override {
    nb::gil_scoped_acquire gil;
    Method("_prepare")();
  }
  Node* ApplyDense(const Variable& variable, Output gradient) override {
    nb::gil_scoped_acquire gil;
    const char* method = variable.is_resource() ? "_resource_apply_dense" : "_apply_dense";
    return NodeFromPython(Method(method)(OutputToPython(gradient), Owned(variable)));
  }
  Node* ApplySparse(const Variable& variable, Output values, Output unique_indices) override {
    nb::gil_scoped_acquire gil;
    if (variable.is_resource()) {
      return NodeFromPython(
          Method("_resource_apply_sparse")(OutputToPython(values), Owned(variable), OutputToPython(unique_indices)));
    }
    return NodeFromPython(
        Method("_apply_sparse")(GradientToPython(Gradient(values, unique_indices, Output())), Owned(variable)));
  }
  Node* Finish(const std::vector<Node*>& updates, std::string_view name) override {
    if (!Overrides("_finish")) return Optimizer::Finish(updates, name);
    nb::gil_scoped_acquire gil;
    nb::list nodes;
    for (Node* node : updates) nodes.append(NodeToPython(node));
    return NodeFromPython(Method("_finish")(nodes, std::string(name)));
  }

 private:
  bool Overrides(const char* method) const { return overrides_.contains(method); }
  nb::object Method(const char* name) const { return nb::borrow(self_.get()).attr(name); }
  static nb::list ListOf(const VariableList& variables) {
    nb::list list;
    for (const auto& variable : variables) list.append(nb::cast(variable));
    return list;
  }
  // The shared variable that a reference belongs to: all live in a collection of their graph.
  static nb::object Owned(const Variable& variable) {
    for (const char* key : {keys::kTrainableVariables, keys::kGlobalVariables, keys::kLocalVariables}) {
      for (const auto& candidate : variable.handle.graph()->variables(key)) {
        if (candidate.get() == &variable) return nb::cast(candidate);
      }
    }
    return nb::cast(std::make_shared<Variable>(variable));
  }

  Kept self_;
  std::set<std::string, std::less<>> overrides_;
};

void BindFactories(nb::module_& m) {
  m.def(
      "gradient_descent_optimizer",
      [](nb::handle rate, const std::string& name) {
        return GradientDescentOptimizer(HyperParameterFromPython(rate), name);
      },
      nb::arg().none(), nb::arg());
  m.def("momentum_optimizer", [](nb::handle rate, nb::handle momentum, bool use_nesterov, const std::string& name) {
    return MomentumOptimizer({.learning_rate = HyperParameterFromPython(rate),
                              .momentum = HyperParameterFromPython(momentum),
                              .use_nesterov = use_nesterov,
                              .name = name});
  });
  m.def("adagrad_optimizer", [](nb::handle rate, double initial, const std::string& name) {
    return AdagradOptimizer(
        {.learning_rate = HyperParameterFromPython(rate), .initial_accumulator_value = initial, .name = name});
  });
  m.def("adam_optimizer", [](nb::handle rate, double beta1, double beta2, double epsilon, const std::string& name) {
    return AdamOptimizer({.learning_rate = HyperParameterFromPython(rate),
                          .beta1 = beta1,
                          .beta2 = beta2,
                          .epsilon = epsilon,
                          .name = name});
  });
  m.def(
      "ftrl_optimizer",
      [](nb::handle rate, double power, double initial, double l1, double l2, double shrinkage, const std::string& name,
         nb::handle accumulator_name, nb::handle linear_name) {
        return FtrlOptimizer({.learning_rate = HyperParameterFromPython(rate),
                              .learning_rate_power = power,
                              .initial_accumulator_value = initial,
                              .l1_regularization_strength = l1,
                              .l2_regularization_strength = l2,
                              .l2_shrinkage_regularization_strength = shrinkage,
                              .name = name,
                              .accumulator_name = NameFromPython(accumulator_name),
                              .linear_name = NameFromPython(linear_name)});
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none());
  m.def("rmsprop_optimizer",
        [](nb::handle rate, double decay, double momentum, double epsilon, bool centered, const std::string& name) {
          return RmsPropOptimizer({.learning_rate = HyperParameterFromPython(rate),
                                   .decay = decay,
                                   .momentum = momentum,
                                   .epsilon = epsilon,
                                   .centered = centered,
                                   .name = name});
        });
}

}  // namespace

std::shared_ptr<Optimizer> OptimizerFromPython(nb::handle value, double default_learning_rate) {
  if (nb::isinstance<nb::str>(value)) {
    return AsValueError([&] { return OptimizerByName(nb::cast<std::string>(value), default_learning_rate); });
  }
  nb::object object = nb::borrow(value);
  if (PyObject_HasAttrString(object.ptr(), "_native")) object = object.attr("_native");
  return nb::cast<std::shared_ptr<Optimizer>>(object);
}

void BindOptimizers(nb::module_& m) {
  nb::class_<Optimizer>(m, "Optimizer")
      .def_prop_ro("name", &Optimizer::name)
      .def(
          "minimize",
          [](Optimizer& self, Output loss, nb::handle global_step, nb::handle var_list, nb::handle name,
             Output grad_loss) {
            return NodeToPython(AsValueError([&] {
              return self.Minimize(loss, StepFromPython(global_step), VariablesFromPython(var_list),
                                   NameFromPython(name), grad_loss);
            }));
          },
          nb::arg("loss"), nb::arg("global_step").none(), nb::arg("var_list").none(), nb::arg("name").none(),
          nb::arg("grad_loss").none())
      .def(
          "compute_gradients",
          [](Optimizer& self, Output loss, nb::handle var_list, Output grad_loss) {
            return GradientsToPython(AsValueError(
                [&] { return self.Optimizer::ComputeGradients(loss, VariablesFromPython(var_list), grad_loss); }));
          },
          nb::arg("loss"), nb::arg("var_list").none(), nb::arg("grad_loss").none())
      .def("set_use_locking", &Optimizer::set_use_locking)
      .def(
          "apply_gradients",
          [](Optimizer& self, nb::handle gradients, nb::handle global_step, nb::handle name) {
            return NodeToPython(AsValueError([&] {
              return self.Optimizer::ApplyGradients(GradientsFromPython(gradients), StepFromPython(global_step),
                                                    NameFromPython(name));
            }));
          },
          nb::arg("grads_and_vars"), nb::arg("global_step").none(), nb::arg("name").none())
      .def("get_slot",
           [](const Optimizer& self, const Variable& variable, const std::string& slot) -> nb::object {
             auto found = self.GetSlot(variable, slot);
             return found ? nb::cast(found) : nb::none();
           })
      .def("slot_names", &Optimizer::SlotNames)
      .def("variables", [](const Optimizer& self) {
        nb::list list;
        for (const auto& variable : self.variables()) list.append(nb::cast(variable));
        return list;
      });
  nb::class_<PythonOptimizer, Optimizer>(m, "PythonOptimizer")
      .def(nb::new_([](nb::handle self, std::string name, std::vector<std::string> overrides) {
        return std::make_shared<PythonOptimizer>(self, std::move(name), std::move(overrides));
      }))
      .def("make_slot",
           [](PythonOptimizer& self, const Variable& variable, nb::handle initial_value, const std::string& slot) {
             Kept kept(initial_value);
             return self.SlotOf(variable, slot,
                                [kept](const Shape&, DType dtype) { return OutputFromPython(kept.get(), dtype); });
           })
      .def("zeros_slot", [](PythonOptimizer& self, const Variable& variable,
                            const std::string& slot) { return self.ZerosSlot(variable, slot); })
      .def("finish", [](PythonOptimizer& self, nb::handle updates, const std::string& name) {
        return NodeToPython(self.DefaultFinish(NodesFromPython(updates), name));
      });
  BindFactories(m);
}

}  // namespace headrace::python
