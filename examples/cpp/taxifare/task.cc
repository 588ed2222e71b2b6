// The trainer: reads its flags, trains. The same flags as the Python trainer's.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "model.h"

int main(int argc, char** argv) {
  CLI::App app("Trains a model of taxi fares");
  app.option_defaults()->always_capture_default();
  Options options;
  int eval_steps = 10;
  std::string job_dir;
  app.add_option("--train_data_paths", options.train_data_paths, "Path or gs:// pattern of training data")->required();
  app.add_option("--train_batch_size", options.train_batch_size, "Batch size for training steps");
  app.add_option("--train_steps", options.train_steps, "Steps to run the training job for");
  app.add_option("--eval_steps", eval_steps, "Steps of evaluation at each checkpoint (all, whatever is given)");
  app.add_option("--eval_data_paths", options.eval_data_paths, "Path or gs:// pattern of evaluation data")->required();
  app.add_option("--hidden_units", options.hidden_units, "Sizes of the hidden layers");
  app.add_option("--output_dir", options.output_dir, "Where checkpoints and exports go")->required();
  app.add_option("--job-dir", job_dir, "Ignored; gcloud passes it");
  app.add_option("--eval_delay_secs", options.eval_delay_secs, "Seconds before the first evaluation");
  app.add_option("--throttle_secs", options.throttle_secs, "Seconds between evaluations");
  CLI11_PARSE(app, argc, argv);
  try {
    TrainAndEvaluate(options);
  } catch (const std::exception& error) {
    std::cerr << "ERROR: " << error.what() << '\n';
    return 1;
  }
}
