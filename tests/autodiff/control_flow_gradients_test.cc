// Gradients through conditionals, loops, lists and functions, once and again, against differences or against the same
// computation without control flow.
#include <gtest/gtest.h>

#include <cmath>

#include "headrace/control_flow.h"
#include "headrace/gradients.h"
#include "headrace/operators.h"
#include "headrace/ops.h"
#include "headrace/session.h"

namespace headrace {
namespace {

using Outputs = std::vector<Output>;

class ControlFlowGradientsTest : public testing::Test {
 protected:
  ControlFlowGradientsTest() : graph_(std::make_shared<Graph>()), scope_(*graph_) {}
  Output Scalar(float value) { return Constant(Tensor::Scalar(value)); }
  Output Int(int32_t value) { return Constant(Tensor::Scalar(value)); }
  static Output Derivative(Output y, Output x) { return Gradients({y}, {x}).at(0).values; }
  std::vector<float> Run(const Outputs& fetches, const Feeds& feeds = {}) {
    std::vector<float> values;
    for (const Tensor& t : Session(graph_).Run(feeds, fetches)) values.push_back(t.scalar<float>());
    return values;
  }
  // y -> y * x, n times.
  Output Power(Output x, int n) {
    return WhileLoop([&](const Outputs& v) { return Less(v[0], Int(n)); },
                     [&](const Outputs& v) {
                       return Outputs{v[0] + 1.0, v[1] * x};
                     },
                     {Int(0), Scalar(1)})[1];
  }
  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
};

TEST_F(ControlFlowGradientsTest, Loop_ThreeTimes) {
  const Output x = Scalar(1.5), y = Power(x, 5);
  const Output d1 = Derivative(y, x), d2 = Derivative(d1, x), d3 = Derivative(d2, x);
  const auto values = Run({d1, d2, d3});
  EXPECT_NEAR(values[0], 5 * std::pow(1.5, 4), 1e-3);
  EXPECT_NEAR(values[1], 20 * std::pow(1.5, 3), 1e-3);
  EXPECT_NEAR(values[2], 60 * std::pow(1.5, 2), 1e-3);
}

TEST_F(ControlFlowGradientsTest, Loop_InALoop) {
  const Output x = Scalar(1.1f);
  const auto outer = [&](const Outputs& v) { return Outputs{v[0] + 1.0, v[1] + Power(x, 3) * v[1]}; };
  const Output y = WhileLoop([&](const Outputs& v) { return Less(v[0], Int(2)); }, outer, {Int(0), x})[1];
  const Output d1 = Derivative(y, x), d2 = Derivative(d1, x);
  const auto f = [](double z) { return z * std::pow(1 + z * z * z, 2); };
  const double e = 1e-3;
  const auto values = Run({y, d1, d2});
  EXPECT_NEAR(values[0], f(1.1), 1e-4);
  EXPECT_NEAR(values[1], (f(1.1 + e) - f(1.1 - e)) / (2 * e), 1e-2);
  EXPECT_NEAR(values[2], (f(1.1 + e) - 2 * f(1.1) + f(1.1 - e)) / (e * e), 0.1);
}

TEST_F(ControlFlowGradientsTest, Loop_WithABranchWhoseValuesAreNeeded) {
  const Output x = Scalar(1.2f);
  const auto body = [&](const Outputs& v) {
    const Output odd = Equal(FloorMod(v[0], Int(2)), Int(1));
    const Output next = Cond(
        odd, [&] { return Outputs{Exp(v[1] * x)}; }, [&] { return Outputs{v[1] * v[1] + x}; })[0];
    return Outputs{v[0] + 1.0, next};
  };
  const Output y = WhileLoop([&](const Outputs& v) { return Less(v[0], Int(3)); }, body, {Int(0), Scalar(0.5)})[1];
  const Output d = Derivative(y, x);
  const auto f = [](double z) {
    double v = 0.5;
    for (int i = 0; i < 3; ++i) v = i % 2 == 1 ? std::exp(v * z) : v * v + z;
    return v;
  };
  const double e = 1e-4;
  EXPECT_NEAR(Run({d})[0], (f(1.2 + e) - f(1.2 - e)) / (2 * e), 2e-2 * std::abs(f(1.2)));
}

TEST_F(ControlFlowGradientsTest, StopGradients_KeepTheirOwn) {
  const Output a = Scalar(0), b = a * 2.0;
  GradientOptions options;
  options.stop_gradients = {a, b};
  const auto partial = Gradients({a + b}, {a, b}, options);
  EXPECT_EQ(Run({partial[0].values, partial[1].values}), (std::vector<float>{1, 1}));
  const auto total = Gradients({a + b}, {a, b});
  EXPECT_EQ(Run({total[0].values, total[1].values}), (std::vector<float>{3, 1}));
}

TEST_F(ControlFlowGradientsTest, NamedGradient_TakesThePlaceOfTheOpsOwn) {
  RegisterGradient("TestGradientOfTen", [](Backward& b) { b.Return(b.dy() * 10.0); });
  const Output x = Scalar(2);
  const Output y = ApplyOp("Identity", {{x}}, {{"_gradient_op_type", "TestGradientOfTen"}});
  const Output plain = ApplyOp("Identity", {{x}});
  EXPECT_EQ(Run({Derivative(y, x), Derivative(plain, x)}), (std::vector<float>{10, 1}));
  EXPECT_THROW(RegisterGradient("TestGradientOfTen", [](Backward&) {}), Error);
}

// ---------------------------------------------------------------------------------------------------------- functions

std::shared_ptr<const Function> Cubic() {
  return TraceFunction("cubic", {{DType::kFloat, PartialShape(Shape())}}, [](const Outputs& args) {
    return Outputs{args[0] * args[0] * args[0], args[0] * 2.0};
  });
}

TEST_F(ControlFlowGradientsTest, Call_Twice) {
  const Output x = Scalar(2);
  Node* call = graph_->Apply(
      "PartitionedCall", {{x}},
      {{"f", FunctionRef{Cubic()->name, nullptr}}, {"Tout", std::vector<DType>{DType::kFloat, DType::kFloat}}});
  const Output y = call->output(0) + call->output(1);
  const Output d1 = Derivative(y, x), d2 = Derivative(d1, x);
  EXPECT_EQ(Run({y, d1, d2}), (std::vector<float>{12, 14, 12}));
}

TEST_F(ControlFlowGradientsTest, If_Twice) {
  const Output p = ApplyOp("Placeholder", {}, {{"dtype", DType::kBool}, {"shape", PartialShape(Shape())}});
  const Output x = Scalar(3);
  const std::vector<std::pair<DType, PartialShape>> spec = {{DType::kFloat, PartialShape(Shape())}};
  const auto square = TraceFunction("square", spec, [](const Outputs& a) { return Outputs{a[0] * a[0]}; });
  const auto exponential = TraceFunction("exponential", spec, [](const Outputs& a) { return Outputs{Exp(a[0])}; });
  const Output y = ApplyOp("StatelessIf", {{p}, {x}},
                           {{"then_branch", FunctionRef{square->name, nullptr}},
                            {"else_branch", FunctionRef{exponential->name, nullptr}},
                            {"Tout", std::vector<DType>{DType::kFloat}}});
  const Output d1 = Derivative(y, x), d2 = Derivative(d1, x);
  EXPECT_EQ(Run({y, d1, d2}, {{p, Tensor::Scalar(true)}}), (std::vector<float>{9, 6, 2}));
  const auto values = Run({y, d1, d2}, {{p, Tensor::Scalar(false)}});
  for (const float value : values) EXPECT_NEAR(value, std::exp(3.0), 1e-3);
}

TEST_F(ControlFlowGradientsTest, While_Twice) {
  const Output x = Scalar(1.5);
  const std::vector<std::pair<DType, PartialShape>> specs(3, {DType::kFloat, PartialShape(Shape())});
  const auto condition = TraceFunction(
      "less", specs, [](const Outputs& v) { return Outputs{Less(v[0], Constant(Tensor::Scalar(4.0f)))}; });
  const auto body = TraceFunction("times", specs, [](const Outputs& v) {
    return Outputs{v[0] + 1.0, v[1] * v[2], v[2]};
  });
  Node* loop =
      graph_->Apply("StatelessWhile", {{Scalar(0), Scalar(1), x}},
                    {{"cond", FunctionRef{condition->name, nullptr}}, {"body", FunctionRef{body->name, nullptr}}});
  const Output y = loop->output(1);
  const Output d1 = Derivative(y, x), d2 = Derivative(d1, x);
  const auto values = Run({y, d1, d2});
  EXPECT_NEAR(values[0], std::pow(1.5, 4), 1e-4);
  EXPECT_NEAR(values[1], 4 * std::pow(1.5, 3), 1e-4);
  EXPECT_NEAR(values[2], 12 * std::pow(1.5, 2), 1e-3);
}

TEST_F(ControlFlowGradientsTest, Lists_GiveGradientsToWhatWasPutIn) {
  const Output x = Scalar(3);
  Output list = ApplyOp("EmptyTensorList", {{Int(-1)}, {Int(-1)}},
                        {{"element_dtype", DType::kFloat}, {"shape_type", DType::kInt32}});
  list = ApplyOp("TensorListPushBack", {{list}, {x}});
  list = ApplyOp("TensorListPushBack", {{list}, {x * x}});
  const Output stacked = ApplyOp("TensorListStack", {{list}, {Constant(Tensor::Vector(std::vector<int32_t>{}))}},
                                 {{"element_dtype", DType::kFloat}});
  const Output y = ApplyOp("Sum", {{stacked * stacked}, {Int(0)}});  // x^2 + x^4
  EXPECT_EQ(Run({y, Derivative(y, x)}), (std::vector<float>{90, 6 + 108}));
}

}  // namespace
}  // namespace headrace
