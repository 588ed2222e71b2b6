// What the commands are given: YAML files, and the languages of --filter and --format.
#include "cli/output.h"
#include "cli/yaml.h"
#include "fuzz.h"

namespace headrace::fuzz {

std::vector<std::string> Seeds() {
  return {
      Join({"state=RUNNING AND labels.a:* OR NOT (n>=3 b~\"^x.*\")", "table(name, n:sort=1, labels.a)",
            "trainingInput:\n  scaleTier: BASIC\n  args: [\"--x\", 1.5, true, ~]\n  anchors: &a {b: 1}\n  more: *a\n"}),
      Join({"-name:x*", "value(name,n)", "{\"a\": [1, \"2\", null]}"}), Join({"n<5", "json", "- 1\n- - 2\n"}),
      Join({"", "csv[no-heading](name)", "a: |\n  text\nb: !!str 1\n"})};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  const auto parts = fuzz::Split(fuzz::View(data, size), 3);
  cli::Json list = cli::Json::array();
  list.push_back({{"name", "job_1"}, {"state", "RUNNING"}, {"n", 5}, {"labels", {{"a", "x"}}}, {"tags", {"u", "v"}}});
  list.push_back({{"name", "job_2"}, {"n", -1.5}, {"labels", nullptr}});
  fuzz::Succeeds([&] { list.push_back(cli::ParseYaml(parts[2], "the input")); });
  for (const cli::Json& item : list) {
    fuzz::Succeeds([&] { cli::Matches(item, parts[0]); });
  }
  fuzz::Succeeds([&] { cli::Render(list, cli::ParseFormat(parts[1])); });
  return 0;
}
