// Checkpoints: the table in the index, the entries in it, the data file; and the list of a directory's checkpoints.
#include "formats/checkpoint.h"

#include "formats/table.h"
#include "fuzz.h"
#include "headrace/file_system.h"

namespace headrace::fuzz {

std::vector<std::string> Seeds() {
  const std::string prefix = JoinPath(std::getenv("HEADRACE_FUZZ_SEEDS"), "model");
  CheckpointWriter writer(prefix);
  writer.Add("dnn/kernel", Tensor::Of<float>({2, 2}, std::vector<float>{1, 2, 3, 4}));
  writer.Add("dnn/bias", Tensor::Vector(std::vector<int64_t>{5}));
  writer.Add("words", Tensor::Vector(std::vector<std::string>{"a", "bc"}));
  writer.AddSlice("part", {4}, {0}, Tensor::Vector(std::vector<float>{1, 2}));
  writer.AddSlice("part", {4}, {2}, Tensor::Vector(std::vector<float>{3, 4}));
  writer.Finish();
  const std::string list = "model_checkpoint_path: \"model\"\nall_model_checkpoint_paths: \"model\"\n";
  const std::string seed = Join({ReadFile(prefix + ".index"), ReadFile(prefix + ".data-00000-of-00001"), list});
  RemoveCheckpoint(prefix);
  return {seed};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  const auto parts = fuzz::Split(fuzz::View(data, size), 3);
  fuzz::SetFile("model.index", parts[0]);
  fuzz::SetFile("model.data-00000-of-00001", parts[1]);
  fuzz::SetFile("checkpoint", parts[2]);
  fuzz::Succeeds([] {
    const CheckpointReader reader("fuzz://model");
    for (const auto& [name, info] : reader.Variables()) {
      fuzz::Succeeds([&, &name = name] { reader.Read(name); });
    }
  });
  fuzz::Succeeds([] { LatestCheckpoint("fuzz:/"); });
  return 0;
}
