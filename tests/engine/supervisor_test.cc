// A supervisor in a process of its own: how it records ends, cuts its log, obeys a cancel, and leaves nothing behind.
#include "engine/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/job_files.h"
#include "engine/process.h"
#include "headrace/file_system.h"

namespace headrace::engine {
namespace {

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() { std::filesystem::create_directories(directory_ + "/work"); }
  ~SupervisorTest() override { std::filesystem::remove_all(directory_); }

  void WriteSpec(const std::string& script, const std::string& prepare = "") {
    JobSpec spec;
    spec.job_id = "j";
    spec.task_name = "master-replica-0";
    spec.command = {"sh", "-c", script};
    if (!prepare.empty()) spec.prepare = {"sh", "-c", prepare};
    spec.work_directory = directory_ + "/work";
    spec.environment = {{"GREETING", "hello"}};
    WriteFile(SpecFile(directory_), ToJson(spec).dump());
  }

  pid_t Start() {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(RunSupervisor(directory_));
    return child;
  }

  JobState Run(const std::string& script, const std::string& prepare = "") {
    WriteSpec(script, prepare);
    ::waitpid(Start(), nullptr, 0);
    return ReadJobState(directory_).value_or(JobState{});
  }

  void WaitFor(const std::function<bool()>& condition) {
    while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  std::vector<std::string> Messages() {
    int64_t offset = 0;
    std::vector<std::string> messages;
    for (const LogEntry& entry : ReadLog(directory_, &offset)) messages.push_back(entry.message);
    return messages;
  }

  bool Logged(const std::string& message) {
    const auto messages = Messages();
    return std::find(messages.begin(), messages.end(), message) != messages.end();
  }

  std::string directory_ = testing::TempDir() + "supervisor." + std::to_string(::getpid());
};

TEST_F(SupervisorTest, RecordsSuccess) {
  const JobState state = Run("echo \"$GREETING\"; printf unfinished; echo oops >&2", "echo prepared");
  EXPECT_EQ(state.state, "SUCCEEDED");
  EXPECT_FALSE(state.start_time.empty());
  EXPECT_LE(state.start_time, state.end_time);
  for (const char* message : {"prepared", "hello", "unfinished", "oops"}) EXPECT_TRUE(Logged(message)) << message;
}

TEST_F(SupervisorTest, RecordsFailureWithItsTraceback) {
  const JobState state = Run("echo noise >&2; echo 'Traceback (most recent call last):' >&2; echo 'E: x' >&2; exit 3");
  EXPECT_EQ(state.state, "FAILED");
  EXPECT_EQ(state.error_message,
            "The replica master-replica-0 exited with a non-zero status of 3.\n"
            "Traceback (most recent call last):\nE: x");
}

TEST_F(SupervisorTest, RecordsASignal) {
  EXPECT_NE(Run("kill -SEGV $$").error_message.find("was ended by signal 11"), std::string::npos);
}

TEST_F(SupervisorTest, RecordsAProgramThatIsNotThere) {
  WriteSpec("");
  JobSpec spec = FromJson<JobSpec>(Json::parse(ReadFile(SpecFile(directory_))));
  spec.command = {"/no/such/program"};
  WriteFile(SpecFile(directory_), ToJson(spec).dump());
  ::waitpid(Start(), nullptr, 0);
  EXPECT_NE(ReadJobState(directory_)->error_message.find("can't start /no/such/program"), std::string::npos);
}

TEST_F(SupervisorTest, StopsWhenPreparationFails) {
  const JobState state = Run("echo never", "echo no such package >&2; exit 1");
  EXPECT_EQ(state.state, "FAILED");
  EXPECT_NE(state.error_message.find("no such package"), std::string::npos);
  EXPECT_TRUE(state.start_time.empty());
  EXPECT_FALSE(Logged("never"));
}

TEST_F(SupervisorTest, KeepsLongAndBinaryLines) {
  Run("head -c 200000 /dev/zero | tr '\\0' x; echo; printf 'a\\377b\\n'");
  size_t total = 0;
  for (const std::string& message : Messages())
    total += static_cast<size_t>(std::count(message.begin(), message.end(), 'x'));
  EXPECT_GE(total, 200000u);
  EXPECT_TRUE(
      Logged("a\xef\xbf\xbd"
             "b"));
}

TEST_F(SupervisorTest, ObeysACancelAndEndsTheWholeFamily) {
  WriteSpec("trap 'echo asked to stop; exit 0' TERM; sleep 1000 & echo started; while :; do sleep 0.05; done");
  const pid_t supervisor = Start();
  WaitFor([&] { return Logged("started"); });
  WriteFile(CancelFile(directory_), "");
  ::kill(supervisor, SIGTERM);
  ::waitpid(supervisor, nullptr, 0);
  EXPECT_EQ(ReadJobState(directory_)->state, "CANCELLED");
  EXPECT_TRUE(Logged("asked to stop"));
}

TEST_F(SupervisorTest, ACancelBeforeTheStartRunsNothing) {
  WriteFile(CancelFile(directory_), "");
  EXPECT_EQ(Run("echo never").state, "CANCELLED");
  EXPECT_FALSE(Logged("never"));
}

TEST_F(SupervisorTest, RunsAJobOnce) {
  EXPECT_EQ(Run("echo once").state, "SUCCEEDED");
  ::waitpid(Start(), nullptr, 0);
  const auto messages = Messages();
  EXPECT_EQ(std::count(messages.begin(), messages.end(), "once"), 1);
}

TEST_F(SupervisorTest, IsOneAtATime) {
  WriteSpec("echo started; sleep 0.5");
  const pid_t first = Start();
  WaitFor([&] { return Logged("started"); });
  ::waitpid(Start(), nullptr, 0);  // the second goes at once
  EXPECT_TRUE(IsLocked(LockFile(directory_)));
  ::waitpid(first, nullptr, 0);
  const auto messages = Messages();
  EXPECT_EQ(std::count(messages.begin(), messages.end(), "started"), 1);
}

TEST_F(SupervisorTest, EndsWithItsProgramWhenTheJobIsDeleted) {
  WriteSpec("echo started; while :; do echo more; sleep 0.05; done");
  const pid_t supervisor = Start();
  WaitFor([&] { return Logged("started"); });
  std::filesystem::remove(SpecFile(directory_));  // what is deleted first doesn't matter
  int status = -1;
  ::waitpid(supervisor, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ReadJobState(directory_)->state, "RUNNING");
}

TEST_F(SupervisorTest, ItsProgramDiesWithIt) {
  WriteSpec("echo $$ > pid; exec sleep 1000");
  const pid_t supervisor = Start();
  const std::string file = directory_ + "/work/pid";
  WaitFor([&] { return std::filesystem::exists(file) && std::filesystem::file_size(file) > 1; });
  ::kill(supervisor, SIGKILL);
  ::waitpid(supervisor, nullptr, 0);
  const pid_t program = std::stoi(ReadFile(file));
  WaitFor([&] {  // gone, or a zombie that nobody collects
    std::string stat;
    std::getline(std::ifstream("/proc/" + std::to_string(program) + "/stat"), stat);
    return stat.empty() || stat.find(") Z") != stat.npos;
  });
  EXPECT_FALSE(IsLocked(LockFile(directory_)));
}

TEST(Process, HoldsItsLockExactlyAsLongAsItLives) {
  const std::string lock = testing::TempDir() + "process." + std::to_string(::getpid()) + ".lock";
  const DetachedProcess process{.command = {"sleep", "1000"}, .output = "/dev/null", .lock = lock};
  const auto pid = StartDetached(process);
  ASSERT_TRUE(pid);
  EXPECT_FALSE(StartDetached(process));
  EXPECT_EQ(LockHolder(lock), pid);
  ::kill(*pid, SIGKILL);
  while (IsLocked(lock)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(LockHolder(lock));
  ReapChildren();
  EXPECT_THROW(StartDetached({.command = {"/no/such/program"}, .output = "/dev/null", .lock = lock}), Error);
  EXPECT_FALSE(IsLocked(lock));
  std::filesystem::remove(lock);
}

}  // namespace
}  // namespace headrace::engine
