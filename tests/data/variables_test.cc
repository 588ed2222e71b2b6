// Variables in the functions of datasets: captured by handle, read and written at each element, in any run.
#include <gtest/gtest.h>

#include "headrace/dataset.h"
#include "headrace/op.h"
#include "headrace/session.h"

namespace headrace {
namespace {

class DatasetVariablesTest : public testing::Test {
 protected:
  DatasetVariablesTest() : graph_(std::make_shared<Graph>()), scope_(*graph_) {
    v_ = ApplyOp("VarHandleOp", {}, {{"dtype", DType::kInt64}, {"shape", Shape()}, {"shared_name", "v"}});
    initialize_ = Write("AssignVariableOp", 10);
  }
  static Output Number(int64_t value) { return Constant(Tensor::Scalar<int64_t>(value)); }
  Output Read() { return ApplyOp("ReadVariableOp", {{v_}}, {{"dtype", DType::kInt64}}); }
  Node* Write(const char* op, int64_t value) { return Graph::Current().Apply(op, {{v_}, {Number(value)}}); }

  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
  Output v_;
  Node* initialize_ = nullptr;
};

TEST_F(DatasetVariablesTest, AreReadAtEachElement) {
  const auto iterator = Dataset::Range(10)
                            .Map([&](Output x) {
                              return ApplyOp("AddV2", {{x}, {Read()}});
                            })
                            .InitializableIterator();
  const Output next = iterator.GetNext().tensor();
  Node* add = Write("AssignAddVariableOp", 100);
  Session session(graph_);
  session.Run({}, {}, {initialize_});
  session.Run({}, {}, {iterator.initializer});
  EXPECT_EQ(session.Run({next})[0].scalar<int64_t>(), 10);
  session.Run({}, {}, {add});
  EXPECT_EQ(session.Run({next})[0].scalar<int64_t>(), 111);
}

TEST_F(DatasetVariablesTest, AreWrittenAtEachElement) {
  const auto iterator = Dataset::Range(3)
                            .Map([&](Output x) {
                              Write("AssignAddVariableOp", 1);
                              return ApplyOp("AddV2", {{x}, {Read()}});
                            })
                            .InitializableIterator();
  const Output next = iterator.GetNext().tensor();
  Session session(graph_);
  session.Run({}, {}, {initialize_});
  session.Run({}, {}, {iterator.initializer});
  for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(session.Run({next})[0].scalar<int64_t>(), i + 11 + i);  // behind its write
  EXPECT_EQ(session.Run({Read()})[0].scalar<int64_t>(), 13);
}

// The run that takes an element writes the variable itself: neither waits for the other.
TEST_F(DatasetVariablesTest, ARunThatWritesTakesElementsThatRead) {
  for (const bool ahead : {false, true}) {
    Dataset numbers = Dataset::Range(1000).Map([&](Output x) { return ApplyOp("AddV2", {{x}, {Read()}}); });
    if (ahead) numbers = numbers.Prefetch(2);
    const auto iterator = numbers.InitializableIterator();
    const Output next = iterator.GetNext().tensor();
    Node* add = graph_->Apply("AssignAddVariableOp", {{v_}, {next}});
    Session session(graph_);
    session.Run({}, {}, {initialize_});
    session.Run({}, {}, {iterator.initializer});
    for (int i = 0; i < 20; ++i) session.Run({}, {next}, {add, Write("AssignAddVariableOp", 1)});
    EXPECT_GT(session.Run({Read()})[0].scalar<int64_t>(), 10);
  }
}

TEST_F(DatasetVariablesTest, NotInitialisedIsAnErrorThatNamesTheRead) {
  const auto iterator = Dataset::Range(2)
                            .Map([&](Output x) {
                              return ApplyOp("AddV2", {{x}, {Read()}});
                            })
                            .InitializableIterator();
  const Output next = iterator.GetNext().tensor();
  Session session(graph_);
  session.Run({}, {}, {iterator.initializer});
  try {
    session.Run({next});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kFailedPrecondition);
    const std::string message = error.what();
    EXPECT_NE(message.find("(ReadVariableOp)]"), std::string::npos) << message;
    EXPECT_NE(message.find("[called by 'IteratorGetNext' (IteratorGetNext)]"), std::string::npos) << message;
  }
}

// As TensorFlow's: random ops go on from epoch to epoch, and start again when the iterator is initialised again.
TEST_F(DatasetVariablesTest, RandomNumbersBelongToTheIterator) {
  const auto iterator = Dataset::Range(2)
                            .Map([](Output) {
                              return ApplyOp("RandomUniform", {{Constant(Tensor::Vector(std::vector<int32_t>{}))}},
                                             {{"dtype", DType::kFloat}, {"seed", 1}, {"seed2", 5}});
                            })
                            .Repeat(2)
                            .InitializableIterator();
  const Output next = iterator.GetNext().tensor();
  Session session(graph_);
  std::vector<std::vector<float>> passes;
  for (int pass = 0; pass < 2; ++pass) {
    session.Run({}, {}, {iterator.initializer});
    auto& drawn = passes.emplace_back();
    for (int i = 0; i < 4; ++i) drawn.push_back(session.Run({next})[0].scalar<float>());
  }
  EXPECT_EQ(passes[0], passes[1]);
  EXPECT_NE(passes[0][0], passes[0][2]);
}

}  // namespace
}  // namespace headrace
