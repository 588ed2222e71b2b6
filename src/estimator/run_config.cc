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
       << ", '_log_step_count_steps': " << OrNone(config.log_step_count_steps)
       << ", '_task_type': 'worker', '_task_id': 0, '_is_chief': True, '_num_ps_replicas': 0, "
          "'_num_worker_replicas': 1}";
  return text.str();
}

}  // namespace headrace
