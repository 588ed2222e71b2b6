// The taxi-fare model: what the trainer's flags say, and training with them.
#pragma once

#include <string>
#include <vector>

struct Options {
  std::string train_data_paths, eval_data_paths, output_dir;
  int train_batch_size = 512, train_steps = 0;
  std::vector<int64_t> hidden_units = {128, 32, 4};
  double eval_delay_secs = 10, throttle_secs = 300;
};

void TrainAndEvaluate(const Options& options);
