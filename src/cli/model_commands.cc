// gcloud ai-platform models, versions, operations and predict.
#include <unistd.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/engine_client.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "cli/instances.h"
#include "cli/packages.h"
#include "cli/yaml.h"
#include "headrace/error.h"
#include "http/url.h"

namespace headrace::cli {
namespace {

std::string ProjectTarget(const Invocation& call) {
  return "/v1/projects/" + http::PercentEncode(ProjectOf(call));
}

// A short name or the full resource name projects/P/models/M.
std::string ModelTarget(const Invocation& call, const std::string& model) {
  if (absl::StartsWith(model, "projects/")) return "/v1/" + model;
  return absl::StrCat(ProjectTarget(call), "/models/", http::PercentEncode(model));
}

std::string VersionTarget(const Invocation& call) {
  const std::string version = call.Argument("VERSION");
  if (absl::StartsWith(version, "projects/")) return "/v1/" + version;
  return absl::StrCat(ModelTarget(call, call.Flag("model")), "/versions/", http::PercentEncode(version));
}

std::string OperationTarget(const Invocation& call) {
  const std::string operation = call.Argument("OPERATION");
  if (absl::StartsWith(operation, "projects/")) return "/v1/" + operation;
  return absl::StrCat(ProjectTarget(call), "/operations/", http::PercentEncode(operation));
}

// Polls an operation until it is done; throws the error it ended with. Returns the operation.
Json WaitFor(EngineClient& client, Json operation) {
  auto pause = std::chrono::milliseconds(20);
  while (!operation.value("done", false)) {
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 3 / 2, std::chrono::milliseconds(1000));
    operation = client.Get("/v1/" + operation.at("name").get<std::string>());
  }
  if (operation.contains("error")) {
    const Json& error = operation["error"];
    throw Error(static_cast<Code>(error.value("code", 2)), error.value("message", "the operation failed"));
  }
  return operation;
}

// Tells on stderr what is waited for and how it ended.
void WaitWithProgress(EngineClient& client, const Json& operation, const std::string& what) {
  std::cerr << what << "..." << std::flush;
  try {
    WaitFor(client, operation);
  } catch (...) {
    std::cerr << "failed.\n";
    throw;
  }
  std::cerr << "done.\n";
}

bool Confirmed(const Invocation& call, const std::string& question) {
  if (call.Switch("quiet") || !isatty(0)) return true;
  std::cerr << question << "\n\nDo you want to continue (Y/n)?  " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer.empty() || answer[0] == 'y' || answer[0] == 'Y') return true;
  Note("Aborted by user.");
  return false;
}

int CreateModel(Invocation& call) {
  const std::string name = call.Argument("MODEL");
  Json model = {{"name", name}};
  if (call.Has("regions")) {
    model["regions"] = call.List("regions");
  } else {
    model["regions"] = {RegionOf(call)};
  }
  if (const auto description = call.MaybeFlag("description")) model["description"] = *description;
  if (call.Switch("enable-logging")) model["onlinePredictionLogging"] = true;
  if (call.Switch("enable-console-logging")) model["onlinePredictionConsoleLogging"] = true;
  for (const auto& [key, value] : call.Pairs("labels")) model["labels"][key] = value;
  const Json created = EngineClient().Post(ProjectTarget(call) + "/models", model);
  Note(absl::StrCat("Created ai platform model [", created.value("name", name), "]."));
  return 0;
}

int ListModels(Invocation& call) {
  Print(call, EngineClient().List(ProjectTarget(call) + "/models", "models"));
  return 0;
}

int DescribeModel(Invocation& call) {
  Print(call, EngineClient().Get(ModelTarget(call, call.Argument("MODEL"))));
  return 0;
}

int DeleteModel(Invocation& call) {
  const std::string model = call.Argument("MODEL");
  if (!Confirmed(call, absl::StrCat("This will delete model [", model, "]..."))) return 1;
  EngineClient client;
  WaitWithProgress(client, client.Delete(ModelTarget(call, model)), absl::StrCat("Deleting model [", model, "]"));
  return 0;
}

