// What one run of a plan changes: the values and the memory in which they lie. A plan keeps idle ones, whose memory
// stays, so that a run in the steady state allocates nothing.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/plan.h"

namespace headrace {

class RunState final : public RunContext, public FunctionFrame {
 public:
  explicit RunState(const Plan& plan);
  // Who calls functions in this state, and where it returns; of frames of functions.
  void Lend(std::shared_ptr<const Plan> plan, ResourceManager* resources, FunctionRunner* functions);

  // Feeds are moved from, results are assigned.
  void Run(std::span<Tensor> feeds, std::span<Tensor> results, const RunEnvironment& environment);
  void Run(std::span<Tensor> args, std::span<Tensor> results, const Cancellation* cancellation) override;

 protected:
  void Return() noexcept override;
  Tensor Allocate(int output, DType dtype, const Shape& shape) override;
  bool MayReuse(int input, int output) override;

 private:
  void RunSteps();
  void RunStep(const Step& step);
  void Clear();
  void Trim();
  bool Holds(int guard) const;
  const Tensor& At(const ValueRef& ref) const;
  void Merge(const Step& step);

  const Plan& plan_;
  std::shared_ptr<const Plan> lent_by_;
  const Step* step_ = nullptr;
  std::vector<Tensor> values_;
  std::vector<const Tensor*> pointers_;  // of the plan's inputs
  std::vector<std::shared_ptr<Buffer>> slots_;
  std::vector<size_t> asked_;  // of each slot in this run, in bytes
  int oversized_runs_ = 0;     // in a row that needed much less than the slots hold
};

}  // namespace headrace
