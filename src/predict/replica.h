// A replica: the process that serves one model version. POST /predict takes {"instances": [...]} and answers
// {"predictions": [...]}; GET /healthz answers once the model is loaded. SIGTERM finishes what has begun and exits 0.
#pragma once

#include <string>

namespace headrace {

struct ReplicaOptions {
  std::string model_directory;  // any path a file system knows: local, gs://
  std::string unix_socket;      // listen here, or
  std::string host = "127.0.0.1";
  int port = 0;            // here (0: any free one), if unix_socket is empty
  std::string ready_file;  // if given: written when the model is loaded; holds the port or the socket's path
  int threads = 4;         // requests served at once
};

// Serves until SIGTERM or SIGINT; returns the exit status: 0, or 1 with the error on standard error.
int RunReplica(const ReplicaOptions& options);

}  // namespace headrace
