// Conditionals and loops built from C++: what they give, what runs, what is refused.
#include "headrace/control_flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/operators.h"
#include "headrace/ops.h"
#include "headrace/session.h"

namespace headrace {
namespace {

using Outputs = std::vector<Output>;

class ControlFlowTest : public testing::Test {
 protected:
  ControlFlowTest() : graph_(std::make_shared<Graph>()), scope_(*graph_) {}
  Output Scalar(float value) { return Constant(Tensor::Scalar(value)); }
  Output Int(int32_t value) { return Constant(Tensor::Scalar(value)); }
  Output BoolPlaceholder() {
    return ApplyOp("Placeholder", {}, {{"dtype", DType::kBool}, {"shape", PartialShape(Shape())}});
  }
  Tensor Run(Output fetch, const Feeds& feeds = {}) { return Session(graph_).Run(feeds, {fetch}).at(0); }
  std::string ErrorOf(const std::function<void()>& build) {
    try {
      build();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
};

TEST_F(ControlFlowTest, Cond_GivesTheBranchTaken) {
  const Output p = BoolPlaceholder(), x = Scalar(3);
  const Output y = Cond(
      p, [&] { return Outputs{x * 2.0}; }, [&] { return Outputs{x - 1.0}; })[0];
  EXPECT_EQ(y.name(), "cond/Merge:0");
  EXPECT_EQ(Run(y, {{p, Tensor::Scalar(true)}}).scalar<float>(), 6);
  EXPECT_EQ(Run(y, {{p, Tensor::Scalar(false)}}).scalar<float>(), 2);
}

TEST_F(ControlFlowTest, Cond_RunsOnlyTheBranchTaken) {
  const Output p = BoolPlaceholder(), x = Scalar(3);
  const auto failing = [&] {
    const Output bad = ApplyOp("CheckNumerics", {{x / 0.0}}, {{"message", "not to be run"}});
    return Outputs{bad};
  };
  const Output y = Cond(p, failing, [&] { return Outputs{x}; })[0];
  EXPECT_EQ(Run(y, {{p, Tensor::Scalar(false)}}).scalar<float>(), 3);
  EXPECT_THROW(Run(y, {{p, Tensor::Scalar(true)}}), Error);
}

TEST_F(ControlFlowTest, Cond_OfConstantsNeedsNoInputs) {
  const Output p = BoolPlaceholder();
  const Output y = Cond(
      p, [&] { return Outputs{Scalar(1)}; }, [&] { return Outputs{Scalar(2)}; })[0];
  EXPECT_EQ(Run(y, {{p, Tensor::Scalar(true)}}).scalar<float>(), 1);
  EXPECT_EQ(Run(y, {{p, Tensor::Scalar(false)}}).scalar<float>(), 2);
}

TEST_F(ControlFlowTest, Cond_RefusesBranchesThatDiffer) {
  const Output p = BoolPlaceholder();
  const auto one = [&] { return Outputs{Scalar(1)}; };
  EXPECT_THAT(ErrorOf([&] { Cond(p, one, [&] { return Outputs{Int(1)}; }); }),
              testing::HasSubstr("Outputs of true_fn and false_fn must have the same type"));
  EXPECT_THAT(ErrorOf([&] { Cond(p, one, [&] {
                              return Outputs{Scalar(1), Scalar(2)};
                            }); }),
              testing::HasSubstr("same number of results"));
}

TEST_F(ControlFlowTest, While_RunsAsLongAsTheConditionHolds) {
  const Output limit = ApplyOp("Placeholder", {}, {{"dtype", DType::kInt32}, {"shape", PartialShape(Shape())}});
  const Output step = Scalar(1.5);
  const Outputs last = WhileLoop([&](const Outputs& v) { return Less(v[0], limit); },
                                 [&](const Outputs& v) {
                                   return Outputs{v[0] + 1.0, v[1] + step};
                                 },
                                 {Int(0), Scalar(1)});
  EXPECT_EQ(last[0].name(), "while/Exit:0");
  for (const int32_t n : {0, 1, 5}) {
    EXPECT_EQ(Run(last[1], {{limit, Tensor::Scalar(n)}}).scalar<float>(), 1 + 1.5f * static_cast<float>(n)) << n;
  }
}

TEST_F(ControlFlowTest, While_StopsAtMaximumIterations) {
  const Output last =
      WhileLoop([&](const Outputs&) { return Constant(Tensor::Scalar(true)); },
                [](const Outputs& v) { return Outputs{v[0] * 2.0}; }, {Scalar(1)}, {.maximum_iterations = Int(5)})[0];
  EXPECT_EQ(Run(last).scalar<float>(), 32);
}

TEST_F(ControlFlowTest, While_NestsInWhileAndInCond) {
  const Output p = BoolPlaceholder();
  const auto triangle = [&] {
    const auto outer = [&](const Outputs& v) {
      const Outputs inner = WhileLoop([&](const Outputs& w) { return Less(w[0], v[0]); },
                                      [](const Outputs& w) {
                                        return Outputs{w[0] + 1.0, w[1] + w[0]};
                                      },
                                      {Int(0), v[1]});
      return Outputs{v[0] + 1.0, inner[1]};
    };
    return Outputs{WhileLoop([&](const Outputs& v) { return Less(v[0], Int(5)); }, outer, {Int(0), Int(0)})[1]};
  };
  const Output y = Cond(p, triangle, [&] { return Outputs{Int(-1)}; })[0];
  EXPECT_EQ(Run(y, {{p, Tensor::Scalar(true)}}).scalar<int32_t>(), 0 + 0 + 1 + 3 + 6);
  EXPECT_EQ(Run(y, {{p, Tensor::Scalar(false)}}).scalar<int32_t>(), -1);
}

TEST_F(ControlFlowTest, While_RefusesAShapeThatChanges) {
  const Output x = Constant(Tensor::Vector(std::vector<float>{1}));
  const auto twice = [](const Outputs& v) {
    return Outputs{ApplyOp("ConcatV2", {{v[0], v[0]}, {Constant(Tensor::Scalar<int32_t>(0))}})};
  };
  const auto small = [](const Outputs& v) {
    return Less(ApplyOp("Size", {{v[0]}}), Constant(Tensor::Scalar<int32_t>(5)));
  };
  EXPECT_THAT(ErrorOf([&] { WhileLoop(small, twice, {x}); }), testing::HasSubstr("shape_invariants"));
  const Output y = WhileLoop(small, twice, {x}, {.shape_invariants = {PartialShape{-1}}})[0];
  EXPECT_EQ(Run(y).num_elements(), 8);
  EXPECT_THAT(ErrorOf([&] { WhileLoop(small, twice, {}); }), testing::HasSubstr("No loop variables"));
}

TEST_F(ControlFlowTest, While_IsTheSameUnoptimised) {
  const Outputs last =
      WhileLoop([&](const Outputs& v) { return Less(v[0], Int(7)); },
                [&](const Outputs& v) {
                  const Output odd = Equal(FloorMod(v[0], Int(2)), Int(1));
                  const Output next = Cond(
                      odd, [&] { return Outputs{v[1] * 3.0}; }, [&] { return Outputs{v[1] + 1.0}; })[0];
                  return Outputs{v[0] + 1.0, next};
                },
                {Int(0), Scalar(1)});
  float wanted = 1;
  for (int i = 0; i < 7; ++i) wanted = i % 2 == 1 ? wanted * 3 : wanted + 1;
  for (const bool optimize : {true, false}) {
    Session session(graph_, {.plan = {.optimize = optimize}});
    EXPECT_EQ(session.Run({last[1]}).at(0).scalar<float>(), wanted) << optimize;
  }
}

TEST_F(ControlFlowTest, Cancellation_StopsALoop) {
  const Output forever = WhileLoop([&](const Outputs&) { return Constant(Tensor::Scalar(true)); },
                                   [](const Outputs& v) { return Outputs{v[0] + 1.0}; }, {Scalar(0)})[0];
  Session session(graph_);
  Cancellation cancellation;
  cancellation.Cancel();
  EXPECT_THROW(session.Run({}, {forever}, {}, &cancellation), Error);
}

}  // namespace
}  // namespace headrace
