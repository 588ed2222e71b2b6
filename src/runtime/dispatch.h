// The table of op applications that eager execution has met.
#pragma once

#include "headrace/eager.h"
#include "runtime/functions.h"

namespace headrace {

struct Application {
  const OpDef* op = nullptr;
  std::vector<DType> dtypes;  // of the inputs
  std::vector<int> lengths;   // of the op's arguments
  AttrMap given;              // what the caller gave
  Graph graph;
  Node* node = nullptr;
  Kernel kernel;
  std::vector<VariableArgument> variables;  // that the kernel reads and writes
  bool may_wait = false;
};

// What eager execution keeps for the process.
struct EagerState {
  static EagerState& Global();
  ResourceManager resources;
  Graph library;  // functions
  Functions functions{[this](const std::string& name) { return library.FindFunction(name); }, resources, {}};
};

// Runs the kernel, with locks around it. Errors: what it throws, with " [Op:TYPE]" added.
void RunKernel(const Application& application, const Tensor* const* inputs, Tensor* outputs, ResourceManager& resources,
               FunctionRunner& functions);

// Tells this thread's tapes of an application that ran.
void RecordOnTapes(const std::shared_ptr<const Application>& application, std::span<const EagerValue* const> inputs,
                   std::span<const EagerValue> outputs);

}  // namespace headrace
