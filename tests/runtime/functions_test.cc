// Library functions, and state that lasts from run to run.
#include "runtime/functions.h"

#include <gtest/gtest.h>

#include "headrace/op.h"

namespace headrace {
namespace {

Tensor Floats(const Shape& shape, std::vector<float> values) {
  return Tensor::Of<float>(shape, std::span<const float>(values));
}

class FunctionsTest : public testing::Test {
 protected:
  FunctionsTest() : graph_(std::make_shared<Graph>()), scope_(*graph_) {}
  Functions Runner() {
    return Functions([this](const std::string& name) { return graph_->FindFunction(name); }, resources_, {});
  }
  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
  ResourceManager resources_;
};

TEST_F(FunctionsTest, CallsAFunctionOfTheLibrary) {
  const auto function =
      TraceFunction("affine", {{DType::kFloat, PartialShape{-1}}}, [](const std::vector<Output>& args) {
        const Output doubled = ApplyOp("AddV2", {{args[0]}, {args[0]}});
        return std::vector<Output>{ApplyOp("AddV2", {{doubled}, {Constant(Tensor::Scalar(1.0f))}}), args[0]};
      });
  auto runner = Runner();
  for (int call = 0; call < 2; ++call) {
    const auto results = runner.Call({function->name, {}}, {Floats({2}, {1, 2})}, nullptr);
    ASSERT_EQ(results.size(), 2u);
    EXPECT_EQ(results[0].data<float>()[1], 5);
    EXPECT_EQ(results[1].data<float>()[1], 2);
  }
}

TEST_F(FunctionsTest, ChecksTheArguments) {
  const auto function =
      TraceFunction("same", {{DType::kFloat, PartialShape{2}}}, [](const std::vector<Output>& args) { return args; });
  auto runner = Runner();
  EXPECT_THROW(runner.Call({function->name, {}}, {}, nullptr), Error);
  EXPECT_THROW(runner.Call({function->name, {}}, {Floats({3}, {1, 2, 3})}, nullptr), Error);
  EXPECT_THROW(runner.Call({"absent", {}}, {}, nullptr), Error);
}

TEST_F(FunctionsTest, ReadsAVariableGivenAsAnArgument) {
  const auto function =
      TraceFunction("read", {{DType::kResource, PartialShape(Shape())}}, [](const std::vector<Output>& args) {
        return std::vector<Output>{ApplyOp("ReadVariableOp", {{args[0]}}, {{"dtype", DType::kFloat}})};
      });
  auto state = std::make_shared<VariableState>("v", DType::kFloat, PartialShape{1});
  state->value = Floats({1}, {7});
  auto runner = Runner();
  EXPECT_EQ(runner.Call({function->name, {}}, {Tensor::Resource(state)}, nullptr)[0].scalar<float>(), 7);
}

TEST_F(FunctionsTest, ErrorsNameTheInnermostOpOnce) {
  const auto function =
      TraceFunction("product", {{DType::kFloat, PartialShape()}}, [](const std::vector<Output>& args) {
        return std::vector<Output>{ApplyOp("MatMul", {{args[0]}, {args[0]}}, {}, "inner_product")};
      });
  auto runner = Runner();
  try {
    runner.Call({function->name, {}}, {Floats({2, 3}, {1, 2, 3, 4, 5, 6})}, nullptr);
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("inner_product"), std::string::npos) << message;
    EXPECT_EQ(message.find("[op '"), message.rfind("[op '")) << message;
  }
}

TEST_F(FunctionsTest, ErrorsNameTheCallersBehindTheOpThatFailed) {
  const std::vector<std::pair<DType, PartialShape>> args = {{DType::kFloat, PartialShape()}};
  const auto product = [](const auto& x) {
    return std::vector<Output>{ApplyOp("MatMul", {{x[0]}, {x[0]}}, {}, "inner_product")};
  };
  TraceFunction("product", args, product);
  const AttrMap attrs = {{"Tout", std::vector<DType>{DType::kFloat}},
                         {"then_branch", FunctionRef{"product"}},
                         {"else_branch", FunctionRef{"product"}}};
  const Output x = Constant(Floats({2}, {1, 2}));
  const Output chosen =
      graph_->Apply("StatelessIf", {{Constant(Tensor::Scalar(true))}, {x}}, attrs, "choice")->output();
  try {
    Session(graph_).Run({chosen});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("[op 'inner_product' (MatMul)] [called by 'choice' (StatelessIf)]"),
              std::string::npos)
        << error.what();
  }
}

