// Optimizers against TensorFlow's numbers: three steps on a dense and a sparse (gathered) variable.
#include "headrace/optimizers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/losses.h"
#include "headrace/metrics.h"
#include "headrace/session.h"

namespace headrace {
namespace {

struct Case {
  std::string name;
  std::function<std::shared_ptr<Optimizer>()> make;
  std::vector<double> dense, sparse;  // after three steps, by TensorFlow 2.15
};

class OptimizersTest : public testing::TestWithParam<std::tuple<Case, bool>> {};

TEST_P(OptimizersTest, ThreeSteps_GiveTensorFlowsNumbers) {
  const auto& [expected, use_resource] = GetParam();
  const auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  const auto dense = GetVariable("k", {2, 2}, {.initializer = ConstantInitializer(0.5), .use_resource = use_resource});
  const auto sparse =
      GetVariable("e", {4, 2}, {.initializer = ConstantInitializer(-0.25), .use_resource = use_resource});
  const Output x = Constant(Tensor::Of<float>({1, 2}, std::vector<float>{1, 2}));
  const Output ids = Constant(Tensor::Vector(std::vector<int32_t>{1, 1, 2}));
  const auto sum = [](Output y) {
    const Output axes = Constant(Tensor::Vector(std::vector<int32_t>{0, 1}));
    return ApplyOp("Sum", {{ApplyOp("Square", {{y}})}, {axes}});
  };
  const Output product = ApplyOp("MatMul", {{x}, {ReadVariable(*dense)}});
  const Output rows = use_resource
                          ? ApplyOp("ResourceGather", {{sparse->handle}, {ids}}, {{"dtype", DType::kFloat}})
                          : ApplyOp("GatherV2", {{sparse->value}, {ids}, {Constant(Tensor::Scalar(int32_t{0}))}});
  const auto step = GetOrCreateGlobalStep();
  Node* train = expected.make()->Minimize(ApplyOp("AddV2", {{sum(product)}, {sum(rows)}}), step);
  Session session(graph);
  session.Run({}, {}, {GlobalVariablesInitializer()});
  for (int i = 0; i < 3; ++i) session.Run({}, {}, {train});
  const Output k = ReadVariable(*dense), e = ReadVariable(*sparse);
  const auto values = session.Run({k, e, step->value});
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(values[0].AsDouble(i), expected.dense[i], 2e-6) << i;
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(values[1].AsDouble(i), expected.sparse[i], 2e-6) << i;
  EXPECT_EQ(values[2].AsInt64(), 3);
}

INSTANTIATE_TEST_SUITE_P(
    All, OptimizersTest,
    testing::Combine(
        testing::Values(Case{"GradientDescent",
                             [] { return GradientDescentOptimizer(0.01); },
                             {0.41869998, 0.41869998, 0.337400019, 0.337400019},
                             {-0.25, -0.25, -0.221183985, -0.221183985, -0.235298008, -0.235298008, -0.25, -0.25}},
                        Case{"Momentum",
                             [] { return MomentumOptimizer({.learning_rate = 0.01}); },
                             {0.345800012, 0.345800012, 0.191600025, 0.191600025},
                             {-0.25, -0.25, -0.195804, -0.195804, -0.222428009, -0.222428009, -0.25, -0.25}},
                        Case{"Nesterov",
                             [] { return MomentumOptimizer({.learning_rate = 0.01, .use_nesterov = true}); },
                             {0.298196316, 0.298196316, 0.0963926166, 0.0963926166},
                             {-0.25, -0.25, -0.174963459, -0.174963459, -0.211132079, -0.211132079, -0.25, -0.25}},
                        Case{"Adagrad",
                             [] { return AdagradOptimizer({.learning_rate = 0.1}); },
                             {0.291728944, 0.291728944, 0.291066617, 0.291066617},
                             {-0.25, -0.25, -0.0715623647, -0.0715623647, -0.0841164514, -0.0841164514, -0.25, -0.25}},
                        Case{"Adam",
                             [] { return AdamOptimizer({.learning_rate = 0.1}); },
                             {0.204872251, 0.204872251, 0.204872236, 0.204872236},
                             {-0.25, -0.25, 0.030207403, 0.030207403, 0.0302073434, 0.0302073434, -0.25, -0.25}},
                        Case{"Ftrl",
                             [] { return FtrlOptimizer({.learning_rate = 0.1, .l1_regularization_strength = 0.01}); },
                             {0.244848922, 0.244848922, 0.270444542, 0.270444542},
                             {-0.25, -0.25, -0.0318311416, -0.0318311416, -0.0133015206, -0.0133015206, -0.25, -0.25}},
                        Case{"RMSProp",
                             [] { return RmsPropOptimizer({.learning_rate = 0.1, .momentum = 0.5}); },
                             {-0.0418974981, -0.0418974981, -0.179416478, -0.179416478},
                             {-0.25, -0.25, 0.0345567688, 0.0345567688, -0.0651150197, -0.0651150197, -0.25, -0.25}}),
        testing::Bool()),
    [](const auto& info) {
      return std::get<0>(info.param).name + (std::get<1>(info.param) ? "_Resource" : "_Reference");
    });

TEST(Optimizers, Slots_AreNamedAsTensorFlows) {
  const auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  const auto w = GetVariable("w", {2}, {.initializer = ZerosInitializer()});
  AdamOptimizer()->Minimize(ApplyOp("Sum", {{w->value}, {Constant(Tensor::Scalar(int32_t{0}))}}));
  for (const char* name : {"w/Adam", "w/Adam_1", "beta1_power", "beta2_power", "beta1_power/initial_value",
                           "Adam/update_w/ApplyAdam", "Adam/learning_rate", "Adam"}) {
    EXPECT_NE(graph->FindNode(name), nullptr) << name;
  }
}

TEST(Optimizers, LossThatDependsOnNothing_IsAnError) {
  const auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  GetVariable("w", {2});
  EXPECT_THROW(GradientDescentOptimizer(0.1)->Minimize(Constant(Tensor::Scalar(1.0f))), Error);
}

class LossesTest : public testing::Test {
 protected:
  double Value(Output output) { return Session(graph_).Run({output}).at(0).AsDouble(); }
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  GraphScope scope_{*graph_};
  Output labels_ = Constant(Tensor::Of<float>({3, 1}, std::vector<float>{1, 0, 1}));
  Output predictions_ = Constant(Tensor::Of<float>({3, 1}, std::vector<float>{0.5, 0.25, -1}));
  Output weights_ = Constant(Tensor::Of<float>({3, 1}, std::vector<float>{1, 0, 2}));
};

TEST_F(LossesTest, Reductions_GiveTensorFlowsNumbers) {
  const auto loss = [&](Reduction reduction) {
    return Value(MeanSquaredError(labels_, predictions_, {.weights = weights_, .reduction = reduction}));
  };
  EXPECT_NEAR(loss(Reduction::kSum), 8.25, 1e-6);
  EXPECT_NEAR(loss(Reduction::kMean), 2.75, 1e-6);
  EXPECT_NEAR(loss(Reduction::kSumOverBatchSize), 2.75, 1e-6);
  EXPECT_NEAR(loss(Reduction::kSumByNonzeroWeights), 4.125, 1e-6);
}

TEST_F(LossesTest, EachLoss_GivesTensorFlowsNumber) {
  EXPECT_NEAR(Value(AbsoluteDifference(labels_, predictions_)), 0.916666687, 1e-6);
  EXPECT_NEAR(Value(HuberLoss(labels_, predictions_)), 0.552083313, 1e-6);
  EXPECT_NEAR(Value(HingeLoss(labels_, predictions_)), 1.25, 1e-6);
  EXPECT_NEAR(Value(SigmoidCrossEntropy(labels_, predictions_)), 0.871092737, 1e-6);
  EXPECT_NEAR(Value(LogLoss(labels_, ApplyOp("Abs", {{predictions_}}))), 0.326942921, 1e-5);
}

TEST_F(LossesTest, Losses_AreCollected) {
  MeanSquaredError(labels_, predictions_);
  EXPECT_EQ(graph_->collection(keys::kLosses).size(), 1u);
  EXPECT_EQ(TotalLoss().name(), "total_loss:0");
}

TEST_F(LossesTest, Metrics_StreamTheirMeans) {
  const Metric rmse = RootMeanSquaredErrorMetric(labels_, predictions_);
  const Metric auc = AucMetric(labels_, ApplyOp("Sigmoid", {{predictions_}}));
  Session session(graph_);
  session.Run({}, {}, {LocalVariablesInitializer()});
  session.Run({}, {}, {rmse.update.node, auc.update.node});
  session.Run({}, {}, {rmse.update.node, auc.update.node});
  const auto values = session.Run({rmse.value, auc.value});
  EXPECT_NEAR(values[0].AsDouble(), 1.19895792, 1e-6);
  EXPECT_NEAR(values[1].AsDouble(), 0.499999881, 1e-5);
}

}  // namespace
}  // namespace headrace
