// Function bodies run as plans whose feeds are the _Arg nodes.
#include "runtime/functions.h"

#include <algorithm>

#include "runtime/run_state.h"

namespace headrace {

// What all scopes share: the functions, and the plans of those whose kernels keep no state.
struct Functions::Library {
  struct Compiled {
    std::shared_ptr<const Function> function;  // stays alive as long as its plan
    std::shared_ptr<const Plan> plan;
  };
  Library(Lookup lookup, ResourceManager& resources, PlanOptions options)
      : lookup(std::move(lookup)), resources(resources), options(options) {}

  const Lookup lookup;
  ResourceManager& resources;
  const PlanOptions options;
  std::mutex mutex;
  std::unordered_map<std::string, std::vector<std::pair<FunctionRef, Compiled>>> compiled;

  Compiled Find(const FunctionRef& ref, FunctionRunner& runner) {
    const auto is_known = [&](const auto& entry) { return entry.first == ref; };
    {
      const std::lock_guard lock(mutex);
      const auto& known = compiled[ref.name];
      const auto found = std::ranges::find_if(known, is_known);
      if (found != known.end()) return found->second;
    }
    auto function = lookup(ref.name);
    if (!function) throw NotFound("there is no function '", ref.name, "' in the graph's library");
    const Compiled made = Make(std::move(function), runner);
    const std::lock_guard lock(mutex);
    auto& known = compiled[ref.name];
    const auto found = std::ranges::find_if(known, is_known);  // made meanwhile by another thread
    if (found != known.end()) return found->second;
    return known.emplace_back(ref, made).second;
  }

  Compiled Make(std::shared_ptr<const Function> function, FunctionRunner& runner) {
    std::vector<Output> args;
    for (Node* arg : function->args) args.push_back(arg->output());
    KernelCache kernels;  // of this function: the names of nodes are unique only within a body
    auto plan = Compile(*function->body, args, function->results, function->control_results, options, kernels,
                        {resources, runner, nullptr});
    return {std::move(function), std::move(plan)};
  }
};

class Functions::Prepared final : public PreparedFunction {
 public:
  Prepared(Functions* runner, Library::Compiled compiled) : runner_(runner), compiled_(std::move(compiled)) {}
  const Function& function() const override { return *compiled_.function; }
  FrameHandle TakeFrame() const override {
    std::unique_ptr<RunState> state = compiled_.plan->TakeState();
    state->Lend(compiled_.plan, &runner_->library_->resources, runner_);
    return FrameHandle(state.release());
  }

 private:
  Functions* runner_;
  Library::Compiled compiled_;
};

Functions::Functions(Lookup lookup, ResourceManager& resources, PlanOptions options)
    : library_(std::make_shared<Library>(std::move(lookup), resources, options)) {}

Functions::~Functions() = default;

std::shared_ptr<const PreparedFunction> Functions::Prepare(const FunctionRef& function) {
  const auto is_known = [&](const auto& entry) { return entry.first == function; };
  {
    const std::shared_lock lock(mutex_);
    if (const auto known = prepared_.find(function.name); known != prepared_.end()) {
      const auto found = std::ranges::find_if(known->second, is_known);
      if (found != known->second.end()) return found->second;
    }
  }
  auto compiled = library_->Find(function, *this);
  if (own_state_ && compiled.plan->keeps_state()) compiled.plan = compiled.plan->Fork();
  auto prepared = std::make_shared<const Prepared>(this, std::move(compiled));
  const std::unique_lock lock(mutex_);
  auto& known = prepared_[function.name];
  const auto found = std::ranges::find_if(known, is_known);  // made meanwhile by another thread
  if (found != known.end()) return found->second;
  return known.emplace_back(function, std::move(prepared)).second;
}

std::shared_ptr<const PreparedFunction> Functions::PrepareLoose(std::shared_ptr<const Function> function) {
  return std::make_shared<const Prepared>(this, library_->Make(std::move(function), *this));
}

std::shared_ptr<const Function> Functions::Find(const std::string& function) const {
  return library_->lookup(function);
}

std::shared_ptr<FunctionRunner> Functions::NewScope() {
  return std::shared_ptr<FunctionRunner>(new Functions(library_, true));
}

}  // namespace headrace
