// Comparisons and logic: predicates of tensors that are broadcast together.
#include "headrace/ops/math.h"

#include "declare/declare.h"

namespace headrace {
namespace {

constexpr TypeSet<LaneTypes<bool>> kBoolean{"bool"};

DEFINE_OP("Less")
    .Input("x: T")
    .Input("y: T")
    .Output("z: bool")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return x < y; })
    .NoGradient();

DEFINE_OP("LessEqual")
    .Input("x: T")
    .Input("y: T")
    .Output("z: bool")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return x <= y; })
    .NoGradient();

DEFINE_OP("Greater")
    .Input("x: T")
    .Input("y: T")
    .Output("z: bool")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return x > y; })
    .NoGradient();

DEFINE_OP("GreaterEqual")
    .Input("x: T")
    .Input("y: T")
    .Output("z: bool")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return x >= y; })
    .NoGradient();

DEFINE_OP("ApproximateEqual")
    .Input("x: T")
    .Input("y: T")
    .Output("z: bool")
    .Attr("T", kReal)
    .Attr("tolerance: float = 1e-5")
    .Shape(SameAsInput(0))
    .Kernel([](const Node& node) -> Kernel {
      const double tolerance = node.attr<float>("tolerance");
      return [tolerance](KernelContext& context) {
        const Tensor &x = context.input(0), &y = context.input(1);
        if (!(x.shape() == y.shape())) {
          throw InvalidArgument("x and y must be of the same shape. x shape: ", x.shape(), ". y shape: ", y.shape());
        }
        bool* z = context.AllocateOutput(0, x.shape()).data<bool>();
        for (int64_t i = 0; i < x.num_elements(); ++i) z[i] = std::abs(x.AsDouble(i) - y.AsDouble(i)) < tolerance;
      };
    })
    .NoGradient();

// Whether strings are equal, with broadcasting of a scalar.
Kernel CompareStrings(bool equal) {
  return [equal](KernelContext& context) {
    const Tensor &x = context.input(0), &y = context.input(1);
    const Shape shape = BroadcastShapes(x.shape(), y.shape());
    const int64_t n = shape.num_elements();
    auto step = [&](const Tensor& t) -> int64_t {
      if (t.num_elements() == 1) return 0;
      if (t.num_elements() == n) return 1;
      throw Unimplemented("comparing strings of shapes ", x.shape(), " and ", y.shape(), " at ", context.node().name(),
                          ": only scalars are broadcast");
    };
    const int64_t step_x = step(x), step_y = step(y);
    bool* z = context.AllocateOutput(0, shape).data<bool>();
    for (int64_t i = 0; i < n; ++i) z[i] = (x.string(i * step_x) == y.string(i * step_y)) == equal;
  };
}

template <class F>
KernelFactory EqualityKernel(bool equal, F f) {
  return [equal, lanes = LanesOf<float, double, int32_t, int64_t>(f)](const Node& node) {
    return node.input(0).dtype() == DType::kString ? CompareStrings(equal) : ElementwiseKernel(node, lanes);
  };
}

DEFINE_OP("Equal")
    .Input("x: T")
    .Input("y: T")
    .Output("z: bool")
    .Attr("T: type")
    .Attr("incompatible_shape_error: bool = true")
    .Lane(kSigned, [](auto x, auto y) { return x == y; })
    .Kernel(EqualityKernel(true, [](auto x, auto y) { return x == y; }))
    .NoGradient();

DEFINE_OP("NotEqual")
    .SameSignatureAs("Equal")
    .Lane(kSigned, [](auto x, auto y) { return x != y; })
    .Kernel(EqualityKernel(false, [](auto x, auto y) { return x != y; }))
    .NoGradient();

DEFINE_OP("LogicalAnd")
    .Input("x: bool")
    .Input("y: bool")
    .Output("z: bool")
    .Lane(kBoolean, [](auto x, auto y) { return x && y; })
    .NoGradient();

DEFINE_OP("LogicalOr")
    .Input("x: bool")
    .Input("y: bool")
    .Output("z: bool")
    .Lane(kBoolean, [](auto x, auto y) { return x || y; })
    .NoGradient();

DEFINE_OP("LogicalNot").Input("x: bool").Output("y: bool").Lane(kBoolean, [](auto x) { return !x; }).NoGradient();

}  // namespace
}  // namespace headrace
