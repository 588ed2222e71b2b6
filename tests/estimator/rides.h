// Taxi rides for the tests of estimators: a CSV file, the dataset over it and the models of oracle_rides.py.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

#include "headrace/canned.h"
#include "headrace/file_system.h"
#include "headrace/log.h"

namespace headrace {

inline const std::vector<CsvColumn> kRideColumns = {{"fare_amount", 0.0},  {"pickuplon", -74.0}, {"pickuplat", 40.0},
                                                    {"dropofflon", -74.0}, {"dropofflat", 40.7}, {"passengers", 1.0},
                                                    {"key", "nokey"}};
inline const std::vector<std::string> kRideInputs = {"pickuplon", "pickuplat", "dropofflon", "dropofflat",
                                                     "passengers"};

// A directory with rides.csv: 1000 rides whose fare follows their length. Log lines are kept.
class RidesTest : public testing::Test {
 protected:
  RidesTest() {
    char name[] = "/tmp/headrace_estimator_XXXXXX";
    directory_ = mkdtemp(name);
    std::mt19937 random(7);
    std::uniform_real_distribution<double> lon(-74.1, -73.7), lat(40.6, 40.9), extra(0, 3);
    std::ofstream csv(Path("rides.csv"));
    csv.precision(8);
    for (int i = 0; i < 1000; ++i) {
      const double a = lon(random), b = lat(random), c = lon(random), d = lat(random);
      csv << 2.5 + 100 * (std::abs(a - c) + std::abs(b - d)) + extra(random) << ',' << a << ',' << b << ',' << c << ','
          << d << ',' << 1 + i % 5 << ",ride" << i << '\n';
    }
    SetLogSink([this](LogLevel, const std::string& message) { log_.push_back(message); });
  }
  ~RidesTest() override {
    SetLogSink({});
    RemoveTree(directory_);
  }

  std::string Path(const std::string& name) const { return JoinPath(directory_, name); }

  Dataset Rides(int64_t batch_size = 128) const {
    return Dataset::TextLines({Path("rides.csv")})
        .Map([](Output line) {
          Features features = DecodeCsv(line, kRideColumns);
          const Output fare = features.Pop("fare_amount");
          return std::pair(features, fare);
        })
        .Batch(batch_size);
  }
  // Over and over; for the classifiers' kinds the fare is a class of 20 dollars' width.
  InputFn TrainInput(const std::string& kind = {}) const {
    return [this, classes = Classes(kind)] {
      return Dataset::TextLines({Path("rides.csv")})
          .Map([classes](Output line) {
            Features features = DecodeCsv(line, kRideColumns);
            Output fare = features.Pop("fare_amount");
            if (classes > 0) {
              const auto number = [](float value) { return Constant(Tensor::Scalar(value)); };
              fare = ApplyOp("Minimum", {{ApplyOp("RealDiv", {{fare}, {number(20)}})}, {number(classes - 1.0f)}});
              fare = ApplyOp("Cast", {{fare}}, {{"DstT", DType::kInt64}});
            }
            return std::pair(features, fare);
          })
          .Repeat()
          .Batch(128);
    };
  }
  static int Classes(const std::string& kind) { return kind == "binary" ? 2 : kind == "classes" ? 3 : 0; }
  InputFn EvalInput() const {
    return [this] { return Rides(); };
  }

  std::unique_ptr<Estimator> Model(const std::string& kind, const std::string& model_dir, RunConfig config = {}) const {
    config.model_dir = model_dir;
    config.tf_random_seed = 42;
    if (kind == "dnn") {
      return std::make_unique<DnnRegressor>(
          DnnOptions{.hidden_units = {16, 4}, .feature_columns = NumericColumns(kRideInputs), .config = config});
    }
    if (kind == "linear") {
      return std::make_unique<LinearRegressor>(
          LinearOptions{.feature_columns = NumericColumns(kRideInputs), .config = config});
    }
    if (Classes(kind) > 0) {
      return std::make_unique<DnnClassifier>(DnnOptions{.hidden_units = {16, 4},
                                                        .feature_columns = NumericColumns(kRideInputs),
                                                        .n_classes = Classes(kind),
                                                        .config = config});
    }
    const auto bounds = [](double low, double high) {
      std::vector<float> values;
      for (int i = 0; i < 8; ++i) values.push_back(static_cast<float>(low + (high - low) * i / 7));
      return values;
    };
    const auto lat = BucketizedColumn(NumericColumn("pickuplat"), bounds(40.6, 40.9));
    const auto lon = BucketizedColumn(NumericColumn("pickuplon"), bounds(-74.1, -73.7));
    const auto place = CrossedColumn({lat, lon}, 64);
    FeatureColumns deep = NumericColumns(kRideInputs);
    deep.push_back(EmbeddingColumn(place, 4));
    return std::make_unique<DnnLinearCombinedRegressor>(
        DnnLinearCombinedOptions{.linear_feature_columns = {lat, lon, place},
                                 .dnn_feature_columns = deep,
                                 .dnn_hidden_units = {16, 4},
                                 .config = config});
  }

  bool Logged(const std::string& text) const {
    for (const std::string& line : log_) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }

  std::string directory_;
  std::vector<std::string> log_;
};

// Records a loss at every step.
class LossRecorder : public SessionRunHook {
 public:
  explicit LossRecorder(std::string tensor) : tensor_(std::move(tensor)) {}
  void Begin() override { args_.fetches = {Graph::Current().FindOutput(tensor_)}; }
  const SessionRunArgs* BeforeRun(SessionRunContext&) override { return &args_; }
  void AfterRun(SessionRunContext& context, std::span<const Tensor> values) override {
    losses.push_back(values[0].AsDouble());
    steps.push_back(context.global_step());
  }
  std::vector<double> losses;
  std::vector<int64_t> steps;

 private:
  std::string tensor_;
  SessionRunArgs args_;
};

inline std::string LossTensor(const std::string& kind) {
  const std::string scope = kind == "combined" ? "" : kind == "linear" ? "linear/" : "dnn/";
  return scope + "head/weighted_loss/Sum:0";
}

}  // namespace headrace
