// What a kernel is run in: the resources, functions and the cancellation of its caller, and memory made afresh. The run
// of a plan refines it (run_state.h) by planned memory.
#pragma once

#include <vector>

#include "headrace/op.h"

namespace headrace {

// What kernels are run with besides their inputs.
struct RunEnvironment {
  ResourceManager& resources;
  FunctionRunner& functions;
  const Cancellation* cancellation = nullptr;
};

class RunContext : public KernelContext {
 public:
  ThreadPool& pool() override;
  ResourceManager& resources() override { return *resources_; }
  FunctionRunner& functions() override { return *functions_; }
  const Cancellation* cancellation() const override { return cancellation_; }

 protected:
  RunContext() = default;
  void Enter(const RunEnvironment& environment) {
    resources_ = &environment.resources;
    functions_ = &environment.functions;
    cancellation_ = environment.cancellation;
  }
  Tensor Allocate(int, DType dtype, const Shape& shape) override { return Tensor(dtype, shape); }
  bool MayReuse(int, int) override { return false; }
  Tensor AllocateScratch(DType dtype, const Shape& shape) override { return Tensor(dtype, shape); }

  ResourceManager* resources_ = nullptr;
  FunctionRunner* functions_ = nullptr;
  const Cancellation* cancellation_ = nullptr;
};

// Runs the kernel of one node on given values, outside of any plan.
std::vector<Tensor> RunKernel(const Node& node, const Kernel& kernel, const std::vector<Tensor>& inputs,
                              const RunEnvironment& environment);

}  // namespace headrace