TEST_F(FunctionsTest, ARecursionWithoutEndIsAnError) {
  const std::vector<std::pair<DType, PartialShape>> args = {{DType::kFloat, PartialShape()}};
  const AttrMap attrs = {{"Tout", std::vector<DType>{DType::kFloat}},
                         {"then_branch", FunctionRef{"again"}},
                         {"else_branch", FunctionRef{"again"}}};
  TraceFunction("again", args, [&](const auto& x) {
    return std::vector<Output>{
        Graph::Current().Apply("StatelessIf", {{Constant(Tensor::Scalar(true))}, {x[0]}}, attrs)->output()};
  });
  auto runner = Runner();
  try {
    runner.Call({"again", {}}, {Tensor::Scalar(1.0f)}, nullptr);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kResourceExhausted);
    EXPECT_NE(std::string(error.what()).find("recursion"), std::string::npos) << error.what();
  }
}

TEST_F(FunctionsTest, PreparedFunctionsAreKeptByNameAndAttributes) {
  const auto function =
      TraceFunction("same", {{DType::kFloat, PartialShape()}}, [](const std::vector<Output>& args) { return args; });
  auto runner = Runner();
  const auto with = [](int64_t n) { return std::make_shared<const AttrMap>(AttrMap{{"n", n}}); };
  const auto plain = runner.Prepare({function->name, {}});
  EXPECT_EQ(plain, runner.Prepare({function->name, std::make_shared<const AttrMap>()}));
  EXPECT_EQ(runner.Prepare({function->name, with(1)}), runner.Prepare({function->name, with(1)}));
  EXPECT_NE(runner.Prepare({function->name, with(1)}), runner.Prepare({function->name, with(2)}));
}

TEST_F(FunctionsTest, AFrameRunsAgainOnItsOwnResults) {
  const auto function = TraceFunction("step", {{DType::kFloat, PartialShape{2}}}, [](const std::vector<Output>& args) {
    return std::vector<Output>{ApplyOp("Mul", {{args[0]}, {Constant(Tensor::Scalar(2.0f))}})};
  });
  auto runner = Runner();
  const auto prepared = runner.Prepare({function->name, {}});
  const FrameHandle frame = prepared->TakeFrame();
  const Tensor first = Floats({2}, {1, 3});
  std::vector<Tensor> values = {first};
  for (int i = 0; i < 5; ++i) frame->Run(values, values, nullptr);
  EXPECT_EQ(values[0].data<float>()[1], 96);
  EXPECT_EQ(first.data<float>()[1], 3);  // somebody else held it
}

TEST_F(FunctionsTest, ScopesHaveRandomNumbersOfTheirOwn) {
  const auto function = TraceFunction("random", {{DType::kInt32, PartialShape{1}}}, [](const auto& args) {
    return std::vector<Output>{
        ApplyOp("RandomUniform", {{args[0]}}, {{"dtype", DType::kFloat}, {"seed", 1}, {"seed2", 1}})};
  });
  auto runner = Runner();
  const Tensor dims = Tensor::Vector(std::vector<int32_t>{1});
  const auto draw = [&](FunctionRunner& from) {
    return from.Call({function->name, {}}, {dims}, nullptr)[0].template data<float>()[0];
  };
  const auto one = runner.NewScope(), other = runner.NewScope();
  const float first = draw(*one), second = draw(*one);
  EXPECT_NE(first, second);
  EXPECT_EQ(draw(*other), first);
  EXPECT_EQ(draw(*other), second);
}

