// The watch over replica processes, and predictions on their way.
#include "engine/replicas.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "engine/process.h"
#include "headrace/file_system.h"
#include "spdlog/spdlog.h"

namespace headrace::engine {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kWatchStep = std::chrono::milliseconds(20);
constexpr auto kPredictWait = std::chrono::seconds(30);     // for a replica that is being started
constexpr auto kPredictTimeout = std::chrono::seconds(60);  // of one prediction
constexpr auto kEndTimeout = std::chrono::seconds(10);      // of a replica told to end; killed at half of it
constexpr auto kRetry = std::chrono::milliseconds(20);

std::string LastLines(const std::string& path, size_t bytes) {
  if (!FileExists(path)) return "";
  std::string text = ReadFile(path);
  if (text.size() > bytes) text = "[...]" + text.substr(text.size() - bytes);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

Replicas::Replicas(Context& context, http::Server& server) : context_(context), server_(server) {}

Replicas::~Replicas() {
  {
    std::lock_guard lock(loop_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Replicas::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Replicas::StopAll() {
  {
    std::lock_guard lock(loop_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const auto& [version, replica] : replicas_) End(*replica);
}

void Replicas::Add(const std::string& version, const std::string& model_dir) {
  auto replica = std::make_shared<Replica>();
  replica->version = version;
  replica->model_dir = model_dir;
  const std::string run = context_.Home("run");
  const std::string name = std::to_string(std::hash<std::string>{}(context_.options.home + "|" + version));
  replica->lock = run + "/" + name + ".lock";
  replica->log = context_.Home("logs/replica-" + name + ".log");
  replica->socket = run + "/" + name + ".sock";
  constexpr size_t kLongestSocket = 107;
  if (replica->socket.size() > kLongestSocket) {
    const std::string directory = "/tmp/headrace-" + std::to_string(::getuid());
    std::filesystem::create_directories(directory);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    replica->socket = directory + "/" + name + ".sock";
  }
  replica->client = std::make_unique<http::AsyncClient>(server_, http::Endpoint{.unix_path = replica->socket});
  {
    std::unique_lock lock(mutex_);
    replicas_[version] = std::move(replica);
  }
  wake_.notify_all();
}

void Replicas::Remove(const std::string& version) {
  std::shared_ptr<Replica> replica;
  {
    std::unique_lock lock(mutex_);
    const auto found = replicas_.find(version);
    if (found == replicas_.end()) return;
    replica = found->second;
    replicas_.erase(found);
    std::erase_if(routes_, [&](const auto& route) { return route.second == replica; });
  }
  End(*replica);
}

void Replicas::End(const Replica& replica) {
  constexpr auto kAskAgain = std::chrono::milliseconds(200);
  const auto begin = Clock::now();
  auto ask_at = begin;
  while (IsLocked(replica.lock)) {
    const auto now = Clock::now();
    if (now > begin + kEndTimeout) return spdlog::error("the replica of {} does not end", replica.version);
    // Again and again: one that was just started has yet to say its pid, or to listen to signals.
    const auto pid = now >= ask_at ? LockHolder(replica.lock) : std::nullopt;
    if (pid) {
      ::kill(*pid, now > begin + kEndTimeout / 2 ? SIGKILL : SIGTERM);
      ask_at = now + kAskAgain;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ReapChildren();
  }
}

std::shared_ptr<Replicas::Replica> Replicas::Find(const std::string& version) const {
  std::shared_lock lock(mutex_);
  const auto found = replicas_.find(version);
  return found == replicas_.end() ? nullptr : found->second;
}

void Replicas::Loop() {
  while (true) {
    std::vector<std::shared_ptr<Replica>> replicas;
    {
      std::shared_lock lock(mutex_);
      for (const auto& [version, replica] : replicas_) replicas.push_back(replica);
    }
    bool all_ready = true;
    for (const auto& replica : replicas) {
      try {
        // One that was removed since must not be started again.
        if (Find(replica->version) == replica) Watch(*replica);
      } catch (const std::exception& error) {
        spdlog::error("replica of {}: {}", replica->version, error.what());
        replica->start_after = Clock::now() + std::chrono::seconds(1);
      }
      all_ready = all_ready && replica->ready;
    }
    ReapChildren();
    std::unique_lock lock(loop_mutex_);
    if (stopping_) return;
    wake_.wait_for(lock, all_ready ? 5 * kWatchStep : kWatchStep);
    if (stopping_) return;
  }
}

void Replicas::Watch(Replica& replica) {
  if (!IsLocked(replica.lock)) {
    replica.ready = false;
    if (std::exchange(replica.started, false)) {
      const int times = ++replica.ended;
      replica.start_after = Clock::now() + std::chrono::milliseconds(std::min(100 << std::min(times - 1, 7), 10000));
      spdlog::warn("the replica of {} ended (see {})", replica.version, replica.log);
    }
    if (Clock::now() < replica.start_after) return;
    std::filesystem::create_directories(std::filesystem::path(replica.lock).parent_path());
    ::unlink(replica.socket.c_str());
    StartDetached({.command = {context_.options.executable, "replica", "--model-dir", replica.model_dir, "--socket",
                               replica.socket},
                   .directory = context_.options.home,
                   .output = replica.log,
                   .lock = replica.lock});
    replica.started = true;
    return;
  }
  replica.started = true;  // perhaps by an engine before this one
  if (replica.ready || !std::filesystem::exists(replica.socket)) return;
  try {
    http::Client client({.unix_path = replica.socket}, std::chrono::seconds(2));
    http::Request request;
    request.target = "/healthz";
    replica.ready = client.Send(request).status == 200;
  } catch (const Error&) {
    // Not listening yet.
  }
}

bool Replicas::AwaitReady(const std::string& version, std::chrono::seconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (true) {
    const auto replica = Find(version);
    if (!replica) throw Cancelled("the version was deleted while it was deployed");
    if (replica->ready) return true;
    if (context_.stopping) return false;
    if (replica->ended > 0) throw FailedPrecondition(LastLines(replica->log, 2000));
    if (Clock::now() > deadline) {
      throw DeadlineExceeded("the model was not loaded within ", timeout.count(), " seconds");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

void Replicas::SetRoute(const std::string& name, const std::string& version) {
  auto replica = Find(version);
  std::unique_lock lock(mutex_);
  if (replica) {
    routes_[name] = std::move(replica);
  } else {
    routes_.erase(name);
  }
}

void Replicas::Predict(const std::string& name, std::string body, std::function<void(http::Response)> reply) {
  std::shared_ptr<Replica> replica;
  {
    std::shared_lock lock(mutex_);
    const auto found = routes_.find(name);
    if (found != routes_.end()) replica = found->second;
  }
  if (!replica) {
    throw NotFound("Field: name Error: The model resource: \"", name,
                   "\" was not found, or it has no version that is ready. Please create the Cloud ML model resource "
                   "first by using 'gcloud ai-platform models create'.");
  }
  Attempt(replica, std::make_shared<std::string>(std::move(body)), Clock::now() + kPredictWait, std::move(reply));
}

void Replicas::Attempt(const std::shared_ptr<Replica>& replica, const std::shared_ptr<std::string>& body,
                       Clock::time_point deadline, std::function<void(http::Response)> reply) {
  auto again = [this, replica, body, deadline, reply] {
    context_.later(kRetry, [=, this] { Attempt(replica, body, deadline, reply); });
  };
  if (!replica->ready) {
    if (Clock::now() < deadline) return again();
    return reply(http::ErrorResponse(Unavailable("the version's replica is not running: ", replica->version)));
  }
  http::Request request;
  request.method = "POST";
  request.target = "/predict";
  request.headers.Add("Content-Type", "application/json");
  request.body = *body;
  replica->client->Send(std::move(request), kPredictTimeout,
                        [replica, deadline, reply = std::move(reply), again](http::Response response) {
                          // A replica that broke off is started again by the watch.
                          if (response.status == 503 && Clock::now() < deadline) return again();
                          reply(std::move(response));
                        });
}

}  // namespace headrace::engine
