// gcloud ai-platform local: training and prediction without the engine.
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "cli/instances.h"
#include "cli/packages.h"
#include "cli/process.h"
#include "headrace/error.h"
#include "predict/loaded_model.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

// What a trainer finds in TF_CONFIG when it runs alone.
Json SingleMachineConfig(const std::string& module, const std::vector<std::string>& arguments) {
  return {{"job", {{"job_name", module}, {"args", arguments}}},
          {"task", Json::object()},
          {"cluster", Json::object()},
          {"environment", "cloud"}};
}

int Train(Invocation& call) {
  if (call.Switch("distributed")) {
    throw Unimplemented("--distributed: local train runs one process in this version; leave the flag out");
  }
  const std::string module = call.Flag("module-name");
  const std::string top = module.substr(0, module.find('.'));
  const fs::path package = CheckPackage(call.Flag("package-path", top));
  const std::string root = package.parent_path().string();
  std::vector<std::string> arguments = call.rest;
  if (const auto job_dir = call.MaybeFlag("job-dir")) arguments.insert(arguments.end(), {"--job-dir", *job_dir});

  const Installation installation = Installation::Find();
  const char* before = std::getenv("PYTHONPATH");
  std::string python_path = root;
  for (const std::string& path : {std::string(before ? before : ""), installation.PythonPath()}) {
    if (!path.empty()) absl::StrAppend(&python_path, ":", path);
  }
  std::vector<std::string> command = {installation.python.string(), "-m", module};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return RunAttached(command,
                     {{"PYTHONPATH", python_path}, {"TF_CONFIG", SingleMachineConfig(module, arguments).dump()}}, root);
}

int Predict(Invocation& call) {
  const std::string framework = call.Flag("framework", "tensorflow");
  if (framework != "tensorflow" && framework != "TENSORFLOW") {
    throw Unimplemented("--framework=", framework, ": local predict runs models of the framework tensorflow");
  }
  Json request = ReadInstances(call);
  if (const auto signature = call.MaybeFlag("signature-name")) request["signature_name"] = *signature;
  const LoadedModel model(call.Flag("model-dir"));
  PrintPredictions(call, Json::parse(model.PredictJson(request.dump())));
  return 0;
}

}  // namespace

std::vector<Command> LocalCommands() {
  return {
      {"ai-platform local train --module-name=MODULE! --package-path=DIR --job-dir=DIR --distributed "
       "--parameter-server-count=N --worker-count=N --evaluator-count=N --start-port=PORT --",
       "Runs a trainer on this machine, in the foreground", Train},
      {"ai-platform local predict --model-dir=DIR! --json-instances=FILE --text-instances=FILE --json-request=FILE "
       "--signature-name=NAME --framework=FRAMEWORK",
       "Predicts with an exported model, without the engine", Predict},
  };
}

}  // namespace headrace::cli
