// headrace start, stop, status, and the processes it is made of: engine, supervise, replica.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "cli/engine_client.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "engine/process.h"
#include "engine/supervisor.h"
#include "predict/replica.h"

namespace headrace::cli {
namespace {

Json Describe(const engine::RunningEngine& engine) {
  return Json{{"state", "RUNNING"},
              {"url", engine.base_url},
              {"pid", engine.pid},
              {"account", engine.account},
              {"home", HomeDirectory().string()}};
}

int Start(Invocation& call) {
  Print(call, Describe(EnsureEngine()));
  return 0;
}

int Stop(Invocation& call) {
  Note(StopEngine() ? "Stopped the engine; jobs that run go on." : "No engine runs.");
  return 0;
}

int Status(Invocation& call) {
  const auto running = engine::FindEngine(HomeDirectory().string());
  Print(call, running ? Describe(*running) : Json{{"state", "STOPPED"}, {"home", HomeDirectory().string()}});
  return running ? 0 : 3;
}

int Engine(Invocation& call) {
  const Installation installation = Installation::Find();
  setenv("HEADRACE_PYTHON", installation.python.c_str(), 0);
  setenv("HEADRACE_PYTHONPATH", installation.PythonPath().c_str(), 0);
  engine::EngineOptions options = engine::EngineOptions::FromEnvironment();
  options.host = call.Flag("host", options.host);
  options.port = static_cast<int>(call.Integer("port", options.port));
  if (options.executable.empty()) options.executable = installation.executable.string();
  return engine::RunEngine(options);
}

int Supervise(Invocation& call) {
  return engine::RunSupervisor(call.Argument("JOBDIR"));
}

int Replica(Invocation& call) {
  engine::AdoptLock();
  ReplicaOptions options;
  options.model_directory = call.Flag("model-dir");
  options.unix_socket = call.Flag("socket");
  options.host = call.Flag("host", options.host);
  options.port = static_cast<int>(call.Integer("port", options.port));
  options.ready_file = call.Flag("ready-file");
  options.threads = static_cast<int>(call.Integer("threads", options.threads));
  return RunReplica(options);
}

}  // namespace

std::vector<Command> EngineCommands() {
  return {
      {"start", "Starts the engine in the background unless it runs", Start},
      {"stop", "Stops the engine; running jobs go on", Stop},
      {"status", "Says whether the engine runs and where; exit code 3 when it doesn't", Status},
      {"engine --host=HOST --port=PORT", "Runs the engine in the foreground", Engine},
      {"supervise JOBDIR", "Runs one job to its end (the engine calls this)", Supervise},
      {"replica --model-dir=DIR! --socket=PATH --host=HOST --port=PORT --ready-file=PATH --threads=N",
       "Serves one model version over HTTP (the engine calls this)", Replica},
  };
}

}  // namespace headrace::cli
