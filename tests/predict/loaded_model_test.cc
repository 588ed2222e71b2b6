// A model that real TensorFlow's Estimator trained and exported, predicted by Headrace; and Headrace's rewriting of it,
// predicted by TensorFlow.
#include "predict/loaded_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <thread>

#include "formats/oracle.h"
#include "formats/saved_model.h"
#include "headrace/error.h"

namespace headrace {
namespace {

using testing::HasSubstr;

// Trained once for all tests of this file.
class TaxiModelTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!HasOracle()) return;
    char name[] = "/tmp/headrace_taxi_XXXXXX";
    directory_ = new std::string(mkdtemp(name));
    RunOracle("oracle_taxi.py", "train " + *directory_, *directory_);
    expected_ = new std::string(ReadFile(*directory_ + "/expected.json"));
  }
  static void TearDownTestSuite() {
    if (directory_) RemoveTree(*directory_);
    delete directory_;
    delete expected_;
    directory_ = expected_ = nullptr;
  }
  void SetUp() override {
    if (!HasOracle()) GTEST_SKIP() << "HEADRACE_ORACLE_PYTHON names no interpreter with TensorFlow";
    ASSERT_NE(expected_, nullptr);
  }

  static std::string Path(const std::string& name) { return JoinPath(*directory_, name); }

  // The numbers of "predictions", whose items are [number] or {"predictions": [number]}.
  static std::vector<double> Numbers(const std::string& json) {
    std::vector<double> numbers;
    const auto response = nlohmann::json::parse(json);
    for (const auto& item : response["predictions"]) {
      numbers.push_back((item.is_object() ? item["predictions"] : item)[0]);
    }
    return numbers;
  }

  static void ExpectTensorFlowsPredictions(const std::string& json) {
    std::vector<double> ours = Numbers(json), theirs = Numbers(*expected_);
    ASSERT_EQ(ours.size(), theirs.size());
    for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i], theirs[i], 1e-5 * std::abs(theirs[i])) << i;
  }

  static std::string* directory_;
  static std::string* expected_;
};
std::string* TaxiModelTest::directory_ = nullptr;
std::string* TaxiModelTest::expected_ = nullptr;

std::string InstancesOf(const std::string& expected) {
  return nlohmann::json{{"instances", nlohmann::json::parse(expected)["instances"]}}.dump();
}

TEST_F(TaxiModelTest, PredictionsAreTensorFlows) {
  LoadedModel model(Path("export"));
  ExpectTensorFlowsPredictions(model.PredictJson(InstancesOf(*expected_)));
}

TEST_F(TaxiModelTest, LocalPrediction_TakesLines) {
  std::string lines;
  const auto expected = nlohmann::json::parse(*expected_);
  for (const auto& instance : expected["instances"]) lines += instance.dump() + "\n";
  ExpectTensorFlowsPredictions(PredictLocally(Path("export"), lines));
}

TEST_F(TaxiModelTest, WrongInstances_AreInvalidArguments) {
  LoadedModel model(Path("export"));
  auto message = [&](const std::string& request) -> std::string {
    try {
      return model.PredictJson(request);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return error.what();
    }
  };
  EXPECT_THAT(message(R"({"instances": [{"pickuplon": -73.9}]})"),
              HasSubstr("the model takes dropofflat, dropofflon, passengers, pickuplat, pickuplon"));
  EXPECT_THAT(message(R"({"instances": [1], "signature_name": "other"})"), HasSubstr("it has predict"));
  EXPECT_THROW(LoadedModel(Path("model")), Error);
}

TEST_F(TaxiModelTest, Tensors_GoInByName) {
  LoadedModel model(Path("export"));
  std::map<std::string, Tensor> inputs;
  for (const auto& [name, info] : model.signature().inputs) inputs[name] = Tensor::Zeros(DType::kFloat, {3});
  EXPECT_EQ(model.Predict(inputs).at("predictions").shape(), Shape({3, 1}));
  inputs["passengers"] = Tensor::Zeros(DType::kInt64, {3});
  EXPECT_THROW(model.Predict(inputs), Error);
}

TEST_F(TaxiModelTest, ManyThreads_GetTheSamePredictions) {
  LoadedModel model(Path("export"));
  std::string request = InstancesOf(*expected_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) ExpectTensorFlowsPredictions(model.PredictJson(request));
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST_F(TaxiModelTest, TensorFlowPredictsFromWhatWeRewrite) {
  std::string directory = Path("rewritten");
  MetaGraph meta = ReadSavedModel(Path("export"), {"serve"}, /*serving_only=*/true);
  {
    SavedModelWriter writer(directory);
    CheckpointReader variables(SavedModelVariablesPrefix(Path("export")));
    for (const auto& [name, info] : variables.Variables()) writer.variables().Add(name, variables.Read(name));
    writer.AddMetaGraph(*meta.graph, meta.info, {.strip_default_attrs = true});
    writer.Finish();
  }
  ExpectTensorFlowsPredictions(LoadedModel(directory).PredictJson(InstancesOf(*expected_)));
  RunOracle("oracle_taxi.py", "check " + directory + " " + Path("expected.json"), *directory_);
}

TEST_F(TaxiModelTest, TheEstimatorsCheckpointIsRead) {
  std::string latest = LatestCheckpoint(Path("model"));
  EXPECT_EQ(latest, Path("model/model.ckpt-200"));
  CheckpointReader reader(latest);
  EXPECT_EQ(reader.Read("global_step").scalar<int64_t>(), 200);
  EXPECT_EQ(reader.Variables().at("dnn/hiddenlayer_0/kernel").shape, Shape({5, 32}));
  EXPECT_TRUE(reader.Has("dnn/logits/bias/t_0/Adagrad") || reader.Has("dnn/logits/bias/Adagrad"));
}

}  // namespace
}  // namespace headrace
