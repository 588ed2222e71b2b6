// Elementwise arithmetic of two tensors, broadcast together.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/math.h"
#include "ops/array/broadcasting.h"

namespace headrace {
namespace {

// Division of integers: a zero anywhere in the divisor is an error, found before the loop that must not meet one.
template <class F>
KernelFactory IntegerDivision(F f) {
  return [lanes = LanesOf<float, double, int32_t, int64_t>(f)](const Node& node) -> Kernel {
    Kernel divide = ElementwiseKernel(node, lanes);
    if (!IsInteger(node.input(0).dtype())) return divide;
    return [divide](KernelContext& context) {
      const Tensor& divisor = context.input(1);
      if (context.input(0).num_elements() == 0) return divide(context);
      VisitNumeric(divisor.dtype(), "division", [&](auto zero) {
        for (auto value : divisor.flat<decltype(zero)>()) {
          if (value == zero) throw InvalidArgument("Integer division by zero");
        }
      });
      divide(context);
    };
  };
}

// The vectorised loop also evaluates lanes that are selected away, and the smallest integer by -1 traps as 0 does.
template <class T>
HEADRACE_LANE T TruncatedQuotient(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    return y == -1 ? static_cast<T>(-x) : static_cast<T>(x / y);
  } else {
    return x / y;
  }
}
template <class T>
HEADRACE_LANE T TruncatedRemainder(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    return y == -1 ? T(0) : static_cast<T>(x % y);
  } else {
    return std::fmod(x, y);
  }
}
template <class T>
HEADRACE_LANE T FlooredQuotient(T x, T y) {
  if constexpr (std::is_integral_v<T>) {
    const T quotient = TruncatedQuotient(x, y);
    return quotient * y != x && ((x < 0) != (y < 0)) ? static_cast<T>(quotient - 1) : quotient;
  } else {
    return Floor(x / y);
  }
}
template <class T>
HEADRACE_LANE T FlooredRemainder(T x, T y) {
  const T remainder = TruncatedRemainder(x, y);
  return remainder != 0 && ((remainder < 0) != (y < 0)) ? static_cast<T>(remainder + y) : remainder;
}

void AddGradient(Backward& b) {
  ReturnBroadcast(b, b.dy(), b.dy());
}
void DivideGradient(Backward& b) {
  const Output x = b.x(0), y = b.x(1);
  ReturnBroadcast(b, b.dy() / y, b.dy() * ((-x / y) / y));
}
// Maximum and Minimum: the gradient goes to the operand that was chosen, to the first if they are equal.
void ChooseGradient(Backward& b, Output first_chosen) {
  const Output zeros = ZerosLike(b.dy());
  ReturnBroadcast(b, SelectV2(first_chosen, b.dy(), zeros), SelectV2(first_chosen, zeros, b.dy()));
}

// Strings are joined; of their shapes only scalars are broadcast.
void AddStrings(KernelContext& context) {
  const Tensor &x = context.input(0), &y = context.input(1);
  const Shape shape = BroadcastShapes(x.shape(), y.shape());
  const int64_t n = shape.num_elements(), step_x = x.num_elements() == 1 ? 0 : 1,
                step_y = y.num_elements() == 1 ? 0 : 1;
  if ((step_x && x.num_elements() != n) || (step_y && y.num_elements() != n)) {
    throw Unimplemented("adding strings of shapes ", x.shape(), " and ", y.shape(), " at ", context.node().name());
  }
  std::string* z = context.AllocateOutput(0, shape).data<std::string>();
  for (int64_t i = 0; i < n; ++i) z[i] = std::string(x.string(i * step_x)).append(y.string(i * step_y));
}

// Of sizes, before a run.
std::optional<int64_t> PlusNumbers(int64_t x, int64_t y) {
  return __builtin_add_overflow(x, y, &x) ? std::nullopt : std::optional(x);
}
std::optional<int64_t> MinusNumbers(int64_t x, int64_t y) {
  return __builtin_sub_overflow(x, y, &x) ? std::nullopt : std::optional(x);
}
std::optional<int64_t> TimesNumbers(int64_t x, int64_t y) {
  return __builtin_mul_overflow(x, y, &x) ? std::nullopt : std::optional(x);
}
std::optional<int64_t> FlooredNumbers(int64_t x, int64_t y) {
  if (y == 0 || (y == -1 && x == std::numeric_limits<int64_t>::min())) return std::nullopt;
  return FlooredQuotient(x, y);
}

