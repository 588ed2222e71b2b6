// Each pass on a small graph: what it changes, and what it must leave alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "headrace/op.h"
#include "kernels/fused_program.h"
#include "runtime/passes.h"

namespace headrace {
namespace {

Tensor Floats(const Shape& shape, std::vector<float> values) {
  return Tensor::Of<float>(shape, std::span<const float>(values));
}

Output Placeholder(const PartialShape& shape, const char* name) {
  return ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", shape}}, name);
}

class PassTest : public testing::Test {
 protected:
  PassTest() : scope_(graph_) {}
  int Count(const PlanGraph& plan, std::string_view op) {
    return static_cast<int>(
        std::ranges::count_if(plan.graph.nodes(), [&](const auto& node) { return node->type() == op; }));
  }
  PlanGraph Make(const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                 const std::vector<Node*>& targets = {}) {
    return MakePlanGraph(graph_, feeds, fetches, targets);
  }
  Graph graph_;
  GraphScope scope_;
};

TEST_F(PassTest, Prune_KeepsWhatFetchesAndControlEdgesNeed) {
  const Output x = Constant(Tensor::Scalar(1.0f));
  Node* waited_for = graph_.Apply("Exp", {{x}}, {}, "waited_for");
  Output y;
  {
    const ControlDependencies dependencies({waited_for});
    y = ApplyOp("Neg", {{x}}, {}, "y");
  }
  ApplyOp("Abs", {{x}}, {}, "unused");
  const PlanGraph plan = Make({}, {y});
  EXPECT_TRUE(plan.graph.FindNode("waited_for"));
  EXPECT_FALSE(plan.graph.FindNode("unused"));
  EXPECT_TRUE(graph_.FindNode("unused")) << "the user's graph is never changed";
}

TEST_F(PassTest, Prune_StopsAtWhatIsFed) {
  const Output x = Placeholder({}, "x");
  const Output middle = ApplyOp("Exp", {{x}}, {}, "middle");
  const PlanGraph plan = Make({middle}, {ApplyOp("Neg", {{middle}})});
  EXPECT_FALSE(plan.graph.FindNode("x"));
  EXPECT_FALSE(plan.graph.FindNode("middle"));
}

TEST_F(PassTest, ForwardIdentities_KeepsThoseThatWait) {
  const Output x = Placeholder({}, "x");
  Node* other = graph_.Apply("Exp", {{x}}, {}, "other");
  const Output plain = ApplyOp("Identity", {{x}}, {}, "plain");
  Output waiting;
  {
    const ControlDependencies dependencies({other});
    waiting = ApplyOp("Identity", {{x}}, {}, "waiting");
  }
  const PlanGraph plan = ForwardIdentities(Make({x}, {plain, waiting}), {});
  EXPECT_FALSE(plan.graph.FindNode("plain"));
  EXPECT_TRUE(plan.graph.FindNode("waiting"));
  EXPECT_EQ(plan.fetches[0], plan.feeds[0]);
}

TEST_F(PassTest, FoldConstants_ComputesWhatIsKnownAndNothingElse) {
  const Output two = Constant(Tensor::Scalar(2.0f));
  const Output four = ApplyOp("Mul", {{two}, {two}});
  const Output x = Placeholder({-1, 3}, "x");
  const Output y = ApplyOp("Mul", {{x}, {four}});
  const PlanGraph plan = FoldConstants(Make({x}, {y}), {});
  EXPECT_EQ(Count(plan, "Mul"), 1);
  const Node* folded = plan.fetches[0].node->input(1).node;
  ASSERT_EQ(folded->type(), "Const");
  EXPECT_EQ(folded->attr<Tensor>("value").scalar<float>(), 4.0f);
}

TEST_F(PassTest, FoldConstants_LeavesLargeResultsToTheRun) {
  const Output dims = Constant(Tensor::Vector(std::vector<int32_t>{1000, 1000}));
  const PlanGraph plan = FoldConstants(Make({}, {ApplyOp("Fill", {{dims}, {Constant(Tensor::Scalar(1.0f))}})}), {});
  EXPECT_EQ(Count(plan, "Fill"), 1);
}

TEST_F(PassTest, FoldConstants_KnowsStaticShapes) {
  const Output known = Placeholder({2, 3}, "known"), unknown = Placeholder({-1, 3}, "unknown");
  const PlanGraph plan =
      FoldConstants(Make({known, unknown},
                         {ApplyOp("Shape", {{known}}), ApplyOp("Shape", {{unknown}}), ApplyOp("Rank", {{unknown}})}),
                    {});
  ASSERT_EQ(plan.fetches[0].node->type(), "Const");
  EXPECT_EQ(plan.fetches[0].node->attr<Tensor>("value").AsInt64s(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(plan.fetches[1].node->type(), "Shape");
  EXPECT_EQ(plan.fetches[2].node->type(), "Const");
}

TEST_F(PassTest, MergeCommon_MergesTwinsButNotStatefulOnes) {
  const Output x = Placeholder({2}, "x");
  const Output a = ApplyOp("Mul", {{x}, {Constant(Tensor::Scalar(2.0f))}});
  const Output b = ApplyOp("Mul", {{x}, {Constant(Tensor::Scalar(2.0f))}});
  const Output c = ApplyOp("Mul", {{x}, {Constant(Tensor::Scalar(3.0f))}});
  const auto variable = [] {
    return ApplyOp("VarHandleOp", {}, {{"dtype", DType::kFloat}, {"shape", Shape{2}}, {"shared_name", "v"}});
  };
  const Output read = ApplyOp("ReadVariableOp", {{variable()}}, {{"dtype", DType::kFloat}});
  const Output again = ApplyOp("ReadVariableOp", {{variable()}}, {{"dtype", DType::kFloat}});
  const PlanGraph plan = MergeCommon(Make({x}, {a, b, c, read, again}), {});
  EXPECT_EQ(plan.fetches[0], plan.fetches[1]);
  EXPECT_NE(plan.fetches[0], plan.fetches[2]);
  EXPECT_NE(plan.fetches[3], plan.fetches[4]);
}

TEST_F(PassTest, FuseElementwise_JoinsAChainWithSeveralResults) {
  const Output x = Placeholder({-1, 4}, "x");
  const Output a = ApplyOp("Exp", {{x}});
  const Output b = ApplyOp("Mul", {{a}, {Constant(Tensor::Scalar(2.0f))}});
  const Output c = ApplyOp("Sub", {{b}, {x}});
  const PlanGraph plan = FuseElementwise(Make({x}, {b, c}), {});
  EXPECT_EQ(Count(plan, "_FusedElementwise"), 1);
  EXPECT_EQ(Count(plan, "Exp") + Count(plan, "Mul") + Count(plan, "Sub"), 0);
  EXPECT_EQ(plan.fetches[0].node, plan.fetches[1].node);
}

TEST_F(PassTest, FuseElementwise_NeverMakesACycle) {
  // a -> MatMul -> c and a -> c: joining a and c would make the fused node wait for itself.
  const Output x = Placeholder({4, 4}, "x");
  const Output a = ApplyOp("Exp", {{x}});
  const Output product = ApplyOp("MatMul", {{a}, {a}});
  const Output c = ApplyOp("AddV2", {{product}, {a}});
  const PlanGraph plan = FuseElementwise(Make({x}, {c}), {});
  EXPECT_EQ(Count(plan, "_FusedElementwise"), 0);
  EXPECT_NO_THROW(plan.graph.TopologicalOrder());
}

TEST_F(PassTest, FuseElementwise_RespectsControlEdges) {
  const Output x = Placeholder({4}, "x");
  const Output a = ApplyOp("Exp", {{x}}, {}, "a");
  Output b;
  {
    const ControlDependencies dependencies({graph_.FindNode("x")});
    b = ApplyOp("Neg", {{a}}, {}, "b");
  }
  Node* target = graph_.Apply("Abs", {{a}}, {}, "target");
  const PlanGraph plan = FuseElementwise(Make({}, {b}, {target}), {});
  EXPECT_TRUE(plan.graph.FindNode("b"));
  EXPECT_TRUE(plan.graph.FindNode("target"));
}

TEST_F(PassTest, FuseEpilogues_TakesBiasAndActivation) {
  const Output x = Placeholder({-1, 3}, "x");
  const Output w = Constant(Floats({3, 2}, {1, 2, 3, 4, 5, 6})), bias = Constant(Floats({2}, {1, 2}));
  const Output y = ApplyOp("Relu", {{ApplyOp("BiasAdd", {{ApplyOp("MatMul", {{x}, {w}})}, {bias}})}});
  const PlanGraph plan = FuseEpilogues(FuseElementwise(Lower(Make({x}, {y}), {}), {}), {});
  EXPECT_EQ(Count(plan, "_WithEpilogue"), 1);
  EXPECT_EQ(Count(plan, "MatMul") + Count(plan, "_FusedElementwise"), 0);
}

TEST_F(PassTest, FuseEpilogues_LeavesAProductThatOthersUse) {
  const Output x = Placeholder({-1, 3}, "x");
  const Output product = ApplyOp("MatMul", {{x}, {Constant(Floats({3, 1}, {1, 2, 3}))}});
  const PlanGraph plan = FuseEpilogues(Make({x}, {product, ApplyOp("Relu", {{product}})}), {});
  EXPECT_EQ(Count(plan, "_WithEpilogue"), 0);
}

TEST_F(PassTest, FuseElementwise_TakesComparisonsChoicesAndCasts) {
  const Output x = Placeholder({-1}, "x");
  const Output chosen = ApplyOp(
      "SelectV2", {{ApplyOp("Greater", {{x}, {Constant(Tensor::Scalar(0.5f))}})}, {x}, {ApplyOp("Neg", {{x}})}});
  const Output wide = ApplyOp("Sqrt", {{ApplyOp("Cast", {{chosen}}, {{"DstT", DType::kDouble}})}});
  const PlanGraph plan = FuseElementwise(Make({x}, {wide}), {});
  EXPECT_EQ(Count(plan, "_FusedElementwise"), 1);
  EXPECT_EQ(plan.graph.nodes().size(), 3u) << "the feed, the constant and one node for all";
}

TEST_F(PassTest, Lower_ChoosesAsBroadcastingDoesWhereShapesAgree) {
  const Output x = Placeholder({4, 2}, "x"),
               rows = ApplyOp("Placeholder", {}, {{"dtype", DType::kBool}, {"shape", PartialShape{4}}});
  const Output by_element = ApplyOp("Select", {{ApplyOp("Greater", {{x}, {x}})}, {x}, {x}});
  const Output by_row = ApplyOp("Select", {{rows}, {x}, {x}});
  const PlanGraph plan = Lower(Make({x, rows}, {by_element, by_row}), {});
  EXPECT_EQ(plan.fetches[0].node->type(), "SelectV2");
  EXPECT_EQ(plan.fetches[1].node->type(), "Select");
}

class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }

 private:
  const char* name_;
};

TEST_F(PassTest, RunPasses_LeavesOutWhatIsSwitchedOff) {
  const Output x = Placeholder({-1, 4}, "x");
  const Output y = ApplyOp("Neg", {{ApplyOp("Exp", {{x}})}});
  EXPECT_EQ(Count(RunPasses(Make({x}, {y}), {}), "_FusedElementwise"), 1);
  const Environment off("HEADRACE_DISABLE_PASSES", "fuse_elementwise,merge_common");
  const PlanGraph plan = RunPasses(Make({x}, {y}), {});
  EXPECT_EQ(Count(plan, "Exp"), 1);
  EXPECT_EQ(plan.notes.back().find("fuse_elementwise"), std::string::npos) << "and tells what ran";
  EXPECT_NE(plan.notes.back().find("fold_constants"), std::string::npos);
}

TEST_F(PassTest, RunPasses_RefusesNamesOfNoPass) {
  const Output x = Placeholder({}, "x");
  for (const char* name : {"fuse_everything", "read_variables"}) {
    const Environment off("HEADRACE_DISABLE_PASSES", name);
    EXPECT_THROW(RunPasses(Make({x}, {x}), {}), Error) << name;
  }
}

TEST_F(PassTest, RunPasses_StopsWhenCancelled) {
  const Output x = Placeholder({}, "x");
  Cancellation cancellation;
  cancellation.Cancel();
  EXPECT_THROW(RunPasses(Make({x}, {x}), {}, &cancellation), Error);
}

TEST_F(PassTest, Invariants_NameThePassThatBreaksThem) {
  const Output x = Placeholder({2, 3}, "x");
  const Output y = ApplyOp("Neg", {{x}}, {}, "y");
  const auto broken = [&](auto breaks) -> std::string {
    PlanGraph plan = Make({x}, {y});
    const PlanInvariants invariants(plan);
    EXPECT_NO_THROW(invariants.Check(plan, "nothing"));
    breaks(plan);
    try {
      invariants.Check(plan, "the_pass");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const auto says = [](const std::string& message, const char* what) {
    return message.find("the_pass") != std::string::npos && message.find(what) != std::string::npos;
  };
  EXPECT_TRUE(says(broken([](PlanGraph& plan) { plan.fetches.clear(); }), "fetches"));
  EXPECT_TRUE(says(broken([](PlanGraph& plan) {
                     const Output other =
                         plan.AddNode({.name = "other",
                                       .op = "Const",
                                       .attrs = {{"dtype", DType::kInt32}, {"value", Tensor::Scalar(1)}}})
                             ->output();
                     plan.Replace(plan.fetches[0], other);
                   }),
                   "int32"));
  EXPECT_TRUE(says(broken([](PlanGraph& plan) { plan.fetches[0].node->set_output_shape(0, {2, 4}); }), "[2,4]"));
}

}  // namespace
}  // namespace headrace
