// Hooks: what happens around the steps of training, evaluation and prediction (tf.train.SessionRunHook). A hook that
// wants nothing in a step says so by returning nullptr, and costs next to nothing.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "headrace/saver.h"
#include "headrace/session.h"

namespace headrace {

// What a hook wants fetched, run and fed along with a step.
struct SessionRunArgs {
  std::vector<Output> fetches;
  std::vector<Node*> targets = {};
  Feeds feeds = {};
};

class SessionRunContext {
 public:
  SessionRunContext(Session& session, int64_t step, SessionRunArgs original = {})
      : session_(session), global_step_(step), original_(std::move(original)) {}
  Session& session() const { return session_; }
  const SessionRunArgs& original_args() const { return original_; }  // what the loop itself runs in each step
  int64_t global_step() const { return global_step_; }  // before the step in BeforeRun, after it in AfterRun
  void set_global_step(int64_t step) { global_step_ = step; }
  void RequestStop() { stop_requested_ = true; }
  bool stop_requested() const { return stop_requested_; }

 private:
  Session& session_;
  int64_t global_step_;
  SessionRunArgs original_;
  bool stop_requested_ = false;
};

// Called by the thread that runs the loop. An OutOfRange error of a hook ends the loop in good order, as the end of the
// input does.
class SessionRunHook {
 public:
  virtual ~SessionRunHook() = default;
  virtual void Begin() {}  // the graph may still be changed: variables made here are initialised with the others
  virtual void AfterCreateSession(Session& session, int64_t global_step) {}
  // What to fetch in this step, or nullptr. The loop prepares each distinct combination of pointers once: what one
  // points to must stay as it is for the life of the hook, but for the values that are fed.
  virtual const SessionRunArgs* BeforeRun(SessionRunContext& context) { return nullptr; }
  // `values` are those of the fetches asked for in BeforeRun.
  virtual void AfterRun(SessionRunContext& context, std::span<const Tensor> values) {}
  virtual void End(Session& session, int64_t global_step) {}  // after the last step, unless that failed
  // False if neither BeforeRun nor AfterRun does anything: the loop then leaves the hook out.
  virtual bool RunsEveryStep() const { return true; }
};
using Hooks = std::vector<std::shared_ptr<SessionRunHook>>;

// When something is due that happens every so many steps or seconds (tf.train.SecondOrStepTimer).
class SecondOrStepTimer {
 public:
  SecondOrStepTimer(std::optional<double> every_secs, std::optional<int64_t> every_steps)
      : every_secs_(every_secs), every_steps_(every_steps) {}
  bool ShouldTrigger(int64_t step) const;
  // Returns the seconds and steps since the last time; nothing the first time.
  std::optional<std::pair<double, int64_t>> Update(int64_t step);
  std::optional<int64_t> last_step() const { return last_step_; }

 private:
  std::optional<double> every_secs_;
  std::optional<int64_t> every_steps_, last_step_;
  std::chrono::steady_clock::time_point last_time_;
};

// Told about checkpoints by a CheckpointSaverHook.
class CheckpointSaverListener {
 public:
  virtual ~CheckpointSaverListener() = default;
  virtual void Begin() {}
  virtual void BeforeSave(Session& session, int64_t global_step) {}
  virtual bool AfterSave(Session& session, int64_t global_step) { return false; }  // true: stop training
  virtual void End(Session& session, int64_t global_step) {}
};
using CheckpointListeners = std::vector<std::shared_ptr<CheckpointSaverListener>>;

// Stops at a step, or after a number of steps from where training starts.
std::shared_ptr<SessionRunHook> StopAtStepHook(std::optional<int64_t> num_steps, std::optional<int64_t> last_step);

// Logs "loss = 1.5, step = 100 (0.2 sec)" every so many steps or seconds, or once at the end.
struct LoggingTensorOptions {
  std::vector<std::pair<std::string, Output>> tensors;
  std::optional<int64_t> every_n_iter = {};
  std::optional<double> every_n_secs = {};
  bool at_end = false;
  // How to write the values; by default "tag = value, …".
  std::function<std::string(const std::vector<std::pair<std::string, Tensor>>&)> formatter = {};
};
std::shared_ptr<SessionRunHook> LoggingTensorHook(LoggingTensorOptions options);

// Logs "global_step/sec: 512.3" and writes it to the events in `output_dir` (if not empty).
struct StepCounterOptions {
  std::optional<int64_t> every_n_steps = 100;
  std::optional<double> every_n_secs = {};
  std::string output_dir = {};
};
std::shared_ptr<SessionRunHook> StepCounterHook(StepCounterOptions options);

// Writes a summary to the events in `output_dir`.
struct SummarySaverOptions {
  std::optional<int64_t> save_steps = {};
  std::optional<double> save_secs = {};
  std::string output_dir = {};
  Output summary = {};
  std::function<Output()> late_summary = {};  // instead: asked for once the session is made
};
std::shared_ptr<SessionRunHook> SummarySaverHook(SummarySaverOptions options);

struct CheckpointSaverOptions {
  std::string checkpoint_dir;
  std::optional<double> save_secs = {};
  std::optional<int64_t> save_steps = {};
  std::shared_ptr<Saver> saver = {};  // made in Begin if absent, unless set_saver is to follow
  bool saver_follows = false;
  std::string checkpoint_basename = "model.ckpt";
  CheckpointListeners listeners = {};
};
// Saves at the start, every so often, and at the end. Writes graph.pbtxt and the graph's event at the start.
class CheckpointSaverHook : public SessionRunHook {
 public:
  explicit CheckpointSaverHook(CheckpointSaverOptions options);
  void Begin() override;
  void AfterCreateSession(Session& session, int64_t global_step) override;
  void AfterRun(SessionRunContext& context, std::span<const Tensor> values) override;
  void End(Session& session, int64_t global_step) override;
  void set_saver(std::shared_ptr<Saver> saver) { options_.saver = std::move(saver); }  // before the session is made
  // A checkpoint at this step unless the last one is of it: what an interrupted run keeps.
  void SaveLast(Session& session, int64_t global_step);

 private:
  bool Save(Session& session, int64_t global_step);  // true: a listener wants to stop
  CheckpointSaverOptions options_;
  SecondOrStepTimer timer_;
};

// Thrown by the NanTensorHook: "NaN loss during training."
class NanLossDuringTraining : public Error {
 public:
  NanLossDuringTraining() : Error(Code::kInvalidArgument, "NaN loss during training.") {}
};
// Watches a scalar; at a NaN it throws, or requests a stop.
std::shared_ptr<SessionRunHook> NanTensorHook(Output loss, bool fail_on_nan_loss = true);

}  // namespace headrace
