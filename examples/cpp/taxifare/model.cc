// A fare, from where and when one is picked up and dropped off: a deep network over five numbers.
#include "model.h"

#include <headrace/headrace.h>

namespace {

// The CSV columns, and the value of each in case it is missing.
const std::vector<hr::CsvColumn> kColumns = {{"fare_amount", 0.0},  {"pickuplon", -74.0}, {"pickuplat", 40.0},
                                             {"dropofflon", -74.0}, {"dropofflat", 40.7}, {"passengers", 1.0},
                                             {"key", "nokey"}};
const char* const kLabel = "fare_amount";
const std::vector<std::string> kInputs = {"pickuplon", "pickuplat", "dropofflat", "dropofflon", "passengers"};

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

}  // namespace

void TrainAndEvaluate(const Options& options) {
  hr::DnnRegressor estimator({.hidden_units = options.hidden_units,
                              .feature_columns = hr::NumericColumns(kInputs),
                              .config = {.model_dir = options.output_dir}});
  hr::TrainSpec train{
      .input = [&] { return TaxiRides(options.train_data_paths, hr::Mode::kTrain, options.train_batch_size); }};
  if (options.train_steps > 0) train.max_steps = options.train_steps;
  hr::TrainAndEvaluate(estimator, train,
                       {.input = [&] { return TaxiRides(options.eval_data_paths, hr::Mode::kEval, 10000); },
                        .steps = {},
                        .exporters = {hr::LatestExporter("exporter", hr::RawServingInput(kInputs))},
                        .start_delay_secs = options.eval_delay_secs,
                        .throttle_secs = options.throttle_secs});
}
