// Prediction without a service, as `gcloud ml-engine local predict` does it.
#pragma once

#include <string>
#include <string_view>

#include "headrace/predict.h"

namespace headrace {

// One JSON instance a line in, {"predictions": [...]} out. Errors: as LoadedModel's; InvalidArgument naming the line
// that is not JSON.
std::string PredictLocally(const std::string& model_directory, std::string_view json_instances,
                           const std::string& signature_name = "");
// The same for text instances: each line is a string.
std::string PredictLocallyText(const std::string& model_directory, std::string_view text_instances,
                               const std::string& signature_name = "");

}  // namespace headrace
