// Estimators: a model function and the loops that train, evaluate, predict with and export the model it builds, with
// the behaviour of tf.estimator 1.15. Model and input functions build graphs on Graph::Current(); they are called once
// for each Train, Evaluate, Predict or export.
#pragma once

#include <any>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/cluster_task.h"
#include "headrace/dataset.h"
#include "headrace/hooks.h"
#include "headrace/metrics.h"
#include "headrace/saver.h"

namespace headrace {

enum class Mode { kTrain, kEval, kPredict };
const char* ModeName(Mode mode);  // "train", "eval", "infer"

// What an input function gives: features by name (or one tensor, under the name ""), and labels by name (or one).
struct Input {
  Input() = default;
  Input(Features features, Features labels) : features(std::move(features)), labels(std::move(labels)) {}
  Input(Features features, Output labels) : Input(std::move(features), Features{{"", labels}}) {}
  Input(Features features) : Input(std::move(features), Features()) {}  // NOLINT
  // The next element of a dataset of features, or of pairs (features, labels).
  Input(const Dataset& dataset);         // NOLINT
  Input(const ElementTensors& element);  // NOLINT

  Output label() const;  // errors: InvalidArgument unless there is exactly one
  Features features, labels;
};
using InputFn = std::function<Input()>;

// What a model gives to whom it serves.
struct ExportOutput {
  enum class Kind { kPredict, kRegression, kClassification };
  Kind kind = Kind::kPredict;
  std::map<std::string, Output> outputs;  // of kPredict
  Output value;                           // of kRegression
  Output scores, classes;                 // of kClassification: either or both
  static ExportOutput Predict(std::map<std::string, Output> outputs);
  static ExportOutput Regression(Output value);
  static ExportOutput Classification(Output scores, Output classes);
};

// Parts of session start-up that a model function may replace.
struct Scaffold {
  std::shared_ptr<Saver> saver;
  Output summary;                                 // instead of all collected summaries
  Node* init = nullptr;                           // instead of all global variables' initializers
  Node* local_init = nullptr;                     // instead of local variables and tables
  std::function<void(Session& session)> init_fn;  // called after `init`
};

struct EstimatorSpec {
  Mode mode = Mode::kTrain;
  std::vector<std::pair<std::string, Output>> predictions = {};  // one alone may be named ""
  Output loss = {};
  Node* train_op = nullptr;
  std::map<std::string, Metric> eval_metrics = {};
  std::map<std::string, ExportOutput> export_outputs = {};
  Hooks training_chief_hooks = {}, training_hooks = {}, evaluation_hooks = {}, prediction_hooks = {};
  Scaffold scaffold = {};
};

struct RunConfig {
  std::string model_dir = {};  // TF_CONFIG's, or a temporary directory if empty
  std::optional<int64_t> tf_random_seed = {};
  int64_t save_summary_steps = 100;
  std::optional<int64_t> save_checkpoints_steps = {};
  std::optional<double> save_checkpoints_secs = {};  // 600 if neither is given; both are an error
  int keep_checkpoint_max = 5;
  double keep_checkpoint_every_n_hours = 10000;
  std::optional<int64_t> log_step_count_steps = 100;
  ClusterTask task = TaskFromEnvironment();
};
// As TensorFlow logs it: "{'_model_dir': '…', '_tf_random_seed': None, …}".
std::string ToString(const RunConfig& config);

struct ModelContext {
  Mode mode;
  const RunConfig& config;
};
using ModelFn = std::function<EstimatorSpec(const Features& features, const Features& labels, const ModelContext&)>;

// Inputs of an exported model: what it is fed, and the features made of that.
struct ServingInput {
  Features features;
  Features receiver_tensors;  // one alone may be named "", and is then called "input"
};
using ServingInputFn = std::function<ServingInput()>;
// Feeds the features raw: a placeholder of shape [?] for each.
ServingInputFn RawServingInput(const std::vector<std::string>& features, DType dtype = DType::kFloat);

// Names and values of an evaluation: scalars (and whatever else the metrics give), sorted by name.
using EvalResult = std::map<std::string, Tensor>;

class PredictionIterator;

struct TrainOptions {
  Hooks hooks = {};
  std::optional<int64_t> steps = {};      // so many more
  std::optional<int64_t> max_steps = {};  // until the global step is this
  CheckpointListeners saving_listeners = {};
};

struct EvaluateOptions {
  std::optional<int64_t> steps = {};  // batches; all if absent
  Hooks hooks = {};
  std::string checkpoint_path = {};  // the latest one if empty
  std::string name = {};             // events go to eval_NAME
};

struct PredictOptions {
  std::vector<std::string> predict_keys = {};
  Hooks hooks = {};
  std::string checkpoint_path = {};
};

struct ExportOptions {
  std::string checkpoint_path = {};
  std::map<std::string, std::string> assets_extra = {};  // destination below assets.extra/ -> source file
  bool strip_default_attrs = true;
};

class Estimator {
 public:
  explicit Estimator(ModelFn model_fn, RunConfig config = {});
  virtual ~Estimator() = default;

