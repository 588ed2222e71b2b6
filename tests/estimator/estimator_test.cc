// What estimators do around the model: resuming, checkpoints, logs, exports, and what they say about bad input.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <thread>

#include "estimator/number_text.h"
#include "estimator/rides.h"
#include "files/fault_injection.h"
#include "formats/checkpoint.h"
#include "formats/event_file.h"
#include "formats/saved_model.h"

namespace headrace {
namespace {

using testing::HasSubstr;

std::string MessageOf(const std::function<void()>& run) {
  try {
    run();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

std::vector<std::string> Names(const std::string& directory) {
  return FileSystemFor(directory).List(directory);
}

class EstimatorTest : public RidesTest {};

TEST_F(EstimatorTest, Train_StartsSavesAndEndsWithTheFamiliarLines) {
  Model("dnn", Path("m"))->Train(TrainInput(), {.steps = 250});
  for (const char* line : {"Calling model_fn.", "Done calling model_fn.", "Create CheckpointSaverHook.",
                           "Graph was finalized.", "Running local_init_op.", "Done running local_init_op.",
                           "Saving checkpoints for 0 into ", "loss = ", "step = 1", "step = 201 (",
                           "global_step/sec: ", "Saving checkpoints for 250 into ", "Loss for final step: "}) {
    EXPECT_TRUE(Logged(line)) << line;
  }
  EXPECT_THAT(Names(Path("m")), testing::IsSupersetOf({"checkpoint", "graph.pbtxt", "model.ckpt-0.index",
                                                       "model.ckpt-250.data-00000-of-00001", "model.ckpt-250.index",
                                                       "model.ckpt-250.meta"}));
}

TEST_F(EstimatorTest, TrainAgain_ResumesFromTheCheckpoint) {
  const auto recorder = std::make_shared<LossRecorder>(LossTensor("dnn"));
  Model("dnn", Path("m"))->Train(TrainInput(), {.steps = 30});
  Model("dnn", Path("m"))->Train(TrainInput(), {.hooks = {recorder}, .max_steps = 50});
  EXPECT_EQ(recorder->steps.front(), 31);
  EXPECT_EQ(recorder->steps.back(), 50);
  EXPECT_TRUE(Logged("Restoring parameters from " + Path("m/model.ckpt-30")));
  Model("dnn", Path("m"))->Train(TrainInput(), {.max_steps = 50});
  EXPECT_TRUE(Logged("Skipping training since max_steps has already saved."));
}

TEST_F(EstimatorTest, Checkpoints_KeepsTheLastFive) {
  Model("dnn", Path("m"), {.save_checkpoints_steps = 10})->Train(TrainInput(), {.steps = 80});
  const auto state = ReadCheckpointState(Path("m"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->all.size(), 5u);
  EXPECT_EQ(state->latest, Path("m/model.ckpt-80"));
  EXPECT_FALSE(CheckpointExists(Path("m/model.ckpt-30")));
  EXPECT_FALSE(FileExists(Path("m/model.ckpt-30.meta")));
  EXPECT_TRUE(CheckpointExists(Path("m/model.ckpt-40")));
}

TEST_F(EstimatorTest, Evaluate_GivesTheMeansAndWritesThem) {
  const auto model = Model("dnn", Path("m"));
  model->Train(TrainInput(), {.steps = 20});
  const EvalResult result = model->Evaluate(EvalInput());
  EXPECT_EQ(result.at("global_step").AsInt64(), 20);
  EXPECT_GT(result.at("label/mean").AsDouble(), 2.5);
  EXPECT_GT(result.at("loss").AsDouble(), result.at("average_loss").AsDouble());
  EXPECT_TRUE(Logged("Saving dict for global step 20: average_loss = "));
  EXPECT_TRUE(Logged(", global_step = 20, label/mean = "));
  const auto files = ListTree(Path("m/eval"));
  ASSERT_EQ(files.size(), 1u);
  bool found = false;
  for (const EventRecord& event : ReadEvents(files[0])) {
    for (const auto& [tag, value] : event.scalars) {
      if (tag == "average_loss") found = value == static_cast<float>(result.at("average_loss").AsDouble());
    }
  }
  EXPECT_TRUE(found);
}

TEST_F(EstimatorTest, TrainingEvents_HoldLossSummariesAndSpeed) {
  Model("dnn", Path("m"))->Train(TrainInput(), {.steps = 210});
  std::map<std::string, int> tags;
  for (const std::string& file : ListTree(Path("m"))) {
    if (FileNameOf(file).find("tfevents") == std::string::npos) continue;
    for (const EventRecord& event : ReadEvents(file)) {
      for (const auto& [tag, value] : event.scalars) ++tags[tag];
    }
  }
  EXPECT_EQ(tags["loss"], 3);  // at steps 1, 101 and 201
  EXPECT_EQ(tags["average_loss"], 3);
  EXPECT_EQ(tags["global_step/sec"], 2);
  EXPECT_EQ(tags["dnn/dnn/hiddenlayer_0/fraction_of_zero_values"], 3);
}

TEST_F(EstimatorTest, TrainAndEvaluate_EvaluatesAndExportsAtTheEnd) {
  const auto model = Model("dnn", Path("m"));
  const auto result = TrainAndEvaluate(*model, {.input = TrainInput(), .max_steps = 40},
                                       {.input = EvalInput(),
                                        .steps = {},
                                        .exporters = {LatestExporter("exporter", RawServingInput(kRideInputs)),
                                                      FinalExporter("final", RawServingInput(kRideInputs))}});
  ASSERT_TRUE(result.eval);
  EXPECT_EQ(result.eval->at("global_step").AsInt64(), 40);
  ASSERT_EQ(result.export_paths.size(), 2u);
  EXPECT_TRUE(IsSavedModel(result.export_paths[0]));
  EXPECT_THAT(result.export_paths[1], HasSubstr("/export/final/"));
  const MetaGraph exported = ReadSavedModel(result.export_paths[0]);
  ASSERT_EQ(exported.info.signatures.size(), 1u);
  const Signature& predict = exported.info.signatures.at("predict");
  EXPECT_EQ(predict.inputs.size(), 5u);
  EXPECT_EQ(predict.outputs.at("predictions").name, "dnn/logits/BiasAdd:0");
  EXPECT_TRUE(Logged("'regression' : Regression signatures can only accept a single tensor input"));
}

TEST_F(EstimatorTest, BestExporter_ExportsOnlyImprovements) {
  const auto model = Model("dnn", Path("m"));
  model->Train(TrainInput(), {.steps = 2});
  const auto exporter = BestExporter(RawServingInput(kRideInputs));
  const auto result = [](float loss) { return EvalResult{{"loss", Tensor::Scalar(loss)}}; };
  EXPECT_NE(exporter->Export(*model, Path("best"), "", result(3), false), "");
  EXPECT_EQ(exporter->Export(*model, Path("best"), "", result(4), false), "");
  EXPECT_NE(exporter->Export(*model, Path("best"), "", result(2), false), "");
}

TEST_F(EstimatorTest, LatestExporter_RemovesOldExports) {
  const auto model = Model("linear", Path("m"));
  model->Train(TrainInput(), {.steps = 1});
  for (const char* old : {"100", "200", "300"}) MakeDirs(Path(std::string("e/") + old));
  const auto exporter = LatestExporter("e", RawServingInput(kRideInputs), {.exports_to_keep = 2});
  exporter->Export(*model, Path("e"), "", {}, false);
  EXPECT_EQ(Names(Path("e")).size(), 2u);
  EXPECT_TRUE(FileExists(Path("e/300")));
}

TEST_F(EstimatorTest, Predict_GivesOneResultAnExample) {
  const auto model = Model("dnn", Path("m"));
  model->Train(TrainInput(), {.steps = 5});
  auto predictions = model->Predict(EvalInput());
  int64_t count = 0;
  while (const auto example = predictions.Next()) {
    EXPECT_EQ(example->at("predictions").shape(), Shape({1}));
    ++count;
  }
  EXPECT_EQ(count, 1000);
}

TEST_F(EstimatorTest, EvaluateWithoutAModel_UsesInitialValues) {
  const auto model = Model("dnn", Path("m"));
  const EvalResult result = model->Evaluate(EvalInput(), {.steps = 1});
  EXPECT_EQ(result.at("global_step").AsInt64(), 0);
  EXPECT_GT(result.at("loss").AsDouble(), 0);
  EXPECT_THAT(MessageOf([&] { model->ExportSavedModel(Path("e"), RawServingInput(kRideInputs)); }),
              HasSubstr("Couldn't find trained model at " + Path("m")));
}

TEST_F(EstimatorTest, NanLoss_StopsWithTheHooksError) {
  const auto nan_input = [] {
    return Dataset::FromTensors(Constant(Tensor::Scalar(1.0f)))
        .Map([](Output) {
          Features features;
          for (const auto& name : kRideInputs) features.Set(name, Constant(Tensor::Scalar(1.0f)));
          return std::pair(features, Constant(Tensor::Scalar(std::nanf(""))));
        })
        .Repeat()
        .Batch(4);
  };
  EXPECT_THROW(Model("dnn", Path("m"))->Train(nan_input, {.steps = 5}), NanLossDuringTraining);
  EXPECT_TRUE(Logged("Model diverged with loss = NaN."));
  EXPECT_EQ(LatestCheckpoint(Path("m")), Path("m/model.ckpt-0"));
}

TEST_F(EstimatorTest, EmptyInput_WarnsThatNoStepsWereMade) {
  WriteFile(Path("rides.csv"), "");
  Model("dnn", Path("m"))->Train(EvalInput(), {.steps = 5});
  EXPECT_TRUE(Logged("Training with estimator made no steps. Perhaps input is empty or misspecified."));
}

TEST_F(EstimatorTest, InputThatEnds_EndsTraining) {
  const auto recorder = std::make_shared<LossRecorder>(LossTensor("dnn"));
  Model("dnn", Path("m"))->Train(EvalInput(), {.hooks = {recorder}, .steps = 500});
  EXPECT_EQ(recorder->losses.size(), 8u);  // 1000 rides in batches of 128
  EXPECT_EQ(LatestCheckpoint(Path("m")), Path("m/model.ckpt-8"));
}

TEST_F(EstimatorTest, UnknownFeature_IsNamedWithThoseThereAre) {
  DnnRegressor model(
      {.hidden_units = {4}, .feature_columns = {NumericColumn("tip")}, .config = {.model_dir = Path("m")}});
  const std::string message = MessageOf([&] { model.Train(TrainInput(), {.steps = 1}); });
  EXPECT_THAT(message, HasSubstr("tip"));
  EXPECT_THAT(message, HasSubstr("pickuplon"));
}

TEST_F(EstimatorTest, BadNumberInTheInput_NamesTheField) {
  WriteFile(Path("rides.csv"), "7.5,-74,40.7,-73.9,40.8,1,a\n7.5,-74,forty,-73.9,40.8,1,b\n");
  const std::string message = MessageOf([&] { Model("dnn", Path("m"))->Train(TrainInput(), {.steps = 1}); });
  EXPECT_THAT(message, HasSubstr("forty"));
}

TEST_F(EstimatorTest, StepsAndMaxSteps_ExcludeEachOther) {
  const auto model = Model("dnn", Path("m"));
  EXPECT_THROW(model->Train(TrainInput(), {.steps = 1, .max_steps = 1}), Error);
  EXPECT_THROW(model->Train(TrainInput(), {.steps = 0}), Error);
}

TEST_F(EstimatorTest, SecondTrainerInAModelDir_IsRefusedAndHarmsNothing) {
  class TrainMore : public SessionRunHook {
   public:
    explicit TrainMore(std::function<void()> train) : train_(std::move(train)) {}
    void AfterCreateSession(Session&, int64_t) override { message = MessageOf(train_); }
    std::string message;

   private:
    std::function<void()> train_;
  };
  const auto second = std::make_shared<TrainMore>([&] { Model("dnn", Path("m"))->Train(TrainInput(), {.steps = 1}); });
  Model("dnn", Path("m"))->Train(TrainInput(), {.hooks = {second}, .steps = 10});
  EXPECT_THAT(second->message, HasSubstr("another process is training in model_dir " + Path("m")));
  EXPECT_EQ(LatestCheckpoint(Path("m")), Path("m/model.ckpt-10"));
}

TEST_F(EstimatorTest, Interrupt_KeepsACheckpoint) {
  class InterruptAt : public SessionRunHook {
   public:
    void AfterRun(SessionRunContext& context, std::span<const Tensor>) override {
      if (context.global_step() == 7) raise(SIGINT);
    }
  };
  const std::string message = MessageOf(
      [&] { Model("dnn", Path("m"))->Train(TrainInput(), {.hooks = {std::make_shared<InterruptAt>()}, .steps = 99}); });
  EXPECT_THAT(message, HasSubstr("interrupted"));
  EXPECT_EQ(LatestCheckpoint(Path("m")), Path("m/model.ckpt-7"));
  EXPECT_EQ(CheckpointReader(Path("m/model.ckpt-7")).Read("global_step").AsInt64(), 7);
}

TEST_F(EstimatorTest, InterruptPoll_MayThrowItsOwnError) {
  SetInterruptPoll([] { throw std::runtime_error("KeyboardInterrupt"); });
  const std::string message = MessageOf([&] { Model("dnn", Path("m"))->Train(TrainInput(), {.steps = 99}); });
  SetInterruptPoll({});
  EXPECT_EQ(message, "KeyboardInterrupt");
  EXPECT_NE(LatestCheckpoint(Path("m")), "");
}

TEST(NumberText, LooksAsNumPyPrintsIt) {
  EXPECT_EQ(NumberText(108.88323f), "108.88323");
  EXPECT_EQ(NumberText(181290.58f), "181290.58");
  EXPECT_EQ(NumberText(12.0f), "12.0");
  EXPECT_EQ(NumberText(1e-5f), "1e-05");
  EXPECT_EQ(NumberText(std::nanf("")), "nan");
  EXPECT_EQ(NumberText(0.1), "0.1");
}

}  // namespace
}  // namespace headrace
