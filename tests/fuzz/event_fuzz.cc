// Event files: records of Event messages, as TensorBoard and the estimators' exporters read them back.
#include "formats/event_file.h"

#include "fuzz.h"
#include "headrace/file_system.h"

namespace headrace::fuzz {

std::vector<std::string> Seeds() {
  const std::string directory = JoinPath(std::getenv("HEADRACE_FUZZ_SEEDS"), "events");
  EventWriter writer(directory);
  writer.AddScalars({{"loss", 1.5f}, {"accuracy", 0.5f}}, 3);
  writer.AddSessionLog(SessionStatus::kCheckpoint, 4, "model.ckpt-4");
  writer.AddGraphDef("");
  const std::vector<double> values{1, 2, 3};
  writer.AddSummary(HistogramSummary("h", values.data(), 3), 5);
  writer.Close();
  const std::string seed = ReadFile(writer.path());
  RemoveTree(directory);
  return {seed};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  fuzz::SetFile("events", fuzz::View(data, size));
  fuzz::Succeeds([] { ReadEvents("fuzz://events"); });
  fuzz::Succeeds([&] {
    const std::string summary(fuzz::View(data, size));
    MergeSummaries({MergeSummaries({summary}), ScalarSummary("another", 1)});
  });
  return 0;
}
