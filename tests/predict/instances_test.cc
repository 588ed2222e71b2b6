// JSON instances to tensors and back: Cloud ML's forms, and what is said about those that do not fit.
#include "predict/instances.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "headrace/error.h"
#include "predict/base64.h"

namespace headrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Signature Taxi() {
  Signature signature;
  signature.inputs["passengers"] = {"p:0", DType::kInt64, PartialShape({-1})};
  signature.inputs["lon"] = {"l:0", DType::kFloat, PartialShape({-1})};
  signature.outputs["predictions"] = {"y:0", DType::kFloat, PartialShape({-1, 1})};
  return signature;
}

Signature Single(DType dtype, PartialShape shape) {
  Signature signature;
  signature.inputs["x"] = {"x:0", dtype, shape};
  return signature;
}

InstanceBatch Parse(const std::string& instances, const Signature& signature) {
  return ParseRequest("{\"instances\": " + instances + "}",
                      [&](const std::string&) -> const Signature& { return signature; });
}

std::string MessageOf(const std::string& instances, const Signature& signature) {
  try {
    Parse(instances, signature);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "no error";
}

TEST(Instances, NamedInputs_BecomeColumns) {
  InstanceBatch batch = Parse(R"([{"lon": -73.5, "passengers": 2}, {"passengers": 3.0, "lon": 4}])", Taxi());
  EXPECT_EQ(batch.rows, 2);
  EXPECT_THAT(batch.inputs.at(0).flat<float>(), ElementsAre(-73.5f, 4.0f));
  EXPECT_THAT(batch.inputs.at(1).flat<int64_t>(), ElementsAre(2, 3));
  EXPECT_EQ(batch.inputs[0].shape(), Shape({2}));
}

// The JSON library counts a list's items up to 0xffffff only.
TEST(Instances, MoreThan16777215_AllHaveARow) {
  constexpr int64_t kRows = (1 << 24) + 1;
  std::string list = "[";
  for (int64_t i = 0; i + 1 < kRows; ++i) list += "0,";
  const InstanceBatch batch = Parse(list + "1]", Single(DType::kUInt8, PartialShape({-1})));
  EXPECT_EQ(batch.rows, kRows);
  EXPECT_EQ(batch.inputs.at(0).shape(), Shape({kRows}));
  EXPECT_EQ(batch.inputs.at(0).data<uint8_t>()[kRows - 1], 1);
}

// By their first items alone, these lists would be 10^12 values.
TEST(Instances, ListsOfDifferentLengths_CostNoMemory) {
  std::string items = "0";
  for (int i = 1; i < 10'000; ++i) items += ",0";
  const std::string instances = "[[[" + items + "]," + items + "]," + items + "]";
  EXPECT_THAT(MessageOf(instances, Single(DType::kString, PartialShape())), HasSubstr("lists of the same lengths"));
}

TEST(Instances, ASingleInput_NeedsNoName) {
  Signature vector = Single(DType::kFloat, PartialShape({-1, 2}));
  EXPECT_THAT(Parse("[[1, 2], [3, 4.5]]", vector).inputs[0].flat<float>(), ElementsAre(1, 2, 3, 4.5));
  EXPECT_THAT(Parse(R"([{"x": [1, 2]}])", vector).inputs[0].flat<float>(), ElementsAre(1, 2));
  EXPECT_THAT(Parse("[1, 2]", Single(DType::kDouble, PartialShape({-1}))).inputs[0].flat<double>(), ElementsAre(1, 2));
  Tensor deep = Parse("[[[1], [2], [3]]]", Single(DType::kInt32, PartialShape())).inputs[0];
  EXPECT_EQ(deep.shape(), Shape({1, 3, 1}));
}

TEST(Instances, Bytes_ComeAsBase64) {
  Signature text = Single(DType::kString, PartialShape({-1}));
  EXPECT_THAT(Parse(R"(["plain", {"b64": "AP8="}, {"x": {"b64": "YQ"}}])", text).inputs[0].flat<std::string>(),
              ElementsAre("plain", std::string("\0\xff", 2), "a"));
}

TEST(Instances, Booleans) {
  Tensor flags = Parse("[true, false]", Single(DType::kBool, PartialShape({-1}))).inputs[0];
  EXPECT_TRUE(flags.data<bool>()[0]);
  EXPECT_FALSE(flags.data<bool>()[1]);
}

TEST(Instances, MisfitsAreNamed) {
  EXPECT_THAT(MessageOf(R"([{"lon": 1}])", Taxi()), HasSubstr("instance 0: input 'passengers' is missing"));
  EXPECT_THAT(MessageOf(R"([{"lon": 1, "passengers": 1, "color": 3}])", Taxi()),
              HasSubstr("unexpected input 'color'; the model takes lon, passengers"));
  EXPECT_THAT(MessageOf(R"([{"lon": 1, "passengers": 1}, {"lon": "far", "passengers": 1}])", Taxi()),
              HasSubstr("instance 1: input 'lon' is \"far\", expected a value of type float32"));
  EXPECT_THAT(MessageOf(R"([{"lon": 1, "passengers": 1.5}])", Taxi()), HasSubstr("int64"));
  EXPECT_THAT(MessageOf(R"([{"lon": null, "passengers": 1}])", Taxi()), HasSubstr("null"));
  EXPECT_THAT(MessageOf(R"([{"lon": [1], "passengers": 1}])", Taxi()), HasSubstr("expected one float32"));
  EXPECT_THAT(MessageOf("[3]", Taxi()), HasSubstr("expected an object with the inputs lon, passengers"));
  EXPECT_THAT(MessageOf(R"([{"lon": 1, "lon": 2}])", Taxi()), HasSubstr("gives input 'lon' twice"));
  EXPECT_THAT(MessageOf("[]", Taxi()), HasSubstr("at least one instance"));
  EXPECT_THAT(MessageOf("3", Taxi()), HasSubstr("instances"));
  EXPECT_THAT(MessageOf("[", Taxi()), HasSubstr("not valid JSON"));
  Signature vector = Single(DType::kFloat, PartialShape({-1, -1}));
  EXPECT_THAT(MessageOf("[[1, 2], [3]]", vector), HasSubstr("instance 1"));
  EXPECT_THAT(MessageOf("[300]", Single(DType::kUInt8, PartialShape({-1}))), HasSubstr("uint8"));
  EXPECT_THAT(MessageOf(R"([{"b64": "!"}])", Single(DType::kString, PartialShape({-1}))), HasSubstr("base64"));
}

TEST(Instances, SignatureName_IsPassedOn) {
  Signature signature = Single(DType::kFloat, PartialShape({-1}));
  std::string asked;
  ParseRequest(R"({"signature_name": "other", "instances": [1]})", [&](const std::string& name) -> const Signature& {
    asked = name;
    return signature;
  });
  EXPECT_EQ(asked, "other");
}

TEST(Predictions, RowsAreObjects) {
  Signature signature;
  signature.outputs["a"] = {"a:0", DType::kFloat, PartialShape({-1, 2})};
  signature.outputs["image_bytes"] = {"b:0", DType::kString, PartialShape({-1})};
  signature.outputs["label"] = {"c:0", DType::kString, PartialShape({-1})};
  signature.outputs["n"] = {"n:0", DType::kInt64, PartialShape({-1})};
  std::vector<Tensor> outputs = {Tensor::Of<float>({2, 2}, std::vector<float>{1, 0.1f, -2.5f, 1e20f}),
                                 Tensor::Vector(std::vector<std::string>{"a", "b"}),
                                 Tensor::Vector(std::vector<std::string>{"x\"\n\x01", "é"}),
                                 Tensor::Vector(std::vector<int64_t>{7, -8})};
  EXPECT_EQ(FormatPredictions(outputs, signature, 2),
            R"({"predictions": [{"a": [1.0, 0.1], "image_bytes": {"b64": "YQ=="}, "label": "x\"\n\u0001", "n": 7}, )"
            R"({"a": [-2.5, 1e+20], "image_bytes": {"b64": "Yg=="}, "label": "é", "n": -8}]})");
  EXPECT_THROW(FormatPredictions(outputs, signature, 3), Error);
}