TEST_F(FunctionsTest, IfCallsTheBranchThatTheConditionSays) {
  const std::vector<std::pair<DType, PartialShape>> args = {{DType::kFloat, PartialShape()}};
  TraceFunction("minus", args, [](const auto& x) { return std::vector<Output>{ApplyOp("Neg", {{x[0]}})}; });
  TraceFunction("same", args, [](const auto& x) { return x; });
  TraceFunction("shape", args, [](const auto& x) { return std::vector<Output>{ApplyOp("Shape", {{x[0]}})}; });
  const Output x = Constant(Floats({2}, {1, 2}));
  const auto chosen = [&](const Tensor& condition, const char* op, const char* then_branch) {
    const AttrMap attrs = {{"Tout", std::vector<DType>{DType::kFloat}},
                           {"then_branch", FunctionRef{then_branch}},
                           {"else_branch", FunctionRef{"same"}}};
    return Session(graph_).Run({graph_->Apply(op, {{Constant(condition)}, {x}}, attrs)->output()})[0].data<float>()[1];
  };
  for (const char* op : {"If", "StatelessIf"}) {
    EXPECT_EQ(chosen(Tensor::Scalar(true), op, "minus"), -2);
    EXPECT_EQ(chosen(Tensor::Scalar(false), op, "minus"), 2);
    EXPECT_EQ(chosen(Tensor::Scalar(0.5f), op, "minus"), -2);
    EXPECT_EQ(chosen(Tensor::Scalar(""), op, "minus"), 2);
    EXPECT_EQ(chosen(Floats({0}, {}), op, "minus"), 2);
    EXPECT_EQ(chosen(Floats({1}, {0}), op, "minus"), -2);
    EXPECT_THROW(chosen(Tensor::Scalar(true), op, "shape"), Error);
    EXPECT_THROW(chosen(Tensor::Scalar(true), op, "absent"), Error);
  }
}

TEST_F(FunctionsTest, ABranchReadsAndWritesTheVariablesOfItsCaller) {
  const std::vector<std::pair<DType, PartialShape>> args = {{DType::kResource, PartialShape(Shape())}};
  const auto read = [](Output handle) { return ApplyOp("ReadVariableOp", {{handle}}, {{"dtype", DType::kFloat}}); };
  TraceFunction("add", args, [&](const auto& x) {
    Node* add = Graph::Current().Apply("AssignAddVariableOp", {{x[0]}, {Constant(Floats({1}, {10}))}});
    ControlDependencies after({add});
    return std::vector<Output>{read(x[0])};
  });
  TraceFunction("read", args, [&](const auto& x) { return std::vector<Output>{read(x[0])}; });
  const Output handle = ApplyOp("VarHandleOp", {}, {{"dtype", DType::kFloat}, {"shape", Shape{1}}});
  Node* assign = graph_->Apply("AssignVariableOp", {{handle}, {Constant(Floats({1}, {1}))}});
  const Output condition = ApplyOp("Placeholder", {}, {{"dtype", DType::kBool}, {"shape", Shape()}});
  const Output chosen = graph_
                            ->Apply("If", {{condition}, {handle}},
                                    {{"Tout", std::vector<DType>{DType::kFloat}},
                                     {"then_branch", FunctionRef{"add"}},
                                     {"else_branch", FunctionRef{"read"}}})
                            ->output();
  Session session(graph_);
  session.Run({}, {}, {assign});
  const auto run = [&](bool value) { return session.Run({{condition, Tensor::Scalar(value)}}, {chosen})[0]; };
  EXPECT_EQ(run(true).scalar<float>(), 11);
  EXPECT_EQ(run(true).scalar<float>(), 21);
  EXPECT_EQ(run(false).scalar<float>(), 21);
}

TEST_F(FunctionsTest, AnOptionalKeepsItsComponents) {
  const Output x = Constant(Floats({2}, {1, 2})), word = Constant(Tensor::Scalar("word"));
  const Output some = ApplyOp("OptionalFromValue", {{x, word}}), none = ApplyOp("OptionalNone", {});
  const auto has = [](Output optional) { return ApplyOp("OptionalHasValue", {{optional}}); };
  const auto get = [&](Output optional, std::vector<DType> dtypes, std::vector<PartialShape> shapes) {
    return graph_->Apply("OptionalGetValue", {{optional}}, {{"output_types", dtypes}, {"output_shapes", shapes}})
        ->outputs();
  };
  Session session(graph_);
  const auto given = session.Run({has(some), has(none)});
  EXPECT_TRUE(given[0].scalar<bool>());
  EXPECT_FALSE(given[1].scalar<bool>());
  const std::vector<DType> dtypes = {DType::kFloat, DType::kString};
  const auto components = session.Run(get(some, dtypes, {PartialShape{2}, PartialShape()}));
  EXPECT_EQ(components[0].data<float>()[1], 2);
  EXPECT_EQ(components[1].string(), "word");
  EXPECT_THROW(session.Run(get(none, dtypes, {PartialShape{2}, PartialShape()})), Error);
  EXPECT_THROW(session.Run(get(some, dtypes, {PartialShape{3}, PartialShape()})), Error);
  EXPECT_THROW(session.Run(get(some, {DType::kFloat}, {PartialShape{2}})), Error);
  EXPECT_THROW(session.Run({has(ApplyOp("RangeDataset",
                                        {{Constant(Tensor::Scalar<int64_t>(0))},
                                         {Constant(Tensor::Scalar<int64_t>(1))},
                                         {Constant(Tensor::Scalar<int64_t>(1))}},
                                        {{"output_types", std::vector<DType>{DType::kInt64}},
                                         {"output_shapes", std::vector<PartialShape>{Shape()}}}))}),
               Error);
}

