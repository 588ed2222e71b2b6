// The canned models against real TensorFlow: from its initial checkpoint the same losses, the same variables, and
// checkpoints and exports that go both ways.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "estimator/rides.h"
#include "formats/checkpoint.h"

namespace headrace {
namespace {

constexpr int kSteps = 100;

std::vector<double> ReadNumbers(const std::string& path) {
  std::istringstream text(ReadFile(path));
  std::vector<double> numbers;
  for (double number; text >> number;) numbers.push_back(number);
  return numbers;
}

class LearningTest : public RidesTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    if (!std::getenv("HEADRACE_ORACLE_PYTHON")) {
      GTEST_SKIP() << "HEADRACE_ORACLE_PYTHON names no interpreter with TensorFlow";
    }
  }
  std::string Oracle(const std::string& arguments) {
    const std::string out = Path("oracle.out");
    const std::string command = std::string(std::getenv("HEADRACE_ORACLE_PYTHON")) +
                                " " HEADRACE_TESTS_DIR "/estimator/oracle_rides.py " + arguments + " >" + out + " 2>" +
                                Path("oracle.err");
    EXPECT_EQ(std::system(command.c_str()), 0) << ReadFile(Path("oracle.err"));
    return out;
  }
  void CopyInitialCheckpoint(const std::string& from, const std::string& to) {
    MakeDirs(to);
    for (const char* suffix : {".index", ".data-00000-of-00001"}) {
      CopyFile(from + "/model.ckpt-0" + suffix, to + "/model.ckpt-0" + suffix);
    }
    WriteCheckpointState(to, {.latest = to + "/model.ckpt-0", .all = {to + "/model.ckpt-0"}});
  }
  static void ExpectClose(const std::vector<double>& ours, const std::vector<double>& theirs) {
    ASSERT_EQ(ours.size(), theirs.size());
    for (size_t i = 0; i < ours.size(); ++i) {
      EXPECT_NEAR(ours[i] / theirs[i], 1, 1e-4) << "step " << i << ": " << ours[i] << " against " << theirs[i];
    }
  }
};

TEST_P(LearningTest, FromTensorFlowsCheckpoint_LossesAgree) {
  const std::string kind = GetParam();
  Oracle(kind + " " + directory_ + " " + std::to_string(kSteps));
  const std::string theirs = Path("tf"), ours = Path("ours");
  CopyInitialCheckpoint(theirs, ours);

  const auto model = Model(kind, ours);
  const auto recorder = std::make_shared<LossRecorder>(LossTensor(kind));
  model->Train(TrainInput(kind), {.hooks = {recorder}, .steps = kSteps});
  ExpectClose(recorder->losses, ReadNumbers(theirs + "/losses.txt"));

  // The same names and shapes of all variables, slots included.
  const CheckpointReader a(ours + "/model.ckpt-100"), b(theirs + "/model.ckpt-100");
  std::vector<std::string> names_a, names_b;
  for (const auto& [name, info] : a.Variables()) names_a.push_back(name + info.shape.ToString());
  for (const auto& [name, info] : b.Variables()) names_b.push_back(name + info.shape.ToString());
  EXPECT_EQ(names_a, names_b);
}

TEST_P(LearningTest, InitialVariables_AreTensorFlows) {
  const std::string kind = GetParam();
  Oracle(kind + " " + directory_ + " 1");
  const auto model = Model(kind, Path("ours"));
  model->Train(TrainInput(kind), {.steps = 1});
  const CheckpointReader ours(Path("ours/model.ckpt-0")), theirs(Path("tf/model.ckpt-0"));
  for (const auto& [name, info] : theirs.Variables()) {
    const Tensor a = ours.Read(name), b = theirs.Read(name);
    ASSERT_EQ(a.shape(), b.shape()) << name;
    for (int64_t i = 0; i < a.num_elements(); ++i) ASSERT_FLOAT_EQ(a.AsDouble(i), b.AsDouble(i)) << name << " " << i;
  }
}

TEST_P(LearningTest, TensorFlow_ResumesFromOurCheckpointAndPredictsFromOurExport) {
  const std::string kind = GetParam();
  const auto model = Model(kind, Path("ours"));
  model->Train(TrainInput(kind), {.steps = 20});
  const std::string exported = model->ExportSavedModel(Path("exports"), RawServingInput(kRideInputs));
  const std::vector<double> theirs = ReadNumbers(Oracle("predict " + exported));

  const std::vector<std::vector<float>> columns = {
      {-73.98, -73.79, -74.0}, {40.75, 40.65, 40.71}, {-73.95, -73.98, -73.99}, {40.78, 40.76, 40.73}, {1, 2, 5}};
  auto predictions = model->Predict([&] {
    Features rides;
    for (size_t i = 0; i < columns.size(); ++i) rides.Set(kRideInputs[i], Constant(Tensor::Vector(columns[i])));
    return Input(Dataset::FromTensors(rides));
  });
  std::vector<double> ours;
  while (const auto example = predictions.Next())
    ours.push_back(example->at(Classes(kind) > 0 ? "probabilities" : "predictions").AsDouble());
  ASSERT_EQ(ours.size(), theirs.size());
  for (size_t i = 0; i < ours.size(); ++i) EXPECT_NEAR(ours[i] / theirs[i], 1, 1e-5) << i;

  // TensorFlow goes on from our checkpoint; so do we, in a copy; the losses agree.
  RunConfig config;
  MakeDirs(Path("copy"));
  for (const std::string& file : ListTree(Path("ours"))) {
    if (FileNameOf(file).starts_with("model.ckpt-20.")) CopyFile(file, Path("copy/" + FileNameOf(file)));
  }
  WriteCheckpointState(Path("copy"), {.latest = Path("copy/model.ckpt-20"), .all = {Path("copy/model.ckpt-20")}});
  Oracle("resume " + kind + " " + directory_ + " 20");
  const auto recorder = std::make_shared<LossRecorder>(LossTensor(kind));
  Model(kind, Path("copy"))->Train(TrainInput(kind), {.hooks = {recorder}, .steps = 20});
  ExpectClose(recorder->losses, ReadNumbers(Path("ours/losses.txt")));
}

INSTANTIATE_TEST_SUITE_P(Models, LearningTest, testing::Values("dnn", "linear", "combined", "binary", "classes"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace headrace
