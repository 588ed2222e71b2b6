// Sessions: a cache of plans, the variables behind them, and the calling of functions.
#include "headrace/session.h"
#include "headrace/state_error.h"

#include <cstdio>
#include <shared_mutex>
#include <unordered_map>

#include "runtime/functions.h"
#include "runtime/plan.h"

namespace headrace {
namespace {

// What a plan is made for. Lookups compare with the caller's arguments in place, without building a key.
struct PlanKey {
  uint64_t version = 0;
  std::vector<Output> feeds, fetches;
  std::vector<Node*> targets;
};

// A program that adds ops and runs each of them once would keep their plans for ever; past this many all are dropped
// and those in use are made again.
constexpr size_t kMaxPlans = 1024;

uint64_t Mix(uint64_t hash, const void* pointer, int index) {
  return (hash ^ (reinterpret_cast<uintptr_t>(pointer) + static_cast<uint64_t>(index))) * 0x9E3779B97F4A7C15ull;
}

}  // namespace

struct Session::Impl {
  std::shared_ptr<Graph> graph;
  SessionOptions options;
  std::shared_ptr<ResourceManager> resources;
  KernelCache kernels;
  std::unique_ptr<Functions> functions;
  std::shared_mutex mutex;
  std::unordered_multimap<uint64_t, std::pair<PlanKey, std::shared_ptr<const Plan>>> plans;
  bool closed = false;

  RunEnvironment Environment(const Cancellation* cancellation) { return {*resources, *functions, cancellation}; }

  void CheckOpen() const {
    if (closed) throw StateError("Attempted to use a closed Session.");
  }

  std::shared_ptr<const Plan> Make(const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                                   const std::vector<Node*>& targets) {
    auto plan = Compile(*graph, feeds, fetches, targets, options.plan, kernels, Environment(nullptr));
    if (DebugLevel() >= 1) std::fputs(ExplainPlan(*plan, DebugLevel()).c_str(), stderr);
    return plan;
  }

  template <class SameFeeds>
  std::shared_ptr<const Plan> Find(uint64_t hash, uint64_t version, const std::vector<Output>& fetches,
                                   const std::vector<Node*>& targets, const SameFeeds& same_feeds) {
    const auto [begin, end] = plans.equal_range(hash);
    for (auto entry = begin; entry != end; ++entry) {
      const auto& [key, plan] = entry->second;
      if (key.version == version && key.fetches == fetches && key.targets == targets && same_feeds(key.feeds)) {
        return plan;
      }
    }
    return nullptr;
  }

  std::shared_ptr<const Plan> PlanFor(const Feeds& feeds, const std::vector<Output>& fetches,
                                      const std::vector<Node*>& targets) {
    const uint64_t version = graph->version();
    uint64_t hash = version;
    for (const auto& [output, value] : feeds) hash = Mix(hash, output.node, output.index);
    for (const Output& fetch : fetches) hash = Mix(hash + 1, fetch.node, fetch.index);
    for (const Node* target : targets) hash = Mix(hash + 2, target, 0);
    const auto same_feeds = [&](const std::vector<Output>& known) {
      return std::equal(known.begin(), known.end(), feeds.begin(), feeds.end(),
                        [](const Output& a, const auto& b) { return a == b.first; });
    };
    {
      std::shared_lock lock(mutex);
      CheckOpen();
      if (auto plan = Find(hash, version, fetches, targets, same_feeds)) return plan;
    }
    PlanKey key{version, {}, fetches, targets};
    for (const auto& [output, value] : feeds) key.feeds.push_back(output);
    auto plan = Make(key.feeds, fetches, targets);
    std::unique_lock lock(mutex);
    if (auto other = Find(hash, version, fetches, targets, same_feeds)) return other;  // made meanwhile
    std::erase_if(plans, [&](const auto& entry) { return entry.second.first.version != version; });
    if (plans.size() >= kMaxPlans) plans.clear();
    plans.emplace(hash, std::pair(std::move(key), plan));
    return plan;
  }
};

Session::Session(std::shared_ptr<Graph> graph, SessionOptions options) : impl_(std::make_unique<Impl>()) {
  if (!graph) throw InvalidArgument("a session needs a graph, got null");
  impl_->graph = std::move(graph);
  impl_->resources = options.resources ? options.resources : std::make_shared<ResourceManager>();
  impl_->options = std::move(options);
  impl_->functions = std::make_unique<Functions>(
      [graph = impl_->graph.get()](const std::string& name) { return graph->FindFunction(name); }, *impl_->resources,
      impl_->options.plan);
}

// Iterators' threads call functions of this session: they end first.
Session::~Session() {
  impl_->plans.clear();
  if (!impl_->options.resources) impl_->resources->Clear();
}

std::vector<Tensor> Session::Run(const Feeds& feeds, const std::vector<Output>& fetches,
                                 const std::vector<Node*>& targets, const Cancellation* cancellation) {
  const auto plan = impl_->PlanFor(feeds, fetches, targets);
  std::vector<Tensor> values;
  values.reserve(feeds.size());
  for (size_t i = 0; i < feeds.size(); ++i) {
    CheckFeed(*plan, i, feeds[i].second);
    values.push_back(feeds[i].second);
  }
  return RunPlan(*plan, std::move(values), impl_->Environment(cancellation));
}

Session::Callable Session::MakeCallable(const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                                        const std::vector<Node*>& targets) {
  {
    std::shared_lock lock(impl_->mutex);
    impl_->CheckOpen();
  }
  Callable callable;
  callable.session_ = this;
  callable.plan_ = impl_->Make(feeds, fetches, targets);
  return callable;
}

std::vector<Tensor> Session::Callable::operator()(const std::vector<Tensor>& feeds,
                                                  const Cancellation* cancellation) const {
  {
    std::shared_lock lock(session_->impl_->mutex);
    session_->impl_->CheckOpen();
  }
  if (feeds.size() != plan_->feed_names.size()) {
    throw InvalidArgument("the callable takes ", plan_->feed_names.size(), " values, got ", feeds.size());
  }
  for (size_t i = 0; i < feeds.size(); ++i) CheckFeed(*plan_, i, feeds[i]);
  return RunPlan(*plan_, feeds, session_->impl_->Environment(cancellation));
}

const std::shared_ptr<Graph>& Session::graph() const {
  return impl_->graph;
}

ResourceManager& Session::resources() {
  return *impl_->resources;
}

void Session::Close() {
  {
    std::unique_lock lock(impl_->mutex);
    impl_->closed = true;
    impl_->plans.clear();
  }
  if (!impl_->options.resources) impl_->resources->Clear();
}

}  // namespace headrace
