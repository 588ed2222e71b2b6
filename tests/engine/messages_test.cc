// Messages as JSON, names, filters, pages, log lines.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "engine/job_files.h"
#include "engine/log_capture.h"
#include "engine/method.h"
#include "engine/names.h"
#include "engine/resources.h"

namespace headrace::engine {
namespace {

std::string MessageOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "no error";
}

TEST(Fields, ReadsWhatItWrites) {
  Job job;
  job.job_id = "j";
  job.labels = {{"team", "taxi"}};
  job.training_input.emplace();
  job.training_input->args = {"--x", "1"};
  job.training_input->worker_count = 3;
  job.training_input->scheduling = {{"maxRunningTime", "3600s"}};
  const Json json = ToJson(job);
  EXPECT_EQ(json["trainingInput"]["workerCount"], "3");  // proto3: 64-bit integers are strings
  EXPECT_FALSE(json.contains("state"));                  // defaults are left out
  EXPECT_EQ(ToJson(FromJson<Job>(json)), json);
}

TEST(Fields, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(MessageOf([] {
              FromJson<Job>({{"trainingInput", {{"args", {"a", 1}}}}});
            }),
            "Invalid value at 'trainingInput.args[1]': expected a string, got 1");
  EXPECT_EQ(MessageOf([] {
              FromJson<Job>({{"trainingInput", {{"argz", 1}}}});
            }),
            "Invalid JSON payload received. Unknown name \"argz\" at 'trainingInput': Cannot find field.");
  EXPECT_EQ(MessageOf([] { FromJson<Job>(Json::array()); }), "Invalid value at 'body': expected an object, got []");
  EXPECT_NE(MessageOf([] { FromJson<Job>({{"jobPosition", "1x"}}); }), "no error");
  EXPECT_NE(MessageOf([] { FromJson<Job>({{"jobPosition", 1.5}}); }), "no error");
  EXPECT_EQ(FromJson<Job>({{"jobPosition", "7"}}).job_position, 7);
}

TEST(Names, RefuseWhatCouldLeaveItsDirectory) {
  for (const char* name : {"", ".", "..", "a/b", "a.b", "1a", "a-b", "_a"}) {
    EXPECT_THROW(CheckMlName("job", name), Error) << name;
  }
  EXPECT_NO_THROW(CheckMlName("job", "lab3a_200101"));
  for (const char* name : {"", "ab", "..", "a..b", "-ab", "ab-", "Abc", "a/b", "a b"}) {
    EXPECT_THROW(CheckBucketName(name), Error) << name;
  }
  EXPECT_NO_THROW(CheckBucketName("my-bucket.v1_x"));
  for (const char* name : {"", "/", "/a", "a//b", "../a", "a/..", "a/./b", ".", "a\nb", "\xff"}) {
    EXPECT_THROW(CheckObjectName(name), Error) << name;
  }
  for (const char* name : {"a", "a/b/c.csv", "folder/", "...", "a..b", "\xc3\xbc nicode"}) {
    EXPECT_NO_THROW(CheckObjectName(name)) << name;
  }
  for (const char* name : {"", "..", ".hidden", "a/b"}) EXPECT_THROW(CheckProjectId(name), Error) << name;
  EXPECT_NO_THROW(CheckProjectId("example.com:my-project-1"));
}

TEST(Names, AProjectAlwaysHasTheSameNumber) {
  EXPECT_EQ(ProjectNumber("lab").size(), 12u);
  EXPECT_EQ(ProjectNumber("lab"), ProjectNumber("lab"));
  EXPECT_NE(ProjectNumber("lab"), ProjectNumber("lab2"));
}

TEST(Names, AreTakenApart) {
  EXPECT_EQ(ParseName("projects/p/models/m", "projects/*/models/*"), (std::vector<std::string>{"p", "m"}));
  for (const char* name : {"projects/p/models", "projects/p/models/m/x", "projects//models/m", "project/p/models/m"}) {
    EXPECT_THROW(ParseName(name, "projects/*/models/*"), Error) << name;
  }
}

TEST(Method, FiltersByFields) {
  const std::vector<Json> all = {{{"jobId", "taxi_1"}, {"state", "FAILED"}, {"labels", {{"team", "a"}}}},
                                 {{"jobId", "taxi_2"}, {"state", "SUCCEEDED"}},
                                 {{"jobId", "wine_1"}, {"state", "FAILED"}}};
  const auto ids = [&](const std::string& filter) {
    std::vector<Json> items = all;
    ApplyFilter(filter, &items);
    std::string text;
    for (const Json& item : items) text += item["jobId"].get<std::string>() + " ";
    return text;
  };
  EXPECT_EQ(ids(""), "taxi_1 taxi_2 wine_1 ");
  EXPECT_EQ(ids("state=FAILED"), "taxi_1 wine_1 ");
  EXPECT_EQ(ids("state = \"FAILED\" AND jobId:taxi"), "taxi_1 ");
  EXPECT_EQ(ids("state!=FAILED"), "taxi_2 ");
  EXPECT_EQ(ids("labels.team=a"), "taxi_1 ");
  EXPECT_EQ(ids("labels.team:*"), "taxi_1 ");
  EXPECT_NE(MessageOf([&] { ids("FAILED"); }), "no error");
}

TEST(Method, CutsPagesThatCoverEverythingOnce) {
  std::vector<Json> items;
  for (int i = 0; i < 7; ++i) items.push_back(i);
  std::vector<Json> seen;
  http::Request request;
  request.query.emplace("pageSize", "3");
  while (true) {
    const Json page = Paginate("items", items, request);
    for (const Json& item : page["items"]) seen.push_back(item);
    if (!page.contains("nextPageToken")) break;
    request.query.erase("pageToken");
    request.query.emplace("pageToken", page["nextPageToken"].get<std::string>());
  }
  EXPECT_EQ(seen, items);
  request.query = {{"pageSize", "-1"}};
  EXPECT_NE(MessageOf([&] { Paginate("items", items, request); }), "no error");
  EXPECT_EQ(Paginate("items", {}, {}), Json::object());
}

TEST(Log, ReadsSeverities) {
  EXPECT_EQ(SeverityOf("INFO:tensorflow:loss = 1", true), "INFO");
  EXPECT_EQ(SeverityOf("WARNING:root:x", false), "WARNING");
  EXPECT_EQ(SeverityOf("E0131 12:00:00.123456 77 file.cc:1] x", true), "ERROR");
  EXPECT_EQ(SeverityOf("2026-01-31 12:00:00.123456: I tensorflow/core/x.cc:1] y", true), "INFO");
  EXPECT_EQ(SeverityOf("words", true), "ERROR");
  EXPECT_EQ(SeverityOf("words", false), "INFO");
  EXPECT_EQ(SeverityOf("", true), "ERROR");
}

TEST(Log, IndentedLinesShareTheSeverityOfTheLineBefore) {
  const std::string directory = testing::TempDir() + "log_" + std::to_string(getpid());
  std::filesystem::create_directories(directory);
  LogCapture capture(directory, "master-replica-0");
  capture.Add(true, "INFO:tensorflow:exported:\n  of x\nwords\n  more words\nWARNING:root:y\n");
  int64_t offset = 0;
  std::vector<std::string> severities;
  for (const LogEntry& entry : ReadLog(directory, &offset)) severities.push_back(entry.severity);
  EXPECT_EQ(severities, (std::vector<std::string>{"INFO", "INFO", "ERROR", "ERROR", "WARNING"}));
}

}  // namespace
}  // namespace headrace::engine
