// TrainAndEvaluate on one machine: training, with evaluations and exports after checkpoints, not more often than
// throttle_secs, and once at the end.
#include "headrace/estimator.h"
#include "headrace/file_system.h"
#include "headrace/log.h"

namespace headrace {
namespace {

// Evaluates the newest checkpoint and lets the exporters have it.
class Evaluator {
 public:
  Evaluator(Estimator& estimator, const EvalSpec& spec, std::optional<int64_t> max_steps)
      : estimator_(estimator), spec_(spec), max_steps_(max_steps) {}

  void Run() {
    const std::string checkpoint = estimator_.LatestCheckpoint();
    if (checkpoint.empty())
      return LogWarning("Estimator is not trained yet. Will start an evaluation when a checkpoint is ready.");
    if (checkpoint == previous_) return LogWarning("No new checkpoint ready for evaluation. Skip this evaluation.");
    result_.eval = estimator_.Evaluate(
        spec_.input, {.steps = spec_.steps, .hooks = spec_.hooks, .checkpoint_path = checkpoint, .name = spec_.name});
    previous_ = checkpoint;
    const bool final = max_steps_ && result_.eval->at("global_step").AsInt64() >= *max_steps_;
    result_.export_paths.clear();
    for (const auto& exporter : spec_.exporters) {
      const std::string path = JoinPath(JoinPath(estimator_.model_dir(), "export"), exporter->name());
      result_.export_paths.push_back(exporter->Export(estimator_, path, checkpoint, *result_.eval, final));
    }
  }
  const TrainAndEvaluateResult& result() const { return result_; }

 private:
  Estimator& estimator_;
  const EvalSpec& spec_;
  std::optional<int64_t> max_steps_;
  std::string previous_;
  TrainAndEvaluateResult result_;
};

class EvaluateAfterSave : public CheckpointSaverListener {
 public:
  EvaluateAfterSave(Evaluator& evaluator, double throttle_secs)
      : evaluator_(evaluator), throttle_secs_(throttle_secs), timer_(throttle_secs, std::nullopt) {}

  bool AfterSave(Session&, int64_t global_step) override {
    if (std::exchange(first_, false)) return false;  // made before the first step
    if (timer_.ShouldTrigger(global_step)) {
      Evaluate(global_step);
    } else {
      LogInfo("Skip the current checkpoint eval due to throttle secs (", throttle_secs_, " secs).");
    }
    return false;
  }

  void End(Session&, int64_t global_step) override {
    if (timer_.last_step() != global_step) Evaluate(global_step);
  }

 private:
  void Evaluate(int64_t global_step) {
    timer_.Update(global_step);
    evaluator_.Run();
  }

  Evaluator& evaluator_;
  double throttle_secs_;
  SecondOrStepTimer timer_;
  bool first_ = true;
};

}  // namespace

TrainAndEvaluateResult TrainAndEvaluate(Estimator& estimator, const TrainSpec& train, const EvalSpec& eval) {
  if (!train.input) throw InvalidArgument("a TrainSpec needs an input function");
  if (!eval.input) throw InvalidArgument("an EvalSpec needs an input function");
  const RunConfig& config = estimator.config();
  LogInfo("Running training and evaluation locally (non-distributed).");
  LogInfo(
      "Start train and evaluate loop. The evaluate will happen after every checkpoint. Checkpoint frequency is "
      "determined based on RunConfig arguments: save_checkpoints_steps ",
      config.save_checkpoints_steps ? std::to_string(*config.save_checkpoints_steps) : "None",
      " or save_checkpoints_secs ",
      config.save_checkpoints_secs ? internal::Concat(*config.save_checkpoints_secs) : "None", ".");
  Evaluator evaluator(estimator, eval, train.max_steps);
  CheckpointListeners listeners = train.saving_listeners;
  listeners.push_back(std::make_shared<EvaluateAfterSave>(evaluator, eval.throttle_secs));
  estimator.Train(train.input, {.hooks = train.hooks, .max_steps = train.max_steps, .saving_listeners = listeners});
  return evaluator.result();
}

}  // namespace headrace
