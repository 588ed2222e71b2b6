// Sessions: a cache of plans, the variables behind them, and the calling of functions.
#include "headrace/session.h"
#include "headrace/state_error.h"

#include <atomic>
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

// A program that adds ops and runs each of them once would keep their plans for ever: past this many, the one that was
// not used for longest goes.
constexpr size_t kMostPlans = 1024;

uint64_t Mix(uint64_t hash, const void* pointer, int index) {
  return (hash ^ (reinterpret_cast<uintptr_t>(pointer) + static_cast<uint64_t>(index))) * 0x9E3779B97F4A7C15ull;
}

}  // namespace

struct SessionState {
  struct Entry {
    PlanKey key;
    std::shared_ptr<const Plan> plan;
    std::atomic<uint64_t> used;  // the reading of `clock` when it was last asked for

    Entry(PlanKey key, std::shared_ptr<const Plan> plan, uint64_t used)
        : key(std::move(key)), plan(std::move(plan)), used(used) {}
  };

  std::shared_ptr<Graph> graph;
  SessionOptions options;
  std::shared_ptr<ResourceManager> resources;
  KernelCache kernels;
  std::unique_ptr<Functions> functions;
  std::shared_mutex mutex;
  std::unordered_multimap<uint64_t, Entry> plans;
  std::atomic<uint64_t> clock = 0;
  bool closed = false;
  Cancellation stop;  // of all runs

  ~SessionState() { Close(); }

  void CheckOpen() const {
    if (closed) throw StateError("Attempted to use a closed Session.");
  }

  // Iterators' threads call functions of this session: they end first.
  void Close() {
    stop.Cancel();
    decltype(plans) dropped;
    {
      const std::unique_lock lock(mutex);
      closed = true;
      dropped.swap(plans);
    }
    if (!options.resources) resources->Clear();
  }

  std::shared_ptr<const Plan> Make(const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                                   const std::vector<Node*>& targets) {
    auto plan = Compile(*graph, feeds, fetches, targets, options.plan, kernels, {*resources, *functions, nullptr});
    if (DebugLevel() >= 1) std::fputs(ExplainPlan(*plan, DebugLevel()).c_str(), stderr);
    return plan;
  }

  template <class SameFeeds>
  std::shared_ptr<const Plan> Find(uint64_t hash, uint64_t version, const std::vector<Output>& fetches,
                                   const std::vector<Node*>& targets, const SameFeeds& same_feeds) {
    const auto [begin, end] = plans.equal_range(hash);
    for (auto found = begin; found != end; ++found) {
      auto& [key, plan, used] = found->second;
      if (key.version != version || key.fetches != fetches || key.targets != targets || !same_feeds(key.feeds)) {
        continue;
      }
      used.store(clock.load(std::memory_order_relaxed), std::memory_order_relaxed);
      return plan;
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
    CheckOpen();
    if (auto other = Find(hash, version, fetches, targets, same_feeds)) return other;  // made meanwhile
    // The graph's nodes changed: what was made before is wrong now, and would keep kernels and memory.
    std::erase_if(plans, [&](const auto& entry) { return entry.second.key.version != version; });
    if (plans.size() >= kMostPlans) {
      plans.erase(std::ranges::min_element(plans, {}, [](const auto& entry) { return entry.second.used.load(); }));
    }
    plans.emplace(std::piecewise_construct, std::tuple(hash), std::tuple(std::move(key), plan, ++clock));
    return plan;
  }

  std::vector<Tensor> Run(const Plan& plan, std::vector<Tensor> feeds, const Cancellation* cancellation) {
    if (!cancellation) return RunPlan(plan, std::move(feeds), {*resources, *functions, &stop});
    const Cancellation both(cancellation, &stop);
    return RunPlan(plan, std::move(feeds), {*resources, *functions, &both});
  }
};

Session::Session(std::shared_ptr<Graph> graph, SessionOptions options) : state_(std::make_shared<SessionState>()) {
  if (!graph) throw InvalidArgument("a session needs a graph, got null");
  state_->graph = std::move(graph);
  state_->resources = options.resources ? options.resources : std::make_shared<ResourceManager>();
  state_->options = std::move(options);
  state_->functions = std::make_unique<Functions>(
      [graph = state_->graph](const std::string& name) { return graph->FindFunction(name); }, *state_->resources,
      state_->options.plan);
}

Session::~Session() {
  state_->Close();
}

std::vector<Tensor> Session::Run(const Feeds& feeds, const std::vector<Output>& fetches,
                                 const std::vector<Node*>& targets, const Cancellation* cancellation) {
  const std::shared_ptr<SessionState> state = state_;  // whoever closes or destroys the session meanwhile
  const auto plan = state->PlanFor(feeds, fetches, targets);
  std::vector<Tensor> values;
  values.reserve(feeds.size());
  for (size_t i = 0; i < feeds.size(); ++i) {
    CheckFeed(*plan, i, feeds[i].second);
    values.push_back(feeds[i].second);
  }
  return state->Run(*plan, std::move(values), cancellation);
}

Session::Callable Session::MakeCallable(const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                                        const std::vector<Node*>& targets) {
  {
    std::shared_lock lock(state_->mutex);
    state_->CheckOpen();
  }
  Callable callable;
  callable.session_ = state_;
  callable.plan_ = state_->Make(feeds, fetches, targets);
  return callable;
}

std::vector<Tensor> Session::Callable::operator()(const std::vector<Tensor>& feeds,
                                                  const Cancellation* cancellation) const {
  if (!plan_) throw FailedPrecondition("an empty callable was called: Session::MakeCallable makes one");
  {
    std::shared_lock lock(session_->mutex);
    session_->CheckOpen();
  }
  if (feeds.size() != plan_->feed_names.size()) {
    throw InvalidArgument("the callable takes ", plan_->feed_names.size(), " values, got ", feeds.size());
  }
  for (size_t i = 0; i < feeds.size(); ++i) CheckFeed(*plan_, i, feeds[i]);
  return session_->Run(*plan_, feeds, cancellation);
}

const std::shared_ptr<Graph>& Session::graph() const {
  return state_->graph;
}

ResourceManager& Session::resources() {
  return *state_->resources;
}

void Session::Close() {
  state_->Close();
}

}  // namespace headrace
