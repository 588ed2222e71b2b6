// Variables and variable scopes: names, sharing and collections as 1.15's get_variable has them.
#include "headrace/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/layers.h"
#include "headrace/session.h"

namespace headrace {
namespace {

std::vector<std::string> NodeNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const auto& node : graph.nodes()) names.push_back(node->name());
  return names;
}

class VariablesTest : public testing::Test {
 protected:
  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  GraphScope scope_{*graph_};
};

TEST_F(VariablesTest, ReferenceVariable_HasTheNodesOf115) {
  GetVariable("v", {2, 3});
  EXPECT_THAT(NodeNames(*graph_),
              testing::ElementsAre("v/Initializer/random_uniform/shape", "v/Initializer/random_uniform/min",
                                   "v/Initializer/random_uniform/max", "v/Initializer/random_uniform/RandomUniform",
                                   "v/Initializer/random_uniform/sub", "v/Initializer/random_uniform/mul",
                                   "v/Initializer/random_uniform", "v", "v/Assign", "v/read"));
}

TEST_F(VariablesTest, ResourceVariable_HasTheNodesOf115) {
  GetVariable("v", {3}, {.initializer = ZerosInitializer(), .use_resource = true});
  EXPECT_THAT(NodeNames(*graph_), testing::ElementsAre("v/Initializer/zeros", "v", "v/IsInitialized/VarIsInitializedOp",
                                                       "v/Assign", "v/Read/ReadVariableOp"));
}

TEST_F(VariablesTest, Scopes_PrefixNames) {
  VariableScope outer("a");
  VariableScope inner("b");
  EXPECT_EQ(GetVariable("v", {1})->name, "a/b/v");
}

TEST_F(VariablesTest, SameNameTwice_IsAnErrorWithoutReuse) {
  GetVariable("v", {1});
  EXPECT_THROW(
      {
        try {
          GetVariable("v", {1});
        } catch (const Error& error) {
          EXPECT_THAT(error.what(), testing::HasSubstr("Variable v already exists, disallowed."));
          throw;
        }
      },
      Error);
}

TEST_F(VariablesTest, Reuse_SharesTheVariableAndChecksItsShape) {
  const auto made = GetVariable("v", {2});
  VariableScope root(VariableScopeState{}, {.reuse = Reuse::kYes});
  EXPECT_EQ(GetVariable("v", {2}), made);
  EXPECT_THROW(GetVariable("v", {3}), Error);
  EXPECT_THROW(GetVariable("w", {2}), Error);
}

TEST_F(VariablesTest, AutoReuse_MakesOnceThenShares) {
  VariableScope scope("a", {.reuse = Reuse::kAuto});
  EXPECT_EQ(GetVariable("v", {2}), GetVariable("v", {2}));
}

TEST_F(VariablesTest, Partitioner_MakesPartZeroSavedUnderTheWholeName) {
  VariableScope scope("dnn", {.partitioner = MinMaxPartitioner(1), .use_resource = true});
  const auto v = GetVariable("kernel", {4, 2});
  EXPECT_EQ(v->name, "dnn/kernel/part_0");
  EXPECT_EQ(v->save_name, "dnn/kernel");
  EXPECT_EQ(ReadVariable(*v).name(), "dnn/kernel:0");
  EXPECT_NE(graph_->FindNode("dnn/kernel/ReadVariableOp"), nullptr);
}

TEST_F(VariablesTest, Collections_HoldTrainableVariablesTwice) {
  GetVariable("a", {1});
  GetVariable("b", {1}, {.trainable = false});
  EXPECT_EQ(graph_->variables().size(), 2u);
  EXPECT_EQ(graph_->variables(keys::kTrainableVariables).size(), 1u);
}

TEST_F(VariablesTest, GlobalStep_IsMadeOnceAtTheRoot) {
  NameScope names("somewhere");
  VariableScope scope("else");
  const auto step = GetOrCreateGlobalStep();
  EXPECT_EQ(step->name, "global_step");
  EXPECT_EQ(step->dtype(), DType::kInt64);
  EXPECT_EQ(GetOrCreateGlobalStep(), step);
}

TEST_F(VariablesTest, UnnamedLayers_AreNumbered) {
  const Output x = ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", PartialShape{-1, 3}}}, "x");
  EXPECT_EQ(Dense(x, 2, {.activation = ActivationOp("Relu")}).name(), "dense/Relu:0");
  EXPECT_EQ(Dense(x, 2).name(), "dense_1/BiasAdd:0");
  EXPECT_NE(graph_->FindNode("dense/kernel"), nullptr);
  EXPECT_NE(graph_->FindNode("dense_1/bias"), nullptr);
}

TEST_F(VariablesTest, Dense_NeedsAKnownLastAxis) {
  const Output x = ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", PartialShape{-1, -1}}}, "x");
  EXPECT_THROW(Dense(x, 2), Error);
}

TEST_F(VariablesTest, Initializer_GivesTheVariableItsValue) {
  const auto v = GetVariable("v", {2}, {.initializer = ConstantInitializer(2.5)});
  Session session(graph_);
  session.Run({}, {}, {GlobalVariablesInitializer()});
  EXPECT_THAT(session.Run({v->value}).at(0).flat<float>(), testing::ElementsAre(2.5f, 2.5f));
}

TEST_F(VariablesTest, InitializersWithSeeds_GiveTensorFlowsNumbers) {
  graph_->seed = 42;
  const auto first = GetVariable("a", {3});
  const auto second = GetVariable("b", {2}, {.initializer = TruncatedNormalInitializer(0, 1, 7)});
  Session session(graph_);
  session.Run({}, {}, {GlobalVariablesInitializer()});
  const auto values = session.Run({first->value, second->value});
  // tf.compat.v1.get_variable in TensorFlow 2.15 with set_random_seed(42).
  EXPECT_THAT(values[0].flat<float>(), testing::ElementsAre(0.670918226f, 0.832594633f, -0.0107009411f));
  EXPECT_THAT(values[1].flat<float>(), testing::ElementsAre(-0.452741563f, -0.300407529f));
}

}  // namespace
}  // namespace headrace
