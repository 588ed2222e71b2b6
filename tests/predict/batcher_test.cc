// Concurrent calls are joined while the slots are busy, each gets its own rows back, and errors stay with their call.
#include "predict/batcher.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <latch>
#include <thread>

#include "headrace/error.h"

namespace headrace {
namespace {

// Doubles each number; refuses negative ones.
std::vector<Tensor> Double(const std::vector<Tensor>& inputs) {
  Tensor doubled(DType::kFloat, inputs[0].shape());
  for (int64_t i = 0; i < doubled.num_elements(); ++i) {
    float value = inputs[0].data<float>()[i];
    if (value < 0) throw InvalidArgument("negative");
    doubled.data<float>()[i] = 2 * value;
  }
  return {doubled};
}

TEST(Batcher, ConcurrentCalls_GetTheirOwnRows) {
  std::atomic<int> runs{0}, refused{0};
  Batcher batcher(
      [&](const std::vector<Tensor>& inputs) {
        ++runs;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return Double(inputs);
      },
      /*slots=*/1);
  constexpr int kThreads = 8, kCalls = 20;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kCalls; ++i) {
        float value = static_cast<float>(100 * t + i);
        bool bad = t == 0 && i % 5 == 0;
        int64_t rows = 1 + i % 3;
        Tensor input(DType::kFloat, {rows});
        for (float& x : input.flat<float>()) x = bad ? -1 : value;
        try {
          Tensor output = batcher.Run({input}, rows).at(0);
          EXPECT_FALSE(bad);
          EXPECT_EQ(output.shape(), Shape({rows}));
          for (float x : output.flat<float>()) EXPECT_EQ(x, 2 * value);
        } catch (const Error&) {
          EXPECT_TRUE(bad);
          ++refused;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(refused, kCalls / 5);
  EXPECT_LT(runs, kThreads * kCalls);  // some were joined
}

TEST(Batcher, CallsOfOtherShapes_RunApart) {
  std::atomic<int> widest{0};
  Batcher batcher(
      [&](const std::vector<Tensor>& inputs) {
        widest = std::max<int>(widest, static_cast<int>(inputs[0].dim(1)));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return Double(inputs);
      },
      1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        Tensor input = Tensor::Zeros(DType::kFloat, {1, 1 + t % 2});
        EXPECT_EQ(batcher.Run({input}, 1).at(0).shape(), input.shape());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(widest, 2);
}

TEST(Batcher, AModelThatMixesRows_IsRunCallByCall) {
  Batcher batcher(
      [](const std::vector<Tensor>& inputs) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        float sum = 0;
        for (float x : inputs[0].flat<float>()) sum += x;
        return std::vector<Tensor>{Tensor::Vector(std::vector<float>{sum})};
      },
      1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        Tensor input = Tensor::Vector(std::vector<float>{static_cast<float>(t), static_cast<float>(i)});
        EXPECT_EQ(batcher.Run({input}, 2).at(0).scalar<float>(), static_cast<float>(t + i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace headrace
