// Ops that call functions of the graph's library: If.
#include "declare/declare.h"

namespace headrace {
namespace {

// What counts as true: a scalar other than zero or the empty string, any other tensor with elements.
bool IsTrue(const Tensor& condition) {
  if (condition.rank() > 0) return condition.num_elements() > 0;
  return condition.dtype() == DType::kString ? !condition.string().empty() : condition.AsDouble() != 0;
}

Kernel IfKernel(const Node& node) {
  return [then_branch = node.attr<FunctionRef>("then_branch"),
          else_branch = node.attr<FunctionRef>("else_branch")](KernelContext& c) {
    std::vector<Tensor> args;
    for (int i = 1; i < c.num_inputs(); ++i) args.push_back(c.input(i));
    const FunctionRef& branch = IsTrue(c.input(0)) ? then_branch : else_branch;
    std::vector<Tensor> results = c.functions().Call(branch, std::move(args), c.cancellation());
    if (static_cast<int>(results.size()) != c.num_outputs()) {
      throw InvalidArgument("branch '", branch.name, "' returns ", results.size(), " tensors, expected ",
                            c.num_outputs());
    }
    for (int i = 0; i < c.num_outputs(); ++i) {
      Tensor& result = results[static_cast<size_t>(i)];
      if (result.dtype() != c.node().output_dtype(i)) {
        throw InvalidArgument("branch '", branch.name, "' returns ", result.dtype(), " as output ", i, ", expected ",
                              c.node().output_dtype(i));
      }
      c.set_output(i, std::move(result));
    }
  };
}

void IfShape(ShapeContext& c) {
  const auto& shapes = c.attr<std::vector<PartialShape>>("output_shapes");
  for (int i = 0; i < c.node().num_outputs() && static_cast<size_t>(i) < shapes.size(); ++i) {
    c.set_output(i, shapes[static_cast<size_t>(i)]);
  }
}

// Its branches may write the variables they are given, and have other effects.
DEFINE_OP("If")
    .Input("cond: Tcond")
    .Input("input: Tin")
    .Output("output: Tout")
    .Attr("Tcond: type")
    .Attr("Tin: list(type) >= 0")
    .Attr("Tout: list(type) >= 0")
    .Attr("then_branch: func")
    .Attr("else_branch: func")
    .Attr("output_shapes: list(shape) = []")
    .Shape(IfShape)
    .Kernel(IfKernel)
    .Stateful()
    .Keep()
    .Writes(1);

DEFINE_OP("StatelessIf").SameSignatureAs("If").Kernel(IfKernel);

}  // namespace
}  // namespace headrace