TEST_F(FunctionsTest, RandomNumbersGoOnFromPlanToPlan) {
  const Output dims = Constant(Tensor::Vector(std::vector<int32_t>{4}));
  const Output random = ApplyOp("RandomUniform", {{dims}}, {{"dtype", DType::kFloat}, {"seed", 1}, {"seed2", 2}});
  const Output other = ApplyOp("Neg", {{random}});
  Session one_plan(graph_), two_plans(graph_);
  one_plan.Run({random});
  two_plans.Run({other});  // draws the same numbers, by another plan
  const Tensor expected = one_plan.Run({random})[0], actual = two_plans.Run({random})[0];
  for (int i = 0; i < 4; ++i) EXPECT_EQ(actual.data<float>()[i], expected.data<float>()[i]);
}

TEST_F(FunctionsTest, NodesOfOneNameInTwoFunctionsAreApart) {
  const auto random = [](const char* name, int seed) {
    return TraceFunction(name, {{DType::kInt32, PartialShape{1}}}, [seed](const std::vector<Output>& args) {
      return std::vector<Output>{
          ApplyOp("RandomUniform", {{args[0]}}, {{"dtype", DType::kFloat}, {"seed", seed}, {"seed2", 1}}, "random")};
    });
  };
  const auto first = random("first", 1), second = random("second", 2);
  auto runner = Runner();
  const Tensor dims = Tensor::Vector(std::vector<int32_t>{4});
  EXPECT_NE(runner.Call({first->name, {}}, {dims}, nullptr)[0].data<float>()[0],
            runner.Call({second->name, {}}, {dims}, nullptr)[0].data<float>()[0]);
}

TEST_F(FunctionsTest, AResourceVariableIsReadBeforeItIsWritten) {
  const Output handle =
      ApplyOp("VarHandleOp", {}, {{"dtype", DType::kFloat}, {"shape", Shape{2}}, {"shared_name", "r"}});
  const Output read = ApplyOp("ReadVariableOp", {{handle}}, {{"dtype", DType::kFloat}});
  Node* assign = graph_->Apply("AssignVariableOp", {{handle}, {Constant(Floats({2}, {1, 2}))}});
  Node* add = graph_->Apply("AssignAddVariableOp", {{handle}, {ApplyOp("Mul", {{read}, {read}})}});
  Session session(graph_);
  session.Run({}, {}, {assign});
  session.Run({}, {}, {add});
  const Tensor before = session.Run({}, {read}, {add})[0];
  EXPECT_EQ(before.data<float>()[1], 6);  // 2, 2 + 4
  session.Run({}, {}, {add});
  EXPECT_EQ(session.Run({read})[0].data<float>()[0], 42);  // 1, 2, 6, 42
}

TEST_F(FunctionsTest, APlanExplainsItself) {
  const Output x = ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", PartialShape{-1}}}, "x");
  const Output y = ApplyOp("Exp", {{ApplyOp("Neg", {{x}}, {}, "minus")}}, {}, "result");
  KernelCache kernels;
  auto runner = Runner();
  const auto plan = Compile(*graph_, {x}, {y}, {}, {}, kernels, {resources_, runner});
  const std::string text = ExplainPlan(*plan);
  EXPECT_NE(text.find("fused elementwise: t0 = 'minus' (Neg)(in0); t1 = 'result' (Exp)(t0) -> out0"), std::string::npos)
      << text;
  EXPECT_NE(text.find("plan of 1 steps"), std::string::npos) << text;
}

}  // namespace
}  // namespace headrace
