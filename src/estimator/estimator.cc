// Estimator: training, evaluation and prediction. Each builds a graph of its own through the user's functions, makes a
// session ready and runs steps.
#include "headrace/estimator.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <set>

#include "estimator/event_writers.h"
#include "estimator/model_lock.h"
#include "estimator/number_text.h"
#include "estimator/step_loop.h"
#include "formats/checkpoint.h"
#include "headrace/file_system.h"
#include "headrace/log.h"
#include "headrace/summary.h"

namespace headrace {
namespace {

std::string UtcTime(const char* format) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[64];
  std::strftime(text, sizeof(text), format, &parts);
  return text;
}

std::string TemporaryModelDir() {
  std::string path = "/tmp/headrace-model-XXXXXX";
  if (const char* base = std::getenv("TMPDIR")) path = JoinPath(base, "headrace-model-XXXXXX");
  if (!mkdtemp(path.data())) throw Unavailable("cannot make a temporary model directory ", path);
  LogWarning("Using temporary folder as model directory: ", path);
  return path;
}

std::shared_ptr<Graph> NewGraph(const RunConfig& config) {
  auto graph = std::make_shared<Graph>();
  graph->seed = config.tf_random_seed;
  return graph;
}

bool HasSummary(Graph& graph, const std::string& name) {
  return std::ranges::any_of(graph.collection(keys::kSummaries), [&](const CollectionItem& item) {
    const Output* output = std::get_if<Output>(&item);
    return output && output->node->name() == name;
  });
}

// The global step as it is once `after` has run.
Output StepAfter(const Variable& global_step, Node* after) {
  NameScope scope("global_step/");
  ControlDependencies dependencies({after});
  if (global_step.is_resource()) {
    return ApplyOp("ReadVariableOp", {{global_step.handle}}, {{"dtype", global_step.dtype()}});
  }
  return ApplyOp("Identity", {{global_step.handle}}, {}, "after_step");
}

int64_t ReadStep(Session& session, const Variable& global_step) {
  return session.Run({global_step.value}).at(0).AsInt64();
}

void CheckModes(const EstimatorSpec& spec, Mode mode) {
  if (spec.mode != mode) {
    throw InvalidArgument("model_fn was called in mode ", ModeName(mode), " and returned an EstimatorSpec of mode ",
                          ModeName(spec.mode));
  }
  if (mode == Mode::kTrain && !spec.train_op) throw InvalidArgument("Missing train_op.");
  if (mode != Mode::kPredict && !spec.loss) throw InvalidArgument("Missing loss.");
  if (mode == Mode::kPredict && spec.predictions.empty()) throw InvalidArgument("Missing predictions.");
  if (spec.loss && spec.loss.shape().IsFullyDefined() && spec.loss.shape().ToShape().num_elements() != 1) {
    throw InvalidArgument("Loss must be scalar, given: ", spec.loss.name(), " of shape ", spec.loss.shape());
  }
}

std::string ResultText(const EvalResult& result) {
  std::string text;
  for (const auto& [name, value] : result) text += (text.empty() ? "" : ", ") + name + " = " + ValueText(value);
  return text;
}

}  // namespace

Estimator::Estimator(ModelFn model_fn, RunConfig config) : model_fn_(std::move(model_fn)), config_(std::move(config)) {
  if (!model_fn_) throw InvalidArgument("model_fn must be provided to Estimator.");
  if (config_.save_checkpoints_steps && config_.save_checkpoints_secs) {
    throw InvalidArgument("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.");
  }
  if (!config_.save_checkpoints_steps && !config_.save_checkpoints_secs) config_.save_checkpoints_secs = 600;
  if (config_.save_summary_steps < 0) throw InvalidArgument("save_summary_steps should be >= 0");
  if (config_.save_checkpoints_steps.value_or(0) < 0) throw InvalidArgument("save_checkpoints_steps should be >= 0");
  if (config_.save_checkpoints_secs.value_or(0) < 0) throw InvalidArgument("save_checkpoints_secs should be >= 0");
  if (config_.keep_checkpoint_max < 0) throw InvalidArgument("keep_checkpoint_max should be >= 0");
  if (config_.keep_checkpoint_every_n_hours <= 0) {
    throw InvalidArgument("keep_checkpoint_every_n_hours should be > 0");
  }
  if (config_.log_step_count_steps.value_or(1) <= 0) throw InvalidArgument("log_step_count_steps should be > 0");
  if (!config_.task.model_dir.empty()) {
    if (!config_.model_dir.empty() && config_.model_dir != config_.task.model_dir) {
      throw InvalidArgument(
          "`model_dir` provided in RunConfig construct, if set, must have the same value as the "
          "model_dir in TF_CONFIG. model_dir: ",
          config_.model_dir, "\nTF_CONFIG[\"model_dir\"]: ", config_.task.model_dir, ".");
    }
    config_.model_dir = config_.task.model_dir;
  }
  if (config_.model_dir.empty()) config_.model_dir = TemporaryModelDir();
  LogInfo("Using config: ", ToString(config_));
}

