// Calls of library functions: each body is compiled once, with the same compiler as a session's graph.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "runtime/plan.h"

namespace headrace {

class Functions : public FunctionRunner {
 public:
  using Lookup = std::function<std::shared_ptr<const Function>(const std::string&)>;
  // `resources` must outlive this.
  Functions(Lookup lookup, ResourceManager& resources, PlanOptions options)
      : lookup_(std::move(lookup)), resources_(resources), options_(options) {}

  // Errors: NotFound (function), InvalidArgument (number, dtype or shape of the arguments), what its kernels throw.
  std::vector<Tensor> Call(const std::string& function, const std::vector<Tensor>& args) override;
  std::shared_ptr<const Function> Find(const std::string& function) const override { return lookup_(function); }

 private:
  struct Compiled {
    std::shared_ptr<const Function> function;  // stays alive as long as its plan
    std::shared_ptr<const Plan> plan;
  };
  std::shared_ptr<const Plan> PlanOf(const std::string& name);

  Lookup lookup_;
  ResourceManager& resources_;
  PlanOptions options_;
  std::mutex mutex_;
  std::unordered_map<std::string, Compiled> compiled_;
};

}  // namespace headrace
