// ParseExample on the bytes that TensorFlow 2.15 serializes, with its values and its kinds of errors.
#include <gmock/gmock.h>

#include "headrace/feature_column.h"
#include "headrace/session.h"

namespace headrace {
namespace {

using ::testing::HasSubstr;

// {"x": floats 1.5, 2.5; "n": int64s -1, 300; "s": bytes "a", "bc"}
const std::string kExample(
    "\x0a\x3a\x0a\x15\x0a\x01\x6e\x12\x10\x1a\x0e\x0a\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xac\x02\x0a\x0e\x0a"
    "\x01\x73\x12\x09\x0a\x07\x0a\x01\x61\x0a\x02\x62\x63\x0a\x11\x0a\x01\x78\x12\x0c\x12\x0a\x0a\x08\x00\x00\xc0\x3f"
    "\x00\x00\x20\x40",
    60);

class ParseExamples : public ::testing::Test {
 protected:
  ParseExamples() : graph_(std::make_shared<Graph>()), scope_(*graph_), session_(graph_) {}
  FeatureTensors Parse(const std::vector<std::string>& examples, const ParseExampleSpec& spec) {
    return ParseExample(Constant(Tensor::Vector(examples)), spec);
  }
  std::string Text(Output output) { return session_.Run({output})[0].ToString(); }
  std::string ErrorOf(const FeatureTensor& feature) {
    try {
      session_.Run({std::get<Output>(feature)});
      return "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      return error.what();
    }
  }
  std::shared_ptr<Graph> graph_;
  GraphScope scope_;
  Session session_;
};

TEST_F(ParseExamples, FixedFeaturesTakeDefaults_VariableOnesAreSparse) {
  const Tensor defaults = Tensor::Vector(std::vector<float>{7, 8});
  const auto features = Parse({kExample, ""}, {{"x", FixedLenFeature{{2}, DType::kFloat, defaults}},
                                               {"n", VarLenFeature{DType::kInt64}},
                                               {"s", VarLenFeature{DType::kString}}});
  EXPECT_EQ(Text(std::get<Output>(features.at("x"))), "float32[2,2] [1.5, 2.5, 7, 8]");
  const auto& n = std::get<SparseTensor>(features.at("n"));
  EXPECT_EQ(Text(n.indices), "int64[2,2] [0, 0, 0, 1]");
  EXPECT_EQ(Text(n.values), "int64[2] [-1, 300]");
  EXPECT_EQ(Text(n.dense_shape), "int64[2] [2, 2]");
  EXPECT_EQ(Text(std::get<SparseTensor>(features.at("s")).values), "string[2] [\"a\", \"bc\"]");
}

TEST_F(ParseExamples, WhatIsMissingOrOfAnotherTypeOrSizeIsNamed) {
  const auto error = [&](const std::string& key, const FixedLenFeature& feature) {
    return ErrorOf(Parse({kExample}, {{key, feature}}).at(key));
  };
  EXPECT_THAT(error("q", {{1}, DType::kFloat, {}}), HasSubstr("Feature: q (data type: float32) is required"));
  EXPECT_THAT(error("x", {{2}, DType::kInt64, {}}), HasSubstr("Key: x.  Data types don't match"));
  EXPECT_THAT(error("x", {{3}, DType::kFloat, {}}), HasSubstr("Values size: 2 but output shape: [3]"));
  EXPECT_THAT(ErrorOf(Parse({"\x0a\xff"}, {{"x", FixedLenFeature{{2}, DType::kFloat, {}}}}).at("x")),
              HasSubstr("Could not parse example input"));
}

// {"x": no floats}
TEST_F(ParseExamples, ListsMayBeEmpty) {
  const std::string example("\x0a\x0b\x0a\x09\x0a\x01\x78\x12\x04\x12\x02\x0a\x00", 13);
  const auto features = Parse({example}, {{"x", VarLenFeature{DType::kFloat}}});
  EXPECT_EQ(Text(std::get<SparseTensor>(features.at("x")).values), "float32[0] []");
}

TEST_F(ParseExamples, SparseFeaturesFeedColumns) {
  const auto words = CategoricalColumnWithHashBucket("s", 50);
  const auto features = Parse({kExample, ""}, MakeParseExampleSpec({IndicatorColumn(words)}));
  const Tensor hot = session_.Run({InputLayer(features, {IndicatorColumn(words)})})[0];
  EXPECT_EQ(hot.shape(), (Shape{2, 50}));
  EXPECT_EQ(hot.data<float>()[39], 1);  // "a"
  EXPECT_EQ(std::count(hot.flat<float>().begin(), hot.flat<float>().end(), 1.0f), 2);
}

}  // namespace
}  // namespace headrace
