// DecodeCSV's rules, case by case as TensorFlow 2.15 has them.
#include <gtest/gtest.h>

#include <cmath>

#include "headrace/dataset.h"
#include "headrace/session.h"
#include "ops/strings/parse_number.h"

namespace headrace {
namespace {

std::string Decode(const std::string& record, const std::vector<CsvColumn>& columns,
                   const DecodeCsvOptions& options = {}) {
  auto graph = std::make_shared<Graph>();
  const GraphScope scope(*graph);
  std::vector<Output> fetches;
  for (const auto& [name, value] : DecodeCsv(Constant(Tensor::Scalar(record)), columns, options))
    fetches.push_back(value);
  try {
    std::string text;
    for (const Tensor& value : Session(graph).Run(fetches)) text += (text.empty() ? "" : "; ") + value.ToString();
    return text;
  } catch (const Error& error) {
    const std::string text = error.what();
    return text.substr(0, text.find(" [op "));
  }
}

const CsvColumn kText{"t", "x"}, kNumber{"n", 5.0f}, kRequired{"r", DType::kFloat};

TEST(CsvRules, Quotes) {
  EXPECT_EQ(Decode("a,\"b,c\"", {kText, {"u", "y"}}), "string[] [\"a\"]; string[] [\"b,c\"]");
  EXPECT_EQ(Decode("\"b\"\"c\"", {kText}), "string[] [\"b\"c\"]");
  EXPECT_EQ(Decode("\"\"", {kText}), "string[] [\"x\"]");
  EXPECT_EQ(Decode("b\"c", {kText}), "Unquoted fields cannot have quotes/CRLFs inside");
  EXPECT_EQ(Decode("\"b\"c", {kText}), "Quote inside a string has to be escaped by another quote");
  EXPECT_EQ(Decode("\"b", {kText}), "Quoted field has to end with quote followed by delim or end");
  EXPECT_EQ(Decode("a\"b", {kText}, {.use_quote_delim = false}), "string[] [\"a\"b\"]");
}

TEST(CsvRules, EmptyAndMissingFields) {
  EXPECT_EQ(Decode(",", {kText, kNumber}), "string[] [\"x\"]; float32[] [5]");
  EXPECT_EQ(Decode("NA", {kNumber}, {.na_value = "NA"}), "float32[] [5]");
  EXPECT_EQ(Decode("-1", {kNumber}, {.na_value = "-1"}), "float32[] [5]");
  EXPECT_EQ(Decode("a,", {kText, kRequired}), "Field 1 is required but missing in record 0!");
  EXPECT_EQ(Decode("", {kText}), "Expect 1 fields but have 0 in record 0");
  EXPECT_EQ(Decode("1,2,3", {kNumber, kNumber}), "Expect 2 fields but have 3 in record 0");
}

TEST(CsvRules, SelectedColumns) {
  EXPECT_EQ(Decode("a,b,c", {kText}, {.select_cols = {1}}), "string[] [\"b\"]");
  EXPECT_EQ(Decode("a,b,c\"d", {kText, {"u", "y"}}, {.select_cols = {0, 1}}), "string[] [\"a\"]; string[] [\"b\"]");
  EXPECT_EQ(Decode("a,b", {kText, {"u", "y"}}, {.select_cols = {0, 2}}), "Expect 2 fields but have 1 in record 0");
}

TEST(CsvRules, Numbers) {
  const auto number = [](const char* text) {
    float value;
    return ParseNumber(text, &value) ? value : -12345.0f;
  };
  constexpr float kNone = -12345;
  for (const char* good : {"1", "1.", " 1", "1 ", "\t1", "+1", "1e0", "1E+0", "0x1", "\v1", "10e-1"}) {
    EXPECT_EQ(number(good), 1) << good;
  }
  for (const char* bad : {"", ".", "- 5", "1e", "infinity", "0x1.8p1", "1_0", "1f", "--5", "+-5", "1d5",
                          "0.111111111111111111111111111111"}) {
    EXPECT_EQ(number(bad), kNone) << bad;
  }
  EXPECT_EQ(number("-.5"), -0.5f);
  EXPECT_EQ(number("0x1A"), 26);
  EXPECT_EQ(number(" -INF "), -INFINITY);
  EXPECT_EQ(number("1e400"), INFINITY);
  EXPECT_EQ(number("1e-400"), 0);
  EXPECT_EQ(number("16777217"), 16777216);
  EXPECT_TRUE(std::isnan(number("NaN")));
}

TEST(CsvRules, Integers) {
  int32_t value;
  EXPECT_TRUE(ParseNumber(" -2147483648 ", &value) && value == INT32_MIN);
  for (const char* bad : {"", "+5", "2147483648", "1.0", "1e3", "- 1", " ", "0x10", "-"}) {
    EXPECT_FALSE(ParseNumber(bad, &value)) << bad;
  }
  int64_t wide;
  EXPECT_TRUE(ParseNumber("9223372036854775807", &wide) && wide == INT64_MAX);
  EXPECT_FALSE(ParseNumber("9223372036854775808", &wide));
}

}  // namespace
}  // namespace headrace