TEST(Predictions, WhatJsonCannotSay) {
  Signature signature;
  signature.outputs["y"] = {"y:0", DType::kFloat, PartialShape({-1})};
  Tensor values = Tensor::Vector(std::vector<float>{NAN, INFINITY, -INFINITY});
  EXPECT_EQ(FormatPredictions({values}, signature, 3),
            R"({"predictions": [{"y": NaN}, {"y": Infinity}, {"y": -Infinity}]})");
}

TEST(Lines, BecomeARequest) {
  EXPECT_EQ(RequestFromLines("{\"a\": 1}\n\n[2]\r\n", false, ""),
            R"({"signature_name": "", "instances": [{"a": 1}, [2]]})");
  EXPECT_EQ(RequestFromLines("a\"b\nc", true, "s"), R"({"signature_name": "s", "instances": ["a\"b", "c"]})");
  try {
    RequestFromLines("1\n{bad\n", false, "");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("line 2"));
  }
}

TEST(Base64, BothWays) {
  for (const std::string& bytes : {std::string(), std::string("f"), std::string("fo"), std::string("foo\0\xff", 5)}) {
    EXPECT_EQ(DecodeBase64(EncodeBase64(bytes)), bytes);
  }
  EXPECT_EQ(EncodeBase64("foob"), "Zm9vYg==");
  EXPECT_EQ(DecodeBase64("-_8"), "\xfb\xff");
  EXPECT_THROW(DecodeBase64("a"), Error);
}

}  // namespace
}  // namespace headrace
