// The resources of the ml v1 API that the engine keeps, with the names and JSON forms of its discovery document.
// Fields that the engine takes and gives back without acting on them are kept as raw JSON.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/fields.h"

namespace headrace::engine {

using Labels = std::map<std::string, std::string>;

struct TrainingInput {
  std::string scale_tier, python_module, region, job_dir, runtime_version, python_version;
  std::vector<std::string> package_uris, args;
  std::string master_type, worker_type, parameter_server_type, evaluator_type, network, service_account;
  int64_t worker_count = 0, parameter_server_count = 0, evaluator_count = 0;
  bool use_chief_in_tf_config = false, enable_web_access = false;
  Json master_config, worker_config, parameter_server_config, evaluator_config, hyperparameters, scheduling,
      encryption_config;

  template <class Visitor>
  void Fields(Visitor& v) {
    v("scaleTier", scale_tier);
    v("packageUris", package_uris);
    v("pythonModule", python_module);
    v("args", args);
    v("region", region);
    v("jobDir", job_dir);
    v("runtimeVersion", runtime_version);
    v("pythonVersion", python_version);
    v("masterType", master_type);
    v("workerType", worker_type);
    v("parameterServerType", parameter_server_type);
    v("evaluatorType", evaluator_type);
    v("workerCount", worker_count);
    v("parameterServerCount", parameter_server_count);
    v("evaluatorCount", evaluator_count);
    v("masterConfig", master_config);
    v("workerConfig", worker_config);
    v("parameterServerConfig", parameter_server_config);
    v("evaluatorConfig", evaluator_config);
    v("hyperparameters", hyperparameters);
    v("scheduling", scheduling);
    v("encryptionConfig", encryption_config);
    v("network", network);
    v("serviceAccount", service_account);
    v("useChiefInTfConfig", use_chief_in_tf_config);
    v("enableWebAccess", enable_web_access);
  }
};

struct Job {
  std::string job_id, state, error_message, create_time, start_time, end_time, etag;
  int64_t job_position = 0;
  Labels labels;
  std::optional<TrainingInput> training_input;
  Json training_output, prediction_input, prediction_output;

  template <class Visitor>
  void Fields(Visitor& v) {
    v("jobId", job_id);
    v("trainingInput", training_input);
    v("predictionInput", prediction_input);
    v("createTime", create_time);
    v("startTime", start_time);
    v("endTime", end_time);
    v("state", state);
    v("errorMessage", error_message);
    v("trainingOutput", training_output);
    v("predictionOutput", prediction_output);
    v("labels", labels);
    v("etag", etag);
    v("jobPosition", job_position);
  }
};

struct Version {
  std::string name, description, deployment_uri, create_time, last_use_time, runtime_version, machine_type, state,
      error_message, framework, python_version, prediction_class, service_account, etag;
  bool is_default = false;
  std::vector<std::string> package_uris;
  Labels labels;
  Json auto_scaling, manual_scaling, accelerator_config, request_logging_config, explanation_config, container, routes;

  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("description", description);
    v("isDefault", is_default);
    v("deploymentUri", deployment_uri);
    v("createTime", create_time);
    v("lastUseTime", last_use_time);
    v("runtimeVersion", runtime_version);
    v("machineType", machine_type);
    v("state", state);
    v("errorMessage", error_message);
    v("framework", framework);
    v("pythonVersion", python_version);
    v("predictionClass", prediction_class);
    v("packageUris", package_uris);
    v("serviceAccount", service_account);
    v("labels", labels);
    v("etag", etag);
    v("autoScaling", auto_scaling);
    v("manualScaling", manual_scaling);
    v("acceleratorConfig", accelerator_config);
    v("requestLoggingConfig", request_logging_config);
    v("explanationConfig", explanation_config);
    v("container", container);
    v("routes", routes);
  }
};

struct Model {
  std::string name, description, etag;
  std::vector<std::string> regions;
  std::optional<Version> default_version;
  bool online_prediction_logging = false, online_prediction_console_logging = false;
  Labels labels;

  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("description", description);
    v("defaultVersion", default_version);
    v("regions", regions);
    v("onlinePredictionLogging", online_prediction_logging);
    v("onlinePredictionConsoleLogging", online_prediction_console_logging);
    v("labels", labels);
    v("etag", etag);
  }
};

struct OperationError {
  int code = 0;
  std::string message;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("code", code);
    v("message", message);
  }
};

struct OperationMetadata {
  std::string type = "type.googleapis.com/google.cloud.ml.v1.OperationMetadata";
  std::string create_time, start_time, end_time, operation_type, model_name;
  bool is_cancellation_requested = false;
  std::optional<Version> version;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("@type", type);
    v("createTime", create_time);
    v("startTime", start_time);
    v("endTime", end_time);
    v("isCancellationRequested", is_cancellation_requested);
    v("operationType", operation_type);
    v("modelName", model_name);
    v("version", version);
  }
};

struct Operation {
  std::string name;
  OperationMetadata metadata;
  bool done = false;
  std::optional<OperationError> error;
  Json response;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("metadata", metadata);
    v("done", done);
    v("error", error);
    v("response", response);
  }
};

// Requests that several methods share.
struct NamedRequest {
  std::string name;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
  }
};

struct ParentRequest {
  std::string parent;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("parent", parent);
  }
};

// "2026-01-31T12:00:00.123456Z".
std::string FormatTime(int64_t microseconds_since_epoch);
std::string Now();

}  // namespace headrace::engine