EstimatorSpec Estimator::CallModelFn(const Input& input, Mode mode) const {
  LogInfo("Calling model_fn.");
  try {
    EstimatorSpec spec = model_fn_(input.features, input.labels, {mode, config_});
    LogInfo("Done calling model_fn.");
    CheckModes(spec, mode);
    return spec;
  } catch (const Error& error) {
    if (error.code() != Code::kInvalidArgument) throw;
    throw BuildError(error);
  }
}

std::string Estimator::EvalDir(const std::string& name) const {
  return JoinPath(model_dir(), name.empty() ? "eval" : "eval_" + name);
}

std::string Estimator::LatestCheckpoint() const {
  return headrace::LatestCheckpoint(model_dir());
}

std::string Estimator::CheckpointFor(const std::string& checkpoint_path) const {
  std::string path = checkpoint_path.empty() ? LatestCheckpoint() : checkpoint_path;
  if (path.empty()) throw InvalidArgument("Couldn't find trained model at ", model_dir(), ".");
  return path;
}

std::string Estimator::CheckpointOrNone(const std::string& checkpoint_path, const char* purpose) const {
  std::string path = checkpoint_path.empty() ? LatestCheckpoint() : checkpoint_path;
  if (path.empty()) {
    LogInfo("Could not find trained model in model_dir: ", model_dir(), ", running initialization to ", purpose, ".");
  }
  return path;
}

std::string Estimator::CheckpointToResume() const {
  std::string latest = LatestCheckpoint();
  const auto state = ReadCheckpointState(model_dir());
  if (!latest.empty() || !state) return latest;
  for (auto path = state->all.rbegin(); path != state->all.rend(); ++path) {
    if (!CheckpointExists(*path)) continue;
    LogWarning("The latest checkpoint ", state->latest, " is lost: training goes on from ", *path, ".");
    return *path;
  }
  LogError("All checkpoints that ", JoinPath(model_dir(), "checkpoint"), " names are lost (the latest was ",
           state->latest, "): training starts anew, at step 0.");
  return "";
}

std::vector<std::string> Estimator::VariableNames() const {
  std::vector<std::string> names;
  const CheckpointReader reader(CheckpointFor(""));
  for (const auto& [name, info] : reader.Variables()) names.push_back(name);
  return names;
}

Tensor Estimator::VariableValue(const std::string& name) const {
  return CheckpointReader(CheckpointFor("")).Read(name);
}

// ---------------------------------------------------------------------------------------------------------- training

