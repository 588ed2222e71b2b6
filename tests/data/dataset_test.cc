// Datasets, both element by element and vectorised: what they give, in which order, and where errors stand.
#include <gmock/gmock.h>

#include <unistd.h>

#include <fstream>

#include "data/elements.h"
#include "headrace/operators.h"

namespace headrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DatasetTest : public ::testing::TestWithParam<bool> {
 protected:
  std::vector<std::string> Run(const std::function<Dataset()>& build, int limit = 200) {
    return Steps(build, GetParam(), limit);
  }
  static std::string WriteLines(const std::string& name, const std::string& text) {
    // Tests run in processes side by side, each with files of its own.
    const std::string path = ::testing::TempDir() + std::to_string(::getpid()) + "." + name;
    std::ofstream(path + ".new", std::ios::binary) << text;
    std::rename((path + ".new").c_str(), path.c_str());  // a reader sees either the old file or the new
    return path;
  }
};
INSTANTIATE_TEST_SUITE_P(Forms, DatasetTest, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Vectorised" : "ByElement"; });

const std::vector<CsvColumn> kColumns{{"fare", 1.5f}, {"count", 2}, {"key", "none"}};

Dataset Rides(const std::vector<std::string>& files) {
  return Dataset::TextLines(files).Map([](Output line) {
    Features features = DecodeCsv(line, kColumns);
    const Output fare = features.Pop("fare");
    return std::pair(features, fare);
  });
}

TEST_P(DatasetTest, RangeBatches_LastOneIsShort) {
  EXPECT_THAT(Run([] { return Dataset::Range(5).Batch(2); }),
              ElementsAre("int64[2] [0, 1]", "int64[2] [2, 3]", "int64[1] [4]", kEnd));
}

TEST_P(DatasetTest, DropRemainder_DropsTheShortBatch) {
  EXPECT_THAT(Run([] { return Dataset::Range(5).Batch(2, true); }),
              ElementsAre("int64[2] [0, 1]", "int64[2] [2, 3]", kEnd));
}

TEST_P(DatasetTest, TakeSkipShardConcatenate) {
  EXPECT_THAT(
      Run([] { return Dataset::Range(10).Skip(2).Take(5).Shard(2, 1).Concatenate(Dataset::Range(2)).Batch(9); }),
      ElementsAre("int64[4] [3, 5, 0, 1]", kEnd));
}

TEST_P(DatasetTest, RepeatCrossesEpochsInsideABatch) {
  EXPECT_THAT(Run([] { return Dataset::Range(3).Repeat(2).Batch(4); }),
              ElementsAre("int64[4] [0, 1, 2, 0]", "int64[2] [1, 2]", kEnd));
}

TEST_P(DatasetTest, RepeatForEverOfNothingEnds) {
  EXPECT_THAT(Run([] { return Dataset::Range(0).Repeat().Batch(4); }), ElementsAre(kEnd));
}

TEST_P(DatasetTest, MapUsesTensorsFromOutside) {
  EXPECT_THAT(Run([] {
                const Output ten = Constant(Tensor::Scalar<int64_t>(10));
                return Dataset::Range(3).Map([=](Output x) { return x * ten + 1; }).Batch(3);
              }),
              ElementsAre("int64[3] [1, 11, 21]", kEnd));
}

TEST_P(DatasetTest, FilterKeepsWhatThePredicateHoldsFor) {
  EXPECT_THAT(Run([] {
                return Dataset::Range(7)
                    .Filter([](Output x) {
                      return ApplyOp("Greater", {{x}, {Constant(Tensor::Scalar<int64_t>(3))}});
                    })
                    .Batch(2);
              }),
              ElementsAre("int64[2] [4, 5]", "int64[1] [6]", kEnd));
}

TEST_P(DatasetTest, FlatMapJoinsDatasets) {
  EXPECT_THAT(Run([] {
                return Dataset::Range(3).FlatMap([](Output x) { return Dataset::FromTensors(x).Repeat(2); }).Batch(10);
              }),
              ElementsAre("int64[6] [0, 0, 1, 1, 2, 2]", kEnd));
}

TEST_P(DatasetTest, Csv_ReadsFieldsDefaultsAndALastLineWithoutNewline) {
  const std::string file = WriteLines("plain.csv", "3.5,7,a\n,,\n\"4\",\"1\",\"x,\"\"y\"\"\"");
  EXPECT_THAT(
      Run([=] { return Rides({file}).Batch(5); }),
      ElementsAre("int32[3] [7, 2, 1] | string[3] [\"a\", \"none\", \"x,\"y\"\"] | float32[3] [3.5, 1.5, 4]", kEnd));
}

TEST_P(DatasetTest, Csv_TakesWindowsLineEnds) {
  const std::string file = WriteLines("crlf.csv", "1,1,a\r\n2,2,b\r\n");
  EXPECT_THAT(Run([=] { return Rides({file}).Batch(5); }),
              ElementsAre("int32[2] [1, 2] | string[2] [\"a\", \"b\"] | float32[2] [1, 2]", kEnd));
}

TEST_P(DatasetTest, Csv_ABadNumberNamesFileAndLine_AndTheNextBatchGoesOn) {
  const std::string file = WriteLines("bad.csv", "1,1,a\n2,2,b\n3,abc,c\n4,4,d\n5,5,e\n");
  const auto steps = Run([=] { return Rides({file}).Batch(2); });
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_THAT(steps[0], HasSubstr("float32[2] [1, 2]"));
  EXPECT_EQ(steps[1], "INVALID_ARGUMENT: Field 1 in record 0 is not a valid int32: abc (" + file + " line 3)");
  EXPECT_THAT(steps[2], HasSubstr("float32[2] [4, 5]"));
  EXPECT_EQ(steps[3], kEnd);
}

TEST_P(DatasetTest, Csv_ARowWithTooFewFieldsNamesFileAndLine) {
  const std::string good = WriteLines("good.csv", "1,1,a\n"), bad = WriteLines("short.csv", "2,2,b\n3,3\n");
  const auto steps = Run([=] { return Rides({good, bad}).Batch(1); });
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[2], "INVALID_ARGUMENT: Expect 3 fields but have 2 in record 0 (" + bad + " line 2)");
}

