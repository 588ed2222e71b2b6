// A SavedModel made ready to predict: its graph in a session, variables restored, signatures looked up once. And JSON
// instances to tensors and back, by Cloud ML's rules (docs/formats/predict.md). Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/saved_model.h"
#include "headrace/tensor.h"

namespace headrace {

class LoadedModel {
 public:
  // Errors: NotFound, naming the directory, if it holds no SavedModel.
  explicit LoadedModel(const std::string& directory, const std::vector<std::string>& tags = {"serve"});
  ~LoadedModel();
  LoadedModel(LoadedModel&&) noexcept;

  const std::map<std::string, Signature>& signatures() const;
  // Runs a signature ("" for the default one) on tensors by input name. Errors: InvalidArgument, naming what the
  // signature expects.
  std::map<std::string, Tensor> Run(const std::map<std::string, Tensor>& inputs,
                                    const std::string& signature_name = "") const;
  // `request` is {"instances": [...], "signature_name": "..."}; the result is {"predictions": [...]}. Errors:
  // InvalidArgument for a request that does not fit, saying what was expected.
  std::string PredictJson(std::string_view request) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// What `gcloud ml-engine local predict` does: one JSON instance a line in, {"predictions": [...]} out.
std::string PredictLocally(const std::string& model_directory, std::string_view json_instances_lines,
                           const std::string& signature_name = "");
// The same for text instances: each line is a string.
std::string PredictLocallyText(const std::string& model_directory, std::string_view text_instances_lines,
                               const std::string& signature_name = "");

}  // namespace headrace
