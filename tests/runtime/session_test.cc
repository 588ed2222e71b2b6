// Sessions: feeds and their checks, variables and the order of their reads and writes, errors, threads, cancellation.
#include "headrace/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "headrace/op.h"

namespace headrace {
namespace {

using testing::Test;

Tensor Floats(const Shape& shape, std::vector<float> values) {
  return Tensor::Of<float>(shape, std::span<const float>(values));
}

std::vector<float> Values(const Tensor& t) {
  return {t.data<float>(), t.data<float>() + t.num_elements()};
}

Output Placeholder(const PartialShape& shape, const char* name) {
  return ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", shape}}, name);
}

std::string ErrorOf(const std::function<void()>& f, Code* code = nullptr) {
  try {
    f();
  } catch (const Error& error) {
    if (code) *code = error.code();
    return error.what();
  }
  return "no error";
}

class SessionTest : public Test {
 protected:
  SessionTest() : graph_(std::make_shared<Graph>()), scope_(*graph_) {}

  Output Variable(const char* name, const Tensor& initial) {
    const Output ref = ApplyOp("VariableV2", {}, {{"dtype", initial.dtype()}, {"shape", initial.shape()}}, name);
    initializers_.push_back(graph_->Apply("Assign", {{ref}, {Constant(initial)}}, {}, std::string(name) + "_init"));
    return ref;
  }
  Output Read(Output ref, const char* name) { return ApplyOp("Identity", {{ref}}, {}, name); }
  void Initialize(Session& session) { session.Run({}, {}, initializers_); }

  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
  std::vector<Node*> initializers_;
};

TEST_F(SessionTest, RunsWhatIsFed) {
  const Output x = Placeholder({-1, 2}, "x");
  const Output y =
      ApplyOp("AddV2", {{ApplyOp("Mul", {{x}, {Constant(Tensor::Scalar(2.0f))}})}, {Constant(Tensor::Scalar(1.0f))}});
  Session session(graph_);
  EXPECT_EQ(Values(session.Run({{x, Floats({1, 2}, {1, 2})}}, {y})[0]), (std::vector<float>{3, 5}));
  EXPECT_EQ(Values(session.Run({{x, Floats({2, 2}, {1, 2, 3, 4})}}, {y})[0]), (std::vector<float>{3, 5, 7, 9}));
}

TEST_F(SessionTest, AnyTensorCanBeFedAndFetched) {
  const Output x = Placeholder({2}, "x");
  const Output doubled = ApplyOp("AddV2", {{x}, {x}}, {}, "doubled");
  const Output y = ApplyOp("AddV2", {{doubled}, {Constant(Tensor::Scalar(1.0f))}});
  Session session(graph_);
  const auto results = session.Run({{doubled, Floats({2}, {10, 20})}}, {y, doubled, y});
  EXPECT_EQ(Values(results[0]), (std::vector<float>{11, 21}));
  EXPECT_EQ(Values(results[1]), (std::vector<float>{10, 20}));
  EXPECT_EQ(Values(results[2]), (std::vector<float>{11, 21}));
}

TEST_F(SessionTest, ChecksFeedsAsTensorFlowDoes) {
  const Output x = Placeholder({-1, 5}, "x");
  const Output y = ApplyOp("Relu", {{x}});
  Session session(graph_);
  Code code{};
  EXPECT_EQ(ErrorOf(
                [&] {
                  session.Run({{x, Floats({3}, {1, 2, 3})}}, {y});
                },
                &code),
            "Cannot feed value of shape (3,) for Tensor 'x:0', which has shape '(?, 5)'");
  EXPECT_EQ(code, Code::kInvalidArgument);
  EXPECT_NE(ErrorOf([&] { session.Run({{x, Tensor::Scalar<int64_t>(1)}}, {y}); }).find("int64"), std::string::npos);
  EXPECT_EQ(ErrorOf([&] {
              session.Run({y});
            }).rfind("You must feed a value for placeholder tensor 'x' with dtype float and shape [?,5]", 0),
            0);
}

TEST_F(SessionTest, UninitializedVariablesAreNamed) {
  const Output v = Variable("weights", Floats({1}, {1}));
  const Output read = Read(v, "weights/read");
  Session session(graph_);
  Code code{};
  const std::string message = ErrorOf([&] { session.Run({read}); }, &code);
  EXPECT_EQ(message, "Attempting to use uninitialized value weights [op 'weights/read' (Identity)]");
  EXPECT_EQ(code, Code::kFailedPrecondition);
}

TEST_F(SessionTest, AReadComesBeforeAWriteUnlessEdgesSayOtherwise) {
  const Output v = Variable("v", Floats({1}, {1}));
  Node* add = graph_->Apply("AssignAdd", {{v}, {Constant(Floats({1}, {10}))}}, {}, "add");
  const Output before = Read(v, "before");
  Output after;
  {
    const ControlDependencies dependencies({add});
    after = Read(v, "after");
  }
  Session session(graph_);
  Initialize(session);
  const auto results = session.Run({before, after, add->output()});
  EXPECT_EQ(Values(results[0])[0], 1);
  EXPECT_EQ(Values(results[1])[0], 11);
  EXPECT_EQ(Values(results[2])[0], 11);
}

// As in TensorFlow 1, where "x/read" is the memory of a reference variable.
TEST_F(SessionTest, AnOpThatWaitsForAWriteSeesWhatWasWritten) {
  const Output v = Variable("v", Floats({1}, {1}));
  const Output read = Read(v, "read");
  Node* add = graph_->Apply("AssignAdd", {{v}, {read}}, {}, "add");
  Output sum;
  {
    const ControlDependencies dependencies({add});
    sum = ApplyOp("AddV2", {{read}, {Read(v, "after")}});
  }
  Session session(graph_);
  Initialize(session);
  EXPECT_EQ(Values(session.Run({sum})[0])[0], 4);  // 2 + 2
}

TEST_F(SessionTest, AFetchedVariableIsNotChangedByLaterRuns) {
  const Output v = Variable("v", Floats({2}, {1, 2}));
  Node* add = graph_->Apply("AssignAdd", {{v}, {Constant(Floats({2}, {1, 1}))}});
  Session session(graph_);
  Initialize(session);
  const Tensor fetched = session.Run({v})[0];
  session.Run({}, {}, {add});
  EXPECT_EQ(Values(fetched), (std::vector<float>{1, 2}));
  EXPECT_EQ(Values(session.Run({v})[0]), (std::vector<float>{2, 3}));
}

TEST_F(SessionTest, AVariableKeepsWhatItWasAssigned) {
  const Output x = Placeholder({2}, "x");
  const Output v = Variable("v", Floats({2}, {0, 0}));
  const Output made = ApplyOp("AddV2", {{x}, {Constant(Tensor::Scalar(1.0f))}});
  const Output other = ApplyOp("Exp", {{ApplyOp("Mul", {{x}, {x}})}});
  Node* assign = graph_->Apply("Assign", {{v}, {made}});
  Session session(graph_);
  session.Run({{x, Floats({2}, {1, 2})}}, {}, {assign});
  session.Run({{x, Floats({2}, {7, 8})}}, {other});
  EXPECT_EQ(Values(session.Run({v})[0]), (std::vector<float>{2, 3}));
}

TEST_F(SessionTest, TrainingStepsUpdateInPlace) {
  const Output v = Variable("v", Floats({4}, {1, 2, 3, 4}));
  const Output scaled = ApplyOp("Mul", {{Read(v, "read")}, {Constant(Tensor::Scalar(0.5f))}});
  Node* add = graph_->Apply("AssignAdd", {{v}, {scaled}});
  Session session(graph_);
  Initialize(session);
  const auto step = session.MakeCallable({}, {}, {add});
  step();
  const auto state = std::dynamic_pointer_cast<VariableState>(session.resources().Lookup("", "v"));
  ASSERT_TRUE(state);
  const void* memory = state->value.raw();
  step();
  step();
  EXPECT_EQ(state->value.raw(), memory);
  EXPECT_EQ(Values(session.Run({v})[0])[0], 3.375f);
}

TEST_F(SessionTest, KernelErrorsNameTheOp) {
  const Output b = Placeholder({2, 2}, "b");
  const Output c = Placeholder(PartialShape(), "c");
  const Output product = ApplyOp("MatMul", {{b}, {c}}, {}, "product");
  Session session(graph_);
  Code code{};
  const std::string message = ErrorOf(
      [&] {
        session.Run({{b, Floats({2, 2}, {1, 2, 3, 4})}, {c, Floats({1, 2}, {1, 2})}}, {product});
      },
      &code);
  EXPECT_EQ(code, Code::kInvalidArgument);
  EXPECT_NE(message.find(" [op 'product' (MatMul)]"), std::string::npos) << message;
}

TEST_F(SessionTest, MoreThanAnyMemoryHoldsIsResourceExhausted) {
  const Output rows = ApplyOp("Placeholder", {}, {{"dtype", DType::kInt64}, {"shape", Shape{1}}});
  const Output filled = ApplyOp("SparseFillEmptyRows", {{Constant(Tensor(DType::kInt64, {0, 1}))},
                                                        {Constant(Floats({0}, {}))},
                                                        {rows},
                                                        {Constant(Tensor::Scalar(0.0f))}});
  Session session(graph_);
  Code code = Code::kOk;
  const Tensor many = Tensor::Vector(std::vector<int64_t>{1LL << 62});
  ErrorOf([&] { session.Run({{rows, many}}, {filled}); }, &code);
  EXPECT_EQ(code, Code::kResourceExhausted);
}

TEST_F(SessionTest, ManyThreadsRunOneSession) {
  const Output x = Placeholder({-1}, "x");
  const Output v = Variable("v", Floats({1}, {0}));
  const Output y = ApplyOp("AddV2", {{ApplyOp("Mul", {{x}, {x}})}, {Read(v, "read")}});
  Node* add = graph_->Apply("AssignAdd", {{v}, {Constant(Floats({1}, {1}))}});
  Session session(graph_);
  Initialize(session);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto result = session.Run({{x, Floats({2}, {float(t), 2})}}, {y}, {add});
        const auto values = Values(result[0]);
        EXPECT_EQ(values[1] - values[0], 4.0f - static_cast<float>(t * t));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Values(session.Run({v})[0])[0], 800);
}

TEST_F(SessionTest, TheGraphMayGrowBetweenRuns) {
  const Output x = Constant(Floats({1}, {2}));
  Session session(graph_);
  EXPECT_EQ(Values(session.Run({x})[0])[0], 2);
  const Output y = ApplyOp("AddV2", {{x}, {x}});
  EXPECT_EQ(Values(session.Run({y})[0])[0], 4);
}

TEST_F(SessionTest, TheGraphMayGrowWhileOtherThreadsRun) {
  const Output x = Placeholder({-1}, "x");
  const Output y = ApplyOp("Mul", {{x}, {x}});
  Session session(graph_);
  std::atomic<bool> grown = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<Output> fetches(t + 1, y);  // each thread compiles plans of its own
      while (!grown) {
        EXPECT_EQ(Values(session.Run({{x, Floats({1}, {3})}}, fetches).back())[0], 9);
        EXPECT_EQ(session.graph()->FindNode("x"), x.node);
        session.MakeCallable({x}, {y});
      }
    });
  }
  Output sum = y;
  for (int i = 0; i < 500; ++i) sum = ApplyOp("AddV2", {{sum}, {y}});
  grown = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Values(session.Run({{x, Floats({1}, {1})}}, {sum})[0])[0], 501);
}

