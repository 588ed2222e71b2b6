// What ops declare about themselves: no other code goes by an op's name, and declarations do not contradict themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "headrace/op.h"

namespace headrace {
namespace {

namespace fs = std::filesystem;

std::string TextOf(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

bool EndsWithAny(std::string_view text, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return text.ends_with(end); });
}

std::string_view WithoutSpaces(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

// Places where a string that is an op's name is compared with something, or stands in a set to be looked up in.
std::vector<std::string> ComparedNames(const std::string& text) {
  std::vector<std::string> found;
  size_t statement = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ';') statement = i + 1;
    if (text[i] != '"') continue;
    size_t end = i + 1;
    while (end < text.size() && IsWordCharacter(text[end])) ++end;
    const std::string_view before = WithoutSpaces(std::string_view(text).substr(0, i));
    const std::string_view in_statement = std::string_view(text).substr(statement, i - statement);
    if (end < text.size() && text[end] == '"') {
      const std::string name = text.substr(i + 1, end - i - 1);
      size_t behind = end + 1;
      while (behind < text.size() && std::isspace(static_cast<unsigned char>(text[behind]))) ++behind;
      const std::string next = text.substr(behind, 2);
      const bool compared =
          EndsWithAny(before, {"==", "!=", "contains(", "find(", "starts_with(", "ends_with(", "case"}) ||
          next == "==" || next == "!=";
      const bool listed = (in_statement.find("set<") != std::string_view::npos) && EndsWithAny(before, {"{", ","});
      const bool of_type = EndsWithAny(before, {"type() ==", "type() !=", "op().name ==", "op().name !="});
      if (((compared || listed) && OpRegistry::Global().FindOrNull(name)) || of_type) found.push_back(name);
      i = end;
    } else if (EndsWithAny(before, {"type().find(", "type().starts_with(", "type().ends_with(", "type().contains("})) {
      found.push_back(text.substr(i, 20));
    }
  }
  for (const char* asked : {"type().find(", "type().starts_with(", "type().ends_with(", "type().contains("}) {
    if (text.find(asked) != std::string::npos) found.push_back(asked);
  }
  return found;
}

TEST(Traits, NoCodeOutsideOfDeclarationsGoesByAnOpsName) {
  const fs::path root = fs::path(HEADRACE_TESTS_DIR).parent_path();
  int files = 0;
  for (const char* folder : {"src", "include", "python/src"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (extension != ".cc" && extension != ".h") continue;
      const std::string text = TextOf(entry.path());
      ++files;
      if (text.find("DEFINE_OP(\"") != std::string::npos) continue;
      for (const std::string& name : ComparedNames(text)) {
        ADD_FAILURE() << fs::relative(entry.path(), root).string() << " goes by the name of an op: " << name
                      << "; let the op declare what matters (include/headrace/op_traits.h)";
      }
    }
  }
  EXPECT_GT(files, 200);
}

TEST(Traits, TheSearchForNamesFindsThem) {
  EXPECT_EQ(ComparedNames(R"(if (node.type() != "BiasAdd") return;)").size(), 1u);
  EXPECT_EQ(ComparedNames(R"(const auto& type = node.type(); if (type == "Shape") return;)").size(), 1u);
  EXPECT_EQ(ComparedNames(R"(static const std::set<std::string_view> kOps = {"Identity", "StopGradient"};)").size(),
            2u);
  EXPECT_EQ(ComparedNames(R"(node.type().find("Dataset") != npos)").size(), 1u);
  EXPECT_TRUE(ComparedNames(R"(return ApplyOp("Cast", {{x}}, {{"DstT", dtype}}, "Identity");)").empty());
}

TEST(Traits, DeclarationsDoNotContradictThemselves) {
  for (const OpDef* op : OpRegistry::Global().All()) {
    SCOPED_TRACE(op->name);
    const Traits& traits = op->traits;
    if (traits.forwards >= 0) {
      ASSERT_LT(traits.forwards, static_cast<int>(op->inputs.size()));
      ASSERT_FALSE(op->outputs.empty());
      EXPECT_FALSE(traits.constant || traits.makes_dataset);
    }
    if (traits.constant) {
      ASSERT_TRUE(op->FindAttr("value"));
      EXPECT_EQ(op->FindAttr("value")->type, "tensor");
      EXPECT_TRUE(op->inputs.empty());
    }
    if (traits.placeholder || traits.handle || traits.makes_dataset) EXPECT_FALSE(op->outputs.empty());
    if (traits.only_orders || traits.only_checks) EXPECT_TRUE(op->outputs.empty());
    if (traits.only_orders) EXPECT_TRUE(op->inputs.empty());
    if (traits.never_fails) EXPECT_TRUE(!traits.only_checks && op->effects.reads.empty() && op->effects.writes.empty());
    if (traits.lift) EXPECT_TRUE(op->effects.pure()) << "a block of records runs it once, not once a record";
    if (traits.lower) EXPECT_EQ(op->outputs.size(), 1u);
    if (op->lanes) {
      EXPECT_EQ(op->outputs.size(), 1u);
      EXPECT_TRUE(op->kernel);
      for (const auto& function : op->lanes.functions) EXPECT_TRUE(function.tile);
    }
    for (const auto& list : {op->effects.reads, op->effects.writes}) {
      for (const int argument : list) EXPECT_LT(argument, static_cast<int>(op->inputs.size()));
    }
    EXPECT_FALSE(op->gradient && op->no_gradient);
  }
}

