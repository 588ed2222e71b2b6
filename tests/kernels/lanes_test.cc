// Lane loops: every instruction set gives the scalar formula's results, on whole vectors and on tails, in place too.
#include "kernels/lanes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace headrace {
namespace {

const auto kSoftplus = [](auto x) { return Log1p(Exp(-Abs(x))) + Max(x, Zero(x)); };
const auto kMultiplyAdd = [](auto x, auto y, auto z) { return x * y + z; };
const auto kLess = [](auto x, auto y) { return x < y; };

template <class T, int Arity, class F>
std::vector<LaneFunction> VersionsOf(F) {
  using Loop = internal::LaneLoop<F, T, std::make_index_sequence<Arity>>;
  std::vector<LaneFunction> versions = {Loop::Sse};
  if (BestInstructionSet() != InstructionSet::kSse) versions.push_back(Loop::Avx2);
  if (BestInstructionSet() == InstructionSet::kAvx512) versions.push_back(Loop::Avx512);
  return versions;
}

template <class T>
std::vector<T> Ramp(int64_t n, T start) {
  std::vector<T> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<T>(start + static_cast<T>(i) / 4));
  return values;
}

TEST(Lanes, MathAgreesWithLibmOnAllInstructionSets) {
  for (LaneFunction lane : VersionsOf<float, 1>(kSoftplus)) {
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
  for (LaneFunction lane : VersionsOf<double, 3>(kMultiplyAdd)) {
    std::vector<double> x = Ramp<double>(37, -3.0);
    const std::vector<double> before = x, y = Ramp<double>(37, 1.0);
    const void* in[] = {x.data(), y.data(), x.data()};
    lane(in, x.data(), 37);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_DOUBLE_EQ(x[i], before[i] * y[i] + before[i]);
  }
}

TEST(Lanes, PredicatesGiveBools) {
  for (LaneFunction lane : VersionsOf<int64_t, 2>(kLess)) {
    const std::vector<int64_t> x = {1, 5, -3, 1LL << 40, 0}, y = {2, 5, -4, (1LL << 40) + 1, 1};
    bool less[5];
    const void* in[] = {x.data(), y.data()};
    lane(in, less, 5);
    for (size_t i = 0; i < 5; ++i) EXPECT_EQ(less[i], x[i] < y[i]);
  }
}

TEST(Lanes, IntegerPowers) {
  EXPECT_EQ(Pow(int64_t{3}, int64_t{13}), 1594323);
  EXPECT_EQ(Pow(-2, 5), -32);
  EXPECT_EQ(Pow(7, 0), 1);
}

}  // namespace
}  // namespace headrace