TEST_F(SessionTest, CancellationStopsARun) {
  const Output x = Placeholder({1}, "x");
  const Output y = ApplyOp("Exp", {{x}});
  Session session(graph_);
  Cancellation cancellation;
  cancellation.Cancel();
  Code code{};
  ErrorOf([&] { session.Run({{x, Floats({1}, {1})}}, {y}, {}, &cancellation); }, &code);
  EXPECT_EQ(code, Code::kCancelled);
}

TEST_F(SessionTest, AClosedSessionRefusesToRun) {
  const Output x = Constant(Floats({1}, {2}));
  Session session(graph_);
  const auto callable = session.MakeCallable({}, {x});
  session.Close();
  Code code{};
  ErrorOf([&] { session.Run({x}); }, &code);
  EXPECT_EQ(code, Code::kFailedPrecondition);
  EXPECT_THROW(callable(), Error);
}

TEST_F(SessionTest, ACallableMayOutliveItsSession) {
  const Output v = Variable("v", Floats({1}, {1}));
  Session::Callable callable;
  EXPECT_THROW(callable(), Error);
  {
    Session session(graph_);
    Initialize(session);
    callable = session.MakeCallable({}, {v});
    EXPECT_EQ(Values(callable()[0])[0], 1);
  }
  Code code{};
  ErrorOf([&] { callable(); }, &code);
  EXPECT_EQ(code, Code::kFailedPrecondition);
}

