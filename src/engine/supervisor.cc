// One single-threaded process: it takes the job's lock, then for the preparation and the program in turn forks, reads
// both output streams by poll until the child has ended, and writes state.json at every step.
#include "engine/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "engine/job_files.h"
#include "engine/log_capture.h"
#include "engine/process.h"
#include "engine/resources.h"
#include "engine/sandbox.h"
#include "headrace/error.h"
#include "headrace/file_system.h"

namespace headrace::engine {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kGrace = std::chrono::seconds(10);              // between SIGTERM and SIGKILL
constexpr auto kOutputGrace = std::chrono::milliseconds(300);  // for output that orphans of the program still write

// The lock that StartDetached passed on, or our own when started by hand; false if another process has it.
bool TakeLock(const std::string& job_dir) {
  if (AdoptLock()) return true;
  const int fd = ::open(LockFile(job_dir).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0;
}

class Supervisor {
 public:
  explicit Supervisor(std::string job_dir)
      : job_dir_(std::move(job_dir)),
        spec_(FromJson<JobSpec>(Json::parse(ReadFile(SpecFile(job_dir_))))),
        log_(job_dir_, spec_.task_name) {
    sigset_t handled;
    sigemptyset(&handled);
    for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&handled, signal);
    ::sigprocmask(SIG_BLOCK, &handled, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_ = ::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Supervisor() { ::close(signals_); }
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  void Run() {
    try {
      if (!spec_.prepare.empty()) {
        Record("PREPARING");
        const int status = RunChild(spec_.prepare, "prepare the job's packages");
        if (stopping_ || status != 0) return End(status, "The job's packages could not be prepared.");
      }
      if (CancelRequested()) return End(0, "");
      state_.start_time = Now();
      Record("RUNNING");
      log_.Say("INFO", spec_.sandbox ? "The program runs in a sandbox (bubblewrap)."
                                     : "The program runs without a sandbox: bubblewrap does not work on this machine.");
      const int status = RunChild(spec_.sandbox ? SandboxedCommand(spec_) : spec_.command, "run the program");
      End(status, "The replica " + spec_.task_name + " " + HowEnded(status) + ".");
    } catch (const std::exception& error) {
      state_.error_message = error.what();
      state_.end_time = Now();
      Record("FAILED");
    }
  }

 private:
  // Whoever deletes a job's directory wants no more of the job: it ends, and nothing is recorded.
  bool Abandoned() const { return !FileExists(SpecFile(job_dir_)); }

  bool CancelRequested() {
    stopping_ = stopping_ || FileExists(CancelFile(job_dir_)) || Abandoned();
    return stopping_;
  }

  void Record(const std::string& state) {
    if (Abandoned()) return;
    state_.state = state;
    WriteFileAtomically(StateFile(job_dir_), ToJson(state_).dump(2, ' ', false, Json::error_handler_t::replace));
  }

  void End(int status, const std::string& what_failed) {
    if (Abandoned()) return;
    state_.end_time = Now();
    if (FileExists(CancelFile(job_dir_))) {
      log_.Say("INFO", "The job was cancelled.");
      return Record("CANCELLED");
    }
    if (stopping_) {
      state_.error_message = "The job's supervisor was asked to stop.";
      return Record("FAILED");
    }
    if (status == 0) {
      log_.Say("INFO", "Job completed successfully.");
      return Record("SUCCEEDED");
    }
    const std::string excerpt = log_.FailureExcerpt();
    state_.error_message = what_failed + (excerpt.empty() ? "" : "\n" + excerpt);
    log_.Say("ERROR", what_failed);
    Record("FAILED");
  }

  static std::string HowEnded(int status) {
    if (WIFSIGNALED(status)) {
      return "was ended by signal " + std::to_string(WTERMSIG(status)) + " (" + ::strsignal(WTERMSIG(status)) + ")";
    }
    return "exited with a non-zero status of " + std::to_string(WEXITSTATUS(status));
  }

  // Runs a command with its output captured; returns its wait status.
  int RunChild(std::vector<std::string> command, const char* purpose) {
    int streams[2][2];
    for (auto& stream : streams) {
      if (::pipe2(stream, O_CLOEXEC) != 0) throw ResourceExhausted("can't ", purpose, ": ", std::strerror(errno));
    }
    std::map<std::string, std::string> environment = CurrentEnvironment();
    for (const auto& [name, value] : spec_.environment) environment[name] = value;
    std::vector<std::string> lines = EnvironmentLines(environment);
    std::vector<char*> argv = Pointers(command);
    std::vector<char*> envp = Pointers(lines);
    const pid_t child = ::fork();
    if (child < 0) throw ResourceExhausted("can't ", purpose, ": ", std::strerror(errno));
    if (child == 0) {
      ::setpgid(0, 0);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      sigset_t none;
      sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      ::signal(SIGPIPE, SIG_DFL);
      ::dup2(streams[0][1], 1);
      ::dup2(streams[1][1], 2);
      if (::chdir(spec_.work_directory.c_str()) == 0) ::execvpe(argv[0], argv.data(), envp.data());
      const std::string message = "can't start " + command[0] + ": " + std::strerror(errno) + "\n";
      (void)!::write(2, message.data(), message.size());
      ::_exit(127);
    }
    ::setpgid(child, child);
    for (auto& stream : streams) ::close(stream[1]);
    const int status = Follow(child, {streams[0][0], streams[1][0]});
    for (auto& stream : streams) ::close(stream[0]);
    if (!Abandoned()) log_.Finish();
    return status;
  }

  // Reads output and listens to signals until the child has ended and its output is read.
  int Follow(pid_t child, std::array<int, 2> output) {
    std::array<pollfd, 3> waits = {pollfd{output[0], POLLIN, 0}, {output[1], POLLIN, 0}, {signals_, POLLIN, 0}};
    std::optional<int> status;
    std::optional<Clock::time_point> kill_at, give_up_at;
    while (waits[0].fd >= 0 || waits[1].fd >= 0 || !status) {
      if (give_up_at && Clock::now() > *give_up_at) break;
      ::poll(waits.data(), waits.size(), status ? 20 : 500);
      for (int stream = 0; stream < 2; ++stream) {
        if (waits[stream].fd >= 0 && waits[stream].revents != 0 && !ReadOutput(stream, output[stream])) {
          waits[stream].fd = -1;
        }
      }
      ReadSignals();
      if (!status) {
        int ended = 0;
        if (::waitpid(child, &ended, WNOHANG) == child) {
          status = ended;
          give_up_at = Clock::now() + kOutputGrace;
        } else if (CancelRequested() && !kill_at) {
          ::kill(-child, SIGTERM);
          kill_at = Clock::now() + kGrace;
        } else if (kill_at && Clock::now() > *kill_at) {
          ::kill(-child, SIGKILL);
        }
      }
    }
    ::kill(-child, SIGKILL);  // what it left behind in its process group
    return *status;
  }

  bool ReadOutput(int stream, int fd) {
    char piece[16384];
    const ssize_t n = ::read(fd, piece, sizeof(piece));
    if (n > 0 && !Abandoned()) log_.Add(stream == 1, {piece, static_cast<size_t>(n)});
    return n > 0 || (n < 0 && errno == EINTR);
  }

  void ReadSignals() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo != SIGCHLD) stopping_ = true;
    }
  }

  std::string job_dir_;
  JobSpec spec_;
  LogCapture log_;
  JobState state_;
  int signals_ = -1;
  bool stopping_ = false;
};

}  // namespace

int RunSupervisor(const std::string& job_dir) {
  if (!TakeLock(job_dir)) return 0;
  const auto state = ReadJobState(job_dir);
  if (state && state->ended()) return 0;
  Supervisor(job_dir).Run();
  return 0;
}

}  // namespace headrace::engine
