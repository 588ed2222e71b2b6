// Functions of a graph as datasets call them: by the one executor, on the pipeline's own thread, for as long as the
// iterator lives.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "headrace/op.h"

namespace headrace::data {

// A dataset's function with the values it captured: what map, filter and the like apply.
struct BoundFunction {
  FunctionRef ref;
  std::shared_ptr<const Function> function;
  std::vector<Tensor> captures;
  bool pure = false;  // without effects outside of itself: calling it early or again makes no difference
};

// The function attribute `name` of a kernel's node with the inputs of the argument `arguments` bound as captures.
BoundFunction Bind(KernelContext& c, const char* name, const char* arguments);

// The nodes that the function's results and side effects need.
std::unordered_set<const Node*> ReachableNodes(const Function& function);

// The error with where its element came from ("taxi.csv line 17"; "" if unknown) behind the message proper.
Error AtPosition(const Error& error, const std::string& position);

// Calls a bound function many times, one call at a time, in a frame of its own.
class BoundCall {
 public:
  // `runner` must outlive this.
  BoundCall(const BoundFunction& f, FunctionRunner& runner);
  // `args` without the captures. Errors: as FunctionFrame::Run.
  std::vector<Tensor> operator()(std::vector<Tensor> args, const Cancellation* cancellation);

 private:
  std::vector<Tensor> captures_;
  std::shared_ptr<const PreparedFunction> function_;
  FrameHandle frame_;
};

}  // namespace headrace::data
