// Kernels run one by one.
#include "runtime/run_kernel.h"

#include "base/thread_pool.h"

namespace headrace {
namespace {

class SingleRun final : public RunContext {
 public:
  SingleRun(const Node& node, const std::vector<Tensor>& inputs, std::vector<Tensor>* outputs,
            const RunEnvironment& environment) {
    Enter(environment);
    for (const Tensor& input : inputs) pointers_.push_back(&input);
    node_ = &node;
    inputs_ = pointers_.data();
    outputs_ = outputs->data();
    num_inputs_ = static_cast<int>(inputs.size());
    num_outputs_ = static_cast<int>(outputs->size());
  }

 private:
  std::vector<const Tensor*> pointers_;
};

}  // namespace

ThreadPool& RunContext::pool() {
  return ThreadPool::Compute();
}

std::vector<Tensor> RunKernel(const Node& node, const Kernel& kernel, const std::vector<Tensor>& inputs,
                              const RunEnvironment& environment) {
  std::vector<Tensor> outputs(node.num_outputs());
  SingleRun context(node, inputs, &outputs, environment);
  kernel(context);
  return outputs;
}

}  // namespace headrace
