// A program's output turned into log entries: lines cut, severities read from the forms that logging libraries write,
// and the end of the error stream kept to explain a failure.
#pragma once

#include <deque>
#include <string>
#include <string_view>

namespace headrace::engine {

class LogCapture {
 public:
  LogCapture(std::string job_dir, std::string task_name);

  // Bytes of one stream as they come; whole lines go to the log, indented ones with the severity of the one before.
  void Add(bool is_stderr, std::string_view bytes);
  // What is left without a line break.
  void Finish();
  // A line of the supervisor's own.
  void Say(const std::string& severity, const std::string& message);

  // The last traceback of the error stream, or its last lines.
  std::string FailureExcerpt() const;

 private:
  void Line(bool is_stderr, std::string line);

  std::string job_dir_, task_name_;
  std::string partial_[2];
  std::string severity_[2];  // of the last line, which indented ones after it share
  std::deque<std::string> last_errors_;
};

// "INFO:tensorflow:x", "WARNING: x", "E0131 12:00:00.1 file.cc:1] x", "2026-01-31 12:00:00.123: I tensorflow/..." have
// a severity of their own; else standard output is INFO and standard error ERROR.
std::string SeverityOf(std::string_view line, bool is_stderr);

}  // namespace headrace::engine