// TensorFlow 1's; takes strings too.
DEFINE_OP("Add")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T: {bfloat16, half, float, double, uint8, int8, int16, int32, int64, string}")
    .Lane(kSigned, [](auto x, auto y) { return x + y; })
    .Kernel([](const Node& node) -> Kernel {
      if (node.input(0).dtype() == DType::kString) return AddStrings;
      return ElementwiseKernel(node, node.op().lanes);
    })
    .Value(NumberByNumber(PlusNumbers))
    .Gradient(AddGradient);

DEFINE_OP("AddV2")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return x + y; })
    .Value(NumberByNumber(PlusNumbers))
    .Gradient(AddGradient);

DEFINE_OP("Sub")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return x - y; })
    .Value(NumberByNumber(MinusNumbers))
    .Gradient([](Backward& b) { ReturnBroadcast(b, b.dy(), -b.dy()); });

DEFINE_OP("Mul")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return x * y; })
    .Value(NumberByNumber(TimesNumbers))
    .Gradient([](Backward& b) { ReturnBroadcast(b, b.dy() * b.x(1), b.x(0) * b.dy()); });

DEFINE_OP("MulNoNan")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto x, auto y) { return Select(y == 0, Zero(x), x * y); })
    .Gradient([](Backward& b) { ReturnBroadcast(b, MulNoNan(b.dy(), b.x(1)), MulNoNan(b.x(0), b.dy())); });

DEFINE_OP("RealDiv")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane(kFloating, [](auto x, auto y) { return x / y; })
    .Kernel(IntegerDivision([](auto x, auto y) { return TruncatedQuotient(x, y); }))
    .Gradient(DivideGradient);

// Truncates integers; TensorFlow 1's "/" on graphs of old.
DEFINE_OP("Div")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane(kFloating, [](auto x, auto y) { return x / y; })
    .Kernel(IntegerDivision([](auto x, auto y) { return TruncatedQuotient(x, y); }))
    .Gradient(DivideGradient);

DEFINE_OP("DivNoNan")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto x, auto y) { return Select(y == 0, Zero(x), x / y); })
    .Gradient([](Backward& b) {
      const Output x = b.x(0), y = b.x(1);
      ReturnBroadcast(b, DivNoNan(b.dy(), y), b.dy() * DivNoNan(DivNoNan(-x, y), y));
    });

DEFINE_OP("TruncateDiv")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Kernel(IntegerDivision([](auto x, auto y) {
      if constexpr (std::is_floating_point_v<decltype(x)>) {
        return Trunc(x / y);
      } else {
        return TruncatedQuotient(x, y);
      }
    }))
    .Shape(BroadcastOfInputs())
    .Elementwise()
    .NoGradient();

DEFINE_OP("FloorDiv")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane(kFloating, [](auto x, auto y) { return Floor(x / y); })
    .Kernel(IntegerDivision([](auto x, auto y) { return FlooredQuotient(x, y); }))
    .Value(NumberByNumber(FlooredNumbers))
    .NoGradient();

DEFINE_OP("FloorMod")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Kernel(IntegerDivision([](auto x, auto y) { return FlooredRemainder(x, y); }))
    .Shape(BroadcastOfInputs())
    .Elementwise()
    .Gradient([](Backward& b) { ReturnBroadcast(b, b.dy(), b.dy() * -FloorDiv(b.x(0), b.x(1))); });

DEFINE_OP("Mod")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T: {int32, int64, half, bfloat16, float, double}")
    .Kernel(IntegerDivision([](auto x, auto y) { return TruncatedRemainder(x, y); }))
    .Elementwise()
    .Shape(BroadcastOfInputs());

