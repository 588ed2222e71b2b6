// The engine as a process: `headrace engine`. It keeps jobs, models, versions and buckets under one home directory and
// serves the ml v1 and storage v1 REST APIs on them (docs/engine.md, docs/engine-api.md).
#pragma once

#include <optional>
#include <string>

namespace headrace::engine {

struct EngineOptions {
  std::string home;                // HEADRACE_HOME; everything the engine keeps
  std::string host = "127.0.0.1";  // HEADRACE_HOST
  int port = 8787;                 // HEADRACE_PORT; 0 takes a free one
  std::string python = "python3";  // HEADRACE_PYTHON: the interpreter that runs jobs
  std::string python_path;         // HEADRACE_PYTHONPATH: where `headrace` and `tensorflow` are imported from in jobs
  std::string executable;          // the program with the subcommands `supervise` and `replica`; default: this one
  int max_running_jobs = 0;        // 0: one a core

  // The defaults with the environment's HEADRACE_* put over them.
  static EngineOptions FromEnvironment();
};

// $HEADRACE_HOME or ~/.headrace.
std::string DefaultHome();

// Serves until SIGTERM or SIGINT; running jobs are left running. Returns the exit status: 0 after a requested stop.
// Throws FailedPrecondition when another engine already runs on this home, Unavailable when the port is taken.
int RunEngine(const EngineOptions& options);

// A running engine, as HOME/engine.json and HOME/credentials.json tell it.
struct RunningEngine {
  int pid = 0;
  int port = 0;
  std::string base_url;  // "http://127.0.0.1:8787"
  std::string account;   // "default@headrace"
  std::string token;     // the default account's bearer token
};

// The engine that runs on this home, or nothing. Sees through a stale engine.json.
std::optional<RunningEngine> FindEngine(const std::string& home);
// Whether a process owns this home: an engine that starts, runs or has not ended yet.
bool HomeInUse(const std::string& home);

}  // namespace headrace::engine