  // Trains from the latest checkpoint, or from the start. Errors: FailedPrecondition if another process trains in the
  // same directory; Unimplemented for one of several processes of a cluster; NanLossDuringTraining; Cancelled after an
  // interrupt (Ctrl-C), with a checkpoint kept; whatever the input raises. The checkpoint written last stays valid
  // whatever happens.
  Estimator& Train(const InputFn& input, const TrainOptions& options = {});
  // Without a checkpoint, evaluation and prediction use the variables' initial values.
  EvalResult Evaluate(const InputFn& input, const EvaluateOptions& options = {});
  PredictionIterator Predict(const InputFn& input, const PredictOptions& options = {});
  // Writes a SavedModel to BASE/TIMESTAMP, which appears whole; returns that path. Errors: InvalidArgument if there is
  // no trained model.
  std::string ExportSavedModel(const std::string& base, const ServingInputFn& serving_input,
                               const ExportOptions& options = {});

  const std::string& model_dir() const { return config_.model_dir; }
  const RunConfig& config() const { return config_; }
  const ModelFn& model_fn() const { return model_fn_; }
  std::string EvalDir(const std::string& name = {}) const;
  std::string LatestCheckpoint() const;  // "" if there is none
  std::vector<std::string> VariableNames() const;
  Tensor VariableValue(const std::string& name) const;

 private:
  EstimatorSpec CallModelFn(const Input& input, Mode mode) const;
  std::string CheckpointFor(const std::string& checkpoint_path) const;  // errors: InvalidArgument if there is none
  std::string CheckpointOrNone(const std::string& checkpoint_path, const char* purpose) const;  // says so in the log
  std::string CheckpointToResume() const;  // an older one, with a warning, where the latest one is lost

  ModelFn model_fn_;
  RunConfig config_;
};

// Predictions, batch by batch or example by example. Movable; holds its session.
class PredictionIterator {
 public:
  PredictionIterator(PredictionIterator&&) noexcept;
  ~PredictionIterator();
  // The next batch's predictions by name; nothing at the end.
  std::optional<std::map<std::string, Tensor>> NextBatch();
  // The next example's: each tensor without its first axis. Errors: InvalidArgument if batch sizes differ.
  std::optional<std::map<std::string, Tensor>> Next();

 private:
  friend class Estimator;
  struct State;
  explicit PredictionIterator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// ---------------------------------------------------------------------------------------------- train and evaluate

class Exporter {
 public:
  virtual ~Exporter() = default;
  virtual std::string name() const = 0;
  // Exports to `export_path` if it is time to. Returns the path of what was written, "" if nothing was.
  virtual std::string Export(Estimator& estimator, const std::string& export_path, const std::string& checkpoint_path,
                             const EvalResult& result, bool is_the_final_export) = 0;
};

struct ExporterOptions {
  std::map<std::string, std::string> assets_extra = {};
  std::optional<int> exports_to_keep = 5;
};
// Exports after every evaluation; removes older exports.
std::shared_ptr<Exporter> LatestExporter(std::string name, ServingInputFn serving_input, ExporterOptions options = {});
// Exports once, at the end.
std::shared_ptr<Exporter> FinalExporter(std::string name, ServingInputFn serving_input, ExporterOptions options = {});
// Exports the first evaluation, and each that beats all before it: `better(best, current)`, by default a smaller loss.
struct BestExporterOptions {
  std::string name = "best_exporter";
  std::string event_file_pattern = {};  // below the model directory; earlier results are read from there
  std::function<bool(const EvalResult& best, const EvalResult& current)> better = {};
  std::map<std::string, std::string> assets_extra = {};
  std::optional<int> exports_to_keep = 5;
};
std::shared_ptr<Exporter> BestExporter(ServingInputFn serving_input, const BestExporterOptions& options = {});

struct TrainSpec {
  InputFn input;
  std::optional<int64_t> max_steps = {};
  Hooks hooks = {};
  CheckpointListeners saving_listeners = {};
};

struct EvalSpec {
  InputFn input;
  std::optional<int64_t> steps = 100;
  std::string name = {};
  Hooks hooks = {};
  std::vector<std::shared_ptr<Exporter>> exporters = {};
  double start_delay_secs = 120;
  double throttle_secs = 600;
};

struct TrainAndEvaluateResult {
  std::optional<EvalResult> eval;         // of the last evaluation
  std::vector<std::string> export_paths;  // one for each exporter
};
// Trains, and evaluates and exports after checkpoints (at most every throttle_secs) and at the end.
TrainAndEvaluateResult TrainAndEvaluate(Estimator& estimator, const TrainSpec& train, const EvalSpec& eval);

// ------------------------------------------------------------------------------------------------------ interruption

// Called by training loops about ten times a second, on their thread; may throw to stop the loop (Python's pending
// signals). Without one, a loop handles SIGINT itself.
void SetInterruptPoll(std::function<void()> poll);

}  // namespace headrace
