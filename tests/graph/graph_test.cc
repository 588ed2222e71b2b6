// Building graphs: names, checks, scopes, captures, changes. The ops are declared here; the catalogue stands above.
#include "headrace/graph.h"

#include <gtest/gtest.h>

#include "headrace/op.h"

namespace headrace {
namespace {

void Declare(OpDef def) {
  if (!OpRegistry::Global().FindOrNull(def.name)) OpRegistry::Global().Register(std::move(def));
}

class GraphTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const OpAttr type{.name = "T", .type = "type", .allowed_types = {DType::kFloat, DType::kInt32}};
    Declare({.name = "TestSource",
             .outputs = {{.name = "y", .type_attr = "T"}},
             .attrs = {{.name = "T", .type = "type", .default_value = DType::kFloat}},
             .shape = ScalarShape()});
    Declare({.name = "TestAdd",
             .inputs = {{.name = "x", .type_attr = "T"}, {.name = "y", .type_attr = "T"}},
             .outputs = {{.name = "z", .type_attr = "T"}},
             .attrs = {type},
             .shape = BroadcastOfInputs()});
    Declare({.name = "TestPack",
             .inputs = {{.name = "values", .type_attr = "T", .number_attr = "N"}},
             .outputs = {{.name = "y", .type_attr = "T"}},
             .attrs = {type, {.name = "N", .type = "int", .minimum = 1}}});
  }
  Graph graph_;
  GraphScope scope_{graph_};
};

Output Source(std::string_view name = {}) {
  return ApplyOp("TestSource", {}, {}, name);
}

TEST_F(GraphTest, NamesAreMadeUniqueAs115Does) {
  EXPECT_EQ(Source("x").name(), "x:0");
  EXPECT_EQ(Source("x").name(), "x_1:0");
  EXPECT_EQ(Source("X").name(), "X_2:0");  // names differ in more than case
  EXPECT_EQ(Source().node->name(), "TestSource");
  EXPECT_EQ(Source("y/").node->name(), "y");
}

TEST_F(GraphTest, TensorsAreFoundByName) {
  const Output x = Source("x");
  EXPECT_EQ(graph_.FindOutput("x:0"), x);
  EXPECT_EQ(graph_.FindOutput("x"), x);
  for (const char* name : {"x:1", "x:", "x:-0", "x:-1", "x:0x", "x: 0", "x:99999999999999999999", "y:0", ""}) {
    EXPECT_THROW(graph_.FindOutput(name), Error) << name;
  }
}

// Before memory is taken for them.
TEST_F(GraphTest, NumbersOfInputsBeyondReason_AreRefused) {
  const Output x = Source();
  for (const int64_t number : {int64_t{1} << 40, int64_t{1} << 62}) {
    try {
      graph_.AddNode({.name = "p", .op = "TestPack", .inputs = {x}, .attrs = {{"N", number}, {"T", DType::kFloat}}});
      FAIL() << number;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("must be 0 to 65536"), std::string::npos) << error.what();
    }
  }
}

TEST_F(GraphTest, NameScopesNestAndAreReentered) {
  std::string again;
  {
    NameScope a("a");
    EXPECT_EQ(Source("x").name(), "a/x:0");
    NameScope b("b");
    EXPECT_EQ(Source("x").name(), "a/b/x:0");
    again = b.name();
  }
  {
    NameScope a("a");
    EXPECT_EQ(Source("x").name(), "a_1/x:0");
    NameScope b(again);
    EXPECT_EQ(Source("x").name(), "a/b/x_1:0");
    NameScope root("");
    EXPECT_EQ(Source("x").name(), "x:0");
  }
  EXPECT_EQ(Source("x").name(), "x_1:0");
}

TEST_F(GraphTest, TypesAreInferredAndChecked) {
  const Output x = Source();
  const Output i = ApplyOp("TestSource", {}, {{"T", DType::kInt32}});
  EXPECT_EQ(ApplyOp("TestAdd", {{x}, {x}}).dtype(), DType::kFloat);
  try {
    ApplyOp("TestAdd", {{x}, {i}}, {}, "sum");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("'sum' (op: 'TestAdd')"), std::string::npos) << error.what();
  }
  const Output d = ApplyOp("TestSource", {}, {{"T", DType::kDouble}});
  EXPECT_THROW(ApplyOp("TestAdd", {{d}, {d}}), Error);  // not an allowed type
}