// The labels of a resource after --update-labels, --remove-labels and --clear-labels, when any was given.
void UpdateLabels(const Invocation& call, const Json& resource, Json* patch, std::vector<std::string>* mask) {
  if (!call.Has("update-labels") && !call.Has("remove-labels") && !call.Has("clear-labels")) return;
  Json labels = call.Switch("clear-labels") ? Json::object() : resource.value("labels", Json::object());
  for (const std::string& key : call.List("remove-labels")) labels.erase(key);
  for (const auto& [key, value] : call.Pairs("update-labels")) labels[key] = value;
  (*patch)["labels"] = labels;
  mask->push_back("labels");
}

int Update(Invocation& call, const std::string& target) {
  EngineClient client;
  Json patch = Json::object();
  std::vector<std::string> mask;
  if (const auto description = call.MaybeFlag("description")) {
    patch["description"] = *description;
    mask.push_back("description");
  }
  UpdateLabels(call, client.Get(target), &patch, &mask);
  if (mask.empty()) throw UsageError(call.path, "Nothing to update: give --description or labels.");
  WaitFor(client, client.Patch(absl::StrCat(target, "?updateMask=", absl::StrJoin(mask, ",")), patch));
  return 0;
}

int UpdateModel(Invocation& call) {
  return Update(call, ModelTarget(call, call.Argument("MODEL")));
}
int UpdateVersion(Invocation& call) {
  return Update(call, VersionTarget(call));
}

Json VersionBody(const Invocation& call) {
  Json version = Json::object();
  if (const auto config = call.MaybeFlag("config")) {
    version = ReadYaml(*config);
    if (!version.is_object()) throw InvalidArgument("expected a mapping of a version's fields in ", *config);
  }
  version["name"] = call.Argument("VERSION");
  static constexpr std::pair<const char*, const char*> kFields[] = {{"runtime-version", "runtimeVersion"},
                                                                    {"python-version", "pythonVersion"},
                                                                    {"machine-type", "machineType"},
                                                                    {"description", "description"},
                                                                    {"service-account", "serviceAccount"},
                                                                    {"prediction-class", "predictionClass"},
                                                                    {"origin", "deploymentUri"}};
  for (const auto& [flag, field] : kFields) {
    if (const auto value = call.MaybeFlag(flag)) version[field] = *value;
  }
  if (const auto framework = call.MaybeFlag("framework")) {
    version["framework"] = absl::StrReplaceAll(absl::AsciiStrToUpper(*framework), {{"-", "_"}});
  }
  if (call.Has("package-uris")) version["packageUris"] = call.List("package-uris");
  for (const auto& [key, value] : call.Pairs("labels")) version["labels"][key] = value;
  // yaml 1.15 and 3.7 are numbers; the API wants them as written.
  for (const char* field : {"runtimeVersion", "pythonVersion"}) {
    if (version.contains(field) && version[field].is_number()) version[field] = version[field].dump();
  }
  return version;
}

int CreateVersion(Invocation& call) {
  Json version = VersionBody(call);
  const std::string origin = version.value("deploymentUri", "");
  if (origin.empty()) {
    throw UsageError(call.path,
                     "Either `--origin` must be provided or `deploymentUri` must be in the file given by "
                     "`--config`.");
  }
  if (!absl::StartsWith(origin, "gs://")) {
    version["deploymentUri"] = StageModel(call, origin, call.Flag("model"), call.Flag("staging-bucket"));
  }
  EngineClient client;
  const Json operation = client.Post(ModelTarget(call, call.Flag("model")) + "/versions", version);
  if (call.Switch("async")) {
    Print(call, operation);
    return 0;
  }
  WaitWithProgress(client, operation, "Creating version (this might take a few minutes)");
  return 0;
}

int ListVersions(Invocation& call) {
  Print(call, EngineClient().List(ModelTarget(call, call.Flag("model")) + "/versions", "versions"));
  return 0;
}

int DescribeVersion(Invocation& call) {
  Print(call, EngineClient().Get(VersionTarget(call)));
  return 0;
}

int DeleteVersion(Invocation& call) {
  const std::string version = call.Argument("VERSION");
  if (!Confirmed(call, absl::StrCat("This will delete version [", version, "]..."))) return 1;
  EngineClient client;
  WaitWithProgress(client, client.Delete(VersionTarget(call)), absl::StrCat("Deleting version [", version, "]"));
  return 0;
}

