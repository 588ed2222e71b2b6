// JSON instances to the tensors a signature wants, and its outputs to JSON predictions, by Cloud ML's rules
// (docs/formats/predict.md).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/signature.h"
#include "headrace/tensor.h"

namespace headrace {

struct InstanceBatch {
  std::string signature_name;  // "" if the request names none
  int64_t rows = 0;            // instances
  std::vector<Tensor> inputs;  // in the order of the signature's inputs; the first dimension is the rows
};

// Reads {"instances": [...], "signature_name": "..."}; `find` gives the signature of a name. Errors: InvalidArgument
// naming the instance (counted from 0), the input and what was expected.
InstanceBatch ParseRequest(std::string_view request, const std::function<const Signature&(const std::string&)>& find);

// {"predictions": [{"name": value, ...}, ...]}. `outputs` are in the order of the signature's outputs.
// Errors: FailedPrecondition if an output does not have one row an instance.
std::string FormatPredictions(const std::vector<Tensor>& outputs, const Signature& signature, int64_t rows);

// {"instances": [...], "signature_name": "..."} from JSON values one a line (empty lines are skipped), or, with
// `as_text`, from lines that are strings. Errors: InvalidArgument naming the line that is not JSON.
std::string RequestFromLines(std::string_view lines, bool as_text, const std::string& signature_name);

}  // namespace headrace