TEST_F(GraphTest, ListsSetTheirLength) {
  const Output x = Source();
  EXPECT_EQ(ApplyOp("TestPack", {{x, x, x}}).node->attr<int64_t>("N"), 3);
  EXPECT_THROW(ApplyOp("TestPack", {{}}), Error);
}

TEST_F(GraphTest, UnknownOpSuggestsTheNearest) {
  try {
    ApplyOp("TestAd", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kNotFound);
    EXPECT_NE(std::string(error.what()).find("TestAdd"), std::string::npos) << error.what();
  }
}

TEST_F(GraphTest, ControlDependenciesReachEveryNodeInside) {
  const Output x = Source();
  {
    ControlDependencies after({x.node});
    EXPECT_EQ(Source().node->control_inputs(), std::vector<Node*>{x.node});
    auto cleared = ControlDependencies::Clear();
    EXPECT_TRUE(Source().node->control_inputs().empty());
  }
  EXPECT_TRUE(Source().node->control_inputs().empty());
}

TEST_F(GraphTest, FindOutputExplainsWhatIsAbsent) {
  Source("x");
  EXPECT_EQ(graph_.FindOutput("x:0").node->name(), "x");
  EXPECT_THROW(graph_.FindOutput("x:1"), Error);
  EXPECT_THROW(graph_.FindOutput("y:0"), Error);
  EXPECT_THROW(graph_.FindOutput("x:zero"), Error);
}

TEST_F(GraphTest, FinalizedGraphRefusesChange) {
  graph_.Finalize();
  EXPECT_THROW(Source(), Error);
}

TEST_F(GraphTest, ExtractedSubgraphIsIndependentAndMapsNodes) {
  const Output x = Source("x");
  const Output y = ApplyOp("TestAdd", {{x}, {x}}, {}, "y");
  ApplyOp("TestAdd", {{y}, {y}}, {}, "needed_by_nobody");
  std::unordered_map<const Node*, Node*> map;
  Graph copy = graph_.ExtractSubgraph({y.node}, &map);
  EXPECT_EQ(copy.nodes().size(), 2u);
  EXPECT_EQ(map.at(y.node)->input(0).node, map.at(x.node));
  copy.ReplaceInput(map.at(y.node), 0, map.at(x.node)->output());
  Graph moved = std::move(copy);
  EXPECT_EQ(moved.FindNode("y")->graph(), &moved);
  EXPECT_EQ(y.node->graph(), &graph_);
}

TEST_F(GraphTest, VersionGrowsWithChangesOfWhatIsThereNotWithNewNodes) {
  const Output x = Source("x");
  const Output y = ApplyOp("TestAdd", {{x}, {x}}, {}, "y");
  const uint64_t version = graph_.version();
  const Output z = Source("z");
  EXPECT_EQ(graph_.version(), version);
  graph_.ReplaceInput(y.node, 0, z);
  EXPECT_GT(graph_.version(), version);
}

TEST_F(GraphTest, TopologicalOrderFindsACycle) {
  const Output x = Source("x");
  const Output a = ApplyOp("TestAdd", {{x}, {x}}, {}, "a");
  const Output b = ApplyOp("TestAdd", {{a}, {x}}, {}, "b");
  EXPECT_EQ(graph_.TopologicalOrder().back(), b.node);
  graph_.ReplaceInput(a.node, 0, b);
  EXPECT_THROW(graph_.TopologicalOrder(), Error);
}

TEST_F(GraphTest, FunctionsCaptureOuterTensorsOnce) {
  if (!OpRegistry::Global().FindOrNull("_Arg")) {
    Declare({.name = "_Arg",
             .outputs = {{.name = "output", .type_attr = "T"}},
             .attrs = {{.name = "T", .type = "type"}, {.name = "index", .type = "int"}}});
  }
  const Output x = Source("x");
  const auto function = TraceFunction("f", {{DType::kFloat, Shape()}}, [&](const std::vector<Output>& args) {
    const Output once = ApplyOp("TestAdd", {{args[0]}, {x}});
    return std::vector<Output>{ApplyOp("TestAdd", {{once}, {x}})};
  });
  EXPECT_EQ(function->args.size(), 2u);
  EXPECT_EQ(function->captures, std::vector<Output>{x});
  EXPECT_EQ(graph_.FindFunction("f"), function);
  Graph other;
  const Output foreign = other.Apply("TestSource", {})->output();
  EXPECT_THROW(ApplyOp("TestAdd", {{x}, {foreign}}), Error);
}

}  // namespace
}  // namespace headrace
