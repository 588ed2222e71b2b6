// The replica processes of deployed versions: started, watched, started again when they die, found again by a later
// engine, and the asynchronous way for a prediction to reach one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "engine/context.h"
#include "http/client.h"

namespace headrace::engine {

class Replicas {
 public:
  // `server`'s I/O threads carry the requests; it must outlive this.
  Replicas(Context& context, http::Server& server);
  ~Replicas();
  Replicas(const Replicas&) = delete;
  Replicas& operator=(const Replicas&) = delete;

  void Start();
  // Ends every replica: for the engine's own orderly end.
  void StopAll();

  // Keeps a replica for this version running from now on.
  void Add(const std::string& version, const std::string& model_dir);
  // Ends it for good.
  void Remove(const std::string& version);

  // Waits until the version's replica answers; false when the engine stops first. Throws FailedPrecondition with what
  // it said when it ended instead, DeadlineExceeded.
  bool AwaitReady(const std::string& version, std::chrono::seconds timeout);

  // Where "projects/p/models/m" and "projects/p/models/m/versions/v" lead. An empty version takes the name away.
  void SetRoute(const std::string& name, const std::string& version);

  // Sends a prediction's body to the version that `name` leads to; never blocks. A replica that is being started
  // (again) is waited for.
  void Predict(const std::string& name, std::string body, std::function<void(http::Response)> reply);

 private:
  struct Replica {
    std::string version, model_dir, socket, lock, log;
    std::unique_ptr<http::AsyncClient> client;
    std::atomic<bool> ready{false};
    std::atomic<int> ended{0};  // how often it was found ended
    std::chrono::steady_clock::time_point start_after{};
    bool started = false;
  };

  void Loop();
  void Watch(Replica& replica);
  void End(const Replica& replica);
  std::shared_ptr<Replica> Find(const std::string& version) const;
  void Attempt(const std::shared_ptr<Replica>& replica, const std::shared_ptr<std::string>& body,
               std::chrono::steady_clock::time_point deadline, std::function<void(http::Response)> reply);

  Context& context_;
  http::Server& server_;
  mutable std::shared_mutex mutex_;  // of the two maps
  std::map<std::string, std::shared_ptr<Replica>> replicas_;
  std::map<std::string, std::shared_ptr<Replica>, std::less<>> routes_;
  std::mutex loop_mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace headrace::engine
