// Synthetic taxi trips: what they look like, and that nothing but the seed and the row's number decides them.
#include "cli/sample_data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

std::vector<std::string> Lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class SampleData : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = testing::TempDir() + "sample_data_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(SampleData, SplitsRowsSeventyFifteenFifteen) {
  const auto files = WriteTaxiFare({directory_, 40000, 7});
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(Lines(directory_ + "/taxi-train.csv").size(), 28000u);
  EXPECT_EQ(Lines(directory_ + "/taxi-valid.csv").size(), 6000u);
  EXPECT_EQ(Lines(directory_ + "/taxi-test.csv").size(), 6000u);
}

TEST_F(SampleData, RowsDependOnTheSeedAndTheirNumberAlone) {
  WriteTaxiFare({directory_, 50000, 7});
  const std::vector<std::string> train = Lines(directory_ + "/taxi-train.csv"),
                                 valid = Lines(directory_ + "/taxi-valid.csv");
  std::string row;
  AppendTaxiRow(7, 20000, 20000, &row);  // in the second block
  EXPECT_EQ(row, train[20000] + "\n");
  row.clear();
  AppendTaxiRow(7, 35000, 0, &row);
  EXPECT_EQ(row, valid[0] + "\n");
  row.clear();
  AppendTaxiRow(8, 20000, 20000, &row);
  EXPECT_NE(row, train[20000] + "\n");
}

TEST_F(SampleData, FaresFollowDistanceAndTheAirportsFlatFare) {
  double sum = 0, sum_squares = 0;
  double miles_sum = 0, miles_squares = 0, product = 0;
  int rows = 0, missing = 0, flat = 0;
  std::string text;
  for (int i = 0; i < 20000; ++i) AppendTaxiRow(1, i, i, &text);
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    ASSERT_EQ(fields.size(), 7u) << line;
    double values[6];
    bool complete = true;
    for (int i = 0; i < 6; ++i) {
      if (fields[i].empty()) {
        complete = false;
      } else {
        ASSERT_TRUE(absl::SimpleAtod(fields[i], &values[i])) << line;
      }
    }
    if (!complete) {
      ++missing;
      continue;
    }
    ASSERT_GE(values[0], 2.5);
    ASSERT_LT(values[0], 400) << line;
    ASSERT_GE(values[5], 1);
    ASSERT_LE(values[5], 6);
    const double miles = std::hypot((values[1] - values[3]) * 52.3, (values[2] - values[4]) * 69.05);
    flat += values[0] == 52 || values[0] == 52.5;
    sum += values[0];
    sum_squares += values[0] * values[0];
    miles_sum += miles;
    miles_squares += miles * miles;
    product += miles * values[0];
    ++rows;
  }
  EXPECT_GT(missing, 10);
  EXPECT_LT(missing, 200);
  EXPECT_GT(flat, 50);
  const double mean = sum / rows, miles = miles_sum / rows;
  EXPECT_GT(mean, 8);
  EXPECT_LT(mean, 18);
  const double correlation = (product / rows - mean * miles) /
                             std::sqrt((sum_squares / rows - mean * mean) * (miles_squares / rows - miles * miles));
  EXPECT_GT(correlation, 0.7);
  EXPECT_LT(correlation, 0.99) << "there is to be noise";
}

TEST_F(SampleData, RefusesWhatItCannotWrite) {
  EXPECT_THROW(WriteTaxiFare({directory_, 2, 1}), Error);
  EXPECT_THROW(WriteTaxiFare({"/proc/nowhere", 100, 1}), Error);
}

}  // namespace
}  // namespace headrace::cli
