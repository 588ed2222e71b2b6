// Prediction with an exported model (a SavedModel directory of Headrace's or TensorFlow's making).
//
//   hr::LoadedModel model("export/exporter/1700000000");
//   model.PredictJson(R"({"instances": [{"pickuplon": -73.8, "passengers": 2}]})");  // {"predictions": [...]}
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/signature.h"
#include "headrace/tensor.h"

namespace headrace {

// The model's graph in a session, variables restored, signatures looked up once. Thread-safe; concurrent calls of
// PredictJson that fit together run as one batch.
class LoadedModel {
 public:
  // Errors: NotFound if the directory holds no SavedModel, or none with these tags; whatever restoring it throws.
  explicit LoadedModel(const std::string& directory, const std::vector<std::string>& tags = {"serve"});
  ~LoadedModel();
  LoadedModel(LoadedModel&&) noexcept;
  LoadedModel& operator=(LoadedModel&&) noexcept;

  const std::map<std::string, Signature>& signatures() const;
  // The signature of this name; of "": serving_default, else the only one there is, else predict. Errors:
  // InvalidArgument, naming those there are.
  const Signature& signature(const std::string& name = "") const;

  // Runs a signature on tensors by input name; returns tensors by output name. Errors: InvalidArgument, naming what the
  // signature expects.
  std::map<std::string, Tensor> Predict(const std::map<std::string, Tensor>& inputs,
                                        const std::string& signature_name = "") const;

  // `request` is {"instances": [...], "signature_name": "..."}, by Cloud ML's rules (docs/formats/predict.md); the
  // result is {"predictions": [...]}, one an instance. Errors: InvalidArgument for a request that does not fit.
  std::string PredictJson(std::string_view request) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headrace
