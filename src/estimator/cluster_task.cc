// TF_CONFIG: {"cluster": {"chief": ["host:1"], "worker": […], "ps": […]}, "task": {"type": "worker", "index": 1}}.
#include "headrace/cluster_task.h"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "headrace/error.h"

namespace headrace {
namespace {

using Json = nlohmann::json;
using Cluster = std::map<std::string, std::vector<std::string>>;

Json ObjectAt(const Json& config, const char* key) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return Json::object();
  if (!found->is_object()) throw InvalidArgument("\"", key, "\" in TF_CONFIG must be a dict, got ", found->dump());
  return *found;
}

std::string TextAt(const Json& config, const char* key, const std::string& otherwise) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return otherwise;
  if (!found->is_string()) throw InvalidArgument("\"", key, "\" in TF_CONFIG must be a string, got ", found->dump());
  return found->get<std::string>();
}

int64_t IndexOf(const Json& index) {
  if (index.is_number_integer()) return index.get<int64_t>();
  if (index.is_string()) {
    char* end = nullptr;
    const std::string text = index.get<std::string>();
    const int64_t number = std::strtoll(text.c_str(), &end, 10);
    if (!text.empty() && *end == '\0') return number;
  }
  throw InvalidArgument("the task index in TF_CONFIG must be a number, got ", index.dump());
}

// Addresses by type: a list, or a dict of them by index.
Cluster ClusterOf(const Json& described) {
  Cluster cluster;
  for (const auto& [type, tasks] : described.items()) {
    if (!tasks.is_array() && !tasks.is_object()) {
      throw InvalidArgument("the job ", type, " in TF_CONFIG's cluster must be a list of addresses, got ",
                            tasks.dump());
    }
    for (const auto& address : tasks) {
      if (!address.is_string()) throw InvalidArgument("addresses of ", type, " must be strings, got ", address.dump());
      cluster[type].push_back(address.get<std::string>());
    }
  }
  return cluster;
}

int64_t Count(const Cluster& cluster, const std::string& type) {
  const auto found = cluster.find(type);
  return found == cluster.end() ? 0 : static_cast<int64_t>(found->second.size());
}

std::string Listed(const Cluster& cluster) {
  return Json(cluster).dump();
}

// Type and index of a task that the cluster has; an evaluator stands outside of it.
void SetTask(const Json& described, const std::string& chief, ClusterTask* task) {
  if (Count(task->cluster, chief) == 0) {
    throw InvalidArgument("If \"cluster\" is set in TF_CONFIG, it must have one \"", chief, "\" node.");
  }
  if (Count(task->cluster, chief) > 1) {
    throw InvalidArgument("The \"cluster\" in TF_CONFIG must have only one \"", chief, "\" node.");
  }
  task->type = TextAt(described, "type", "");
  if (task->type.empty()) throw InvalidArgument("If \"cluster\" is set in TF_CONFIG, task type must be set.");
  if (!described.contains("index")) {
    throw InvalidArgument("If \"cluster\" is set in TF_CONFIG, task index must be set.");
  }
  task->index = IndexOf(described["index"]);
  if (task->index < 0) throw InvalidArgument("Task index must be non-negative number.");
  if (task->type == "evaluator") return;
  constexpr const char* kNote = "\n\nNote that these values may be coming from the TF_CONFIG environment variable.";
  if (!task->cluster.contains(task->type)) {
    throw InvalidArgument(task->type, " is not a valid task_type in the cluster_spec:\n", Listed(task->cluster), kNote);
  }
  if (task->index >= Count(task->cluster, task->type)) {
    throw InvalidArgument(task->index, " is not a valid task_id for task_type ", task->type, " in the cluster_spec:\n",
                          Listed(task->cluster), kNote);
  }
}

// The chief is 0; parameter servers come last, the others in the order of their names.
int64_t GlobalId(const ClusterTask& task, const std::string& chief) {
  std::vector<std::string> order = {chief};
  for (const auto& [type, addresses] : task.cluster) {
    if (type != chief && type != "ps") order.push_back(type);
  }
  order.emplace_back("ps");
  int64_t next = 0;
  for (const std::string& type : order) {
    if (type == task.type) return next + task.index;
    next += Count(task.cluster, type);
  }
  return next;
}

void JoinCluster(const Json& config, ClusterTask* task) {
  const std::string chief = task->cluster.contains("master") ? "master" : "chief";
  if (chief == "master" && task->cluster.contains("chief")) {
    throw InvalidArgument("If `master` node exists in `cluster`, job `chief` is not supported.");
  }
  SetTask(ObjectAt(config, "task"), chief, task);
  task->is_chief = task->type == chief;
  if (task->type == "evaluator") {
    if (chief == "master") {
      throw InvalidArgument("If `master` node exists in `cluster`, task_type `evaluator` is not supported.");
    }
    task->evaluation_master = TextAt(config, "eval_session_master", "");
    task->cluster.clear();
    task->num_ps_replicas = task->num_worker_replicas = 0;
    task->global_id.reset();
    return;
  }
  const bool alone = task->num_tasks() == 1;
  task->master = TextAt(config, "session_master",
                        alone ? "" : "grpc://" + task->cluster[task->type][static_cast<size_t>(task->index)]);
  task->num_ps_replicas = Count(task->cluster, "ps");
  task->num_worker_replicas = Count(task->cluster, "worker") + Count(task->cluster, chief);
  task->global_id = GlobalId(*task, chief);
}

}  // namespace

int64_t ClusterTask::num_tasks() const {
  int64_t count = 0;
  for (const auto& [type, addresses] : cluster) count += static_cast<int64_t>(addresses.size());
  return count;
}

ClusterTask ParseTfConfig(std::string_view text) {
  ClusterTask task;
  if (text.empty()) return task;
  const Json config = Json::parse(text, nullptr, false);
  if (config.is_discarded() || !config.is_object()) {
    throw InvalidArgument("TF_CONFIG must be a JSON object, got: ", text);
  }
  if (config.contains("service") && !config["service"].is_null()) ObjectAt(config, "service");
  if (config.contains("model_dir") && TextAt(config, "model_dir", "").empty()) {
    throw InvalidArgument("model_dir in TF_CONFIG should be non-empty.");
  }
  task.model_dir = TextAt(config, "model_dir", "");
  task.cluster = ClusterOf(ObjectAt(config, "cluster"));
  if (!task.cluster.empty()) {
    JoinCluster(config, &task);
    return task;
  }
  const Json described = ObjectAt(config, "task");
  task.type = TextAt(described, "type", "worker");
  task.index = described.contains("index") ? IndexOf(described["index"]) : 0;
  if (task.type != "worker") throw InvalidArgument("If \"cluster\" is not set in TF_CONFIG, task type must be WORKER.");
  if (task.index != 0) throw InvalidArgument("If \"cluster\" is not set in TF_CONFIG, task index must be 0.");
  task.master = TextAt(config, "session_master", "");
  task.evaluation_master = TextAt(config, "eval_session_master", "");
  return task;
}

ClusterTask TaskFromEnvironment() {
  const char* text = std::getenv("TF_CONFIG");
  return ParseTfConfig(text ? text : "");
}

}  // namespace headrace
