// The vector math of lanes against long double, over the whole range of floats and doubles, for every instruction set.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/erf.h"
#include "kernels/instruction_sets.h"
#include "kernels/lanes.h"

namespace headrace {
namespace {

template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

// All exponents and signs, with mantissas that differ: some 100,000 numbers; then those that are special.
template <class T>
std::vector<T> NumbersOfAllSizes() {
  constexpr BitsOf<T> step = sizeof(T) == 8 ? BitsOf<T>(0x00005a3c9e37a7b1) : BitsOf<T>(40961);
  std::vector<T> numbers;
  for (BitsOf<T> bits = 0; bits <= ~BitsOf<T>(0) - step; bits += step) {
    const T number = std::bit_cast<T>(bits);
    if (!std::isnan(number)) numbers.push_back(number);
  }
  for (T x = T(-40); x < 40; x += T(1) / 1024) numbers.push_back(x);  // where most functions have their features
  using Limits = std::numeric_limits<T>;
  for (const T x : {T(0), T(1), T(0.5), T(2), Limits::infinity(), Limits::max(), Limits::min(), Limits::denorm_min()}) {
    numbers.insert(numbers.end(), {x, -x});
  }
  return numbers;
}

// How many representable numbers lie between `got` and the exact result; numbers below the smallest normal count as one
// step each of its spacing.
template <class T>
double UlpsApart(T got, long double exact) {
  const T rounded = static_cast<T>(exact);
  if (std::isnan(rounded) || std::isnan(got)) return std::isnan(rounded) && std::isnan(got) ? 0 : 1e9;
  if (std::isinf(rounded) || std::isinf(got)) {
    if (rounded == got) return 0;
    // Right at the edge of the range one may round to infinity and the other not.
    const T largest = std::numeric_limits<T>::max();
    return std::abs(exact) > largest * (1.0L - 1e-6L) && std::signbit(got) == std::signbit(rounded) ? 1 : 1e9;
  }
  const T size = std::max(std::abs(rounded), std::numeric_limits<T>::min());
  const long double spacing = size - std::nextafter(size, T(0));
  return static_cast<double>(std::abs(static_cast<long double>(got) - exact) / spacing);
}

template <class T, class F, class Exact>
void ExpectWithin(double ulps, const char* name, F function, Exact exact) {
  const std::vector<T> x = NumbersOfAllSizes<T>();
  std::vector<T> y(x.size());
  for (const InstructionSet isa : SupportedInstructionSets()) {
    const void* in[] = {x.data()};
    LaneLoopFor<T, T>(function, isa)(in, y.data(), static_cast<int64_t>(x.size()));
    double worst = 0;
    size_t where = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double apart = UlpsApart(y[i], exact(static_cast<long double>(x[i])));
      if (apart > worst) worst = apart, where = i;
    }
    EXPECT_LE(worst, ulps) << name << "(" << x[where] << ") gave " << y[where] << ", instruction set "
                           << static_cast<int>(isa);
  }
}

#define EXPECT_MATH_WITHIN(ulps, Name, function)                                                    \
  ExpectWithin<float>(                                                                              \
      ulps, #Name, [](auto x) { return Name(x); }, [](long double x) { return std::function(x); }); \
  ExpectWithin<double>(                                                                             \
      ulps, #Name, [](auto x) { return Name(x); }, [](long double x) { return std::function(x); })

TEST(VectorMath, ExponentialsAndLogarithms) {
  EXPECT_MATH_WITHIN(4, Exp, exp);
  EXPECT_MATH_WITHIN(4, Expm1, expm1);
  EXPECT_MATH_WITHIN(4, Log, log);
  EXPECT_MATH_WITHIN(4, Log1p, log1p);
}

TEST(VectorMath, Trigonometry) {
  EXPECT_MATH_WITHIN(4, Sin, sin);
  EXPECT_MATH_WITHIN(4, Cos, cos);
  EXPECT_MATH_WITHIN(4, Tan, tan);
  EXPECT_MATH_WITHIN(4, Asin, asin);
  EXPECT_MATH_WITHIN(4, Acos, acos);
  EXPECT_MATH_WITHIN(4, Atan, atan);
}

TEST(VectorMath, HyperbolicFunctions) {
  EXPECT_MATH_WITHIN(4, Sinh, sinh);
  EXPECT_MATH_WITHIN(4, Cosh, cosh);
  EXPECT_MATH_WITHIN(4, Tanh, tanh);
  EXPECT_MATH_WITHIN(4, Asinh, asinh);
  EXPECT_MATH_WITHIN(4, Acosh, acosh);
  EXPECT_MATH_WITHIN(4, Atanh, atanh);
}

TEST(VectorMath, ErrorFunctions) {
  EXPECT_MATH_WITHIN(4, Erf, erf);
  EXPECT_MATH_WITHIN(4, Erfc, erfc);
  ExpectWithin<float>(
      8, "FastErf", [](auto x) { return FastErf(x); }, [](long double x) { return std::erf(x); });
}

TEST(VectorMath, RoundingIsExact) {
  EXPECT_MATH_WITHIN(0, Floor, floor);
  EXPECT_MATH_WITHIN(0, Ceil, ceil);
  EXPECT_MATH_WITHIN(0, Trunc, trunc);
  EXPECT_MATH_WITHIN(0, Rint, nearbyint);
  EXPECT_MATH_WITHIN(0, Abs, abs);
  EXPECT_MATH_WITHIN(0.5, Sqrt, sqrt);
}

TEST(VectorMath, NanStaysNan) {
  const std::vector<float> x(33, std::numeric_limits<float>::quiet_NaN());
  std::vector<float> y(33);
  const auto all = [](auto x) { return Exp(x) + Log(x) + Tanh(x) + Sigmoid(x) + Erf(x) + Max(x, Zero(x)) * Zero(x); };
  for (const InstructionSet isa : SupportedInstructionSets()) {
    const void* in[] = {x.data()};
    LaneLoopFor<float, float>(all, isa)(in, y.data(), 33);
    for (const float value : y) EXPECT_TRUE(std::isnan(value));
  }
}

}  // namespace
}  // namespace headrace
