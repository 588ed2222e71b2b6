// Calls of library functions: each body is compiled once, with the same compiler as a session's graph, and runs in
// pooled frames.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/plan.h"

namespace headrace {

class Functions : public FunctionRunner {
 public:
  using Lookup = std::function<std::shared_ptr<const Function>(const std::string&)>;
  // `resources` must outlive this; `lookup` keeps what it needs alive.
  Functions(Lookup lookup, ResourceManager& resources, PlanOptions options);
  ~Functions() override;

  std::shared_ptr<const PreparedFunction> Prepare(const FunctionRef& function) override;
  std::shared_ptr<const Function> Find(const std::string& function) const override;
  std::shared_ptr<FunctionRunner> NewScope() override;
  std::shared_ptr<const PreparedFunction> PrepareLoose(std::shared_ptr<const Function> function) override;

 private:
  class Prepared;
  struct Library;
  explicit Functions(std::shared_ptr<Library> library, bool own_state)
      : library_(std::move(library)), own_state_(own_state) {}

  std::shared_ptr<Library> library_;  // shared by all scopes
  const bool own_state_ = false;
  std::shared_mutex mutex_;
  std::unordered_map<std::string, std::vector<std::pair<FunctionRef, std::shared_ptr<const Prepared>>>> prepared_;
};

}  // namespace headrace
