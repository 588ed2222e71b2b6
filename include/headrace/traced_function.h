// A function that is traced into a graph once and called eagerly (tf.function): its body is compiled like a session's
// graph, reads and writes of state keep the order in which they were traced, and tapes differentiate it as one step.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/eager.h"

namespace headrace {

class TracedFunction {
 public:
  using Build = std::function<std::vector<Output>(const std::vector<Output>&)>;
  // Calls `build` once, with a placeholder for each argument. What it takes of values made outside is captured.
  TracedFunction(const std::string& name, const std::vector<std::pair<DType, PartialShape>>& args, const Build& build);
  ~TracedFunction();

  // Errors: InvalidArgument for arguments of other dtypes or shapes; what the body's kernels throw. Thread-safe.
  std::vector<EagerValue> operator()(const std::vector<EagerValue>& args);
  const Function& function() const;
  const std::vector<EagerValue>& captures() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // tapes keep it for the way back
};

}  // namespace headrace
