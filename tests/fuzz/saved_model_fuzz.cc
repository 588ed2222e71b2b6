// SavedModel directories: the model's graph, whole and as far as it serves, and its variables. Nothing is run.
#include "formats/saved_model.h"

#include "fuzz.h"
#include "headrace/file_system.h"
#include "headrace/graph.h"

namespace headrace::fuzz {

std::vector<std::string> Seeds() {
  Graph graph;
  const GraphScope scope(graph);
  const Output x = ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", PartialShape({-1, 2})}}, "x");
  const Output y = ApplyOp("MatMul", {{x}, {Constant(Tensor::Zeros(DType::kFloat, {2, 1}), "w")}}, {}, "y");
  MetaGraphInfo info{.tags = {"serve"}};
  info.signatures["serving_default"] = {{{"x", InfoOf(x)}}, {{"y", InfoOf(y)}}, "tensorflow/serving/predict"};
  info.saver = SaverInfo{"x:0", "y:0", "y"};
  info.assets = {{"x:0", "words.txt"}};
  info.init_op = "y";
  graph.collection("losses").emplace_back(y);
  const std::string directory = JoinPath(std::getenv("HEADRACE_FUZZ_SEEDS"), "model");
  SavedModelWriter writer(directory);
  writer.AddMetaGraph(graph, info);
  writer.Finish();
  const std::string model = ReadFile(JoinPath(directory, "saved_model.pb"));
  RemoveTree(directory);
  return {model};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  fuzz::SetFile("model/saved_model.pb", fuzz::View(data, size));
  fuzz::Succeeds([] { ReadSavedModel("fuzz://model"); });
  fuzz::Succeeds([] { ReadSavedModel("fuzz://model", {"serve"}, /*serving_only=*/true); });
  fuzz::Succeeds([&] { ParseMetaGraph(fuzz::View(data, size)); });
  return 0;
}
