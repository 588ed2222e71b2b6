// The files by which an engine and a job's supervisor speak, all in the job's directory (docs/engine.md):
//   spec.json    what to run; written by the engine before the supervisor starts
//   state.json   how far it is; replaced as a whole by the supervisor at each step
//   cancel       made by the engine to ask for the end
//   log.jsonl    a line of the log each, appended by the supervisor
//   supervisor.lock, supervisor.log    its life, and what it says of itself
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/fields.h"

namespace headrace::engine {

struct JobSpec {
  std::string job_id, task_name;
  std::vector<std::string> prepare, command;  // both argv; prepare may be empty
  std::map<std::string, std::string> environment;
  std::string work_directory;
  bool sandbox = false;
  std::vector<std::string> writable, readable;  // what the sandbox shows of places it hides otherwise
  std::vector<std::string> hidden;              // directories it shows empty
  template <class Visitor>
  void Fields(Visitor& v) {
    v("jobId", job_id);
    v("taskName", task_name);
    v("prepare", prepare);
    v("command", command);
    v("environment", environment);
    v("workDirectory", work_directory);
    v("sandbox", sandbox);
    v("writable", writable);
    v("readable", readable);
    v("hidden", hidden);
  }
};

struct JobState {
  std::string state;  // PREPARING, RUNNING, SUCCEEDED, FAILED, CANCELLED
  std::string start_time, end_time, error_message;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("state", state);
    v("startTime", start_time);
    v("endTime", end_time);
    v("errorMessage", error_message);
  }
  bool ended() const { return state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED"; }
};

struct LogEntry {
  std::string timestamp, severity, message, task_name;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("timestamp", timestamp);
    v("severity", severity);
    v("message", message);
    v("taskName", task_name);
  }
};

inline std::string SpecFile(const std::string& job_dir) {
  return job_dir + "/spec.json";
}
inline std::string StateFile(const std::string& job_dir) {
  return job_dir + "/state.json";
}
inline std::string CancelFile(const std::string& job_dir) {
  return job_dir + "/cancel";
}
inline std::string LogFile(const std::string& job_dir) {
  return job_dir + "/log.jsonl";
}
inline std::string LockFile(const std::string& job_dir) {
  return job_dir + "/supervisor.lock";
}

// Nothing when the supervisor hasn't written it yet.
std::optional<JobState> ReadJobState(const std::string& job_dir);

// The whole entries from byte `offset` of the log on, at most about `max_bytes` of it; `offset` is moved behind them.
std::vector<LogEntry> ReadLog(const std::string& job_dir, int64_t* offset, int64_t max_bytes = 1 << 20);

// Appends one entry, in a single write.
void AppendLog(const std::string& job_dir, const LogEntry& entry);

}  // namespace headrace::engine
