// RunConfig as text, in the form that TensorFlow logs.
#include <sstream>

#include "estimator/number_text.h"
#include "headrace/estimator.h"

namespace headrace {
namespace {

template <class T>
std::string OrNone(const std::optional<T>& value) {
  std::ostringstream text;
  value ? text << *value : text << "None";
  return text.str();
}

}  // namespace

const char* ModeName(Mode mode) {
  switch (mode) {
    case Mode::kTrain:
      return "train";
    case Mode::kEval:
      return "eval";
    case Mode::kPredict:
      return "infer";
  }
  return "";
}

std::string ToString(const RunConfig& config) {
  std::ostringstream text;
  text << "{'_model_dir': '" << config.model_dir << "', '_tf_random_seed': " << OrNone(config.tf_random_seed)
       << ", '_save_summary_steps': " << config.save_summary_steps
       << ", '_save_checkpoints_steps': " << OrNone(config.save_checkpoints_steps)
       << ", '_save_checkpoints_secs': " << OrNone(config.save_checkpoints_secs)
       << ", '_keep_checkpoint_max': " << config.keep_checkpoint_max
       << ", '_keep_checkpoint_every_n_hours': " << config.keep_checkpoint_every_n_hours
       << ", '_log_step_count_steps': " << OrNone(config.log_step_count_steps) << ", '_task_type': '"
       << config.task.type << "', '_task_id': " << config.task.index
       << ", '_is_chief': " << (config.task.is_chief ? "True" : "False") << ", '_master': '" << config.task.master
       << "', '_num_ps_replicas': " << config.task.num_ps_replicas
       << ", '_num_worker_replicas': " << config.task.num_worker_replicas << "}";
  return text.str();
}

}  // namespace headrace
