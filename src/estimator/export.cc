// Exporting: a predict graph over the receiver's tensors, signatures for what it gives, and the variables of a
// checkpoint, written as a SavedModel under a temporary name that is then renamed to a timestamp.
#include <algorithm>
#include <chrono>
#include <thread>

#include "estimator/step_loop.h"
#include "formats/checkpoint.h"
#include "formats/saved_model.h"
#include "headrace/estimator.h"
#include "headrace/file_system.h"
#include "headrace/log.h"
#include "headrace/op_traits.h"

namespace headrace {
namespace {

constexpr const char* kDefaultServing = "serving_default";

std::string TensorsText(const Features& tensors) {
  std::string text = "{";
  for (const auto& [name, output] : tensors) {
    text += internal::Concat(text.size() > 1 ? ", " : "", "'", name, "': ", output.dtype(), output.shape(), " ",
                             output.name());
  }
  return text + "}";
}

std::map<std::string, TensorInfo> InputsOf(const Features& tensors) {
  std::map<std::string, TensorInfo> inputs;
  for (const auto& [name, output] : tensors) inputs[name.empty() ? "input" : name] = InfoOf(output);
  return inputs;
}

// The one string tensor of serialized Examples that TensorFlow Serving's classify and regress APIs send.
TensorInfo ExamplesOf(const Features& tensors, const char* kind) {
  if (tensors.size() == 1 && tensors.begin()->second.dtype() == DType::kString) {
    return InfoOf(tensors.begin()->second);
  }
  throw InvalidArgument(
      kind,
      " signatures can only accept a single tensor input of type tf.string. Please check to make sure that you have "
      "structured the serving_input_receiver_fn so that it creates a single string placeholder. If your model function "
      "expects multiple inputs, then use `tf.io.parse_example()` to parse the string into multiple tensors.\n "
      "Received: ",
      TensorsText(tensors));
}

Signature SignatureOf(const ExportOutput& output, const Features& receivers) {
  Signature signature;
  switch (output.kind) {
    case ExportOutput::Kind::kPredict:
      signature.inputs = InputsOf(receivers);
      for (const auto& [name, tensor] : output.outputs) {
        signature.outputs[name.empty() ? "output" : name] = InfoOf(tensor);
      }
      signature.method_name = "tensorflow/serving/predict";
      break;
    case ExportOutput::Kind::kRegression:
      signature.inputs["inputs"] = ExamplesOf(receivers, "Regression");
      signature.outputs["outputs"] = InfoOf(output.value);
      signature.method_name = "tensorflow/serving/regress";
      break;
    case ExportOutput::Kind::kClassification:
      signature.inputs["inputs"] = ExamplesOf(receivers, "Classification");
      if (output.classes) signature.outputs["classes"] = InfoOf(output.classes);
      if (output.scores) signature.outputs["scores"] = InfoOf(output.scores);
      signature.method_name = "tensorflow/serving/classify";
      break;
  }
  return signature;
}

// The model's export outputs, one of which is the default.
std::map<std::string, ExportOutput> ExportOutputsOf(const EstimatorSpec& spec) {
  auto outputs = spec.export_outputs;
  if (outputs.empty()) {
    outputs[kDefaultServing] = ExportOutput::Predict({spec.predictions.begin(), spec.predictions.end()});
  } else if (outputs.size() == 1) {
    outputs.emplace(kDefaultServing, outputs.begin()->second);
  } else if (!outputs.contains(kDefaultServing)) {
    std::string names;
    for (const auto& [name, output] : outputs) names += (names.empty() ? "" : ", ") + name;
    throw InvalidArgument(
        "Multiple export_outputs were provided, but none of them is specified as the default. Do "
        "this by naming one of them with '",
        kDefaultServing, "'; got ", names, ".");
  }
  return outputs;
}

std::string Included(const std::map<std::string, Signature>& signatures, const char* method) {
  std::string names;
  for (const auto& [name, signature] : signatures) {
    if (signature.method_name == std::string("tensorflow/serving/") + method) {
      names += (names.empty() ? "'" : ", '") + name + "'";
    }
  }
  return names.empty() ? "None" : "[" + names + "]";
}

std::map<std::string, Signature> BuildSignatures(const EstimatorSpec& spec, const Features& receivers) {
  std::map<std::string, Signature> signatures;
  std::vector<std::string> excluded;
  for (const auto& [name, output] : ExportOutputsOf(spec)) {
    try {
      signatures[name] = SignatureOf(output, receivers);
    } catch (const Error& error) {
      excluded.push_back("'" + name + "' : " + error.what());
    }
  }
  LogInfo("Signatures INCLUDED in export for Classify: ", Included(signatures, "classify"));
  LogInfo("Signatures INCLUDED in export for Regress: ", Included(signatures, "regress"));
  LogInfo("Signatures INCLUDED in export for Predict: ", Included(signatures, "predict"));
  LogInfo("Signatures INCLUDED in export for Train: None");
  LogInfo("Signatures INCLUDED in export for Eval: None");
  if (!excluded.empty()) {
    LogInfo("Signatures EXCLUDED from export because they cannot be be served via TensorFlow Serving APIs:");
    for (const std::string& line : excluded) LogInfo(line);
  }
  if (signatures.empty()) LogWarning("Export includes no signatures!");
  return signatures;
}

// Where an export is written before it gets its name.
std::string TemporaryPath(const std::string& path) {
  return JoinPath(DirectoryOf(path), "temp-" + FileNameOf(path));
}

// A directory BASE/SECONDS that doesn't exist yet, and of which no crash has left a beginning.
std::string TimestampedPath(const std::string& base) {
  for (int attempt = 0; attempt < 10; ++attempt) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::string path = JoinPath(base, std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
    if (!FileExists(path) && !FileExists(TemporaryPath(path))) return path;
    LogWarning("Directory ", path, " already exists; retrying");
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  throw Unavailable("Failed to obtain a unique export directory name in ", base, " after 10 attempts.");
}

void CopyVariables(const Graph& graph, const std::string& checkpoint, CheckpointWriter& writer) {
  const CheckpointReader reader(checkpoint);
  LogInfo("Restoring parameters from ", checkpoint);
  for (const auto& variable : graph.variables()) {
    if (variable->save_name.empty()) {
      writer.Add(variable->name, reader.Read(variable->name));
    } else {
      writer.AddSlice(variable->save_name, Shape(variable->slice_full_shape), variable->slice_begin,
                      reader.ReadSlice(variable->save_name, variable->slice_begin, variable->shape().ToShape()));
    }
  }
}

void CopyAssets(Graph& graph, SavedModelWriter& writer, MetaGraphInfo* info) {
  for (const CollectionItem& item : graph.collection(keys::kAssetFilepaths)) {
    const Output path = std::get<Output>(item);
    const Tensor* source = ConstantBehind(path);
    if (!source) {
      throw InvalidArgument("the path of an asset must be a constant, got ", path.name(), " of op ", path.node->type());
    }
    info->assets.push_back({path.name(), writer.AddAsset(std::string(source->string()))});
  }
  if (info->assets.empty()) LogInfo("No assets to write.");
}

}  // namespace

ExportOutput ExportOutput::Predict(std::map<std::string, Output> outputs) {
  return {.kind = Kind::kPredict, .outputs = std::move(outputs)};
}

ExportOutput ExportOutput::Regression(Output value) {
  if (!IsFloating(value.dtype())) {
    throw InvalidArgument("Regression output value must be a float32 Tensor; got ", value.dtype(), " ", value.name());
  }
  return {.kind = Kind::kRegression, .value = value};
}

ExportOutput ExportOutput::Classification(Output scores, Output classes) {
  if (scores && !IsFloating(scores.dtype())) {
    throw InvalidArgument("Classification scores must be a float32 Tensor; got ", scores.dtype());
  }
  if (classes && classes.dtype() != DType::kString) {
    throw InvalidArgument("Classification classes must be a string Tensor; got ", classes.dtype());
  }
  if (!scores && !classes) throw InvalidArgument("At least one of scores and classes must be set.");
  return {.kind = Kind::kClassification, .scores = scores, .classes = classes};
}

std::string Estimator::ExportSavedModel(const std::string& base, const ServingInputFn& serving_input,
                                        const ExportOptions& options) {
  if (!serving_input) throw InvalidArgument("An input_receiver_fn must be defined.");
  const std::string checkpoint = CheckpointFor(options.checkpoint_path);
  const auto graph = std::make_shared<Graph>();
  graph->seed = config_.tf_random_seed;
  const GraphScope scope(*graph);
  GetOrCreateGlobalStep();
  const ServingInput receiver = serving_input();
  if (receiver.receiver_tensors.empty()) throw InvalidArgument("receiver_tensors must not be empty.");
  const EstimatorSpec spec = CallModelFn(receiver.features, Mode::kPredict);

  MetaGraphInfo info;
  info.tags = {"serve"};
  info.signatures = BuildSignatures(spec, receiver.receiver_tensors);
  const SessionSetup setup = SetupFrom(spec.scaffold, config_);
  info.init_op = setup.local_init->name();
  info.saver = SaverInfo{.filename_tensor = setup.saver->filename().name(),
                         .save_tensor = setup.saver->save_tensor().name(),
                         .restore_op = setup.saver->restore_node()->name()};

  MakeDirs(base);
  std::string path = TimestampedPath(base);
  const std::string temporary = TemporaryPath(path);
  try {
    SavedModelWriter writer(temporary);
    CopyVariables(*graph, checkpoint, writer.variables());
    CopyAssets(*graph, writer, &info);
    writer.AddMetaGraph(*graph, info, {.strip_default_attrs = options.strip_default_attrs});
    writer.Finish();
    for (const auto& [destination, source] : options.assets_extra) {
      const std::string target = JoinPath(JoinPath(temporary, "assets.extra"), destination);
      MakeDirs(DirectoryOf(target));
      CopyFile(source, target);
    }
    FileSystemFor(temporary).Rename(temporary, path);
    FileSystemFor(base).SyncDirectory(base);
  } catch (...) {
    if (FileExists(temporary)) RemoveTree(temporary);
    throw;
  }
  LogInfo("SavedModel written to: ", path);
  return path;
}

}  // namespace headrace
