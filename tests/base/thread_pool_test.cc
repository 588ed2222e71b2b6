// The compute pool.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace headrace {
namespace {

TEST(ThreadPool, ParallelForCoversEachItemOnce) {
  ThreadPool pool(3);
  for (int64_t n : {0, 1, 7, 1000, 100'001}) {
    std::vector<std::atomic<int>> seen(n);
    pool.ParallelFor(n, 10, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[i];
    });
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(seen[i], 1) << i << " of " << n;
  }
}

TEST(ThreadPool, ParallelForNests) {
  ThreadPool pool(2);
  std::atomic<int64_t> sum{0};
  pool.ParallelFor(16, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      pool.ParallelFor(100, 1, [&](int64_t b, int64_t e) { sum += e - b; });
    }
  });
  EXPECT_EQ(sum, 1600);
}

TEST(ThreadPool, ParallelForRethrows) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.ParallelFor(100, 1,
                                [](int64_t begin, int64_t) {
                                  if (begin > 20) throw std::runtime_error("bad range");
                                }),
               std::runtime_error);
}

}  // namespace
}  // namespace headrace
