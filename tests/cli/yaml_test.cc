// YAML files as JSON values.
#include "cli/yaml.h"

#include <gtest/gtest.h>

#include "headrace/error.h"

namespace headrace::cli {
namespace {

TEST(Yaml, ScalarsHaveTheTypesOfYaml12) {
  EXPECT_EQ(ParseYaml("a: 1\nb: 1.5\nc: true\nd: ~\ne: \"1\"\nf: no\ng: [x, {y: z}]\n", "t").dump(),
            R"({"a":1,"b":1.5,"c":true,"d":null,"e":"1","f":"no","g":["x",{"y":"z"}]})");
}

TEST(Yaml, AliasesStandForTheirAnchors) {
  EXPECT_EQ(ParseYaml("a: &x [1]\nb: *x\n", "t").dump(), R"({"a":[1],"b":[1]})");
}

TEST(Yaml, AliasesInsideThemselves_AreRefused) {
  EXPECT_THROW(ParseYaml("a: &x [*x]\n", "t"), Error);
}

TEST(Yaml, AliasesThatMultiply_AreRefused) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = " *a" + std::to_string(i - 1) + ",", name = "a" + std::to_string(i);
    text += name + ": &" + name + " [" + before + before + before + before + before + before + "]\n";
  }
  EXPECT_THROW(ParseYaml(text, "t"), Error);
}

// What JSON cannot hold would be refused only where it is sent or shown.
TEST(Yaml, TextThatIsNotUtf8_IsRefused) {
  for (const char* text : {"a: \xff\n", "\xc3: 1\n", "- [x, \"\x80\"]\n"}) EXPECT_THROW(ParseYaml(text, "t"), Error);
  EXPECT_EQ(ParseYaml("é: ü\n", "t").dump(), R"({"é":"ü"})");
}

}  // namespace
}  // namespace headrace::cli
