// Graphs to GraphDef and back, over ops of the test's own.
#include "formats/graph_def.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/oracle.h"
#include "formats/saved_model.h"
#include "headrace/error.h"
#include "headrace/op.h"

namespace headrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

OpDef TestOp(const std::string& name, std::vector<OpArg> inputs, std::vector<OpArg> outputs,
             std::vector<OpAttr> attrs) {
  OpDef def;
  def.name = name;
  def.inputs = std::move(inputs);
  def.outputs = std::move(outputs);
  def.attrs = std::move(attrs);
  return def;
}

// A source with every kind of attribute, an op with two output arguments of which one is a list, and a call.
void RegisterTestOps() {
  static const bool kDone = [] {
    OpRegistry& ops = OpRegistry::Global();
    ops.Register(TestOp("TestSource", {}, {{.name = "out", .type_attr = "T"}},
                        {{.name = "T", .type = "type"},
                         {.name = "i", .type = "int", .default_value = AttrValue(3)},
                         {.name = "f", .type = "float", .default_value = AttrValue(0.5f)},
                         {.name = "s", .type = "string", .default_value = AttrValue("")},
                         {.name = "b", .type = "bool", .default_value = AttrValue(false)},
                         {.name = "shape", .type = "shape", .default_value = AttrValue(PartialShape())},
                         {.name = "value", .type = "tensor", .default_value = AttrValue(Tensor::Scalar<float>(0))},
                         {.name = "ints", .type = "list(int)", .default_value = AttrValue(std::vector<int64_t>{})},
                         {.name = "types", .type = "list(type)", .default_value = AttrValue(std::vector<DType>{})}}));
    ops.Register(TestOp("TestSplit", {{.name = "x", .type_attr = "T"}},
                        {{.name = "parts", .type_attr = "T", .number_attr = "N"}, {.name = "rest", .type_attr = "T"}},
                        {{.name = "T", .type = "type"}, {.name = "N", .type = "int"}}));
    ops.Register(TestOp("TestCall", {{.name = "args", .type_list_attr = "Tin"}},
                        {{.name = "results", .type_list_attr = "Tout"}},
                        {{.name = "Tin", .type = "list(type)"},
                         {.name = "Tout", .type = "list(type)"},
                         {.name = "f", .type = "func"}}));
    if (!ops.FindOrNull("_Arg")) {
      ops.Register(TestOp("_Arg", {}, {{.name = "output", .type_attr = "T"}},
                          {{.name = "T", .type = "type"}, {.name = "index", .type = "int"}}));
    }
    return true;
  }();
  (void)kDone;
}

class GraphDefTest : public FormatsTest {
 protected:
  GraphDefTest() { RegisterTestOps(); }
};

TEST_F(GraphDefTest, AttributesInputsAndDevices_ComeBack) {
  Graph graph;
  Tensor value = Tensor::Of<float>({2, 2}, std::vector<float>{1, 2, 3, 4});
  AttrMap attrs = {{"T", DType::kFloat},
                   {"i", int64_t{1} << 40},
                   {"f", -1.25f},
                   {"s", std::string("a\0b", 3)},
                   {"b", true},
                   {"shape", PartialShape({-1, 5})},
                   {"value", value},
                   {"ints", std::vector<int64_t>{}},
                   {"types", std::vector<DType>{DType::kInt64, DType::kString}},
                   {"_class", std::vector<std::string>{"loc:@a"}}};
  Node* a = graph.AddNode({.name = "a", .op = "TestSource", .attrs = attrs, .device = "/job:ps/task:1"});
  Node* split = graph.AddNode(
      {.name = "s/split", .op = "TestSplit", .inputs = {a->output()}, .attrs = {{"T", DType::kFloat}, {"N", 2}}});
  graph.AddNode({.name = "use",
                 .op = "TestSplit",
                 .inputs = {split->output(2)},
                 .control_inputs = {a},
                 .attrs = {{"T", DType::kFloat}, {"N", 1}}});
  for (const Graph& copy : {ParseGraph(SerializeGraph(graph)), ParseGraphText(GraphToText(graph))}) {
    ASSERT_EQ(copy.nodes().size(), 3u);
    const Node* b = copy.FindNode("a");
    EXPECT_EQ(b->device(), "/job:ps/task:1");
    for (const auto& [name, attr] : a->attrs()) EXPECT_TRUE(b->attr(name) == attr) << name;
    EXPECT_EQ(copy.FindNode("use")->input(0).name(), "s/split:2");
    EXPECT_THAT(copy.FindNode("use")->control_inputs(), ElementsAre(b));
  }
  EXPECT_EQ(GraphDefTextToBytes(GraphDefBytesToText(SerializeGraph(graph))), SerializeGraph(graph));
}

TEST_F(GraphDefTest, DefaultAttributes_AreFilledInAndStripped) {
  Graph graph;
  graph.AddNode({.name = "a", .op = "TestSource", .attrs = {{"T", DType::kFloat}, {"i", 4}}});
  std::string text = GraphToText(graph, {.strip_default_attrs = true});
  EXPECT_THAT(text, HasSubstr("key: \"i\""));
  EXPECT_THAT(text, testing::Not(HasSubstr("key: \"f\"")));
  EXPECT_EQ(ParseGraphText(text).FindNode("a")->attr<float>("f"), 0.5f);
}