int SetDefaultVersion(Invocation& call) {
  Print(call, EngineClient().Post(VersionTarget(call) + ":setDefault", Json::object()));
  return 0;
}

int Predict(Invocation& call) {
  Json request = ReadInstances(call);
  if (const auto signature = call.MaybeFlag("signature-name")) request["signature_name"] = *signature;
  std::string target = ModelTarget(call, call.Flag("model"));
  if (const auto version = call.MaybeFlag("version")) {
    absl::StrAppend(&target, "/versions/", http::PercentEncode(*version));
  }
  const Json answer = EngineClient().Post(target + ":predict", request);
  // The service answers a failed model run with status 200 and an `error`.
  if (answer.contains("error")) throw InvalidArgument(ScalarText(answer["error"]));
  PrintPredictions(call, answer);
  return 0;
}

int ListOperations(Invocation& call) {
  Print(call, EngineClient().List(ProjectTarget(call) + "/operations", "operations"));
  return 0;
}

int DescribeOperation(Invocation& call) {
  Print(call, EngineClient().Get(OperationTarget(call)));
  return 0;
}

int WaitOperation(Invocation& call) {
  EngineClient client;
  const Json operation = client.Get(OperationTarget(call));
  WaitWithProgress(client, operation, absl::StrCat("Waiting for operation [", call.Argument("OPERATION"), "]"));
  Print(call, client.Get(OperationTarget(call)));
  return 0;
}

int CancelOperation(Invocation& call) {
  EngineClient().Post(OperationTarget(call) + ":cancel", Json::object());
  return 0;
}

}  // namespace

std::vector<Command> ModelCommands() {
  const std::string labels = "--update-labels=KEY=VALUE,... --remove-labels=KEY,... --clear-labels";
  return {
      {"ai-platform models create MODEL --regions=REGION,... --region=REGION --enable-logging --enable-console-logging "
       "--description=TEXT --labels=KEY=VALUE,...",
       "Creates a model", CreateModel},
      {"ai-platform models list --region=REGION", "Lists models", ListModels,
       "table(name.basename(), defaultVersion.name.basename():label=DEFAULT_VERSION_NAME)"},
      {"ai-platform models describe MODEL --region=REGION", "Shows a model", DescribeModel},
      {"ai-platform models delete MODEL --region=REGION", "Deletes a model without versions", DeleteModel},
      {"ai-platform models update MODEL --region=REGION --description=TEXT " + labels, "Changes a model", UpdateModel},
      {"ai-platform versions create VERSION --model=MODEL! --origin=DIR --staging-bucket=BUCKET "
       "--runtime-version=VERSION --python-version=VERSION --framework=FRAMEWORK --machine-type=TYPE --config=FILE "
       "--region=REGION --service-account=ACCOUNT --package-uris=URI,... --prediction-class=CLASS --description=TEXT "
       "--labels=KEY=VALUE,... --async",
       "Deploys an exported model as a version", CreateVersion},
      {"ai-platform versions list --model=MODEL! --region=REGION", "Lists a model's versions", ListVersions,
       "table(name.basename(), deploymentUri, state)"},
      {"ai-platform versions describe VERSION --model=MODEL! --region=REGION", "Shows a version", DescribeVersion},
      {"ai-platform versions delete VERSION --model=MODEL! --region=REGION", "Deletes a version", DeleteVersion},
      {"ai-platform versions update VERSION --model=MODEL! --region=REGION --description=TEXT " + labels,
       "Changes a version", UpdateVersion},
      {"ai-platform versions set-default VERSION --model=MODEL! --region=REGION", "Makes a version the default one",
       SetDefaultVersion},
      {"ai-platform predict --model=MODEL! --version=VERSION --json-instances=FILE --text-instances=FILE "
       "--json-request=FILE --signature-name=NAME --region=REGION",
       "Asks a deployed model", Predict},
      {"ai-platform operations list --region=REGION", "Lists operations", ListOperations,
       "table(name.basename(), metadata.operationType, done)"},
      {"ai-platform operations describe OPERATION --region=REGION", "Shows an operation", DescribeOperation},
      {"ai-platform operations wait OPERATION --region=REGION", "Waits until an operation is done", WaitOperation},
      {"ai-platform operations cancel OPERATION --region=REGION", "Cancels an operation", CancelOperation},
  };
}

}  // namespace headrace::cli
