// --format and --filter.
#include "cli/output.h"

#include <gtest/gtest.h>

#include "cli/yaml.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

Json Jobs() {
  return Json::parse(R"([
    {"jobId": "taxi_1", "state": "SUCCEEDED", "createTime": "2026-01-02T03:04:05.678Z", "labels": {"owner": "ann"},
     "trainingInput": {"args": ["--a", "1"], "workerCount": "2"}},
    {"jobId": "trial_20", "state": "FAILED", "createTime": "2026-02-02T03:04:05Z", "errorMessage": "it's, \"broken\""}
  ])");
}

std::string As(const Json& resource, const std::string& format) {
  return Render(resource, ParseFormat(format));
}

TEST(Format, TableAlignsColumnsUnderTheirLabels) {
  EXPECT_EQ(As(Jobs(), "table(jobId:label=JOB_ID, state:label=STATUS, createTime.date():label=CREATED)"),
            "JOB_ID    STATUS     CREATED\n"
            "taxi_1    SUCCEEDED  2026-01-02T03:04:05\n"
            "trial_20  FAILED     2026-02-02T03:04:05\n");
  EXPECT_EQ(As(Json::parse("[[1.5, 2.0], [3.0]]"), "table[no-heading](.)"), "[1.5, 2.0]\n[3.0]\n");
}

TEST(Format, ValueAndCsvGiveBareFields) {
  EXPECT_EQ(As(Jobs(), "value(jobId,trainingInput.args[1])"), "taxi_1\t1\ntrial_20\t\n");
  EXPECT_EQ(As(Jobs(), "csv[no-heading](jobId,errorMessage)"), "taxi_1,\ntrial_20,\"it's, \"\"broken\"\"\"\n");
  EXPECT_EQ(As(Jobs()[0], "value(trainingInput.args.join(;))"), "--a;1\n");
  EXPECT_EQ(As(Json{{"name", "projects/p/models/m"}}, "value(name.basename())"), "m\n");
}

TEST(Format, PositionsThatNoListHas_LeadToNothing) {
  for (const char* position : {"9", "-9", "-", "1-", "99999999999999999999"}) {
    EXPECT_EQ(As(Jobs()[0], std::string("value(jobId,trainingInput.args[") + position + "])"), "taxi_1\t\n")
        << position;
  }
}

// A transform may cut a character in two.
TEST(Format, TextThatIsNotUtf8_IsShown) {
  const Json cut{{"a", std::string(18, 'x') + "é"}};
  EXPECT_EQ(As(cut, "value(a.date())"), std::string(18, 'x') + "\xc3\n");
  for (const char* format : {"json(a.date())", "yaml(a.date())", "table(a.date().list())"}) {
    EXPECT_NE(As(cut, format), "") << format;
  }
}

TEST(Format, JsonIsIndentedAndMayBeProjected) {
  EXPECT_EQ(As(Json{{"a", 1}, {"b", {{"c", true}}}}, "json(b.c)"), "{\n  \"b\": {\n    \"c\": true\n  }\n}\n");
}

TEST(Format, YamlReadsBackAsTheSameValue) {
  const Json tricky = Json::parse(R"({"a": "true", "b": "1.15", "c": ["x: y", "- z", "", "it's", "line\nbreak", []],
    "d": {"e": null, "f": {}, "g": 1.5}, "h": [{"i": 1, "j": [2, 3]}, [4]], "k": "2026-01-02T03:04:05Z", "l": "#no"})");
  EXPECT_EQ(ParseYaml(As(tricky, "yaml"), "test"), tricky) << As(tricky, "yaml");
  EXPECT_EQ(As(Json{{"jobId", "j"}, {"state", "QUEUED"}}, "yaml"), "jobId: j\nstate: QUEUED\n");
}

TEST(Format, UnknownFormatsAreRefusedWithTheKnownOnes) {
  EXPECT_THROW(
      {
        try {
          ParseFormat("jsn");
        } catch (const Error& error) {
          EXPECT_NE(std::string(error.what()).find("unknown format [jsn]; known: json"), std::string::npos);
          throw;
        }
      },
      Error);
  EXPECT_THROW(ParseFormat("table(a"), Error);
  EXPECT_THROW(As(Jobs(), "value(a.nothing())"), Error);
}

std::vector<std::string> Kept(const std::string& filter) {
  std::vector<std::string> kept;
  for (const Json& job : Jobs()) {
    if (Matches(job, filter)) kept.push_back(job["jobId"]);
  }
  return kept;
}

using Names = std::vector<std::string>;

TEST(Filter, ComparesKeys) {
  EXPECT_EQ(Kept("state=FAILED"), Names{"trial_20"});
  EXPECT_EQ(Kept("state!=FAILED"), Names{"taxi_1"});
  EXPECT_EQ(Kept("createTime>2026-01-15"), Names{"trial_20"});
  EXPECT_EQ(Kept("trainingInput.workerCount<10"), Names{"taxi_1"});
  EXPECT_EQ(Kept("jobId:trial*"), Names{"trial_20"});
  EXPECT_EQ(Kept("jobId~^t.*_[0-9]$"), Names{"taxi_1"});
  EXPECT_EQ(Kept("labels.owner=ann"), Names{"taxi_1"});
  EXPECT_EQ(Kept("labels:owner"), Names{"taxi_1"});
  EXPECT_EQ(Kept("errorMessage:*"), Names{"trial_20"});
}

TEST(Filter, CombinesTerms) {
  EXPECT_EQ(Kept("state=FAILED OR jobId=taxi_1"), (Names{"taxi_1", "trial_20"}));
  EXPECT_EQ(Kept("NOT state=FAILED AND jobId:taxi*"), Names{"taxi_1"});
  EXPECT_EQ(Kept("state=FAILED jobId:taxi*"), Names{});
  EXPECT_EQ(Kept("-(state=FAILED OR state=CANCELLED)"), Names{"taxi_1"});
  EXPECT_EQ(Kept("state:(CANCELLED FAILED)"), Names{"trial_20"});
  EXPECT_EQ(Kept("broken"), Names{"trial_20"});
  EXPECT_EQ(Kept("errorMessage:\"it's\""), Names{"trial_20"});
}

TEST(Filter, SaysWhereItIsMalformed) {
  for (const char* filter : {"state=", "(state=A", "a=1 )", "a~[", "= 3"}) {
    EXPECT_THROW(Kept(filter), Error) << filter;
  }
}

}  // namespace
}  // namespace headrace::cli
