// tf.gradients, and gradients that Python functions give.
#include "headrace/gradients.h"

#include "bind.h"
#include "casters.h"
#include "nn.h"

namespace headrace::python {
namespace {

// A Python function of the operation and the gradients of its outputs, which gives one for each input.
GradientFunction FromPython(nb::handle function) {
  return [kept = Kept(function)](Backward& b) {
    const nb::gil_scoped_acquire gil;
    nb::list arguments;
    arguments.append(NodeToPython(b.node()));
    for (int i = 0; i < b.node()->num_outputs(); ++i) {
      const DType dtype = b.node()->output_dtype(i);
      if (b.gradient(i)) {
        arguments.append(GradientToPython(b.gradient(i)));
      } else if (IsFloating(dtype) || IsComplex(dtype)) {
        arguments.append(OutputToPython(b.dy(i)));
      } else {
        arguments.append(nb::none());
      }
    }
    nb::object made = nb::borrow(kept.get())(*nb::tuple(arguments));
    std::vector<Gradient> gradients;
    if (nb::isinstance<nb::list>(made) || nb::isinstance<nb::tuple>(made)) {
      for (nb::handle gradient : made) gradients.push_back(GradientFromPython(gradient));
    } else {
      gradients.push_back(GradientFromPython(made));
    }
    const size_t expected = b.node()->inputs().size();
    if (gradients.size() != expected) {
      throw nb::value_error(internal::Concat("Num gradients ", gradients.size(), " generated for op ", b.node()->name(),
                                             " do not match num inputs ", expected)
                                .c_str());
    }
    b.ReturnList(std::move(gradients));
  };
}

}  // namespace

void BindGradients(nb::module_& m) {
  m.def("gradients", [](nb::handle ys, nb::handle xs, nb::handle grad_ys, nb::handle stop_gradients,
                        bool gate_gradients, const std::string& name) {
    const auto sources = [](nb::handle values) {
      std::vector<Output> outputs;
      for (nb::handle value : values) {
        Variable* variable = nullptr;
        const bool is_variable = nb::try_cast(value, variable, false) && variable;
        outputs.push_back(is_variable ? variable->handle : OutputFromPython(value));
      }
      return outputs;
    };
    const std::vector<Output> x_outputs = sources(xs);
    GradientOptions options;
    options.name = name;
    options.gate_gradients = gate_gradients;
    for (nb::handle grad : grad_ys) options.grad_ys.push_back(grad.is_none() ? Output() : OutputFromPython(grad));
    options.stop_gradients = sources(stop_gradients);
    nb::list result;
    for (const Gradient& gradient : Gradients(OutputsFromPython(ys), x_outputs, options)) {
      result.append(GradientToPython(gradient));
    }
    return result;
  });
  m.def("register_gradient",
        [](const std::string& name, nb::handle function) { RegisterGradient(name, FromPython(function)); });
}

}  // namespace headrace::python
