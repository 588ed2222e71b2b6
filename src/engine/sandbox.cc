// bwrap: probed once by running it, and its argument list. Later mounts cover earlier ones, so the order is: everything
// read-only, what is hidden, then what shows through again.
#include "engine/sandbox.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace headrace::engine {

bool SandboxWorks(std::string* why_not) {
  int output[2];
  if (::pipe2(output, O_CLOEXEC) != 0) {
    *why_not = "no pipe for bwrap";
    return false;
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  posix_spawn_file_actions_adddup2(&actions, output[1], 2);
  std::array<const char*, 13> command = {"bwrap",         "--ro-bind", "/",     "/",       "--dev",
                                         "/dev",          "--proc",    "/proc", "--tmpfs", "/tmp",
                                         "--unshare-pid", "true",      nullptr};
  pid_t pid = -1;
  const int failed =
      ::posix_spawnp(&pid, command[0], &actions, nullptr, const_cast<char* const*>(command.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(output[1]);
  std::string said;
  int status = -1;
  if (failed == 0) {
    char piece[512];
    for (ssize_t n; (n = ::read(output[0], piece, sizeof(piece))) > 0;) said.append(piece, static_cast<size_t>(n));
    ::waitpid(pid, &status, 0);
  }
  ::close(output[0]);
  if (status == 0) return true;
  *why_not = failed != 0 ? "bwrap is not installed" : said.substr(0, said.find('\n'));
  return false;
}

std::vector<std::string> SandboxedCommand(const JobSpec& spec) {
  std::vector<std::string> command = {
      "bwrap", "--die-with-parent", "--unshare-pid", "--ro-bind", "/", "/", "--dev", "/dev", "--proc",
      "/proc", "--tmpfs",           "/tmp"};
  for (const std::string& path : spec.hidden) command.insert(command.end(), {"--tmpfs", path});
  for (const std::string& path : spec.readable) command.insert(command.end(), {"--ro-bind-try", path, path});
  for (const std::string& path : spec.writable) command.insert(command.end(), {"--bind", path, path});
  command.insert(command.end(), {"--chdir", spec.work_directory, "--"});
  command.insert(command.end(), spec.command.begin(), spec.command.end());
  return command;
}

}  // namespace headrace::engine