TEST_P(DatasetTest, Csv_AnErrorInAColumnThatNobodyFetchesIsStillAnError) {
  const std::string file = WriteLines("unfetched.csv", "1,1,a\n2,zwei,b\n");
  const auto steps = Steps([=] { return Rides({file}).Batch(1); }, GetParam(), 10, {2});
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0], "float32[1] [1]");
  EXPECT_THAT(steps[1], HasSubstr("zwei"));
}

TEST_P(DatasetTest, Csv_AnErrorInTheShuffleBufferComesWhenTheBufferTakesIt) {
  std::string text = "bad,1,a\n";
  for (int i = 0; i < 20; ++i) text += std::to_string(i) + ",1,a\n";
  const std::string file = WriteLines("shuffled.csv", text);
  const auto steps = Run([=] { return Rides({file}).Shuffle(100, 1).Batch(20); });
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_THAT(steps[0], HasSubstr("line 1"));
}

TEST_P(DatasetTest, MissingFile_IsNotFoundWhenItsTurnComes) {
  const std::string good = WriteLines("first.csv", "1,1,a\n");
  const auto steps = Run([=] { return Rides({good, "/nonexistent/taxi.csv"}).Batch(1); }, 2);
  EXPECT_THAT(steps[0], HasSubstr("float32[1] [1]"));
  EXPECT_THAT(steps[1], HasSubstr("NOT_FOUND"));
  EXPECT_THAT(steps[1], HasSubstr("/nonexistent/taxi.csv"));
}

