// JSON prediction requests to tensors, for signatures of several kinds; what was read is printed as predictions, which
// must be JSON.
#include "predict/instances.h"

#include <nlohmann/json.hpp>

#include "fuzz.h"

namespace headrace::fuzz {
namespace {

std::vector<Signature> Signatures() {
  const auto one = [](const char* name, DType dtype, const PartialShape& shape) {
    Signature signature;
    signature.inputs[name] = signature.outputs[name] = {"t:0", dtype, shape};
    return signature;
  };
  Signature several = one("a", DType::kFloat, PartialShape({-1}));
  several.inputs["n"] = several.outputs["n"] = {"n:0", DType::kInt64, PartialShape({-1, -1})};
  several.inputs["s"] = several.outputs["s"] = {"s:0", DType::kString, PartialShape()};
  return {one("x", DType::kFloat, PartialShape()),
          one("x", DType::kInt32, PartialShape({-1, 2})),
          one("image_bytes", DType::kString, PartialShape({-1})),
          one("b64", DType::kString, PartialShape()),
          one("flag", DType::kBool, PartialShape({-1, -1})),
          several};
}

}  // namespace

std::vector<std::string> Seeds() {
  return {R"({"instances": [[1, 2.5], [3e2, -4]], "signature_name": "serving_default"})",
          R"({"instances": [{"b64": "aGk="}, {"image_bytes": {"b64": "/+8="}}]})",
          R"({"instances": [{"a": 1, "n": [1, 2], "s": "x\u00e9"}, {"n": [3, 4], "a": null, "s": "y"}]})",
          R"({"instances": [[[true], [false]]]})", "1\n\"two\"\n\n[3, {\"b64\": \"\"}]\r\n"};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  static const std::vector<Signature> signatures = fuzz::Signatures();
  std::vector<std::string> requests{std::string(fuzz::View(data, size))};
  fuzz::Succeeds([&] { requests.push_back(RequestFromLines(fuzz::View(data, size), false, "")); });
  for (const std::string& request : requests) {
    for (const Signature& signature : signatures) {
      InstanceBatch batch;
      const auto find = [&](const std::string&) -> const Signature& { return signature; };
      if (!fuzz::Succeeds([&] { batch = ParseRequest(request, find); })) continue;
      const std::string predictions = FormatPredictions(batch.inputs, signature, batch.rows);
      // A large number may become an infinity, which JSON lacks.
      if (predictions.find("Infinity") == std::string::npos && !nlohmann::json::accept(predictions)) {
        fuzz::Fail("not JSON: " + predictions);
      }
    }
  }
  return 0;
}
