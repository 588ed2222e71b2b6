// Activations of neural networks, and the ops their gradients are made of.
#include "headrace/ops/nn.h"

#include <utility>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/math.h"

namespace headrace {
namespace {

constexpr double kSeluScale = 1.0507009873554804934193349852946;
constexpr double kSeluScaleAlpha = 1.7580993408473768599402175208123;

// NaN stays NaN.
DEFINE_OP("Relu")
    .Input("features: T")
    .Output("activations: T")
    .Attr("T", kReal)
    .Lane([](auto x) { return x < 0 ? Zero(x) : x; })
    .Gradient([](Backward& b) { b.Return(ReluGrad(b.dy(), b.y())); });

DEFINE_OP("ReluGrad")
    .Input("gradients: T")
    .Input("features: T")
    .Output("backprops: T")
    .Attr("T", kReal)
    .Lane([](auto dy, auto x) { return x > 0 ? dy : Zero(x); })
    .Gradient([](Backward& b) { b.Return(ReluGrad(b.dy(), b.x(1)), ZerosLike(b.x(1))); });

DEFINE_OP("Relu6")
    .Input("features: T")
    .Output("activations: T")
    .Attr("T", kReal)
    .Lane([](auto x) { return x < 0   ? Zero(x)
                              : x > 6 ? static_cast<decltype(x)>(6)
                                      : x; })
    .Gradient([](Backward& b) { b.Return(Relu6Grad(b.dy(), b.y())); });

DEFINE_OP("Relu6Grad")
    .Input("gradients: T")
    .Input("features: T")
    .Output("backprops: T")
    .Attr("T", kReal)
    .Lane([](auto dy, auto x) { return x > 0 && x < 6 ? dy : Zero(x); })
    .Gradient([](Backward& b) { b.Return(Relu6Grad(b.dy(), b.x(1)), ZerosLike(b.x(1))); });

DEFINE_OP("Elu")
    .Input("features: T")
    .Output("activations: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Select(x < 0, Expm1(x), x); })
    .Gradient([](Backward& b) { b.Return(EluGrad(b.dy(), b.y())); });

DEFINE_OP("EluGrad")
    .Input("gradients: T")
    .Input("outputs: T")
    .Output("backprops: T")
    .Attr("T", kFloating)
    .Lane([](auto dy, auto y) { return Select(y < 0, dy * (y + One(y)), dy); })
    .Gradient([](Backward& b) {
      const Output negative = Less(b.x(1), ZerosLike(b.x(1)));
      b.Return(EluGrad(b.dy(), b.x(1)), SelectV2(negative, b.dy() * b.x(0), ZerosLike(b.x(0))));
    });

DEFINE_OP("Selu")
    .Input("features: T")
    .Output("activations: T")
    .Attr("T", kFloating)
    .Lane([](auto x) {
      using T = decltype(x);
      return Select(x < 0, static_cast<T>(kSeluScaleAlpha) * Expm1(x), static_cast<T>(kSeluScale) * x);
    })
    .Gradient([](Backward& b) { b.Return(SeluGrad(b.dy(), b.y())); });

DEFINE_OP("SeluGrad")
    .Input("gradients: T")
    .Input("outputs: T")
    .Output("backprops: T")
    .Attr("T", kFloating)
    .Lane([](auto dy, auto y) {
      using T = decltype(y);
      return Select(y < 0, dy * (y + static_cast<T>(kSeluScaleAlpha)), dy * static_cast<T>(kSeluScale));
    })
    .Gradient([](Backward& b) {
      const Output negative = Less(b.x(1), ZerosLike(b.x(1)));
      b.Return(SeluGrad(b.dy(), b.x(1)), SelectV2(negative, b.dy() * b.x(0), ZerosLike(b.x(0))));
    });

template <class T>
void LeakyLoop(const T* x, const T* dy, T* out, T alpha, int64_t n) {
  for (int64_t i = 0; i < n; ++i) out[i] = x[i] > 0 ? dy[i] : alpha * dy[i];
}

// Where input `sign` is positive the value of input `value`, elsewhere alpha times it.
KernelFactory LeakyKernel(int sign, int value) {
  return [sign, value](const Node& node) -> Kernel {
    return [sign, value, alpha = node.attr<float>("alpha")](KernelContext& context) {
      const Tensor &x = context.input(sign), &dy = context.input(value);
      if (!(x.shape() == dy.shape())) throw InvalidArgument("shapes ", dy.shape(), " and ", x.shape(), " differ");
      Tensor& output = context.AllocateOutput(0, x.shape());
      auto run = [&](auto zero) {
        using T = decltype(zero);
        context.pool().ParallelFor(x.num_elements(), 65536, [&](int64_t begin, int64_t end) {
          LeakyLoop(x.data<T>() + begin, dy.data<T>() + begin, output.data<T>() + begin, static_cast<T>(alpha),
                    end - begin);
        });
      };
      if (x.dtype() == DType::kDouble) return run(double{});
      if (x.dtype() == DType::kFloat) return run(float{});
      throw Unimplemented("LeakyRelu has no kernel for ", x.dtype());
    };
  };
}

DEFINE_OP("LeakyRelu")
    .Input("features: T")
    .Output("activations: T")
    .Attr("alpha: float = 0.2")
    .Attr("T: {half, bfloat16, float, double} = DT_FLOAT")
    .Shape(SameAsInput(0))
    .Kernel(LeakyKernel(0, 0))
    .Gradient([](Backward& b) { b.Return(LeakyReluGrad(b.dy(), b.x(), {.alpha = b.attr<float>("alpha")})); });

DEFINE_OP("LeakyReluGrad")
    .Input("gradients: T")
    .Input("features: T")
    .Output("backprops: T")
    .Attr("alpha: float = 0.2")
    .Attr("T: {half, bfloat16, float, double} = DT_FLOAT")
    .Shape(SameAsInput(0))
    .Kernel(LeakyKernel(1, 0))
    .Gradient([](Backward& b) {
      b.Return(LeakyReluGrad(b.dy(), b.x(1), {.alpha = b.attr<float>("alpha")}), Gradient());
    });

DEFINE_OP("Softplus")
    .Input("features: T")
    .Output("activations: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Log1p(Exp(-Abs(x))) + Select(x < 0, Zero(x), x); })
    .Gradient([](Backward& b) { b.Return(SoftplusGrad(b.dy(), b.x())); });

DEFINE_OP("SoftplusGrad")
    .Input("gradients: T")
    .Input("features: T")
    .Output("backprops: T")
    .Attr("T", kFloating)
    .Lane([](auto dy, auto x) { return dy * Sigmoid(x); })
    .Gradient([](Backward& b) {
      const Output dy = b.x(0), x = b.x(1);
      b.Return(SoftplusGrad(b.dy(), x), b.dy() * dy / (Exp(-x) + 2.0 + Exp(x)));
    });

DEFINE_OP("Softsign")
    .Input("features: T")
    .Output("activations: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return x / (One(x) + Abs(x)); })
    .Gradient([](Backward& b) { b.Return(SoftsignGrad(b.dy(), b.x())); });

DEFINE_OP("SoftsignGrad")
    .Input("gradients: T")
    .Input("features: T")
    .Output("backprops: T")
    .Attr("T", kFloating)
    .Lane([](auto dy, auto x) { return dy / Square(One(x) + Abs(x)); });

}  // namespace
}  // namespace headrace
