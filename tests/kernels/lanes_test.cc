// Lane loops: every instruction set gives the scalar formula's results, on whole vectors and on tails, in place too.
#include "kernels/lanes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/instruction_sets.h"

namespace headrace {
namespace {

const auto kSoftplus = [](auto x) { return Log1p(Exp(-Abs(x))) + Max(x, Zero(x)); };
const auto kMultiplyAdd = [](auto x, auto y, auto z) { return x * y + z; };
const auto kLess = [](auto x, auto y) { return x < y; };

template <class Out, class... In, class F>
std::vector<LaneFunction> VersionsOf(F f) {
  std::vector<LaneFunction> versions;
  for (const InstructionSet isa : SupportedInstructionSets()) versions.push_back(LaneLoopFor<Out, In...>(f, isa));
  return versions;
}

template <class T>
std::vector<T> Ramp(int64_t n, T start) {
  std::vector<T> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<T>(start + static_cast<T>(i) / 4));
  return values;
}

TEST(Lanes, MathAgreesWithLibmOnAllInstructionSets) {
  for (LaneFunction lane : VersionsOf<float, float>(kSoftplus)) {
    for (int64_t n : {0, 1, 7, 16, 33, 100}) {
      const std::vector<float> x = Ramp<float>(n, -12.0f);
      std::vector<float> y(x.size() + 1, 99.0f);
      const void* in[] = {x.data()};
      lane(in, y.data(), n);
      for (size_t i = 0; i < x.size(); ++i) {
        const double wanted = std::log1p(std::exp(-std::abs(double{x[i]}))) + std::max(double{x[i]}, 0.0);
        EXPECT_NEAR(y[i], wanted, 1e-6 * (1 + wanted)) << x[i];
      }
      EXPECT_EQ(y.back(), 99.0f) << "nothing is written behind the end";
    }
  }
}

TEST(Lanes, MayWriteIntoAnOperand) {
  for (LaneFunction lane : VersionsOf<double, double, double, double>(kMultiplyAdd)) {
    std::vector<double> x = Ramp<double>(37, -3.0);
    const std::vector<double> before = x, y = Ramp<double>(37, 1.0);
    const void* in[] = {x.data(), y.data(), x.data()};
    lane(in, x.data(), 37);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_DOUBLE_EQ(x[i], before[i] * y[i] + before[i]);
  }
}

TEST(Lanes, PredicatesGiveBools) {
  for (LaneFunction lane : VersionsOf<bool, int64_t, int64_t>(kLess)) {
    const std::vector<int64_t> x = {1, 5, -3, 1LL << 40, 0}, y = {2, 5, -4, (1LL << 40) + 1, 1};
    bool less[5];
    const void* in[] = {x.data(), y.data()};
    lane(in, less, 5);
    for (size_t i = 0; i < 5; ++i) EXPECT_EQ(less[i], x[i] < y[i]);
  }
}

const auto kMix = [](bool condition, auto x, double y) { return Select(condition, static_cast<double>(x), y); };

TEST(Lanes, TakeScalarsOfSeveralTypes) {
  for (LaneFunction lane : VersionsOf<double, bool, float, double>(kMix)) {
    const bool condition[] = {true, false, true};
    const float x[] = {1.5f, 2.5f, 3.5f};
    const double y[] = {-1, -2, -3};
    double z[3];
    const void* in[] = {condition, x, y};
    lane(in, z, 3);
    EXPECT_EQ(z[0], 1.5);
    EXPECT_EQ(z[1], -2);
    EXPECT_EQ(z[2], 3.5);
  }
}

TEST(Lanes, SelectKeepsWhatWasChosenToTheBit) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(std::signbit(Select(true, -0.0f, nan)));
  EXPECT_EQ(Select(false, nan, infinity), infinity);
  EXPECT_TRUE(std::isnan(Select(true, nan, 1.0f)));
  EXPECT_EQ(Select(false, 1, 2), 2);
  EXPECT_EQ(Select(true, 1e-310, 2.0), 1e-310);
}

TEST(Lanes, IntegerPowers) {
  EXPECT_EQ(Pow(int64_t{3}, int64_t{13}), 1594323);
  EXPECT_EQ(Pow(-2, 5), -32);
  EXPECT_EQ(Pow(7, 0), 1);
}

}  // namespace
}  // namespace headrace
