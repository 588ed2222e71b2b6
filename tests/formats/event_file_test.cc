// Event files, and summaries, by ourselves and before TensorFlow.
#include "formats/event_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "formats/oracle.h"
#include "headrace/error.h"

namespace headrace {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;
using testing::Pair;

using EventFileTest = FormatsTest;

TEST_F(EventFileTest, EventsComeBack) {
  EventWriter writer(Path("logs"));
  writer.AddSessionLog(SessionStatus::kStart, 0);
  writer.AddScalar("loss", 2.5f, 1);
  writer.AddScalars({{"accuracy", 0.5f}, {"average_loss", 3}}, 100);
  writer.AddSessionLog(SessionStatus::kCheckpoint, 100, "model.ckpt-100");
  writer.Close();
  EXPECT_THAT(FileNameOf(writer.path()), MatchesRegex("events\\.out\\.tfevents\\.[0-9]{10,}\\..+"));
  auto events = ReadEvents(writer.path());
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].file_version, "brain.Event:2");
  EXPECT_EQ(events[1].session_status, SessionStatus::kStart);
  EXPECT_THAT(events[2].scalars, ElementsAre(Pair("loss", 2.5f)));
  EXPECT_EQ(events[2].step, 1);
  EXPECT_THAT(events[3].scalars, ElementsAre(Pair("accuracy", 0.5f), Pair("average_loss", 3.0f)));
  EXPECT_EQ(events[4].checkpoint_path, "model.ckpt-100");
  EXPECT_GT(events[4].wall_time, 1.5e9);
}

TEST_F(EventFileTest, TwoWritersDoNotShareAFile) {
  EventWriter a(Path("logs")), b(Path("logs"));
  EXPECT_NE(a.path(), b.path());
}

TEST_F(EventFileTest, FlushMakesEventsVisible) {
  EventWriter writer(Path("logs"));
  writer.AddScalar("loss", 1, 1);
  writer.Flush();
  EXPECT_EQ(ReadEvents(writer.path()).size(), 2u);
}

TEST_F(EventFileTest, Summaries_MergeAndRefuseNonsense) {
  EventWriter writer(Path("logs"));
  std::string merged = MergeSummaries({ScalarSummary("a", 1), ScalarSummary("b", 2)});
  writer.AddSummary(merged, 7);
  writer.Close();
  EXPECT_THAT(ReadEvents(writer.path()).back().scalars, ElementsAre(Pair("a", 1), Pair("b", 2)));
  EXPECT_THROW(MergeSummaries({ScalarSummary("a", 1), ScalarSummary("a", 2)}), Error);
  double bad = std::nan("");
  EXPECT_THROW(HistogramSummary("h", &bad, 1), Error);
}

TEST_F(EventFileTest, TensorFlowReadsOursAndWeReadTensorFlows) {
  SKIP_WITHOUT_ORACLE();
  std::vector<double> values;
  for (int i = -50; i < 150; ++i) values.push_back(0.37 * i);
  WriteFile(Path("histogram"), HistogramSummary("h", values.data(), static_cast<int64_t>(values.size())));
  {
    EventWriter writer(Path("ours"));
    writer.AddScalar("loss", 2.5f, 1);
    writer.AddScalars({{"average_loss", 3}, {"global_step/sec", 100}}, 100);
    writer.AddSessionLog(SessionStatus::kCheckpoint, 100, "model.ckpt-100");
  }
  RunOracle("oracle_files.py", "events " + directory_, directory_);
  auto files = MatchFiles(Path("theirs/events.out.tfevents.*"));
  ASSERT_EQ(files.size(), 2u);  // version 1's writer, version 2's writer
  auto events = ReadEvents(files[0]);
  EXPECT_EQ(events.at(0).file_version, "brain.Event:2");
  EXPECT_THAT(events.at(1).scalars, ElementsAre(Pair("loss", 1.5f)));
  EXPECT_EQ(events.at(1).step, 3);
  EXPECT_THAT(ReadEvents(files[1]).back().scalars, ElementsAre(Pair("loss2", 0.25f)));
}

}  // namespace
}  // namespace headrace
