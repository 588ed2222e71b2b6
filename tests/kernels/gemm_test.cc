// Products in every dtype and orientation against the plain triple loop.
#include "kernels/gemm.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "headrace/error.h"

namespace headrace {
namespace {

template <class T>
std::vector<T> SmallIntegers(int64_t n, int seed) {
  std::mt19937 random(seed);
  std::vector<T> values(n);
  for (auto& v : values) v = T(static_cast<float>(static_cast<int>(random() % 7) - 3));
  return values;
}

template <class T>
std::vector<double> Plain(const MatMulShape& s, const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<double> c(s.m * s.n);
  auto value = [](T v) { return static_cast<double>(static_cast<float>(v)); };
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      for (int64_t p = 0; p < s.k; ++p) {
        c[i * s.n + j] +=
            value(a[s.transpose_a ? p * s.m + i : i * s.k + p]) * value(b[s.transpose_b ? j * s.k + p : p * s.n + j]);
      }
    }
  }
  return c;
}

template <class T>
class GemmTest : public testing::Test {};
using Types = testing::Types<float, double, int32_t, int64_t, Half, BFloat16>;
TYPED_TEST_SUITE(GemmTest, Types);

TYPED_TEST(GemmTest, AgreesWithThePlainLoopInEveryOrientation) {
  using T = TypeParam;
  ThreadPool pool(1);
  for (const auto& [m, n, k] : std::vector<std::array<int64_t, 3>>{
           {1, 1, 1}, {7, 5, 3}, {17, 1, 4}, {1, 33, 9}, {13, 40, 11}, {6, 16, 12}, {3, 2, 0}}) {
    for (const int orientation : {0, 1, 2, 3}) {
      const MatMulShape s{m, n, k, (orientation & 1) != 0, (orientation & 2) != 0};
      const auto a = SmallIntegers<T>(m * k, 1), b = SmallIntegers<T>(k * n, 2);
      std::vector<T> c(m * n, T(77.0f));
      MatMul(pool, DTypeOf<T>, s, a.data(), b.data(), c.data());
      const auto expected = Plain(s, a, b);
      for (size_t i = 0; i < c.size(); ++i) {
        ASSERT_EQ(static_cast<float>(c[i]), expected[i]) << m << "x" << n << "x" << k << " orientation " << orientation;
      }
    }
  }
}

TYPED_TEST(GemmTest, AccumulatesIntoTheResultWhenAskedTo) {
  using T = TypeParam;
  const auto a = SmallIntegers<T>(4 * 3, 1), b = SmallIntegers<T>(3 * 5, 2);
  std::vector<T> c(4 * 5, T(2.0f));
  Gemm<T>(false, false, 4, 5, 3, a.data(), 3, b.data(), 5, c.data(), 5, true);
  const auto expected = Plain<T>({4, 5, 3}, a, b);
  for (size_t i = 0; i < c.size(); ++i) EXPECT_EQ(static_cast<float>(c[i]), expected[i] + 2);
}

TEST(MatMulTest, LargeProductsOverThreadsAgree) {
  ThreadPool pool(2);
  for (const int orientation : {0, 1, 2, 3}) {
    for (const auto& [m, n] : std::vector<std::pair<int64_t, int64_t>>{{701, 300}, {300, 701}}) {
      const MatMulShape s{m, n, 129, (orientation & 1) != 0, (orientation & 2) != 0};
      const auto a = SmallIntegers<double>(m * 129, 1), b = SmallIntegers<double>(129 * n, 2);
      std::vector<double> c(m * n);
      MatMul(pool, DType::kDouble, s, a.data(), b.data(), c.data());
      ASSERT_EQ(c, Plain(s, a, b));
    }
  }
}

TEST(MatMulTest, RejectsTypesWithoutAProduct) {
  ThreadPool pool(0);
  bool a = true, c = false;
  EXPECT_THROW(MatMul(pool, DType::kBool, {1, 1, 1}, &a, &a, &c), Error);
}

}  // namespace
}  // namespace headrace
