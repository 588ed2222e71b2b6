// Functions of a graph as datasets call them: outside of any session run, on the pipeline's own thread, for as long as
// the dataset lives.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "headrace/op.h"

namespace headrace::data {

// The functions that some function needs, itself included. Immutable, shared between threads.
class FunctionLibrary {
 public:
  // Collects what `name` calls, directly and through others; `runner` knows them all. Errors: NotFound.
  static std::shared_ptr<const FunctionLibrary> Collect(const std::string& name, FunctionRunner& runner);
  std::shared_ptr<const Function> Find(const std::string& name) const;  // nullptr if absent

 private:
  void Add(const std::string& name, FunctionRunner& runner);
  std::map<std::string, std::shared_ptr<const Function>> functions_;
};

// Ops without effects outside of themselves: calling them early or again makes no difference.
bool IsPure(const Function& function, const FunctionLibrary& library);

// The nodes that the function's results and side effects need.
std::unordered_set<const Node*> ReachableNodes(const Function& function);

// Calls one function many times, one call at a time. Its kernels, and with them the state of random ops, are made once.
class FunctionEvaluator {
 public:
  FunctionEvaluator(std::shared_ptr<const Function> function, std::shared_ptr<const FunctionLibrary> library,
                    ResourceManager& resources);
  ~FunctionEvaluator();
  FunctionEvaluator(FunctionEvaluator&&) noexcept;

  std::vector<Tensor> Call(const std::vector<Tensor>& args);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace headrace::data
