// Elementwise functions of one tensor, and the ops their gradients are made of.
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/math.h"
#include "kernels/erf.h"

namespace headrace {
namespace {

DEFINE_OP("Neg")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kSigned)
    .Lane([](auto x) { return -x; })
    .Gradient([](Backward& b) { b.Return(-b.dy()); });

DEFINE_OP("Abs")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kSigned)
    .Lane([](auto x) { return Abs(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Sign(b.x())); });

DEFINE_OP("Sign")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kSigned)
    .Lane([](auto x) { return Sign(x); })
    .Gradient([](Backward& b) { b.Return(b.x() * 0.0); });

DEFINE_OP("Square")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kReal)
    .Lane([](auto x) { return x * x; })
    .Gradient([](Backward& b) { b.Return(b.dy() * (b.x() * 2.0)); });

DEFINE_OP("Reciprocal")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return One(x) / x; })
    .Gradient([](Backward& b) { b.Return(ReciprocalGrad(b.y(), b.dy())); });

DEFINE_OP("Inv")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return One(x) / x; })
    .Gradient([](Backward& b) { b.Return(ReciprocalGrad(b.y(), b.dy())); });

DEFINE_OP("ReciprocalGrad")
    .Input("y: T")
    .Input("dy: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto y, auto dy) { return -dy * y * y; })
    .Gradient([](Backward& b) { b.Return(b.x(1) * b.x(0) * b.dy() * -2.0, ReciprocalGrad(b.x(0), b.dy())); });

DEFINE_OP("Exp")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Exp(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * b.y()); });

DEFINE_OP("Expm1")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Expm1(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Exp(b.x())); });

DEFINE_OP("Log")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Log(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Reciprocal(b.x())); });

DEFINE_OP("Log1p")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Log1p(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Reciprocal(b.x() + 1.0)); });

DEFINE_OP("Sqrt")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Sqrt(x); })
    .Gradient([](Backward& b) { b.Return(SqrtGrad(b.y(), b.dy())); });

DEFINE_OP("SqrtGrad")
    .Input("y: T")
    .Input("dy: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto y, auto dy) { return dy * static_cast<decltype(y)>(0.5) / y; })
    .Gradient([](Backward& b) {
      Output scaled = b.dy() / b.x(0);
      b.Return(-scaled * b.y(), scaled * 0.5);
    });

DEFINE_OP("Rsqrt")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return One(x) / Sqrt(x); })
    .Gradient([](Backward& b) { b.Return(RsqrtGrad(b.y(), b.dy())); });

DEFINE_OP("RsqrtGrad")
    .Input("y: T")
    .Input("dy: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto y, auto dy) { return dy * static_cast<decltype(y)>(-0.5) * y * y * y; })
    .Gradient([](Backward& b) { b.Return(b.x(1) * Square(b.x(0)) * b.dy() * -1.5, RsqrtGrad(b.x(0), b.dy())); });

DEFINE_OP("Sin")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Sin(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Cos(b.x())); });

DEFINE_OP("Cos")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Cos(x); })
    .Gradient([](Backward& b) { b.Return(-b.dy() * Sin(b.x())); });

DEFINE_OP("Tan")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Tan(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Square(Reciprocal(Cos(b.x())))); });

DEFINE_OP("Asin")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Asin(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Rsqrt(1.0 - Square(b.x()))); });

DEFINE_OP("Acos")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Acos(x); })
    .Gradient([](Backward& b) { b.Return(-b.dy() * Rsqrt(1.0 - Square(b.x()))); });

DEFINE_OP("Atan")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Atan(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Reciprocal(Square(b.x()) + 1.0)); });

DEFINE_OP("Sinh")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Sinh(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Cosh(b.x())); });

DEFINE_OP("Cosh")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Cosh(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Sinh(b.x())); });

DEFINE_OP("Asinh")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Asinh(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() / Cosh(b.y())); });

DEFINE_OP("Acosh")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Acosh(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() / Sinh(b.y())); });

DEFINE_OP("Atanh")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Atanh(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Reciprocal(1.0 - Square(b.x()))); });

DEFINE_OP("Tanh")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Tanh(x); })
    .Gradient([](Backward& b) { b.Return(TanhGrad(b.y(), b.dy())); });

DEFINE_OP("TanhGrad")
    .Input("y: T")
    .Input("dy: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto y, auto dy) { return dy * (One(y) - y * y); })
    .Gradient([](Backward& b) { b.Return(b.dy() * b.x(0) * b.x(1) * -2.0, TanhGrad(b.x(0), b.dy())); });

DEFINE_OP("Sigmoid")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Sigmoid(x); })
    .Gradient([](Backward& b) { b.Return(SigmoidGrad(b.y(), b.dy())); });

DEFINE_OP("SigmoidGrad")
    .Input("y: T")
    .Input("dy: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto y, auto dy) { return dy * y * (One(y) - y); })
    .Gradient([](Backward& b) {
      Output scaled = b.dy() * b.x(1);
      b.Return(scaled - scaled * b.x(0) * 2.0, SigmoidGrad(b.x(0), b.dy()));
    });

DEFINE_OP("Erf")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return FastErf(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Exp(-Square(b.x())) * 1.1283791670955126); });

DEFINE_OP("Erfc")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Erfc(x); })
    .Gradient([](Backward& b) { b.Return(b.dy() * Exp(-Square(b.x())) * -1.1283791670955126); });

DEFINE_OP("Floor").Input("x: T").Output("y: T").Attr("T", kFloating).Lane([](auto x) { return Floor(x); }).NoGradient();

DEFINE_OP("Ceil").Input("x: T").Output("y: T").Attr("T", kFloating).Lane([](auto x) { return Ceil(x); }).NoGradient();

DEFINE_OP("Rint").Input("x: T").Output("y: T").Attr("T", kFloating).Lane([](auto x) { return Rint(x); }).NoGradient();

// Half to even, as Rint; integers as they are.
DEFINE_OP("Round")
    .Input("x: T")
    .Output("y: T")
    .Attr("T", kSigned)
    .Lane([](auto x) {
      if constexpr (std::is_integral_v<decltype(x)>) {
        return x;
      } else {
        return Rint(x);
      }
    })
    .NoGradient();

DEFINE_OP("IsNan")
    .Input("x: T")
    .Output("y: bool")
    .Attr("T", kFloating)
    .Lane([](auto x) { return IsNan(x); })
    .NoGradient();

DEFINE_OP("IsInf")
    .Input("x: T")
    .Output("y: bool")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Abs(x) == std::numeric_limits<decltype(x)>::infinity(); })
    .NoGradient();

DEFINE_OP("IsFinite")
    .Input("x: T")
    .Output("y: bool")
    .Attr("T", kFloating)
    .Lane([](auto x) { return Abs(x) < std::numeric_limits<decltype(x)>::infinity(); })
    .NoGradient();

}  // namespace
}  // namespace headrace