TEST_F(SessionTest, AnAbsentOutputIsAnError) {
  const Output none;
  EXPECT_THROW(none.dtype(), Error);
  EXPECT_THROW(none.name(), Error);
  EXPECT_THROW(ApplyOp("AddV2", {{none}, {Constant(Floats({1}, {1}))}}), Error);
}

TEST_F(SessionTest, AGraphOnTheStackIsRefusedWithAReason) {
  Graph graph;
  const GraphScope scope(graph);
  EXPECT_NE(ErrorOf([] { Session session(Graph::SharedCurrent()); }).find("make_shared"), std::string::npos);
}

// Two threads each read a variable, compute and write it: no update of the one is lost, and no value is torn.
TEST_F(SessionTest, AValueReadIsWholeWhileOthersWrite) {
  constexpr int kSize = 1 << 14;
  const Output v = Variable("v", Tensor::Zeros(DType::kFloat, {kSize}));
  const Output read = Read(v, "v/read");
  const Output spread = ApplyOp("Sub", {{ApplyOp("Max", {{read}, {Constant(Tensor::Scalar(0))}})},
                                        {ApplyOp("Min", {{read}, {Constant(Tensor::Scalar(0))}})}});
  const Output ones =
      ApplyOp("Fill", {{Constant(Tensor::Vector(std::vector<int32_t>{kSize}))}, {Constant(Tensor::Scalar(1.0f))}});
  Node* step = graph_->Apply("AssignAdd", {{v}, {ones}}, {{"use_locking", true}}, "step");
  Session session(graph_);
  Initialize(session);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) EXPECT_EQ(session.Run({}, {spread}, {step})[0].scalar<float>(), 0);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Values(session.Run({v})[0])[kSize - 1], 300);
}