Estimator& Estimator::Train(const InputFn& input, const TrainOptions& options) {
  if (options.steps && options.max_steps) throw InvalidArgument("Can not provide both steps and max_steps.");
  if (options.steps && *options.steps <= 0) throw InvalidArgument("Must specify steps > 0, given: ", *options.steps);
  if (options.max_steps && *options.max_steps <= 0) {
    throw InvalidArgument("Must specify max_steps > 0, given: ", *options.max_steps);
  }
  if (config_.task.num_tasks() > 1) {
    throw Unimplemented("this process is ", config_.task.type, " ", config_.task.index, " of a cluster of ",
                        config_.task.num_tasks(),
                        " tasks (TF_CONFIG): training by several processes is not available yet");
  }
  const ModelLock lock(model_dir());
  const std::string checkpoint = CheckpointToResume();
  if (options.max_steps && !checkpoint.empty() &&
      CheckpointReader(checkpoint).Read("global_step").AsInt64() >= *options.max_steps) {
    LogInfo("Skipping training since max_steps has already saved.");
    return *this;
  }

  const auto graph = NewGraph(config_);
  const GraphScope scope(*graph);
  const auto global_step = GetOrCreateGlobalStep();
  const EstimatorSpec spec = CallModelFn(input(), Mode::kTrain);
  if (!HasSummary(*graph, "loss")) SummarizeScalar("loss", spec.loss);
  const Output step_after = StepAfter(*global_step, spec.train_op);
  const auto checkpoints =
      std::make_shared<CheckpointSaverHook>(CheckpointSaverOptions{.checkpoint_dir = model_dir(),
                                                                   .save_secs = config_.save_checkpoints_secs,
                                                                   .save_steps = config_.save_checkpoints_steps,
                                                                   .saver_follows = true,
                                                                   .listeners = options.saving_listeners});
  Output summary;
  Hooks hooks = {checkpoints};
  const auto add = [&hooks](const Hooks& more) { hooks.insert(hooks.end(), more.begin(), more.end()); };
  add(spec.training_chief_hooks);
  if (config_.log_step_count_steps.value_or(0) > 0) {
    hooks.push_back(StepCounterHook({.every_n_steps = config_.log_step_count_steps, .output_dir = model_dir()}));
  }
  if (config_.save_summary_steps > 0) {
    hooks.push_back(SummarySaverHook({.save_steps = config_.save_summary_steps,
                                      .output_dir = model_dir(),
                                      .late_summary = [&summary] { return summary; }}));
  }
  add(options.hooks);
  if (options.steps || options.max_steps) hooks.push_back(StopAtStepHook(options.steps, options.max_steps));
  hooks.push_back(NanTensorHook(spec.loss));
  if (config_.log_step_count_steps.value_or(0) > 0) {
    hooks.push_back(LoggingTensorHook(
        {.tensors = {{"loss", spec.loss}, {"step", step_after}}, .every_n_iter = config_.log_step_count_steps}));
  }
  add(spec.training_hooks);
  for (const auto& hook : hooks) hook->Begin();

  // Now that hooks have made what they need: initializers, the saver and the summary of all there is.
  SessionSetup setup = SetupFrom(spec.scaffold, config_);
  setup.checkpoint = checkpoint;
  if (!checkpoint.empty()) setup.saver->RecoverLastCheckpoints(ReadCheckpointState(model_dir())->all);
  checkpoints->set_saver(setup.saver);
  summary = spec.scaffold.summary ? spec.scaffold.summary : MergeAllSummaries();
  const auto session = StartSession(graph, setup);
  StepLoop loop(*session, hooks, {spec.loss}, {spec.train_op}, step_after, ReadStep(*session, *global_step));
  loop.Start();
  Tensor loss;
  InterruptWatch interrupts;
  // Asked before each step, so that the state that is saved is that of a whole step.
  const auto check_interrupts = [&] {
    try {
      interrupts.Check();
    } catch (...) {
      LogInfo("Interrupted at step ", loop.global_step(), ".");
      checkpoints->SaveLast(*session, loop.global_step());
      throw;
    }
  };
  while (check_interrupts(), true) {
    const std::vector<Tensor>* values = loop.Step();
    if (!values) break;
    loss = values->front();
  }
  loop.End();
  if (!loss.defined()) {
    LogWarning("Training with estimator made no steps. Perhaps input is empty or misspecified.");
  }
  LogInfo("Loss for final step: ", loss.defined() ? ValueText(loss) : "None", ".");
  return *this;
}

// -------------------------------------------------------------------------------------------------------- evaluation

EvalResult Estimator::Evaluate(const InputFn& input, const EvaluateOptions& options) {
  if (options.steps && *options.steps <= 0) {
    throw InvalidArgument("Must specify steps > 0, given: ", *options.steps);
  }
  const std::string checkpoint = CheckpointOrNone(options.checkpoint_path, "evaluate");
  const auto graph = NewGraph(config_);
  const GraphScope scope(*graph);
  const auto global_step = GetOrCreateGlobalStep();
  EstimatorSpec spec = CallModelFn(input(), Mode::kEval);
  if (spec.eval_metrics.contains("loss")) {
    throw InvalidArgument(
        "Metric with name \"loss\" is not allowed, because Estimator already defines a default "
        "metric with the same name.");
  }
  spec.eval_metrics["loss"] = MeanMetric(spec.loss);

  std::vector<std::string> names;
  std::vector<Output> values;
  std::vector<Node*> updates;
  for (const auto& [name, metric] : spec.eval_metrics) {
    names.push_back(name);
    values.push_back(metric.value);
    updates.push_back(metric.update.node);
  }
  Node* update = Group(updates, "group_deps");
  names.emplace_back("global_step");
  values.push_back(global_step->value);
  Hooks hooks = options.hooks;
  hooks.insert(hooks.end(), spec.evaluation_hooks.begin(), spec.evaluation_hooks.end());
  for (const auto& hook : hooks) hook->Begin();
  SessionSetup setup = SetupFrom(spec.scaffold, config_);
  setup.checkpoint = checkpoint;

  LogInfo("Starting evaluation at ", UtcTime("%Y-%m-%dT%H:%M:%SZ"));
  const auto session = StartSession(graph, setup);
  StepLoop loop(*session, hooks, {}, {update}, {}, ReadStep(*session, *global_step));
  loop.Start();
  InterruptWatch interrupts;
  const int64_t report_every = options.steps ? std::max<int64_t>(1, *options.steps / 10) : 0;
  for (int64_t done = 0; !options.steps || done < *options.steps;) {
    interrupts.Check();
    if (!loop.Step()) break;
    ++done;
    if (report_every && (done == *options.steps || done % report_every == 0)) {
      LogInfo("Evaluation [", done, "/", *options.steps, "]");
    }
  }
  const std::vector<Tensor> finals = session->Run(values);
  loop.End();
  LogInfo("Finished evaluation at ", UtcTime("%Y-%m-%d-%H:%M:%S"));

  EvalResult result;
  for (size_t i = 0; i < names.size(); ++i) result[names[i]] = finals[i];
  const int64_t step = finals.back().AsInt64();
  LogInfo("Saving dict for global step ", step, ": ", ResultText(result));
  std::map<std::string, float> scalars;
  for (const auto& [name, value] : result) {
    if (name == "global_step" || !IsNumeric(value.dtype()) || value.num_elements() != 1) continue;
    scalars[name] = static_cast<float>(value.AsDouble());
  }
  const auto events = EventWriterFor(EvalDir(options.name));
  events->AddScalars(scalars, step);
  events->Flush();
  if (!checkpoint.empty()) LogInfo("Saving 'checkpoint_path' summary for global step ", step, ": ", checkpoint);
  return result;
}

