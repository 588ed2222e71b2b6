// The runner. Each step compares a job's record with its supervisor's lock and state.json, and writes what changed.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "engine/jobs.h"
#include "engine/names.h"
#include "engine/process.h"
#include "headrace/file_system.h"
#include "spdlog/spdlog.h"

namespace headrace::engine {
namespace {

constexpr auto kStep = std::chrono::milliseconds(50);

// A TCP port that is free now, for the address of a job's master in TF_CONFIG.
int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(fd);
  if (!bound) throw Unavailable("no free port for a job's master");
  return ntohs(address.sin_port);
}

// The training input as Cloud ML put it into TF_CONFIG's "job": snake_case names.
Json JobOfTfConfig(const TrainingInput& input) {
  Json job = {{"scale_tier", input.scale_tier},
              {"package_uris", input.package_uris},
              {"python_module", input.python_module},
              {"args", input.args},
              {"region", input.region},
              {"run_on_raw_vm", true}};
  if (!input.runtime_version.empty()) job["runtime_version"] = input.runtime_version;
  if (!input.python_version.empty()) job["python_version"] = input.python_version;
  if (!input.job_dir.empty()) job["job_dir"] = input.job_dir;
  return job;
}

std::vector<std::string> SplitPath(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, ':');) {
    if (!part.empty()) parts.push_back(std::filesystem::absolute(part).lexically_normal());
  }
  return parts;
}

// prepare.py in one of the directories of python_path.
std::string FindPrepare(const std::vector<std::string>& python_path) {
  for (const std::string& directory : python_path) {
    std::string file = directory + "/headrace/jobs/prepare.py";
    if (std::filesystem::exists(file)) return file;
  }
  throw FailedPrecondition(
      "headrace/jobs/prepare.py is in no directory of HEADRACE_PYTHONPATH: jobs with packages "
      "can't be prepared");
}

// The directory that an interpreter with a path belongs to: "/opt/env" of "/opt/env/bin/python".
std::string PrefixOf(const std::string& python) {
  if (python.find('/') == python.npos) return "";
  return std::filesystem::absolute(python).parent_path().parent_path();
}

}  // namespace

std::string JobDirectory(const Context& context, const std::string& key) {
  const auto parts = ParseName(key, "projects/*/jobs/*");
  return context.Home("jobs/" + parts[0] + "/" + parts[1]);
}

JobRunner::JobRunner(Context& context) : context_(context), jobs_(context.store, "jobs", "job") {}

JobRunner::~JobRunner() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void JobRunner::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void JobRunner::Wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

void JobRunner::Loop() {
  size_t active = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      const auto something = [&] { return woken_ || stopping_; };
      if (active > 0) {
        wake_.wait_for(lock, kStep, something);
      } else {
        wake_.wait(lock, something);
      }
      if (stopping_) return;
      if (std::exchange(woken_, false)) open_.clear();
    }
    try {
      active = Step();
    } catch (const std::exception& error) {
      spdlog::error("job runner: {}", error.what());
      active = 1;  // try again
      std::this_thread::sleep_for(std::chrono::seconds(1));
    }
    ReapChildren();
  }
}

size_t JobRunner::Step() {
  if (open_.empty()) {
    for (const Record& record : context_.store.List("jobs", "")) {
      const std::string state = Json::parse(record.body).value("state", "");
      if (state != "SUCCEEDED" && state != "FAILED" && state != "CANCELLED") open_.push_back(record.key);
    }
  }
  const size_t limit = static_cast<size_t>(context_.options.max_running_jobs);
  std::vector<std::string> queued;
  std::vector<std::string> still_open;
  size_t active = 0;
  for (const std::string& key : open_) {
    const std::string state = jobs_.Get(key).state;
    if (state == "QUEUED") {
      queued.push_back(key);
      continue;
    }
    if (state == "PREPARING" || state == "RUNNING") Follow(key);
    if (state == "CANCELLING") FollowCancelling(key);
    const std::string now = jobs_.Get(key).state;
    if (now == "PREPARING" || now == "RUNNING" || now == "CANCELLING") {
      ++active;
      still_open.push_back(key);
    }
  }
  for (const std::string& key : queued) {
    if (active < limit && Launch(key)) ++active;
    still_open.push_back(key);
  }
  open_ = std::move(still_open);
  return open_.size();
}