TEST_F(SessionTest, NodesOfOtherGraphsAreRefused) {
  Session session(graph_);
  Graph other;
  const GraphScope scope(other);
  const Output x = Constant(Floats({1}, {2}));
  EXPECT_NE(ErrorOf([&] { session.Run({x}); }).find("not an element of the session's graph"), std::string::npos);
}

TEST(ExecuteTest, RunsOneOpAtOnce) {
  ResourceManager resources;
  const auto sum = Execute("AddV2", {{Floats({2}, {1, 2})}, {Floats({}, {10})}}, {}, resources);
  EXPECT_EQ(Values(sum.at(0)), (std::vector<float>{11, 12}));
  const auto product =
      Execute("MatMul", {{Floats({2, 1}, {1, 2})}, {Floats({2, 1}, {3, 4})}}, {{"transpose_a", true}}, resources);
  EXPECT_EQ(Values(product.at(0)), (std::vector<float>{11}));
}

TEST(ExecuteTest, ErrorsNameTheOp) {
  ResourceManager resources;
  const std::string message = ErrorOf([&] {
    Execute("MatMul", {{Floats({2, 1}, {1, 2})}, {Floats({2, 1}, {3, 4})}}, {}, resources);
  });
  EXPECT_NE(message.find("[Op:MatMul]"), std::string::npos) << message;
}

}  // namespace
}  // namespace headrace
