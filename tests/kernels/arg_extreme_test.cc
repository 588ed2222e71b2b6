// Positions of extremes, on rows and on columns, against the plain search.
#include "kernels/arg_extreme.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <vector>

namespace headrace {
namespace {

template <class T>
std::vector<int64_t> PlainSearch(bool largest, const std::vector<T>& values, int64_t outer, int64_t n, int64_t inner) {
  std::vector<int64_t> positions;
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t k = 0; k < inner; ++k) {
      int64_t best = 0;
      const auto at = [&](int64_t i) { return values[(o * n + i) * inner + k]; };
      for (int64_t i = 1; i < n; ++i) {
        if (largest ? at(i) > at(best) : at(i) < at(best)) best = i;
      }
      positions.push_back(best);
    }
  }
  return positions;
}

template <class T>
void ExpectPlainSearch(DType dtype, const std::vector<T>& values, int64_t outer, int64_t n, int64_t inner) {
  ThreadPool pool(2);
  for (const bool largest : {true, false}) {
    std::vector<int64_t> positions(static_cast<size_t>(outer * inner));
    ArgExtremes(pool, largest, dtype, values.data(), outer, n, inner, positions.data());
    EXPECT_EQ(positions, PlainSearch(largest, values, outer, n, inner)) << outer << " x " << n << " x " << inner;
  }
}

TEST(ArgExtremes, AgreeWithThePlainSearch) {
  std::mt19937 random(7);
  for (const int64_t n : {1, 2, 63, 64, 65, 128, 1000}) {
    for (const int64_t outer : {1, 3}) {
      for (const int64_t inner : {1, 2, 17, 300}) {
        std::vector<float> floats;
        std::vector<int64_t> integers;
        for (int64_t i = 0; i < outer * n * inner; ++i) {
          floats.push_back(static_cast<float>(random() % 500));  // with repetitions: the first one counts
          integers.push_back(static_cast<int64_t>(random() % 500) - 250);
        }
        ExpectPlainSearch(DType::kFloat, floats, outer, n, inner);
        ExpectPlainSearch(DType::kInt64, integers, outer, n, inner);
      }
    }
  }
}

TEST(ArgExtremes, ANanCountsOnlyWhereItComesFirst) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values(200, 1.0f);
  values[3] = nan;
  values[150] = 2.0f;
  values[160] = nan;
  for (const int64_t inner : {1, 2}) {
    std::vector<float> columns;
    for (const float value : values) columns.insert(columns.end(), static_cast<size_t>(inner), value);
    ExpectPlainSearch(DType::kFloat, columns, 1, 200, inner);
    columns.front() = nan;
    ExpectPlainSearch(DType::kFloat, columns, 1, 200, inner);
  }
}

TEST(ArgExtremes, LargeInputsOverThreadsAgree) {
  std::mt19937 random(8);
  std::vector<float> values(300 * 2000);
  for (float& value : values) value = static_cast<float>(random());
  ExpectPlainSearch(DType::kFloat, values, 300, 2000, 1);
  ExpectPlainSearch(DType::kFloat, values, 2, 1000, 300);
}

}  // namespace
}  // namespace headrace
