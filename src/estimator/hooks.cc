// The hooks that training loops use themselves.
#include "headrace/hooks.h"

#include <cmath>
#include <cstdio>

#include "estimator/event_writers.h"
#include "estimator/number_text.h"
#include "headrace/log.h"

namespace headrace {
namespace {

std::string Formatted(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), format, value);
  return text;
}

class StopAtStep : public SessionRunHook {
 public:
  StopAtStep(std::optional<int64_t> num_steps, std::optional<int64_t> last_step)
      : num_steps_(num_steps), last_step_(last_step) {}
  void AfterCreateSession(Session&, int64_t global_step) override {
    if (num_steps_) last_step_ = global_step + *num_steps_;
  }
  void AfterRun(SessionRunContext& context, std::span<const Tensor>) override {
    if (context.global_step() >= *last_step_) context.RequestStop();
  }

 private:
  std::optional<int64_t> num_steps_, last_step_;
};

class LoggingTensor : public SessionRunHook {
 public:
  explicit LoggingTensor(LoggingTensorOptions options)
      : options_(std::move(options)), timer_(options_.every_n_secs, options_.every_n_iter) {
    for (const auto& [tag, tensor] : options_.tensors) args_.fetches.push_back(tensor);
  }

  const SessionRunArgs* BeforeRun(SessionRunContext&) override {
    triggered_ = !OnlyAtEnd() && timer_.ShouldTrigger(iteration_);
    return triggered_ ? &args_ : nullptr;
  }

  void AfterRun(SessionRunContext&, std::span<const Tensor> values) override {
    if (triggered_) Log(values);
    ++iteration_;
  }

  void End(Session& session, int64_t) override {
    if (options_.at_end) Log(session.Run(args_.fetches));
  }

 private:
  bool OnlyAtEnd() const { return options_.at_end && !options_.every_n_iter && !options_.every_n_secs; }

  void Log(std::span<const Tensor> values) {
    const auto elapsed = timer_.Update(iteration_);
    if (options_.formatter) {
      std::vector<std::pair<std::string, Tensor>> named;
      for (size_t i = 0; i < values.size(); ++i) named.emplace_back(options_.tensors[i].first, values[i]);
      LogInfo(options_.formatter(named));
      return;
    }
    std::string line;
    for (size_t i = 0; i < values.size(); ++i) {
      line += (i ? ", " : "") + options_.tensors[i].first + " = " + ValueText(values[i]);
    }
    if (elapsed) line += Formatted(" (%.3f sec)", elapsed->first);
    LogInfo(line);
  }

  LoggingTensorOptions options_;
  SecondOrStepTimer timer_;
  SessionRunArgs args_;
  int64_t iteration_ = 0;
  bool triggered_ = false;
};

class StepCounter : public SessionRunHook {
 public:
  explicit StepCounter(StepCounterOptions options)
      : options_(std::move(options)), timer_(options_.every_n_secs, options_.every_n_steps) {}

  void Begin() override {
    if (!options_.output_dir.empty()) writer_ = EventWriterFor(options_.output_dir);
  }

  void AfterRun(SessionRunContext& context, std::span<const Tensor>) override {
    const int64_t step = context.global_step();
    if (!timer_.ShouldTrigger(step)) return;
    const auto elapsed = timer_.Update(step);
    if (!elapsed) return;
    const double rate = static_cast<double>(elapsed->second) / std::max(elapsed->first, 1e-9);
    if (writer_) writer_->AddScalar("global_step/sec", static_cast<float>(rate), step);
    LogInfo("global_step/sec: ", Formatted("%g", rate));
  }

 private:
  StepCounterOptions options_;
  SecondOrStepTimer timer_;
  std::shared_ptr<EventWriter> writer_;
};

class SummarySaver : public SessionRunHook {
 public:
  explicit SummarySaver(SummarySaverOptions options)
      : options_(std::move(options)), timer_(options_.save_secs, options_.save_steps) {
    if (options_.summary) args_.fetches = {options_.summary};
  }

  void Begin() override {
    if (!options_.output_dir.empty()) writer_ = EventWriterFor(options_.output_dir);
  }

  void AfterCreateSession(Session&, int64_t) override {
    const Output late = options_.late_summary ? options_.late_summary() : Output();
    if (late) args_.fetches = {late};
  }

