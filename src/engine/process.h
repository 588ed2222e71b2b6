// Processes that outlive the engine. Each is started in a session of its own and inherits a locked file: the lock is
// held for exactly as long as the process lives, so that anyone, an engine started later too, can tell by trying it.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace headrace::engine {

struct DetachedProcess {
  std::vector<std::string> command;                // command[0] is looked up in PATH
  std::map<std::string, std::string> environment;  // put over the caller's
  std::string directory;                           // its working directory
  std::string output;                              // stdout and stderr are appended to this file
  std::string lock;                                // see above
};

// The environment variable that tells the process its lock's descriptor.
inline constexpr char kLockDescriptor[] = "HEADRACE_LOCK_FD";

// Starts the process; nothing if the lock is held (it runs already). The pid is written into the lock file.
// Throws Unavailable when it can't be started. Its end need not be waited for by anyone else: see ReapChildren.
std::optional<pid_t> StartDetached(const DetachedProcess& process);

// In the started process, first of all: writes its pid into the inherited lock, which the one who started it may not
// have lived to do, and keeps the lock from processes that this one starts. False when there is no inherited lock.
bool AdoptLock();

// Whether the lock is held, and by which process (the pid written there).
bool IsLocked(const std::string& lock);
std::optional<pid_t> LockHolder(const std::string& lock);

// Collects detached children that have ended, so that none stays a zombie.
void ReapChildren();

// The environment as a map, and "NAME=value" lines made of one.
std::map<std::string, std::string> CurrentEnvironment();
std::vector<std::string> EnvironmentLines(const std::map<std::string, std::string>& environment);
std::vector<char*> Pointers(std::vector<std::string>& strings);  // null-terminated, for exec

}  // namespace headrace::engine
