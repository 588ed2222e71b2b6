// The model behind an HTTP server. Predictions run on the thread that read the request: they compute, they don't wait.
#include "predict/replica.h"

#include <pthread.h>
#include <signal.h>

#include <cstdio>

#include "headrace/error.h"
#include "headrace/file_system.h"
#include "headrace/predict.h"
#include "http/server.h"

namespace headrace {
namespace {

http::Router Routes(const LoadedModel& model) {
  http::Router router;
  router.Add(
      {.method = "POST",
       .path = "/predict",
       .handler = [&model](const http::Request& request,
                           const http::Reply& reply) { reply(http::Response::Json(model.PredictJson(request.body))); },
       .run = http::Run::kInline});
  router.Add({.method = "GET",
              .path = "/healthz",
              .handler = [](const http::Request&,
                            const http::Reply& reply) { reply(http::Response::Json("{\"status\": \"SERVING\"}")); },
              .run = http::Run::kInline});
  return router;
}

// Threads started later inherit the mask, so the signals reach only whoever waits for them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void Serve(const ReplicaOptions& options) {
  sigset_t signals = BlockStopSignals();
  LoadedModel model(options.model_directory);
  http::Server server(Routes(model), {.io_threads = options.threads, .worker_threads = 1});
  http::Endpoint wanted;
  wanted.host = options.host;
  wanted.port = options.port;
  wanted.unix_path = options.unix_socket;
  http::Endpoint bound = server.Listen(wanted);
  server.Start();
  std::string address = bound.unix_path.empty() ? std::to_string(bound.port) : bound.unix_path;
  if (!options.ready_file.empty()) WriteFileAtomically(options.ready_file, address);
  std::fprintf(stderr, "serving %s on %s\n", options.model_directory.c_str(), bound.ToString().c_str());
  int signal = 0;
  sigwait(&signals, &signal);
  server.Stop();
}

}  // namespace

int RunReplica(const ReplicaOptions& options) {
  try {
    Serve(options);
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", CodeName(error.code()), error.what());
    return 1;
  }
}

}  // namespace headrace