// -------------------------------------------------------------------------------------------------------- prediction

struct PredictionIterator::State {
  std::vector<std::string> names;
  std::unique_ptr<Session> session;
  std::unique_ptr<StepLoop> loop;
  bool ended = false;
  std::map<std::string, Tensor> batch;  // that Next() walks through
  int64_t row = 0, rows = 0;
};

PredictionIterator::PredictionIterator(std::unique_ptr<State> state) : state_(std::move(state)) {}
PredictionIterator::PredictionIterator(PredictionIterator&&) noexcept = default;
PredictionIterator::~PredictionIterator() = default;

std::optional<std::map<std::string, Tensor>> PredictionIterator::NextBatch() {
  if (state_->ended) return {};
  const std::vector<Tensor>* values = state_->loop->Step();
  if (!values) {
    state_->ended = true;
    state_->loop->End();
    return {};
  }
  std::map<std::string, Tensor> batch;
  for (size_t i = 0; i < state_->names.size(); ++i) batch[state_->names[i]] = (*values)[i];
  return batch;
}

std::optional<std::map<std::string, Tensor>> PredictionIterator::Next() {
  while (state_->row == state_->rows) {
    auto batch = NextBatch();
    if (!batch) return {};
    state_->batch = std::move(*batch);
    state_->row = 0;
    state_->rows = -1;
    for (const auto& [name, value] : state_->batch) {
      if (value.rank() == 0 || (state_->rows >= 0 && value.dim(0) != state_->rows)) {
        throw InvalidArgument("Batch length of predictions should be same; ", name, " has shape ", value.shape());
      }
      state_->rows = value.dim(0);
    }
  }
  std::map<std::string, Tensor> example;
  for (const auto& [name, value] : state_->batch) {
    const Shape& shape = value.shape();
    example[name] = value.Slice(state_->row, state_->row + 1).Reshaped(Shape(shape.dims().subspan(1)));
  }
  ++state_->row;
  return example;
}

PredictionIterator Estimator::Predict(const InputFn& input, const PredictOptions& options) {
  const std::string checkpoint = CheckpointOrNone(options.checkpoint_path, "predict");
  const auto graph = NewGraph(config_);
  const GraphScope scope(*graph);
  const auto global_step = GetOrCreateGlobalStep();
  const EstimatorSpec spec = CallModelFn(input(), Mode::kPredict);

  auto state = std::make_unique<PredictionIterator::State>();
  std::vector<Output> fetches;
  std::string available;
  for (const auto& [name, output] : spec.predictions) {
    available += (available.empty() ? "" : ", ") + name;
    if (!options.predict_keys.empty() && std::ranges::count(options.predict_keys, name) == 0) continue;
    state->names.push_back(name);
    fetches.push_back(output);
  }
  if (fetches.empty()) {
    std::string wanted;
    for (const std::string& key : options.predict_keys) wanted += (wanted.empty() ? "" : ", ") + key;
    throw InvalidArgument("Expected to run at least one output from {", available, "}, provided {", wanted, "}.");
  }
  Hooks hooks = options.hooks;
  hooks.insert(hooks.end(), spec.prediction_hooks.begin(), spec.prediction_hooks.end());
  for (const auto& hook : hooks) hook->Begin();
  SessionSetup setup = SetupFrom(spec.scaffold, config_);
  setup.checkpoint = checkpoint;
  state->session = StartSession(graph, setup);
  state->loop = std::make_unique<StepLoop>(*state->session, hooks, fetches, std::vector<Node*>{}, Output{},
                                           ReadStep(*state->session, *global_step));
  state->loop->Start();
  return PredictionIterator(std::move(state));
}

}  // namespace headrace
