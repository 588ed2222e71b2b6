// tf.cond and tf.while_loop: their functions are called here, and take and give flat lists of tensors.
#include "headrace/control_flow.h"

#include "bind.h"
#include "casters.h"

namespace headrace::python {

void BindControlFlow(nb::module_& m) {
  m.def("cond", [](Output predicate, nb::handle true_fn, nb::handle false_fn, const std::string& name) {
    const auto call = [](nb::handle function) { return [function] { return OutputsFromPython(function()); }; };
    return AsValueError([&] { return OutputsToPython(Cond(predicate, call(true_fn), call(false_fn), name)); });
  });
  m.def("control_pivot", &ControlPivot, "The tensor that lives where ops are being made; None outside of branches.");
  m.def(
      "while_loop",
      [](nb::handle condition, nb::handle body, nb::handle variables, nb::handle shape_invariants,
         int parallel_iterations, bool back_prop, bool swap_memory, nb::handle maximum_iterations,
         const std::string& name) {
        LoopOptions options{.shape_invariants = {},
                            .parallel_iterations = parallel_iterations,
                            .back_prop = back_prop,
                            .swap_memory = swap_memory,
                            .maximum_iterations = {}};
        for (nb::handle shape : shape_invariants) options.shape_invariants.push_back(ShapeFromPython(shape));
        if (!maximum_iterations.is_none()) options.maximum_iterations = OutputFromPython(maximum_iterations);
        const auto more = [&](const std::vector<Output>& values) {
          return OutputFromPython(condition(OutputsToPython(values)));
        };
        const auto step = [&](const std::vector<Output>& values) {
          return OutputsFromPython(body(OutputsToPython(values)));
        };
        const std::vector<Output> initial = OutputsFromPython(variables);
        return AsValueError([&] { return OutputsToPython(WhileLoop(more, step, initial, options, name)); });
      },
      nb::arg("condition"), nb::arg("body"), nb::arg("variables"), nb::arg("shape_invariants"),
      nb::arg("parallel_iterations"), nb::arg("back_prop"), nb::arg("swap_memory"),
      nb::arg("maximum_iterations").none(), nb::arg("name"));
}

}  // namespace headrace::python
