// A shape asserted: known from here on while the graph is built, checked in each run.
#include "declare/declare.h"

namespace headrace {
namespace {

DEFINE_OP("EnsureShape")
    .Input("input: T")
    .Output("output: T")
    .Attr("shape: shape")
    .Attr("T: type")
    .Shape([](ShapeContext& context) {
      context.set_output(0, context.input(0).MergeWith(context.attr<PartialShape>("shape")));
    })
    .Kernel([](const Node& node) -> Kernel {
      return [shape = node.attr<PartialShape>("shape")](KernelContext& context) {
        const Tensor& input = context.input(0);
        if (!shape.IsCompatibleWith(PartialShape(input.shape()))) {
          throw InvalidArgument("Shape of tensor ", context.node().input(0).node->name(), " ", input.shape(),
                                " is not compatible with expected shape ", shape);
        }
        context.set_output(0, input);
      };
    })
    .Gradient([](Backward& b) { b.Return(b.dy()); });

}  // namespace
}  // namespace headrace
