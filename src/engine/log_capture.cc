// Cutting lines and finding severities.
#include "engine/log_capture.h"

#include <cctype>

#include "engine/job_files.h"
#include "engine/resources.h"

namespace headrace::engine {
namespace {

constexpr size_t kLongestLine = 64 << 10;  // a longer one is cut in two
constexpr size_t kKeptErrors = 200;
constexpr size_t kExcerptLines = 10;

const char* SeverityOfLetter(char letter) {
  switch (letter) {
    case 'I':
      return "INFO";
    case 'W':
      return "WARNING";
    case 'E':
      return "ERROR";
    case 'F':
      return "CRITICAL";
    default:
      return nullptr;
  }
}

bool IsDigit(std::string_view text, size_t at) {
  return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0;
}

}  // namespace

std::string SeverityOf(std::string_view line, bool is_stderr) {
  for (const char* word : {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}) {
    const std::string_view name = word;
    if (line.substr(0, name.size()) == name && line.size() > name.size() && line[name.size()] == ':') return word;
  }
  if (line.size() > 6 && IsDigit(line, 1) && IsDigit(line, 4) && line[5] == ' ') {  // glog
    if (const char* severity = SeverityOfLetter(line[0])) return severity;
  }
  const size_t letter = line.find(": ");
  if (letter < 30 && IsDigit(line, 0) && letter + 3 < line.size() && line[letter + 3] == ' ') {
    if (const char* severity = SeverityOfLetter(line[letter + 2])) return severity;
  }
  return is_stderr ? "ERROR" : "INFO";
}

LogCapture::LogCapture(std::string job_dir, std::string task_name)
    : job_dir_(std::move(job_dir)), task_name_(std::move(task_name)) {}

void LogCapture::Add(bool is_stderr, std::string_view bytes) {
  std::string& partial = partial_[is_stderr];
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const size_t room = kLongestLine - partial.size();
    const size_t taken = std::min({end == bytes.npos ? bytes.size() : end, room});
    partial.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    const bool line_ends = !bytes.empty() && bytes.front() == '\n';
    if (line_ends) bytes.remove_prefix(1);
    if (line_ends || partial.size() >= kLongestLine) Line(is_stderr, std::exchange(partial, ""));
  }
}

void LogCapture::Finish() {
  for (const bool is_stderr : {false, true}) {
    if (!partial_[is_stderr].empty()) Line(is_stderr, std::exchange(partial_[is_stderr], ""));
  }
}

void LogCapture::Say(const std::string& severity, const std::string& message) {
  AppendLog(job_dir_, {Now(), severity, message, task_name_});
}

void LogCapture::Line(bool is_stderr, std::string line) {
  if (!line.empty() && line.back() == '\r') line.pop_back();
  std::string& severity = severity_[is_stderr];
  const bool goes_on = !line.empty() && (line[0] == ' ' || line[0] == '\t') && !severity.empty();
  if (!goes_on) severity = SeverityOf(line, is_stderr);
  Say(severity, line);
  if (!is_stderr) return;
  last_errors_.push_back(std::move(line));
  if (last_errors_.size() > kKeptErrors) last_errors_.pop_front();
}

std::string LogCapture::FailureExcerpt() const {
  size_t begin = last_errors_.size() - std::min(last_errors_.size(), kExcerptLines);
  for (size_t i = 0; i < last_errors_.size(); ++i) {
    if (last_errors_[i].rfind("Traceback (most recent call last):", 0) == 0) begin = i;
  }
  std::string excerpt;
  for (size_t i = begin; i < last_errors_.size(); ++i) excerpt += last_errors_[i] + "\n";
  constexpr size_t kLongest = 4096;
  if (excerpt.size() > kLongest) excerpt = "[...]" + excerpt.substr(excerpt.size() - kLongest);
  if (!excerpt.empty()) excerpt.pop_back();
  return excerpt;
}

}  // namespace headrace::engine
