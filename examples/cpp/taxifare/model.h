// The taxi-fare model: what the trainer's flags say, and training with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

struct Options {
  std::string train_data_paths, eval_data_paths, output_dir;
  int64_t train_batch_size = 512, eval_batch_size = 10000, train_steps = 1000;
  std::vector<int64_t> hidden_units = {128, 32, 4};
  double eval_delay_secs = 1, throttle_secs = 60;
  std::optional<int64_t> seed;
};

void TrainAndEvaluate(const Options& options);