TEST_F(GraphDefTest, Shapes_AreAddedOnRequestAndDroppedOnReading) {
  Graph graph;
  graph.AddNode({.name = "a", .op = "TestSource", .attrs = {{"T", DType::kFloat}}})
      ->set_output_shape(0, PartialShape({-1, 3}));
  EXPECT_THAT(GraphToText(graph, {.add_shapes = true}), HasSubstr("_output_shapes"));
  EXPECT_FALSE(ParseGraph(SerializeGraph(graph, {.add_shapes = true})).FindNode("a")->has_attr("_output_shapes"));
}

TEST_F(GraphDefTest, NodesOutOfOrder_AreSorted) {
  Graph graph = ParseGraphText(R"(
    node { name: "b" op: "TestSplit" input: "a" attr { key: "T" value { type: DT_FLOAT } } attr { key: "N" value { i: 1 } } }
    node { name: "a" op: "TestSource" attr { key: "T" value { type: DT_FLOAT } } attr { key: "new" value { b: false } } })");
  EXPECT_EQ(graph.FindNode("b")->input(0).name(), "a:0");
}

TEST_F(GraphDefTest, BadGraphs_AreRefusedWithTheReason) {
  auto message = [](const std::string& text) -> std::string {
    try {
      ParseGraphText(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("node { name: \"a\" op: \"NoSuchOp\" } node { name: \"b\" op: \"NorThis\" }"),
              HasSubstr("NoSuchOp, NorThis"));
  EXPECT_THAT(message("node { nonsense: 1 }"), HasSubstr("line 1"));
  std::string split =
      " op: \"TestSplit\" attr { key: \"T\" value { type: DT_FLOAT } } attr { key: \"N\" value { i: 1 } } ";
  EXPECT_THAT(message("node { name: \"a\" input: \"b\"" + split + "}"), HasSubstr("'b'"));
  EXPECT_THAT(message("node { name: \"a\" input: \"b\"" + split + "} node { name: \"b\" input: \"a\"" + split + "}"),
              HasSubstr("cycle"));
  std::string source = "node { name: \"s\" op: \"TestSource\" attr { key: \"T\" value { type: DT_FLOAT } } ";
  EXPECT_THAT(message(source + "attr { key: \"new\" value { b: true } } }"), HasSubstr("new"));
  EXPECT_THAT(message(source + "} node { name: \"a\" input: \"s:7\"" + split + "}"), HasSubstr("s:7"));
  EXPECT_THAT(message(source + "} " + source + "}"), HasSubstr("two nodes"));
  EXPECT_THROW(ParseGraph("\xff\xff\xff"), Error);
}

TEST_F(GraphDefTest, Import_PrefixesReplacesAndPrunes) {
  Graph part;
  Node* a = part.AddNode({.name = "a", .op = "TestSource", .attrs = {{"T", DType::kFloat}}});
  part.AddNode({.name = "b",
                .op = "TestSplit",
                .inputs = {a->output()},
                .attrs = {{"T", DType::kFloat}, {"N", 1}, {"_class", std::vector<std::string>{"loc:@a"}}}});
  part.AddNode({.name = "unneeded", .op = "TestSource", .attrs = {{"T", DType::kFloat}}});
  Graph graph;
  Node* mine = graph.AddNode({.name = "mine", .op = "TestSource", .attrs = {{"T", DType::kFloat}}});
  auto returned = ImportGraphDef(
      graph, SerializeGraph(part),
      {.prefix = "import", .input_map = {{"a:0", mine->output()}}, .return_elements = {"b:1"}, .needed = {"b"}});
  EXPECT_EQ(returned.at(0).name(), "import/b:1");
  EXPECT_EQ(graph.FindNode("import/b")->input(0), mine->output());
  EXPECT_THAT(graph.FindNode("import/b")->attr<std::vector<std::string>>("_class"), ElementsAre("loc:@import/a"));
  EXPECT_EQ(graph.FindNode("import/unneeded"), nullptr);
}

TEST_F(GraphDefTest, Functions_GoWithTheGraph) {
  Graph graph;
  GraphScope scope(graph);
  auto function =
      TraceFunction("double", {{DType::kFloat, PartialShape({-1, 2})}}, [](const std::vector<Output>& args) {
        Node* split = Graph::Current().AddNode(
            {.name = "split", .op = "TestSplit", .inputs = {args[0]}, .attrs = {{"T", DType::kFloat}, {"N", 2}}});
        return std::vector<Output>{split->output(2), split->output(1), args[0]};
      });
  Node* a = graph.AddNode({.name = "a", .op = "TestSource", .attrs = {{"T", DType::kFloat}}});
  graph.AddNode({.name = "call",
                 .op = "TestCall",
                 .inputs = {a->output()},
                 .attrs = {{"Tin", std::vector<DType>{DType::kFloat}},
                           {"Tout", std::vector<DType>(3, DType::kFloat)},
                           {"f", FunctionRef{function->name, nullptr}}}});
  std::string bytes = SerializeGraph(graph);
  Graph copy = ParseGraph(bytes);
  auto read = copy.FindFunction(function->name);
  ASSERT_NE(read, nullptr);
  ASSERT_EQ(read->results.size(), 3u);
  EXPECT_EQ(read->results[0].name(), "split:2");
  EXPECT_EQ(read->results[1].name(), "split:1");
  EXPECT_EQ(read->results[2].node, read->args[0]);
  EXPECT_EQ(read->args[0]->output_shape(0), PartialShape({-1, 2}));
  EXPECT_EQ(SerializeGraph(copy), bytes);
  Graph pruned;
  ImportGraphDef(pruned, bytes, {.needed = {"a"}});
  EXPECT_EQ(pruned.functions().size(), 0u);
}

TEST_F(GraphDefTest, MetaGraph_KeepsCollectionsSignaturesAndSaver) {
  Graph graph;
  Node* handle = graph.AddNode({.name = "v", .op = "TestSource", .attrs = {{"T", DType::kFloat}}});
  Node* read = graph.AddNode({.name = "v/read", .op = "TestSource", .attrs = {{"T", DType::kFloat}}});
  auto variable = std::make_shared<Variable>();
  variable->handle = handle->output();
  variable->value = read->output();
  variable->initializer = read;
  variable->initial_value = read->output();
  variable->name = "v";
  graph.collection(keys::kGlobalVariables).push_back(variable);
  graph.collection(keys::kTrainableVariables).push_back(variable);
  graph.collection(keys::kLosses).push_back(read->output());
  graph.collection("things").push_back(std::string("text"));
  graph.collection(keys::kUpdateOps).push_back(read);
  MetaGraphInfo info;
  info.tags = {"serve"};
  info.signatures["serving_default"] = {
      {{"x", InfoOf(handle->output())}}, {{"y", {"v/read:0", DType::kFloat, PartialShape({-1})}}}, "predict"};
  info.saver = SaverInfo{"save/Const:0", "save/control_dependency:0", "save/restore_all"};
  info.assets = {{"vocabulary:0", "words.txt"}};
  info.init_op = "v/read";
  MetaGraph copy = ParseMetaGraph(SerializeMetaGraph(graph, info));
  auto variables = copy.graph->variables();
  ASSERT_EQ(variables.size(), 1u);
  EXPECT_EQ(variables[0]->name, "v");
  EXPECT_EQ(variables[0]->value.name(), "v/read:0");
  EXPECT_EQ(copy.graph->variables(keys::kTrainableVariables).at(0), variables[0]);
  EXPECT_EQ(std::get<Output>(copy.graph->collection(keys::kLosses).at(0)).name(), "v/read:0");
  EXPECT_EQ(std::get<Node*>(copy.graph->collection(keys::kUpdateOps).at(0))->name(), "v/read");
  EXPECT_EQ(std::get<std::string>(copy.graph->collection("things").at(0)), "text");
  EXPECT_EQ(copy.info.signatures.at("serving_default").outputs.at("y").shape, PartialShape({-1}));
  EXPECT_EQ(copy.info.saver->restore_op, "save/restore_all");
  EXPECT_EQ(copy.info.assets.at(0).filename, "words.txt");
  EXPECT_EQ(copy.info.init_op, "v/read");
  EXPECT_EQ(copy.info.tensorflow_version, "1.15.0");
}

TEST_F(GraphDefTest, SavedModel_HoldsGraphVariablesAndAssets) {
  Graph graph;
  graph.AddNode({.name = "x", .op = "TestSource", .attrs = {{"T", DType::kFloat}}});
  WriteFile(Path("words.txt"), "a\nb\n");
  std::string export_directory = Path("export/1");
  EXPECT_THROW(ReadSavedModel(export_directory), Error);
  {
    SavedModelWriter writer(export_directory);
    writer.variables().Add("v", Tensor::Scalar<float>(4));
    EXPECT_EQ(writer.AddAsset(Path("words.txt")), "words.txt");
    EXPECT_EQ(writer.AddAsset(Path("words.txt")), "words.txt");
    writer.AddMetaGraph(graph, {.tags = {"serve"}});
    EXPECT_FALSE(IsSavedModel(export_directory));
    writer.Finish();
  }
  MetaGraph read = ReadSavedModel(export_directory);
  EXPECT_NE(read.graph->FindNode("x"), nullptr);
  EXPECT_EQ(CheckpointReader(SavedModelVariablesPrefix(export_directory)).Read("v").scalar<float>(), 4);
  EXPECT_EQ(ReadFile(export_directory + "/assets/words.txt"), "a\nb\n");
  EXPECT_THROW(SavedModelWriter again(export_directory), Error);
  try {
    ReadSavedModel(export_directory, {"train"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("{serve}"));
  }
}

}  // namespace
}  // namespace headrace
