// Counters: variables that count up to a limit and then end a loop by OutOfRange.
#include "declare/declare.h"
#include "ops/state/variable_kernels.h"

namespace headrace {
namespace {

// Gives the number that the variable holds and adds one to it; at the limit it fails and the variable stays.
Kernel CountUpTo(const Node& node) {
  return [limit = node.attr<int64_t>("limit")](KernelContext& context) {
    Tensor& value = context.variable(0).Mutable();
    if (value.num_elements() != 1) {
      throw InvalidArgument("a counter must be a scalar, got shape ", value.shape(), " at '", context.node().name(),
                            "'");
    }
    Tensor counted = value.Clone();
    VisitNumeric(value.dtype(), "CountUpTo", [&](auto zero) {
      using T = decltype(zero);
      T& number = *value.data<T>();
      if (static_cast<int64_t>(number) >= limit) throw OutOfRange("Reached limit of ", limit);
      number = static_cast<T>(number + T(1));
    });
    context.set_output(0, std::move(counted));
  };
}

DEFINE_OP("CountUpTo")
    .Input("ref: Ref(T)")
    .Output("output: T")
    .Attr("limit: int")
    .Attr("T: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(CountUpTo)
    .Writes(0)
    .NoGradient();

DEFINE_OP("ResourceCountUpTo")
    .Input("resource: resource")
    .Output("output: T")
    .Attr("limit: int")
    .Attr("T: {int32, int64}")
    .Shape(ScalarShape())
    .Kernel(CountUpTo)
    .Stateful()
    .Writes(0)
    .NoGradient();

}  // namespace
}  // namespace headrace