DEFINE_OP("TruncateMod")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T: {int32, int64, bfloat16, half, float, double}")
    .Kernel(IntegerDivision([](auto x, auto y) { return TruncatedRemainder(x, y); }))
    .Shape(BroadcastOfInputs())
    .Elementwise()
    .NoGradient();

// NaN in either operand gives NaN.
DEFINE_OP("Maximum")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return Select(IsNan(x), x, Max(x, y)); })
    .Value(NumberByNumber([](int64_t x, int64_t y) { return std::optional(std::max(x, y)); }))
    .Gradient([](Backward& b) { ChooseGradient(b, GreaterEqual(b.x(0), b.x(1))); });

DEFINE_OP("Minimum")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kReal)
    .Lane([](auto x, auto y) { return Select(IsNan(x), x, Min(x, y)); })
    .Value(NumberByNumber([](int64_t x, int64_t y) { return std::optional(std::min(x, y)); }))
    .Gradient([](Backward& b) { ChooseGradient(b, LessEqual(b.x(0), b.x(1))); });

DEFINE_OP("SquaredDifference")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T: {bfloat16, half, float, double, int32, int64}")
    .Lane(kSigned, [](auto x, auto y) { return Square(x - y); })
    .Gradient([](Backward& b) {
      const Output dx = b.dy() * 2.0 * (b.x(0) - b.x(1));
      ReturnBroadcast(b, dx, -dx);
    });

DEFINE_OP("Pow")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T: {bfloat16, float, half, double, int8, int16, int32, int64}")
    .Lane(kFloating, [](auto x, auto y) { return Pow(x, y); })
    .Kernel([](const Node& node) -> Kernel {
      static const Lanes lanes = LanesOf<float, double, int32_t, int64_t>([](auto x, auto y) { return Pow(x, y); });
      Kernel power = ElementwiseKernel(node, lanes);
      if (!IsInteger(node.input(0).dtype())) return power;
      return [power](KernelContext& context) {
        for (int64_t i = 0; i < context.input(1).num_elements(); ++i) {
          if (context.input(1).AsInt64(i) < 0)
            throw InvalidArgument("Integers to negative integer powers are not allowed");
        }
        power(context);
      };
    })
    .Gradient([](Backward& b) {
      const Output x = b.x(0), y = b.x(1), z = b.y();
      // 0 where log x is undefined: d(x^y)/dy is taken as 0 there.
      const Output positive = Greater(x, ZerosLike(x));
      const Output log_x = SelectV2(positive, Log(SelectV2(positive, x, OnesLike(x))), ZerosLike(x));
      ReturnBroadcast(b, b.dy() * y * Pow(x, y - 1.0), b.dy() * z * log_x);
    });

DEFINE_OP("Atan2")
    .Input("y: T")
    .Input("x: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto y, auto x) { return Atan2(y, x); })
    .Gradient([](Backward& b) {
      const Output y = b.x(0), x = b.x(1);
      const Output scaled = b.dy() / (Square(x) + Square(y));
      ReturnBroadcast(b, x * scaled, -y * scaled);
    });

DEFINE_OP("Xdivy")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto x, auto y) { return Select(x == 0, Zero(x), x / y); })
    .Gradient([](Backward& b) {
      const Output x = b.x(0), y = b.x(1);
      const Output nonzero = Cast(NotEqual(x, ZerosLike(x)), x.dtype());
      ReturnBroadcast(b, b.dy() * Xdivy(nonzero, y), b.dy() * Xdivy(-x, Square(y)));
    });

DEFINE_OP("Xlogy")
    .Input("x: T")
    .Input("y: T")
    .Output("z: T")
    .Attr("T", kFloating)
    .Lane([](auto x, auto y) { return Select(x == 0, Zero(x), x * Log(y)); })
    .Gradient([](Backward& b) {
      const Output x = b.x(0), y = b.x(1);
      const Output nonzero = Cast(NotEqual(x, ZerosLike(x)), x.dtype());
      ReturnBroadcast(b, b.dy() * Xlogy(nonzero, y), b.dy() * Xdivy(x, y));
    });

}  // namespace
}  // namespace headrace
