// Methods on models and versions. A name is its key in the store: "projects/p/models/m/versions/v".
#include "engine/models.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "engine/local_files.h"
#include "engine/method.h"
#include "engine/names.h"

namespace headrace::engine {
namespace {

constexpr auto kLoadTimeout = std::chrono::seconds(300);
constexpr char kModelForm[] = "projects/*/models/*";
constexpr char kVersionForm[] = "projects/*/models/*/versions/*";

std::string ModelOf(const std::string& version) {
  return version.substr(0, version.rfind("/versions/"));
}

// "projects/p" + "-" + counter: unique over restarts.
std::string NewOperationName(const std::string& resource, const std::string& label) {
  static std::atomic<int> counter{0};
  const auto parts = resource.substr(0, resource.find('/', sizeof("projects/") - 1));
  std::string stamp = Now();
  std::erase_if(stamp, [](char c) { return c < '0' || c > '9'; });
  return parts + "/operations/" + label + "-" + stamp + "-" + std::to_string(counter.fetch_add(1));
}

// Whether an update mask names the field; refuses masks with others than these.
bool Masked(const std::string& mask, std::string_view field) {
  for (size_t begin = 0; begin <= mask.size();) {
    const size_t end = std::min(mask.find(',', begin), mask.size());
    if (std::string_view(mask).substr(begin, end - begin) == field) return true;
    begin = end + 1;
  }
  return false;
}

void CheckMask(const std::string& mask, const std::vector<std::string_view>& known) {
  for (size_t begin = 0; begin <= mask.size();) {
    const size_t end = std::min(mask.find(',', begin), mask.size());
    const std::string field = mask.substr(begin, end - begin);
    if (std::find(known.begin(), known.end(), field) == known.end()) {
      throw InvalidArgument("Field: update_mask Error: '", field, "' can't be changed.");
    }
    begin = end + 1;
  }
}

}  // namespace

ModelService::ModelService(Context& context, Replicas& replicas)
    : context_(context),
      replicas_(replicas),
      models_(context.store, "models", "model"),
      versions_(context.store, "versions", "version"),
      operations_(context.store, "operations", "operation") {}

void ModelService::Resume() {
  for (const Version& version : versions_.List("")) {
    if (version.state != "READY") continue;
    replicas_.Add(version.name, ModelDirectory(version.name));
    replicas_.SetRoute(version.name, version.name);
    if (version.is_default) replicas_.SetRoute(ModelOf(version.name), version.name);
  }
  for (const Operation& operation : operations_.List("")) {
    if (operation.done || operation.metadata.operation_type != "CREATE_VERSION") continue;
    const std::string version = operation.metadata.version->name;
    context_.later(std::chrono::milliseconds(0), [=, this, name = operation.name] { Deploy(name, version); });
  }
}

std::string ModelService::ModelDirectory(const std::string& version) const {
  const auto parts = ParseName(version, kVersionForm);
  return context_.Home("models/" + parts[0] + "/" + parts[1] + "/" + parts[2]);
}

Model ModelService::WithDefault(const std::string& name, Model model) {
  model.name = name;
  model.default_version.reset();
  for (const Version& version : versions_.List(name + "/versions/")) {
    if (version.is_default) model.default_version = version;
  }
  return model;
}

Model ModelService::CreateModel(const CreateModelRequest& request) {
  CheckProjectId(ParseName(request.parent, "projects/*")[0]);
  CheckMlName("model", request.model.name);
  Model model = request.model;
  model.name = request.parent + "/models/" + request.model.name;
  model.default_version.reset();
  if (model.regions.empty()) model.regions = {"us-central1"};
  models_.Insert(model.name, model);
  return model;
}

Model ModelService::GetModel(const NamedRequest& request) {
  return WithDefault(request.name, models_.Get(request.name));
}

std::vector<Model> ModelService::ListModels(const ParentRequest& request) {
  std::vector<Model> models = models_.List(request.parent + "/models/");
  for (Model& model : models) model = WithDefault(model.name, model);
  return models;
}

Operation ModelService::DeleteModel(const NamedRequest& request) {
  context_.store.Transaction([&] {
    models_.Get(request.name);
    if (!versions_.List(request.name + "/versions/").empty()) {
      throw FailedPrecondition("Cannot delete a model with versions: delete the versions of ", request.name, " first.");
    }
    models_.Remove(request.name);
  });
  return Done(NewOperation("DELETE_MODEL", request.name, nullptr));
}

Operation ModelService::PatchModel(const PatchModelRequest& request) {
  CheckMask(request.update_mask, {"description", "labels", "onlinePredictionLogging"});
  const Model model = models_.Modify(request.name, [&](Model& m) {
    if (Masked(request.update_mask, "description")) m.description = request.model.description;
    if (Masked(request.update_mask, "labels")) m.labels = request.model.labels;
    if (Masked(request.update_mask, "onlinePredictionLogging")) {
      m.online_prediction_logging = request.model.online_prediction_logging;
    }
  });
  return Done(NewOperation("UPDATE_MODEL", request.name, nullptr), ToJson(model));
}

Operation ModelService::CreateVersion(const CreateVersionRequest& request) {
  ParseName(request.parent, kModelForm);
  CheckMlName("version", request.version.name);
  models_.Get(request.parent);
  Version version = request.version;
  if (version.deployment_uri.empty()) {
    throw InvalidArgument("Field: version.deployment_uri Error: a directory with a SavedModel is required.");
  }
  const std::string source = LocalPath(version.deployment_uri);
  if (!std::filesystem::exists(source + "/saved_model.pb") && !std::filesystem::exists(source + "/saved_model.pbtxt")) {
    throw FailedPrecondition("Field: version.deployment_uri Error: Deployment directory ", version.deployment_uri,
                             " is expected to contain exactly one of: [saved_model.pb, saved_model.pbtxt].");
  }
  version.name = request.parent + "/versions/" + request.version.name;
  version.state = "CREATING";
  version.create_time = Now();
  version.is_default = false;
  version.error_message = "";
  if (version.framework.empty()) version.framework = "TENSORFLOW";
  Operation operation = NewOperation("CREATE_VERSION", version.name, &version);
  context_.store.Transaction([&] {
    versions_.Insert(version.name, version);
    operations_.Insert(operation.name, operation);
  });
  context_.later(std::chrono::milliseconds(0), [=, this, name = operation.name] { Deploy(name, version.name); });
  return operation;
}

void ModelService::CopyModel(const Version& version, const std::string& directory) const {
  const std::string part = directory + ".part";
  std::filesystem::remove_all(part);
  std::filesystem::remove_all(directory);
  CopyTree(LocalPath(version.deployment_uri), part);
  std::filesystem::rename(part, directory);
}

void ModelService::Deploy(const std::string& operation, const std::string& name) {
  std::optional<OperationError> failure;
  try {
    const std::string directory = ModelDirectory(name);
    CopyModel(versions_.Get(name), directory);
    replicas_.Add(name, directory);
    if (!replicas_.AwaitReady(name, kLoadTimeout)) return;  // the next engine carries on
  } catch (const Error& error) {
    failure = {static_cast<int>(error.code()),
               std::string("Create Version failed. Bad model detected with error: \"") + error.what() + "\""};
  } catch (const std::exception& error) {
    failure = {static_cast<int>(Code::kInternal), std::string("Create Version failed: ") + error.what()};
  }
  if (failure) replicas_.Remove(name);
  context_.store.Transaction([&] {
    if (!versions_.Find(name)) failure = {static_cast<int>(Code::kCancelled), "the version was deleted"};
    Version version;
    if (versions_.Find(name)) {
      bool first = true;
      for (const Version& other : versions_.List(ModelOf(name) + "/versions/")) first = first && !other.is_default;
      version = versions_.Modify(name, [&](Version& v) {
        v.state = failure ? "FAILED" : "READY";
        v.error_message = failure ? failure->message : "";
        v.is_default = !failure && first;
      });
    }
    operations_.Modify(operation, [&](Operation& o) {
      o.done = true;
      o.metadata.end_time = Now();
      o.error = failure;
      if (!failure) {
        o.response = ToJson(version);
        o.response["@type"] = "type.googleapis.com/google.cloud.ml.v1.Version";
      }
    });
    if (failure) return;
    replicas_.SetRoute(name, name);
    if (version.is_default) replicas_.SetRoute(ModelOf(name), name);
  });
}

Version ModelService::GetVersion(const NamedRequest& request) {
  return versions_.Get(request.name);
}

std::vector<Version> ModelService::ListVersions(const ParentRequest& request) {
  models_.Get(request.parent);
  return versions_.List(request.parent + "/versions/");
}

Operation ModelService::DeleteVersion(const NamedRequest& request) {
  Version version;
  context_.store.Transaction([&] {
    version = versions_.Get(request.name);
    if (version.is_default && versions_.List(ModelOf(request.name) + "/versions/").size() > 1) {
      throw FailedPrecondition(
          "Cannot delete the default version when there are other versions: make another the "
          "default of ",
          ModelOf(request.name), " first.");
    }
    versions_.Remove(request.name);
  });
  replicas_.Remove(request.name);
  std::filesystem::remove_all(ModelDirectory(request.name));
  return Done(NewOperation("DELETE_VERSION", request.name, &version));
}

Operation ModelService::PatchVersion(const PatchVersionRequest& request) {
  CheckMask(request.update_mask, {"description", "labels", "autoScaling", "manualScaling", "machineType"});
  const Version version = versions_.Modify(request.name, [&](Version& v) {
    if (Masked(request.update_mask, "description")) v.description = request.version.description;
    if (Masked(request.update_mask, "labels")) v.labels = request.version.labels;
    if (Masked(request.update_mask, "autoScaling")) v.auto_scaling = request.version.auto_scaling;
    if (Masked(request.update_mask, "manualScaling")) v.manual_scaling = request.version.manual_scaling;
    if (Masked(request.update_mask, "machineType")) v.machine_type = request.version.machine_type;
  });
  return Done(NewOperation("UPDATE_VERSION", request.name, &version), ToJson(version));
}

Version ModelService::SetDefault(const NamedRequest& request) {
  Version result;
  context_.store.Transaction([&] {
    if (versions_.Get(request.name).state != "READY") {
      throw FailedPrecondition("only a version that is READY can be the default: ", request.name);
    }
    for (const Version& other : versions_.List(ModelOf(request.name) + "/versions/")) {
      versions_.Modify(other.name, [&](Version& v) { v.is_default = v.name == request.name; });
    }
    result = versions_.Get(request.name);
  });
  replicas_.SetRoute(ModelOf(request.name), request.name);
  return result;
}

Operation ModelService::NewOperation(const std::string& type, const std::string& name, const Version* version) const {
  const auto model = name.substr(0, name.find("/versions/"));
  std::string label = type + "_" + name.substr(name.rfind('/') + 1);
  std::transform(label.begin(), label.end(), label.begin(), [](unsigned char c) { return std::tolower(c); });
  Operation operation;
  operation.name = NewOperationName(name, label);
  operation.metadata.create_time = operation.metadata.start_time = Now();
  operation.metadata.operation_type = type;
  operation.metadata.model_name = model;
  if (version) operation.metadata.version = *version;
  return operation;
}

Operation ModelService::Done(Operation operation, Json response) {
  operation.done = true;
  operation.metadata.end_time = Now();
  operation.response = std::move(response);
  operations_.Insert(operation.name, operation);
  return operation;
}

Operation ModelService::GetOperation(const NamedRequest& request) {
  return operations_.Get(request.name);
}

std::vector<Operation> ModelService::ListOperations(const NamedRequest& request) {
  std::vector<Operation> operations = operations_.List(request.name + "/operations/");
  std::reverse(operations.begin(), operations.end());
  return operations;
}

Empty ModelService::CancelOperation(const NamedRequest& request) {
  operations_.Modify(request.name, [](Operation& operation) {
    if (!operation.done) operation.metadata.is_cancellation_requested = true;
  });
  return {};
}

void ModelService::WaitOperation(const http::Request& request, const http::Reply& reply) {
  constexpr auto kPoll = std::chrono::milliseconds(50);
  const std::string name = request.path_params.at("name");
  std::string timeout = "60";
  const Json body = Json::parse(request.body.empty() ? "{}" : request.body, nullptr, false);
  if (body.is_object() && body.contains("timeout")) timeout = body.value("timeout", "60s");
  const auto deadline = std::chrono::steady_clock::now() +
                        std::chrono::milliseconds(static_cast<int64_t>(1000 * std::strtod(timeout.c_str(), nullptr)));
  auto look = std::make_shared<std::function<void()>>();
  *look = [=, this, weak = std::weak_ptr(look)] {
    try {
      const Operation operation = operations_.Get(name);
      if (!operation.done && !context_.stopping && std::chrono::steady_clock::now() < deadline) {
        return context_.later(kPoll, [again = weak.lock()] { (*again)(); });
      }
      reply(http::Response::Json(ToJson(operation).dump()));
    } catch (const Error& error) {
      reply(http::ErrorResponse(error));
    }
  };
  (*look)();
}

void ModelService::AddRoutes(http::Router* router) {
  router->Add(Method("POST", "/v1/{parent=projects/*}/models", this, &ModelService::CreateModel, "model"));
  router->Add(ListMethod("/v1/{parent=projects/*}/models", "models", this, &ModelService::ListModels));
  router->Add(Method("GET", "/v1/{name=projects/*/models/*}", this, &ModelService::GetModel));
  router->Add(Method("DELETE", "/v1/{name=projects/*/models/*}", this, &ModelService::DeleteModel));
  router->Add(Method("PATCH", "/v1/{name=projects/*/models/*}", this, &ModelService::PatchModel, "model"));
  router->Add(
      Method("POST", "/v1/{parent=projects/*/models/*}/versions", this, &ModelService::CreateVersion, "version"));
  router->Add(ListMethod("/v1/{parent=projects/*/models/*}/versions", "versions", this, &ModelService::ListVersions));
  router->Add(Method("GET", "/v1/{name=projects/*/models/*/versions/*}", this, &ModelService::GetVersion));
  router->Add(Method("DELETE", "/v1/{name=projects/*/models/*/versions/*}", this, &ModelService::DeleteVersion));
  router->Add(
      Method("PATCH", "/v1/{name=projects/*/models/*/versions/*}", this, &ModelService::PatchVersion, "version"));
  router->Add(
      Method("POST", "/v1/{name=projects/*/models/*/versions/*}:setDefault", this, &ModelService::SetDefault, "*"));
  router->Add(ListMethod("/v1/{name=projects/*}/operations", "operations", this, &ModelService::ListOperations));
  router->Add(Method("GET", "/v1/{name=projects/*/operations/*}", this, &ModelService::GetOperation));
  router->Add(Method("POST", "/v1/{name=projects/*/operations/*}:cancel", this, &ModelService::CancelOperation, "*"));
  router->Add({"POST", "/v1/{name=projects/*/operations/*}:wait",
               [this](const http::Request& request, const http::Reply& reply) { WaitOperation(request, reply); }});
}

}  // namespace headrace::engine