TEST_P(DatasetTest, EmptyFile_HasNoElements) {
  const std::string file = WriteLines("empty.csv", "");
  EXPECT_THAT(Run([=] { return Rides({file}).Batch(4); }), ElementsAre(kEnd));
}

TEST_P(DatasetTest, Shuffle_KeepsEveryElementOnce) {
  auto steps = Run([] { return Dataset::Range(100).Shuffle(17, 5).Batch(1); });
  ASSERT_EQ(steps.size(), 101u);
  EXPECT_NE(steps[0] + steps[1] + steps[2], "int64[1] [0]int64[1] [1]int64[1] [2]");
  std::sort(steps.begin(), steps.end());
  EXPECT_EQ(std::unique(steps.begin(), steps.end()), steps.end());
}

// The orders are TensorFlow 2.15's (tests/data/pipelines.py).
TEST_P(DatasetTest, Shuffle_GivesTensorFlowsOrder) {
  EXPECT_THAT(
      Run([] {
        Graph::Current().seed = 42;
        return Dataset::Range(100).Shuffle(13, 7).Batch(9).Take(2);
      }),
      ElementsAre("int64[9] [12, 8, 0, 6, 13, 14, 2, 10, 19]", "int64[9] [16, 9, 23, 7, 5, 20, 11, 4, 1]", kEnd));
}

TEST_P(DatasetTest, Shuffle_OfEachEpochGivesTensorFlowsOrder) {
  EXPECT_THAT(Run([] {
                Graph::Current().seed = 42;
                return Dataset::Range(20).Shuffle(50, 3).Repeat(3).Batch(20);
              }),
              ElementsAre("int64[20] [6, 13, 19, 9, 0, 16, 15, 7, 2, 3, 11, 18, 8, 12, 4, 10, 5, 14, 17, 1]",
                          "int64[20] [15, 13, 10, 0, 1, 8, 3, 7, 11, 19, 5, 14, 6, 2, 4, 12, 9, 18, 17, 16]",
                          "int64[20] [7, 6, 16, 17, 2, 19, 13, 3, 9, 14, 4, 0, 12, 8, 18, 11, 1, 10, 5, 15]", kEnd));
}

TEST_P(DatasetTest, Shuffle_WithoutReshufflingRepeatsTensorFlowsOrder) {
  EXPECT_THAT(Run([] {
                Graph::Current().seed = 42;
                return Dataset::Range(20).Shuffle(6, 3, false).Repeat(2).Batch(20);
              }),
              ElementsAre("int64[20] [0, 4, 3, 1, 6, 10, 2, 9, 7, 13, 12, 14, 17, 5, 19, 16, 18, 8, 11, 15]",
                          "int64[20] [0, 4, 3, 1, 6, 10, 2, 9, 7, 13, 12, 14, 17, 5, 19, 16, 18, 8, 11, 15]", kEnd));
}

TEST_P(DatasetTest, Interleave_TakesTurnsAsTensorFlow) {
  EXPECT_THAT(Run([] {
                return Dataset::Range(1, 6)
                    .Interleave([](Output x) { return Dataset::FromTensors(x).Repeat(4); }, 2, 3)
                    .Batch(20);
              }),
              ElementsAre("int64[20] [1, 1, 1, 2, 2, 2, 1, 2, 3, 3, 3, 4, 4, 4, 3, 4, 5, 5, 5, 5]", kEnd));
}

TEST_P(DatasetTest, FetchingMoreComponentsLater_GoesOnWithTheNextElement) {
  const std::string file = WriteLines("more.csv", "1,10,a\n2,20,b\n3,30,c\n4,40,d\n");
  setenv("HEADRACE_VECTORISE", GetParam() ? "1" : "0", 1);
  auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  const std::vector<Output> next = Rides({file}).Batch(1).GetNext().flat();
  Session session(graph);
  EXPECT_EQ(session.Run({next[2]})[0].AsDouble(), 1);
  EXPECT_EQ(session.Run({next[2]})[0].AsDouble(), 2);
  EXPECT_EQ(session.Run({next[0]})[0].AsInt64(), 30);
  EXPECT_EQ(session.Run({next[1]})[0].string(), "d");
}

