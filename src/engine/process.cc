// Detached processes by posix_spawn: new session, null input, every descriptor but the lock closed.
#include "engine/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>

#include "headrace/error.h"

namespace headrace::engine {
namespace {

constexpr int kChildLock = 3;  // the descriptor of the lock in the child

struct Children {
  std::mutex mutex;
  std::set<pid_t> pids;
  static Children& Get() {
    static Children children;
    return children;
  }
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

std::optional<pid_t> StartDetached(const DetachedProcess& process) {
  const Descriptor lock(::open(process.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) throw Unavailable("can't open ", process.lock, ": ", std::strerror(errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  // From here on the file names nobody until it names the new process.
  if (::ftruncate(lock.get(), 0) != 0)
    throw ResourceExhausted("can't write ", process.lock, ": ", std::strerror(errno));

  std::map<std::string, std::string> environment = CurrentEnvironment();
  for (const auto& [name, value] : process.environment) environment[name] = value;
  environment[kLockDescriptor] = std::to_string(kChildLock);
  std::vector<std::string> lines = EnvironmentLines(environment);
  std::vector<std::string> arguments = process.command;

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, process.output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  posix_spawn_file_actions_adddup2(&actions, lock.get(), kChildLock);
  posix_spawn_file_actions_addclosefrom_np(&actions, kChildLock + 1);
  if (!process.directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, process.directory.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  int failed = 0;
  {
    std::lock_guard guard(Children::Get().mutex);
    failed = ::posix_spawnp(&pid, arguments[0].c_str(), &actions, &attributes, Pointers(arguments).data(),
                            Pointers(lines).data());
    if (failed == 0) Children::Get().pids.insert(pid);
  }
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) throw Unavailable("can't start ", process.command[0], ": ", std::strerror(failed));
  const std::string text = std::to_string(pid) + "\n";
  if (::pwrite(lock.get(), text.data(), text.size(), 0) < 0) {
    throw ResourceExhausted("can't write ", process.lock, ": ", std::strerror(errno));
  }
  return pid;
}

bool AdoptLock() {
  const char* inherited = std::getenv(kLockDescriptor);
  if (inherited == nullptr) return false;
  const int fd = std::atoi(inherited);
  ::unsetenv(kLockDescriptor);
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return false;
  const std::string text = std::to_string(::getpid()) + "\n";
  return ::pwrite(fd, text.data(), text.size(), 0) > 0;
}

bool IsLocked(const std::string& lock) {
  const Descriptor file(::open(lock.c_str(), O_RDWR | O_CLOEXEC));
  return file.get() >= 0 && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
}

std::optional<pid_t> LockHolder(const std::string& lock) {
  if (!IsLocked(lock)) return std::nullopt;
  const Descriptor file(::open(lock.c_str(), O_RDONLY | O_CLOEXEC));
  char text[32] = {};
  if (file.get() < 0 || ::pread(file.get(), text, sizeof(text) - 1, 0) <= 0) return std::nullopt;
  const pid_t pid = static_cast<pid_t>(std::strtol(text, nullptr, 10));
  if (pid <= 1) return std::nullopt;
  return pid;
}

void ReapChildren() {
  std::lock_guard guard(Children::Get().mutex);
  std::erase_if(Children::Get().pids, [](pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) != 0; });
}

std::map<std::string, std::string> CurrentEnvironment() {
  std::map<std::string, std::string> environment;
  for (char** line = environ; *line != nullptr; ++line) {
    const std::string text = *line;
    const size_t equals = text.find('=');
    if (equals != text.npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return environment;
}

std::vector<std::string> EnvironmentLines(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : environment) lines.push_back(name + "=" + value);
  return lines;
}

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace headrace::engine