// Brings the record in line with what the supervisor wrote; starts a supervisor that never came to be.
void JobRunner::Follow(const std::string& key) {
  const std::string directory = JobDirectory(context_, key);
  const bool alive = IsLocked(LockFile(directory));  // before the state: a supervisor writes it, then goes
  const auto state = ReadJobState(directory);
  if (!state) {
    if (!alive) Launch(key);
    return;
  }
  if (!alive && !state->ended()) {
    return Fail(key, "The job's supervisor ended without recording how the job ended; it or the machine was stopped.");
  }
  if (state->state == jobs_.Get(key).state) return;
  jobs_.Modify(key, [&](Job& job) {
    if (job.state == "CANCELLING" && !state->ended()) return;
    job.state = state->state;
    job.start_time = state->start_time;
    job.end_time = state->end_time;
    job.error_message = state->error_message;
  });
}

void JobRunner::FollowCancelling(const std::string& key) {
  const std::string directory = JobDirectory(context_, key);
  if (!FileExists(CancelFile(directory))) {
    WriteFileAtomically(CancelFile(directory), "");
    if (const auto pid = LockHolder(LockFile(directory))) ::kill(*pid, SIGTERM);
  }
  const bool alive = IsLocked(LockFile(directory));
  const auto state = ReadJobState(directory);
  if (alive && (!state || !state->ended())) return;
  jobs_.Modify(key, [&](Job& job) {
    job.state = state && state->ended() ? state->state : "CANCELLED";
    job.start_time = state ? state->start_time : "";
    job.end_time = state && state->ended() ? state->end_time : Now();
    job.error_message = state ? state->error_message : "";
  });
}

bool JobRunner::Launch(const std::string& key) {
  try {
    const Job job = jobs_.Modify(key, [](Job& j) {
      if (j.state == "QUEUED") j.state = "PREPARING";
    });
    if (job.state != "PREPARING") return false;
    const std::string directory = JobDirectory(context_, key);
    const JobSpec spec = SpecOf(key, job);
    for (const char* name : {"/work", "/site"}) std::filesystem::create_directories(directory + name);
    WriteFileAtomically(SpecFile(directory), ToJson(spec).dump(2));
    StartDetached({.command = {context_.options.executable, "supervise", directory},
                   .directory = directory,
                   .output = directory + "/supervisor.log",
                   .lock = LockFile(directory)});
    return true;
  } catch (const std::exception& error) {
    Fail(key, std::string("The job could not be started: ") + error.what());
    return false;
  }
}

void JobRunner::Fail(const std::string& key, const std::string& message) {
  spdlog::warn("{}: {}", key, message);
  jobs_.Modify(key, [&](Job& job) {
    job.state = job.state == "CANCELLING" ? "CANCELLED" : "FAILED";
    job.error_message = message;
    job.end_time = Now();
  });
}

JobSpec JobRunner::SpecOf(const std::string& key, const Job& job) const {
  const EngineOptions& options = context_.options;
  const std::string directory = JobDirectory(context_, key);
  const TrainingInput& input = *job.training_input;
  const std::vector<std::string> python_path = SplitPath(options.python_path);
  JobSpec spec;
  spec.job_id = job.job_id;
  spec.task_name = "master-replica-0";
  spec.work_directory = directory + "/work";
  std::string joined = directory + "/site";
  for (const std::string& entry : python_path) joined += ":" + entry;

  const Json tf_config = {{"cluster", {{"master", {"127.0.0.1:" + std::to_string(FreePort())}}}},
                          {"task", {{"type", "master"}, {"index", 0}, {"cloud", job.job_id}}},
                          {"job", JobOfTfConfig(input)},
                          {"environment", "cloud"}};
  spec.environment = {
      {"TF_CONFIG", tf_config.dump()}, {"CLOUD_ML_JOB_ID", job.job_id}, {"CLOUD_ML_JOB", tf_config["job"].dump()},
      {"HEADRACE_HOME", options.home}, {"PYTHONPATH", joined},          {"PYTHONUNBUFFERED", "1"}};
  if (!input.package_uris.empty()) {
    const std::string plan = directory + "/packages.json";
    WriteFileAtomically(plan, Json({{"packageUris", input.package_uris},
                                    {"buckets", context_.Home("buckets")},
                                    {"site", directory + "/site"},
                                    {"downloads", directory + "/packages"},
                                    {"pythonPath", python_path}})
                                  .dump(2));
    spec.prepare = {options.python, FindPrepare(python_path), plan};
  }
  spec.command = {options.python, "-m", input.python_module};
  spec.command.insert(spec.command.end(), input.args.begin(), input.args.end());
  if (!input.job_dir.empty()) spec.command.insert(spec.command.end(), {"--job-dir", input.job_dir});
  spec.sandbox = context_.sandbox;
  spec.hidden = {options.home};
  spec.writable = {directory, context_.Home("buckets")};
  spec.readable = python_path;
  if (const std::string prefix = PrefixOf(options.python); !prefix.empty()) spec.readable.push_back(prefix);
  return spec;
}

}  // namespace headrace::engine
