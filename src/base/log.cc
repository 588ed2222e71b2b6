// The process's log: one sink, guarded by a mutex that isn't held while the sink runs (it may wait for Python).
#include "headrace/log.h"

#include <cstdio>
#include <memory>
#include <mutex>

namespace headrace {
namespace {

struct LogState {
  std::mutex mutex;
  std::shared_ptr<const LogSink> sink;
  LogLevel verbosity = LogLevel::kInfo;
};

LogState& State() {
  static LogState* state = new LogState();  // lives as long as threads may log
  return *state;
}

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "DEBUG";
    case LogLevel::kInfo:
      return "INFO";
    case LogLevel::kWarn:
      return "WARNING";
    case LogLevel::kError:
      return "ERROR";
    case LogLevel::kFatal:
      return "CRITICAL";
  }
  return "INFO";
}

}  // namespace

void SetLogSink(LogSink sink) {
  const std::lock_guard lock(State().mutex);
  State().sink = sink ? std::make_shared<const LogSink>(std::move(sink)) : nullptr;
}

void SetLogVerbosity(LogLevel lowest) {
  const std::lock_guard lock(State().mutex);
  State().verbosity = lowest;
}

void WriteLog(LogLevel level, const std::string& message) {
  std::shared_ptr<const LogSink> sink;
  {
    const std::lock_guard lock(State().mutex);
    sink = State().sink;
    if (!sink && level < State().verbosity) return;
  }
  if (sink) {
    (*sink)(level, message);
  } else {
    std::fprintf(stderr, "%s:tensorflow:%s\n", LevelName(level), message.c_str());
  }
}

}  // namespace headrace
