// Log lines in TensorFlow's familiar form, "INFO:tensorflow:loss = 1.5, step = 100", on stderr, or handed to a sink (as
// Python's logging). Thread-safe.
#pragma once

#include <functional>
#include <string>

#include "headrace/error.h"

namespace headrace {

enum class LogLevel { kDebug = 10, kInfo = 20, kWarn = 30, kError = 40, kFatal = 50 };

using LogSink = std::function<void(LogLevel level, const std::string& message)>;
void SetLogSink(LogSink sink);          // an empty sink restores stderr
void SetLogVerbosity(LogLevel lowest);  // of what goes to stderr; a sink gets everything. At first kInfo
void WriteLog(LogLevel level, const std::string& message);

template <class... Parts>
void LogInfo(const Parts&... parts) {
  WriteLog(LogLevel::kInfo, internal::Concat(parts...));
}
template <class... Parts>
void LogWarning(const Parts&... parts) {
  WriteLog(LogLevel::kWarn, internal::Concat(parts...));
}
template <class... Parts>
void LogError(const Parts&... parts) {
  WriteLog(LogLevel::kError, internal::Concat(parts...));
}

}  // namespace headrace
