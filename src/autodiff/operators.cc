// Operators on graph outputs, as nodes named after what they do.
#include "headrace/operators.h"

#include <cmath>
#include <limits>

#include "headrace/ops/math.h"

namespace headrace {

Output ConstantLike(DType dtype, double value) {
  if (dtype == DType::kHalf) return Constant(Tensor::Scalar(Half(static_cast<float>(value))));
  if (dtype == DType::kBFloat16) return Constant(Tensor::Scalar(BFloat16(static_cast<float>(value))));
  return VisitNumeric(dtype, "a constant beside an operator", [&]<class T>(T) {
    if constexpr (std::is_integral_v<T>) {
      constexpr double kEnd = 2.0 * static_cast<double>(std::numeric_limits<T>::max() / 2 + 1);
      if (value != std::floor(value) || value < static_cast<double>(std::numeric_limits<T>::min()) || value >= kEnd) {
        throw InvalidArgument("Expected ", dtype, ", got ", value);
      }
    }
    return Constant(Tensor::Scalar(static_cast<T>(value)));
  });
}

Output operator-(Output x) {
  return Neg(x);
}
Output operator+(Output x, Output y) {
  return AddV2(x, y, "add");
}
Output operator-(Output x, Output y) {
  return Sub(x, y, "sub");
}
Output operator*(Output x, Output y) {
  return Mul(x, y, "mul");
}
Output operator/(Output x, Output y) {
  return IsFloating(x.dtype()) ? RealDiv(x, y, "truediv") : FloorDiv(x, y, "floordiv");
}
Output operator+(Output x, double y) {
  return x + ConstantLike(x.dtype(), y);
}
Output operator-(Output x, double y) {
  return x - ConstantLike(x.dtype(), y);
}
Output operator*(Output x, double y) {
  return x * ConstantLike(x.dtype(), y);
}
Output operator/(Output x, double y) {
  return x / ConstantLike(x.dtype(), y);
}
Output operator+(double x, Output y) {
  return ConstantLike(y.dtype(), x) + y;
}
Output operator-(double x, Output y) {
  return ConstantLike(y.dtype(), x) - y;
}
Output operator*(double x, Output y) {
  return ConstantLike(y.dtype(), x) * y;
}
Output operator/(double x, Output y) {
  return ConstantLike(y.dtype(), x) / y;
}

}  // namespace headrace
