// Cancellation: tokens and their parents, waits that are woken, runs that end by a token, a deadline or a closed
// session.
#include "headrace/cancellation.h"

#include <gtest/gtest.h>

#include <thread>

#include "headrace/dataset.h"
#include "headrace/op.h"
#include "headrace/session.h"

namespace headrace {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = Cancellation::Clock;

Code CodeOf(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.code();
  }
  return Code::kOk;
}

TEST(CancellationTest, AParentCancelsItsChildren) {
  Cancellation session, user;
  const Cancellation run(&user, &session), call(&run);
  EXPECT_FALSE(call.cancelled());
  session.Cancel();
  EXPECT_TRUE(call.cancelled());
  EXPECT_FALSE(user.cancelled());
  EXPECT_EQ(CodeOf([&] { call.Check(); }), Code::kCancelled);
}

TEST(CancellationTest, ADeadlineSaysThatItIsOne) {
  Cancellation parent;
  parent.SetDeadline(Clock::now() + milliseconds(20));
  const Cancellation run(&parent);
  run.Check();
  std::this_thread::sleep_for(milliseconds(60));
  EXPECT_EQ(CodeOf([&] { run.Check(); }), Code::kDeadlineExceeded);
}

TEST(CancellationTest, APollIsMadeByItsThreadOnly) {
  Cancellation token;
  token.SetPoll([] { return true; });
  std::this_thread::sleep_for(milliseconds(80));
  std::thread([&] { EXPECT_FALSE(token.cancelled()); }).join();
  EXPECT_TRUE(token.cancelled());
}

TEST(CancellationTest, AWaitIsWokenThroughParents) {
  Cancellation session;
  const Cancellation run(&session);
  std::mutex mutex;
  std::condition_variable changed;
  std::thread canceller([&] {
    std::this_thread::sleep_for(milliseconds(30));
    session.Cancel();
  });
  std::unique_lock lock(mutex);
  EXPECT_FALSE(run.WaitFor(lock, changed, [] { return false; }));
  canceller.join();
}

// A pipeline that never gives an element. Ahead, a thread of the iterator works; else the run itself does.
class EndlessTest : public testing::TestWithParam<bool> {
 protected:
  EndlessTest() : graph_(std::make_shared<Graph>()), scope_(*graph_) {
    const auto never = [](Output x) { return ApplyOp("Less", {{x}, {Constant(Tensor::Scalar<int64_t>(0))}}); };
    const auto never_stateful = [&](Output x) {
      const Output random =
          ApplyOp("RandomUniform", {{Constant(Tensor::Vector(std::vector<int32_t>{}))}}, {{"dtype", DType::kFloat}});
      return ApplyOp("LogicalAnd", {{never(x)}, {ApplyOp("Less", {{random}, {Constant(Tensor::Scalar(0.5f))}})}});
    };
    const Dataset numbers = Dataset::Range(1LL << 60);
    next_ = (GetParam() ? numbers.Filter(never) : numbers.Filter(never_stateful)).OneShotIterator().GetNext().tensor();
  }
  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
  Output next_;
};
INSTANTIATE_TEST_SUITE_P(Forms, EndlessTest, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Ahead" : "Inline"; });

TEST_P(EndlessTest, AnotherThreadCancelsTheRun) {
  Session session(graph_);
  Cancellation token;
  std::thread canceller([&] {
    std::this_thread::sleep_for(milliseconds(50));
    token.Cancel();
  });
  const auto start = Clock::now();
  EXPECT_EQ(CodeOf([&] { session.Run({}, {next_}, {}, &token); }), Code::kCancelled);
  canceller.join();
  EXPECT_LT(Clock::now() - start, seconds(10));
}

TEST_P(EndlessTest, ADeadlineEndsTheRun) {
  Session session(graph_);
  Cancellation token;
  token.SetDeadline(Clock::now() + milliseconds(50));
  EXPECT_EQ(CodeOf([&] { session.Run({}, {next_}, {}, &token); }), Code::kDeadlineExceeded);
}

TEST_P(EndlessTest, APollEndsTheRunAndMayThrow) {
  Session session(graph_);
  Cancellation token;
  token.SetPoll([]() -> bool { throw std::out_of_range("KeyboardInterrupt"); });
  EXPECT_THROW(session.Run({}, {next_}, {}, &token), std::out_of_range);
}

TEST_P(EndlessTest, ClosingTheSessionEndsTheRun) {
  Session session(graph_);
  std::thread closer([&] {
    std::this_thread::sleep_for(milliseconds(50));
    session.Close();
  });
  EXPECT_EQ(CodeOf([&] { session.Run({next_}); }), Code::kCancelled);
  closer.join();
}

TEST_P(EndlessTest, ASecondRunThatWaitsForItsTurnIsWoken) {
  Session session(graph_);
  Cancellation first, second;
  std::thread holder([&] { CodeOf([&] { session.Run({}, {next_}, {}, &first); }); });
  std::this_thread::sleep_for(milliseconds(30));
  second.SetDeadline(Clock::now() + milliseconds(50));
  EXPECT_EQ(CodeOf([&] { session.Run({}, {next_}, {}, &second); }), Code::kDeadlineExceeded);
  first.Cancel();
  holder.join();
}

}  // namespace
}  // namespace headrace