TEST_P(DatasetTest, ChangedFile_IsReadAgainInTheNextEpoch) {
  const std::string file = WriteLines("changing.csv", "1,1,a\n");
  setenv("HEADRACE_VECTORISE", GetParam() ? "1" : "0", 1);
  auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  const Output fare = Rides({file}).Batch(1).Repeat().GetNext().flat()[2];
  Session session(graph);
  EXPECT_EQ(session.Run({fare})[0].AsDouble(), 1);
  WriteLines("changing.csv", "22,1,a\n");
  double last = 1;
  for (int i = 0; i < 50 && last != 22; ++i) last = session.Run({fare})[0].AsDouble();
  EXPECT_EQ(last, 22);
}

TEST_P(DatasetTest, InitializableIterator_FailsBeforeAndStartsOverAfterItsInitializer) {
  auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  const DatasetIterator iterator = Dataset::Range(5).Batch(2).InitializableIterator();
  const Output next = iterator.GetNext().tensor();
  Session session(graph);
  EXPECT_THROW(session.Run({next}), Error);
  for (int round = 0; round < 2; ++round) {
    session.Run({}, {}, {iterator.initializer});
    EXPECT_EQ(session.Run({next})[0].ToString(), "int64[2] [0, 1]");
  }
}

TEST(DatasetApi, AnIteratorsTextFindsItAgain) {
  auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  const DatasetIterator small = Dataset::Range(5).InitializableIterator();
  const DatasetIterator large = Dataset::Range(100).Skip(50).InitializableIterator();
  const std::vector<DType> dtypes = {DType::kInt64};
  const std::vector<PartialShape> shapes = {Shape()};
  const Output text = ApplyOp("Placeholder", {}, {{"dtype", DType::kString}, {"shape", Shape()}});
  const auto chosen = [&](const std::vector<DType>& expected) {
    const Output handle = ApplyOp("IteratorFromStringHandleV2", {{text}}, {{"output_types", expected}});
    return ApplyOp("IteratorGetNext", {{handle}}, {{"output_types", dtypes}, {"output_shapes", shapes}});
  };
  const Output next = chosen(dtypes), others = chosen({DType::kFloat});
  Session session(graph);
  session.Run({}, {}, {small.initializer, large.initializer});
  const auto texts = session.Run(
      {ApplyOp("IteratorToStringHandle", {{small.resource}}), ApplyOp("IteratorToStringHandle", {{large.resource}})});
  EXPECT_EQ(session.Run({{text, texts[1]}}, {next})[0].scalar<int64_t>(), 50);
  EXPECT_EQ(session.Run({{text, texts[0]}}, {next})[0].scalar<int64_t>(), 0);
  EXPECT_EQ(session.Run({{text, texts[1]}}, {next})[0].scalar<int64_t>(), 51);
  EXPECT_THROW(session.Run({{text, Tensor::Scalar("other")}}, {next}), Error);
  EXPECT_THROW(session.Run({{text, texts[0]}}, {others}), Error);
}

TEST(DatasetApi, MapOverNamedFeatures) {
  EXPECT_THAT(Steps([] {
                const Output x = Constant(Tensor::Vector(std::vector<float>{1, 2, 3}));
                return Dataset::FromTensorSlices(Features{{"b", x}, {"a", x}})
                    .Map([](Features f) { return std::pair(f.at("a") + 1, f); })
                    .Batch(3);
              }),
              ElementsAre("float32[3] [2, 3, 4] | float32[3] [1, 2, 3] | float32[3] [1, 2, 3]", kEnd));
}

}  // namespace
}  // namespace headrace
