// Wide and deep models that real TensorFlow's Estimators trained, checkpointed and exported, predicted by Headrace; and
// Headrace's rewriting of them, predicted by TensorFlow.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "formats/oracle.h"
#include "formats/saved_model.h"
#include "headrace/error.h"
#include "headrace/session.h"
#include "predict/loaded_model.h"

namespace headrace {
namespace {

using Json = nlohmann::json;

void ExpectClose(const Json& ours, const Json& theirs, const std::string& where) {
  if (theirs.is_number()) {
    ASSERT_TRUE(ours.is_number()) << where << ": " << ours;
    const double wanted = theirs, given = ours;
    EXPECT_NEAR(given, wanted, 1e-7 + 1e-5 * std::abs(wanted)) << where;
  } else if (theirs.is_structured()) {
    ASSERT_EQ(ours.size(), theirs.size()) << where << ": " << ours << " against " << theirs;
    const Json ours_flat = ours.flatten(), theirs_flat = theirs.flatten();
    for (const auto& [key, value] : theirs_flat.items()) {
      ASSERT_TRUE(ours_flat.contains(key)) << where << key;
      ExpectClose(ours_flat[key], value, where + key);
    }
  } else {
    EXPECT_EQ(ours, theirs) << where;
  }
}

// A model of each kind (see oracle_wide_deep.py), trained once for all tests of the kind.
class WideDeepModelTest : public testing::TestWithParam<const char*> {
 protected:
  static void TearDownTestSuite() {
    for (const auto& [kind, directory] : directories_) RemoveTree(directory);
    directories_.clear();
  }
  void SetUp() override {
    SKIP_WITHOUT_ORACLE();
    auto& directory = directories_[GetParam()];
    if (!directory.empty()) return;
    char name[] = "/tmp/headrace_wide_deep_XXXXXX";
    directory = mkdtemp(name);
    RunOracle("oracle_wide_deep.py", std::string("train ") + GetParam() + " " + directory, directory);
  }

  static std::string Path(const std::string& name) { return JoinPath(directories_.at(GetParam()), name); }
  static Json ReadJson(const std::string& name) { return Json::parse(ReadFile(Path(name))); }

  // Predictions of the SavedModel in `directory` for the instances of NAME.json are those there.
  static void ExpectTensorFlowsPredictions(const std::string& directory, const std::string& name) {
    Json request = ReadJson(name + ".json");
    const Json expected = std::exchange(request["predictions"], nullptr);
    request.erase("predictions");
    const Json response = Json::parse(LoadedModel(directory).PredictJson(request.dump()));
    ExpectClose(response.at("predictions"), expected, "");
  }

  static std::map<std::string, std::string> directories_;
};
std::map<std::string, std::string> WideDeepModelTest::directories_;

TEST_P(WideDeepModelTest, PredictionsAreTensorFlows) {
  ExpectTensorFlowsPredictions(Path("raw"), "raw");
  ExpectTensorFlowsPredictions(Path("examples"), "examples");
}

// The whole graph that TensorFlow trained with, restored by its own saver. That of the customers' model has the
// conditionals of TensorFlow 1, which are not functions.
class CheckpointGraphTest : public WideDeepModelTest {};
TEST_P(CheckpointGraphTest, ComputesAsInTensorFlow) {
  const std::string latest = LatestCheckpoint(Path("model"));
  const MetaGraph meta = ParseMetaGraph(ReadFile(latest + ".meta"));
  Session session(meta.graph);
  session.Run({{meta.graph->FindOutput(meta.info.saver->filename_tensor), Tensor::Scalar(latest)}}, {},
              {meta.graph->FindNode(meta.info.saver->restore_op)});
  const Json expected = ReadJson("checkpoint.json");
  Feeds feeds;
  for (const auto& [tensor, values] : expected["feeds"].items()) {
    feeds.emplace_back(meta.graph->FindOutput(tensor), Tensor::Vector(values.get<std::vector<float>>()));
  }
  std::vector<Output> fetches = {meta.graph->FindOutput(expected["fetch"].get<std::string>())};
  for (const char* conditional : {"global_step/cond:0", "dnn/zero_fraction/cond:0"}) {
    fetches.push_back(meta.graph->FindOutput(conditional));
  }
  const std::vector<Tensor> results = session.Run(feeds, fetches);
  const Json values = expected["values"];
  for (int64_t row = 0; row < results[0].dim(0); ++row) {
    ExpectClose(results[0].data<float>()[row], values.at(static_cast<size_t>(row)).at(0), std::to_string(row));
  }
  EXPECT_EQ(results[0].num_elements(), static_cast<int64_t>(values.size()));
  EXPECT_EQ(results[1].scalar<int64_t>(), 20);
}

TEST_P(WideDeepModelTest, TensorFlowPredictsFromWhatWeRewrite) {
  for (const char* name : {"raw", "examples"}) {
    const std::string directory = Path(std::string("rewritten_") + name);
    const MetaGraph meta = ReadSavedModel(Path(name), {"serve"}, /*serving_only=*/true);
    SavedModelWriter writer(directory);
    const CheckpointReader variables(SavedModelVariablesPrefix(Path(name)));
    for (const auto& [variable, info] : variables.Variables()) {
      writer.variables().Add(variable, variables.Read(variable));
    }
    for (const AssetInfo& asset : meta.info.assets)
      writer.AddAsset(Path(std::string(name) + "/assets/" + asset.filename));
    writer.AddMetaGraph(*meta.graph, meta.info, {.strip_default_attrs = true});
    writer.Finish();
    ExpectTensorFlowsPredictions(directory, name);
    RunOracle("oracle_wide_deep.py", "check " + directory + " " + Path(std::string(name) + ".json"), Path(""));
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, CheckpointGraphTest, testing::Values("rides"),
                         [](const auto& info) { return std::string(info.param); });
INSTANTIATE_TEST_SUITE_P(Kinds, WideDeepModelTest, testing::Values("rides", "customers"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace headrace
