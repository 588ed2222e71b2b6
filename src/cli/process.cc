// posix_spawn with an environment, and waiting for the end.
#include "cli/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

// This process's environment with `changes` put over it.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& changes) {
    for (char** variable = environ; *variable; ++variable) {
      const std::string setting(*variable);
      if (!changes.count(setting.substr(0, setting.find('=')))) settings_.push_back(setting);
    }
    for (const auto& [name, value] : changes) settings_.push_back(absl::StrCat(name, "=", value));
    for (std::string& setting : settings_) pointers_.push_back(setting.data());
    pointers_.push_back(nullptr);
  }
  char** get() { return pointers_.data(); }

 private:
  std::vector<std::string> settings_;
  std::vector<char*> pointers_;
};

pid_t Spawn(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
            const posix_spawn_file_actions_t* actions) {
  Environment settings(environment);
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_t child = 0;
  const int failure = posix_spawnp(&child, pointers[0], actions, nullptr, pointers.data(), settings.get());
  if (failure != 0) throw NotFound("cannot run ", arguments[0], ": ", std::strerror(failure));
  return child;
}

int Wait(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

ProcessResult RunProcess(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Unavailable("cannot make a pipe: ", std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  ProcessResult result;
  pid_t child = 0;
  try {
    child = Spawn(arguments, environment, &actions);
  } catch (...) {
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR);) {
    if (n > 0) result.output.append(buffer, static_cast<size_t>(n));
  }
  close(ends[0]);
  result.status = Wait(child);
  return result;
}

int RunAttached(const std::vector<std::string>& arguments, const std::map<std::string, std::string>& environment,
                const std::string& directory) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  // The terminal sends Ctrl-C to both; the program decides what it means, and this process waits for its end.
  pid_t child = 0;
  try {
    child = Spawn(arguments, environment, &actions);
  } catch (...) {
    posix_spawn_file_actions_destroy(&actions);
    throw;
  }
  posix_spawn_file_actions_destroy(&actions);
  signal(SIGINT, SIG_IGN);
  const int status = Wait(child);
  signal(SIGINT, SIG_DFL);
  return status;
}

}  // namespace headrace::cli
