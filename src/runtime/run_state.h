// What one run of a plan changes: the values and the memory in which they lie. A plan keeps idle ones, whose memory
// stays, so that a run in the steady state allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "runtime/plan.h"

namespace headrace {

class RunState : public KernelContext {
 public:
  explicit RunState(const Plan& plan);

  std::vector<Tensor> Run(std::vector<Tensor>* feeds, const RunEnvironment& environment);

  ThreadPool& pool() override;
  ResourceManager& resources() override { return environment_->resources; }
  FunctionRunner& functions() override { return environment_->functions; }
  bool cancelled() const override { return environment_->cancellation && environment_->cancellation->cancelled(); }

 protected:
  Tensor Allocate(int output, DType dtype, const Shape& shape) override;
  bool MayReuse(int input, int output) override;
  Tensor AllocateScratch(DType dtype, const Shape& shape) override { return Tensor(dtype, shape); }

 private:
  void RunSteps();
  void RunStep(const Step& step);
  Tensor ResultOf(const ValueRef& result);

  const Plan& plan_;
  const RunEnvironment* environment_ = nullptr;
  const Step* step_ = nullptr;
  std::vector<Tensor> values_;
  std::vector<const Tensor*> pointers_;  // of the plan's inputs
  std::vector<std::shared_ptr<Buffer>> slots_;
  std::vector<VariableLock> locks_;
};

}  // namespace headrace
