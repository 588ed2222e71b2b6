// The command table: usage lines, command lines, typos.
#include "cli/command.h"

#include <gtest/gtest.h>

#include "cli/fronts.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

int Nothing(Invocation&) {
  return 0;
}
int Breaks(Invocation&) {
  throw NotFound("no such thing");
}

const Front& TestFront() {
  static const Front front{"tool",
                           "A tool.",
                           "-q|--quiet --project=PROJECT",
                           {{"jobs submit JOB --region=REGION --labels=KEY=VALUE,... --stream-logs --", "", Nothing},
                            {"jobs list", "", Nothing},
                            {"copy SOURCE... TARGET -r|--recursive -l -c=N", "", Nothing},
                            {"show [NAME] --model=MODEL!", "", Nothing},
                            {"break", "", Breaks}}};
  return front;
}

Invocation Parse(std::vector<std::string> arguments) {
  return ParseCommandLine(TestFront(), arguments);
}

std::string UsageMessage(std::vector<std::string> arguments) {
  try {
    Parse(arguments);
  } catch (const UsageError& error) {
    return error.path() + ": " + error.what();
  }
  return "no error";
}

TEST(Command, TakesFlagsAnywhereAndTheRestBehindDashes) {
  const Invocation call = Parse({"--project=p", "jobs", "submit", "--region", "us", "j1", "--stream-logs", "-q", "--",
                                 "--steps=3", "--region", "x"});
  EXPECT_EQ(call.path, "tool.jobs.submit");
  EXPECT_EQ(call.Argument("JOB"), "j1");
  EXPECT_EQ(call.Flag("region"), "us");
  EXPECT_EQ(call.Flag("project"), "p");
  EXPECT_TRUE(call.Switch("stream-logs"));
  EXPECT_TRUE(call.Switch("quiet"));
  EXPECT_EQ(call.rest, (std::vector<std::string>{"--steps=3", "--region", "x"}));
}

TEST(Command, GathersListsAndPairs) {
  const Invocation call = Parse({"jobs", "submit", "j", "--labels=a=1,b=x=y", "--labels", "c=3"});
  EXPECT_EQ(call.Pairs("labels"), (std::map<std::string, std::string>{{"a", "1"}, {"b", "x=y"}, {"c", "3"}}));
  EXPECT_THROW(Parse({"jobs", "submit", "j", "--labels=a"}).Pairs("labels"), UsageError);
}

TEST(Command, LeavesTheLastArgumentForTheOneBehindTheMany) {
  const Invocation call = Parse({"copy", "a", "b", "c"});
  EXPECT_EQ(call.Arguments("SOURCE"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(call.Argument("TARGET"), "c");
}

TEST(Command, ReadsJoinedLetters) {
  const Invocation call = Parse({"copy", "-rl", "-c4", "a", "b"});
  EXPECT_TRUE(call.Switch("recursive"));
  EXPECT_TRUE(call.Switch("l"));
  EXPECT_EQ(call.Integer("c", 0), 4);
}

TEST(Command, TurnsASwitchOff) {
  EXPECT_FALSE(Parse({"copy", "a", "b", "--no-recursive"}).Switch("recursive"));
}

TEST(Command, SuggestsTheNearestWordAndFlag) {
  EXPECT_NE(UsageMessage({"jobs", "lst"}).find("tool.jobs: Invalid choice: 'lst'.\nMaybe you meant:\n  tool jobs list"),
            std::string::npos);
  EXPECT_NE(UsageMessage({"jobs", "submit", "j", "--regoin=x"}).find("did you mean '--region'?"), std::string::npos);
  EXPECT_NE(UsageMessage({"zzzzzz"}).find("Valid choices are: break, copy, jobs, show"), std::string::npos);
}

TEST(Command, NamesWhatIsMissing) {
  EXPECT_NE(UsageMessage({"show"}).find("argument --model: Must be specified"), std::string::npos);
  EXPECT_NE(UsageMessage({"jobs", "submit"}).find("argument JOB: Must be specified"), std::string::npos);
  EXPECT_NE(UsageMessage({"jobs"}).find("Command name argument expected"), std::string::npos);
  EXPECT_NE(UsageMessage({"show", "--model"}).find("argument --model: expected one argument"), std::string::npos);
  EXPECT_NE(UsageMessage({"jobs", "list", "extra"}).find("unrecognized arguments: extra"), std::string::npos);
}

TEST(Command, ExitCodesTellUsageErrorsFromFailures) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunFront(TestFront(), {"break"}), 1);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ERROR: (tool.break) NOT_FOUND: no such thing\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(RunFront(TestFront(), {"brake"}), 2);
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(RunFront(TestFront(), {"jobs", "list"}), 0);
}

TEST(Command, EveryUsageLineOfEveryFrontParsesAndIsUnique) {
  for (const Front* front : {&HeadraceFront(), &GcloudFront(), &GsutilFront()}) {
    std::map<std::vector<std::string>, std::string> seen;
    for (const Command& command : front->commands) {
      const CommandSpec spec = ParseUsage(command.usage);
      EXPECT_FALSE(spec.words.empty()) << command.usage;
      EXPECT_FALSE(command.help.empty()) << command.usage;
      EXPECT_TRUE(seen.emplace(spec.words, command.usage).second) << command.usage << " is declared twice";
    }
  }
}

TEST(Command, MalformedUsageLinesAreRefused) {
  EXPECT_THROW(ParseUsage("list [NAME"), Error);
  EXPECT_THROW(ParseUsage("list NAME again"), Error);
}

}  // namespace
}  // namespace headrace::cli
