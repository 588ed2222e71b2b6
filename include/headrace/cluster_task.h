// This process's part in a cluster, as the environment variable TF_CONFIG tells it: what job services set.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace headrace {

struct ClusterTask {
  std::string type = "worker";  // "chief", "master", "worker", "ps", "evaluator"
  int64_t index = 0;
  bool is_chief = true;                                     // the one that writes checkpoints
  int64_t num_ps_replicas = 0, num_worker_replicas = 1;     // workers count the chief
  std::optional<int64_t> global_id = 0;                     // among all tasks, the chief first; an evaluator has none
  std::string master, evaluation_master;                    // addresses of sessions; "" for this process
  std::map<std::string, std::vector<std::string>> cluster;  // addresses by type; empty for a process on its own
  std::string model_dir;                                    // if TF_CONFIG has one

  int64_t num_tasks() const;  // in the cluster
};

// Errors: InvalidArgument for text that is no JSON, a cluster without a chief (or master) or with several, and for a
// task that the cluster doesn't have. Empty text is a process on its own.
ClusterTask ParseTfConfig(std::string_view text);
ClusterTask TaskFromEnvironment();  // from TF_CONFIG; errors as above

}  // namespace headrace
