// Eager execution: ops that run at once, the life of their Outputs, and tapes.
#include "headrace/eager.h"

#include <gtest/gtest.h>

#include "headrace/headrace.h"

namespace headrace {
namespace {

Output Scalar(float value) {
  return Constant(Tensor::Scalar(value));
}
float Number(const Output& output) {
  return Value(output).scalar<float>();
}

TEST(Eager, OpsHaveValuesAtOnce) {
  EagerScope eager;
  const Output x = Scalar(3);
  EXPECT_EQ(Number(x * x + 1.0), 10);
  EXPECT_TRUE(ExecutingEagerly());
  Graph graph;
  GraphScope scope(graph);
  EXPECT_FALSE(ExecutingEagerly());
}

TEST(Eager, TensorOfAGraphIsRefused) {
  auto graph = std::make_shared<Graph>();
  Output symbolic;
  {
    GraphScope scope(*graph);
    symbolic = Scalar(1);
  }
  EagerScope eager;
  EXPECT_THROW(symbolic + symbolic, Error);
  EXPECT_THROW(Value(symbolic), Error);
}

TEST(Eager, KernelErrorsNameTheOp) {
  EagerScope eager;
  const Output matrix = Constant(Tensor::Zeros(DType::kFloat, {2, 3}));
  try {
    ApplyOp("MatMul", {{matrix}, {matrix}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("[Op:MatMul]"), std::string::npos) << error.what();
  }
}

TEST(Eager, ARegionEndsWhatWasMadeInIt) {
  EagerScope eager;
  const Output x = Scalar(1);
  const size_t before = Graph::Current().nodes().size();
  for (int step = 0; step < 100; ++step) {
    EagerScope inner;
    const Output sum = x + x;
    { EagerScope innermost; }
    {
      EagerScope innermost;
      EXPECT_EQ(Number(sum + sum), 4);
    }
    EXPECT_EQ(Number(sum), 2);
  }
  EXPECT_EQ(Graph::Current().nodes().size(), before);
  EXPECT_EQ(Number(x), 1);
}

TEST(GradientTape, DifferentiatesWhatItRecorded) {
  EagerScope eager;
  const Output x = Scalar(3);
  GradientTape tape;
  tape.Watch(x);
  const Output y = x * x;
  EXPECT_EQ(Number(tape.Gradient(y, x).values), 6);
  EXPECT_THROW(tape.Gradient(y, x), Error);  // not persistent
}

TEST(GradientTape, NothingIsGivenForWhatItDidNotWatch) {
  EagerScope eager;
  const Output x = Scalar(3);
  GradientTape tape(true);
  EXPECT_FALSE(tape.Gradient(x * x, x));
  tape.Watch(x);
  EXPECT_EQ(Number(tape.Gradient(x * x, x).values), 6);
  EXPECT_EQ(Number(tape.Gradient(x, x).values), 1);
}

TEST(GradientTape, NestedTapesGiveHigherOrders) {
  EagerScope eager;
  const Output x = Scalar(2);
  GradientTape outer;
  outer.Watch(x);
  Output first;
  {
    GradientTape inner;
    inner.Watch(x);
    first = inner.Gradient(x * x * x, x).values;
  }
  EXPECT_EQ(Number(first), 12);
  EXPECT_EQ(Number(outer.Gradient(first, x).values), 12);
}

TEST(GradientTape, StopRecordingHidesWhatRunsMeanwhile) {
  EagerScope eager;
  const Output x = Scalar(2);
  GradientTape tape;
  tape.Watch(x);
  Output hidden;
  {
    StopRecording stop;
    hidden = x * x;
  }
  const Output y = hidden * x;
  EXPECT_EQ(Number(tape.Gradient(y, x).values), 4);
}

TEST(GradientTape, TrainableVariablesAreWatchedByThemselves) {
  EagerScope eager;
  const auto v = MakeVariable(Tensor::Scalar(5.0f), "v");
  const auto fixed = MakeVariable(Tensor::Scalar(5.0f), "fixed", {.trainable = false});
  GradientTape tape;
  const Output y = v->value * v->value * fixed->value;
  const auto gradients = tape.Gradients({y}, {v->handle, fixed->handle});
  EXPECT_EQ(Number(gradients[0].values), 50);
  EXPECT_FALSE(gradients[1]);
  EXPECT_EQ(tape.watched_variables().size(), 1u);
}

TEST(EagerVariables, AreReadAsTheyAre) {
  EagerScope eager;
  const auto v = MakeVariable(Tensor::Scalar(5.0f), "v");
  ApplyOp("AddV2", {{v->value}, {v->value}});
  Graph::Current().Apply("AssignAddVariableOp", {{v->handle}, {Scalar(2)}});
  EXPECT_EQ(Number(v->value), 7);
}

TEST(EagerVariables, OptimizersTrainThem) {
  EagerScope eager;
  const auto w = MakeVariable(Tensor::Scalar(0.0f), "w");
  const auto adam = AdamOptimizer({.learning_rate = 0.1});
  for (int step = 0; step < 300; ++step) {
    EagerScope inner;
    GradientTape tape;
    const Output error = w->value - 3.0;
    const Gradient gradient = tape.Gradient(error * error, w->handle);
    adam->ApplyGradients({{gradient, w}});
  }
  EXPECT_NEAR(Number(w->value), 3, 0.05);
}

}  // namespace
}  // namespace headrace
