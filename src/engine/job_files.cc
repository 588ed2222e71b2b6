// Reading and writing the files of a job's directory.
#include "engine/job_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "headrace/file_system.h"

namespace headrace::engine {

std::optional<JobState> ReadJobState(const std::string& job_dir) {
  if (!FileExists(StateFile(job_dir))) return std::nullopt;
  return FromJson<JobState>(Json::parse(ReadFile(StateFile(job_dir))));
}

std::vector<LogEntry> ReadLog(const std::string& job_dir, int64_t* offset, int64_t max_bytes) {
  std::vector<LogEntry> entries;
  if (!FileExists(LogFile(job_dir))) return entries;
  const auto file = FileSystemFor(LogFile(job_dir)).OpenForReading(LogFile(job_dir));
  if (*offset >= file->Size()) return entries;
  std::string bytes(static_cast<size_t>(std::min(max_bytes, file->Size() - *offset)), '\0');
  bytes.resize(file->Read(*offset, bytes.data(), bytes.size()));
  size_t begin = 0;
  for (size_t end; (end = bytes.find('\n', begin)) != bytes.npos; begin = end + 1) {
    const Json line = Json::parse(bytes.begin() + static_cast<int64_t>(begin),
                                  bytes.begin() + static_cast<int64_t>(end), nullptr, false);
    // A line torn by a crash of the machine is passed over.
    if (line.is_object()) entries.push_back(FromJson<LogEntry>(line));
  }
  *offset += static_cast<int64_t>(begin);
  return entries;
}

void AppendLog(const std::string& job_dir, const LogEntry& entry) {
  const std::string line = ToJson(entry).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const int fd = ::open(LogFile(job_dir).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) throw Unavailable("can't open ", LogFile(job_dir), ": ", std::strerror(errno));
  const ssize_t written = ::write(fd, line.data(), line.size());
  ::close(fd);
  if (written != static_cast<ssize_t>(line.size())) throw ResourceExhausted("can't write ", LogFile(job_dir));
}

}  // namespace headrace::engine
