// Function bodies run as plans whose feeds are the _Arg nodes.
#include "runtime/functions.h"

namespace headrace {

std::shared_ptr<const Plan> Functions::PlanOf(const std::string& name) {
  {
    std::lock_guard lock(mutex_);
    const auto found = compiled_.find(name);
    if (found != compiled_.end()) return found->second.plan;
  }
  const auto function = lookup_(name);
  if (!function) throw NotFound("there is no function '", name, "' in the graph's library");
  std::vector<Output> args;
  for (Node* arg : function->args) args.push_back(arg->output());
  // Not under the lock: a body may call other functions while its constants are made.
  KernelCache kernels;  // of this function: the names of nodes are unique only within a body
  auto plan = Compile(*function->body, args, function->results, function->control_results, options_, kernels,
                      {resources_, *this, nullptr});
  std::lock_guard lock(mutex_);
  return compiled_.try_emplace(name, Compiled{function, std::move(plan)}).first->second.plan;
}

std::vector<Tensor> Functions::Call(const std::string& function, const std::vector<Tensor>& args) {
  const auto plan = PlanOf(function);
  if (args.size() != plan->feed_names.size()) {
    throw InvalidArgument("function '", function, "' takes ", plan->feed_names.size(), " arguments, got ", args.size());
  }
  for (size_t i = 0; i < args.size(); ++i) CheckFeed(*plan, i, args[i]);
  return RunPlan(*plan, args, {resources_, *this, nullptr});
}

}  // namespace headrace
