// A fare, from where and when one is picked up and dropped off: a deep network over five numbers.
#include "model.h"

#include <headrace/headrace.h>

namespace {

// The CSV columns, and the value of each in case it is missing.
const std::vector<hr::CsvColumn> kColumns = {{"fare_amount", 0.0},  {"pickuplon", -74.0}, {"pickuplat", 40.0},
                                             {"dropofflon", -74.0}, {"dropofflat", 40.7}, {"passengers", 1.0},
                                             {"key", "nokey"}};
const char* const kLabel = "fare_amount";
const std::vector<std::string> kInputs = {"pickuplon", "pickuplat", "dropofflon", "dropofflat", "passengers"};
const double kCentre[] = {-73.97, 40.75, -73.97, 40.75, 1.5}, kSpread[] = {0.04, 0.03, 0.04, 0.03, 1.3};

// Rides from the files that match a pattern: shuffled and repeated to train on, once over to evaluate.
hr::Dataset TaxiRides(const std::string& pattern, hr::Mode mode, int64_t batch_size) {
  auto rides = hr::Dataset::TextLines(hr::MatchFiles(pattern)).Map([](hr::Output line) {
    hr::Features features = hr::DecodeCsv(line, kColumns);
    hr::Output fare = features.Pop(kLabel);
    return std::pair(features, fare);
  });
  if (mode == hr::Mode::kTrain) rides = rides.Shuffle(10 * batch_size).Repeat();
  return rides.Batch(batch_size);
}

// Columns whose values lie around zero: degrees as they are would leave the network blind to streets.
hr::FeatureColumns ScaledInputs() {
  hr::FeatureColumns columns;
  for (size_t i = 0; i < kInputs.size(); ++i) {
    const auto scale = [i](hr::Output x) { return (x - kCentre[i]) / kSpread[i]; };
    columns.push_back(hr::NumericColumn(kInputs[i], {.normalizer = scale}));
  }
  return columns;
}

}  // namespace

void TrainAndEvaluate(const Options& options) {
  const auto rides = [&](const std::string& pattern, hr::Mode mode, int64_t batch_size) {
    return [=] { return TaxiRides(pattern, mode, batch_size); };
  };
  hr::DnnRegressor estimator({.hidden_units = options.hidden_units,
                              .feature_columns = ScaledInputs(),
                              .config = {.model_dir = options.output_dir, .tf_random_seed = options.seed}});
  hr::TrainAndEvaluate(estimator,
                       {.input = rides(options.train_data_paths, hr::Mode::kTrain, options.train_batch_size),
                        .max_steps = options.train_steps},
                       {.input = rides(options.eval_data_paths, hr::Mode::kEval, options.eval_batch_size),
                        .steps = {},
                        .exporters = {hr::LatestExporter("exporter", hr::RawServingInput(kInputs))},
                        .start_delay_secs = options.eval_delay_secs,
                        .throttle_secs = options.throttle_secs});
}
