// The trainer: reads its flags, trains. The same flags as the Python trainer's.
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "model.h"

int main(int argc, char** argv) {
  CLI::App app("Trains a model of taxi fares");
  app.option_defaults()->always_capture_default();
  Options options;
  std::string job_dir;
  app.add_option("--train_data_paths", options.train_data_paths, "Pattern of the training CSV files")->required();
  app.add_option("--eval_data_paths", options.eval_data_paths, "Pattern of the evaluation CSV files")->required();
  app.add_option("--output_dir", options.output_dir, "Where checkpoints, events and exports go")->required();
  app.add_option("--train_batch_size", options.train_batch_size);
  app.add_option("--eval_batch_size", options.eval_batch_size);
  app.add_option("--train_steps", options.train_steps);
  app.add_option("--hidden_units", options.hidden_units);
  app.add_option("--eval_delay_secs", options.eval_delay_secs, "Seconds before the first evaluation");
  app.add_option("--throttle_secs", options.throttle_secs, "Seconds between evaluations");
  app.add_option("--seed", options.seed, "Graph seed, for a run that can be repeated");
  app.add_option("--job-dir", job_dir, "Given by the service; output_dir is what counts");
  CLI11_PARSE(app, argc, argv);
  try {
    TrainAndEvaluate(options);
  } catch (const std::exception& error) {
    std::cerr << "ERROR: " << error.what() << '\n';
    return 1;
  }
}
