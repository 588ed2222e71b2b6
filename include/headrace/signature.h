// The interface of an exported model: what its inputs and outputs are called, and which tensors they are.
#pragma once

#include <map>
#include <string>

#include "headrace/dtype.h"
#include "headrace/shape.h"

namespace headrace {

struct TensorInfo {
  std::string name;  // in the graph: "dense/BiasAdd:0"
  DType dtype = DType::kInvalid;
  PartialShape shape;
};

struct Signature {
  std::map<std::string, TensorInfo> inputs, outputs;
  std::string method_name;  // "tensorflow/serving/predict", …
};

}  // namespace headrace
