// What a run of Headrace's own Estimator leaves, before real TensorFlow and TensorBoard: the checkpoint, the graph, the
// events, the export.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/oracle.h"
#include "headrace/headrace.h"

namespace headrace {
namespace {

using TrainedModelTest = FormatsTest;

const std::vector<std::string> kInputs = {"pickuplon", "pickuplat", "dropofflat", "dropofflon", "passengers"};

std::string Rides(int rows) {
  std::string lines;
  for (int i = 0; i < rows; ++i) {
    double lon = -74 + 0.01 * (i % 17), lat = 40.7 + 0.01 * (i % 11), distance = 0.01 * (i % 7);
    lines += internal::Concat(2.5 + 150 * distance, ",", lon, ",", lat, ",", lon + distance, ",", lat, ",", 1 + i % 5,
                              ",key", i, "\n");
  }
  return lines;
}

TEST_F(TrainedModelTest, TensorFlowAndTensorBoardReadIt) {
  SKIP_WITHOUT_ORACLE();
  WriteFile(Path("rides.csv"), Rides(640));
  auto rides = [&](Mode mode) {
    const std::vector<CsvColumn> columns = {{"fare_amount", 0.0},  {"pickuplon", -74.0}, {"pickuplat", 40.0},
                                            {"dropofflon", -74.0}, {"dropofflat", 40.7}, {"passengers", 1.0},
                                            {"key", "nokey"}};
    auto dataset = Dataset::TextLines(MatchFiles(Path("rides.csv"))).Map([columns](Output line) {
      Features features = DecodeCsv(line, columns);
      Output fare = features.Pop("fare_amount");
      return std::pair(features, fare);
    });
    if (mode == Mode::kTrain) dataset = dataset.Repeat();
    return dataset.Batch(64);
  };
  DnnRegressor estimator(
      {.hidden_units = {8, 4}, .feature_columns = NumericColumns(kInputs), .config = {.model_dir = Path("model")}});
  TrainAndEvaluate(estimator, {.input = [&] { return rides(Mode::kTrain); }, .max_steps = 60},
                   {.input = [&] { return rides(Mode::kEval); },
                    .steps = {},
                    .exporters = {LatestExporter("exporter", RawServingInput(kInputs))}});
  std::vector<std::string> exports = MatchFiles(Path("model/export/exporter/*"));
  ASSERT_EQ(exports.size(), 1u);
  std::string instances =
      R"([{"pickuplon": -73.9, "pickuplat": 40.7, "dropofflon": -73.8, "dropofflat": 40.75, "passengers": 2},)"
      R"( {"pickuplon": -73.95, "pickuplat": 40.8, "dropofflon": -74, "dropofflat": 40.7, "passengers": 1}])";
  std::string response = LoadedModel(exports[0]).PredictJson("{\"instances\": " + instances + "}");
  WriteFile(Path("expected.json"), "{\"instances\": " + instances + ", " + response.substr(1));
  RunOracle("oracle_run.py", Path("model") + " " + exports[0] + " " + Path("expected.json"), directory_);
}

}  // namespace
}  // namespace headrace