  const SessionRunArgs* BeforeRun(SessionRunContext&) override {
    requested_ = !next_step_ || timer_.ShouldTrigger(*next_step_);
    return requested_ && !args_.fetches.empty() ? &args_ : nullptr;
  }

  void AfterRun(SessionRunContext& context, std::span<const Tensor> values) override {
    if (writer_ && !next_step_) writer_->AddSessionLog(SessionStatus::kStart, context.global_step());
    if (requested_) {
      timer_.Update(context.global_step());
      if (writer_ && !values.empty()) writer_->AddSummary(values[0].scalar<std::string>(), context.global_step());
    }
    next_step_ = context.global_step() + 1;
  }

  void End(Session&, int64_t) override {
    if (writer_) writer_->Flush();
  }

 private:
  SummarySaverOptions options_;
  SecondOrStepTimer timer_;
  SessionRunArgs args_;
  std::shared_ptr<EventWriter> writer_;
  std::optional<int64_t> next_step_;
  bool requested_ = false;
};

class NanTensor : public SessionRunHook {
 public:
  NanTensor(Output loss, bool fail) : args_{{loss}}, fail_(fail) {}
  const SessionRunArgs* BeforeRun(SessionRunContext&) override { return &args_; }
  void AfterRun(SessionRunContext& context, std::span<const Tensor> values) override {
    for (int64_t i = 0; i < values[0].num_elements(); ++i) {
      if (std::isnan(values[0].AsDouble(i))) return Fail(context);
    }
  }

 private:
  void Fail(SessionRunContext& context) {
    if (fail_) {
      LogError("Model diverged with loss = NaN.");
      throw NanLossDuringTraining();
    }
    LogWarning("Model diverged with loss = NaN.");
    context.RequestStop();
  }
  SessionRunArgs args_;
  bool fail_;
};

}  // namespace

bool SecondOrStepTimer::ShouldTrigger(int64_t step) const {
  if (!last_step_) return true;
  if (*last_step_ == step) return false;
  if (every_steps_ && step >= *last_step_ + *every_steps_) return true;
  if (!every_secs_) return false;
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - last_time_).count() >= *every_secs_;
}

std::optional<std::pair<double, int64_t>> SecondOrStepTimer::Update(int64_t step) {
  const auto now = std::chrono::steady_clock::now();
  std::optional<std::pair<double, int64_t>> elapsed;
  if (last_step_) elapsed = {std::chrono::duration<double>(now - last_time_).count(), step - *last_step_};
  last_time_ = now;
  last_step_ = step;
  return elapsed;
}

std::shared_ptr<SessionRunHook> StopAtStepHook(std::optional<int64_t> num_steps, std::optional<int64_t> last_step) {
  if (!num_steps && !last_step) throw InvalidArgument("One of num_steps or last_step must be specified.");
  if (num_steps && last_step) throw InvalidArgument("Only one of num_steps or last_step can be specified.");
  return std::make_shared<StopAtStep>(num_steps, last_step);
}

std::shared_ptr<SessionRunHook> LoggingTensorHook(LoggingTensorOptions options) {
  const bool both = options.every_n_iter && options.every_n_secs;
  const bool none = !options.every_n_iter && !options.every_n_secs && !options.at_end;
  if (both || none) {
    throw InvalidArgument("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.");
  }
  if (options.every_n_iter && *options.every_n_iter <= 0) {
    throw InvalidArgument("invalid every_n_iter=", *options.every_n_iter, ".");
  }
  return std::make_shared<LoggingTensor>(std::move(options));
}

std::shared_ptr<SessionRunHook> StepCounterHook(StepCounterOptions options) {
  if (options.every_n_steps.has_value() == options.every_n_secs.has_value()) {
    throw InvalidArgument("exactly one of every_n_steps and every_n_secs should be provided.");
  }
  return std::make_shared<StepCounter>(std::move(options));
}

std::shared_ptr<SessionRunHook> SummarySaverHook(SummarySaverOptions options) {
  if (options.save_steps.has_value() == options.save_secs.has_value()) {
    throw InvalidArgument("exactly one of save_secs and save_steps should be provided.");
  }
  return std::make_shared<SummarySaver>(std::move(options));
}

std::shared_ptr<SessionRunHook> NanTensorHook(Output loss, bool fail_on_nan_loss) {
  return std::make_shared<NanTensor>(loss, fail_on_nan_loss);
}

}  // namespace headrace