// ------------------------------------------------------------------------------------------------ values before a run

class StaticValueTest : public testing::Test {
 protected:
  StaticValueTest() : scope_(graph_) {}
  static Output Vector(std::vector<int32_t> values) { return Constant(Tensor::Vector(values)); }
  static Output Number(int32_t value) { return Constant(Tensor::Scalar(value)); }
  static Output Images() {
    return ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", PartialShape{-1, 28, 28}}});
  }
  // x[begin:end:step], or x[begin] if it shrinks.
  static Output Strided(Output x, int32_t begin, int32_t end, int32_t step = 1, bool shrinks = false) {
    return ApplyOp("StridedSlice", {{x}, {Vector({begin})}, {Vector({end})}, {Vector({step})}},
                   {{"shrink_axis_mask", shrinks ? 1 : 0}});
  }
  static PartialShape ReshapedTo(Output shape) { return ApplyOp("Reshape", {{Images()}, {shape}}).shape(); }
  Graph graph_;
  GraphScope scope_;
};

TEST_F(StaticValueTest, AStackOfSizesIsKnownInPart) {
  const Output batch = Strided(ApplyOp("Shape", {{Images()}}), 0, 1, 1, true);
  EXPECT_EQ(ReshapedTo(ApplyOp("Pack", {{batch, Number(784)}})), (PartialShape{-1, 784}));
}

TEST_F(StaticValueTest, ASliceOfAShapeIsKnown) {
  const Output shape = ApplyOp("Shape", {{Images()}});
  const Output flat = ApplyOp("Prod", {{Strided(shape, 1, 3)}, {Number(0)}});
  const Output sizes =
      ApplyOp("ConcatV2", {{Strided(shape, 0, 1), ApplyOp("ExpandDims", {{flat}, {Number(0)}})}, {Number(0)}});
  EXPECT_EQ(ReshapedTo(sizes), (PartialShape{-1, 784}));
  EXPECT_EQ(ReshapedTo(Strided(shape, 2, -4, -1)), (PartialShape{28, 28, -1}));
}

TEST_F(StaticValueTest, ArithmeticOfSizesIsKnown) {
  const Output shape = ApplyOp("Shape", {{Images()}}, {{"out_type", DType::kInt64}});
  const Output narrow = ApplyOp("Cast", {{shape}}, {{"DstT", DType::kInt32}});
  const auto known = StaticValues().Of(ApplyOp("FloorDiv", {{narrow}, {Number(3)}}));
  ASSERT_TRUE(known);
  EXPECT_EQ(known->elements, (std::vector<std::optional<int64_t>>{std::nullopt, 9, 9}));
}

TEST_F(StaticValueTest, WhatDoesNotFitIsUnknown) {
  const Output large = Number(2147483647);
  const auto sum = StaticValues().Of(ApplyOp("AddV2", {{large}, {large}}));
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->elements[0], std::nullopt) << "a run wraps around";
}

TEST_F(StaticValueTest, ADefaultMayBeFedOver) {
  const Output fed = ApplyOp("PlaceholderWithDefault", {{Vector({4, -1})}}, {{"shape", PartialShape{2}}});
  EXPECT_EQ(ReshapedTo(fed), (PartialShape{-1, -1}));
}

TEST_F(StaticValueTest, OfManyPathsEachNodeIsWorkedOutOnce) {
  Output x = Strided(ApplyOp("Shape", {{Images()}}), 1, 2, 1, true);
  for (int i = 0; i < 60; ++i) x = ApplyOp("Maximum", {{x}, {x}});
  const auto known = StaticValues().Of(x);
  ASSERT_TRUE(known);
  EXPECT_EQ(known->elements[0], 28);
}

}  // namespace
}  // namespace headrace
