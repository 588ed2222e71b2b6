// Session: runs parts of a graph and keeps its variables. A run's plan (which steps, fused how, in which memory) is
// compiled once for each combination of feeds, fetches and targets and looked up after that. Thread-safe: many threads
// may run one session at once while another adds nodes to its graph. A run that a change of existing nodes overtakes
// sees the graph before or after it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/graph.h"
#include "headrace/resource.h"

namespace headrace {

using Feeds = std::vector<std::pair<Output, Tensor>>;

struct PlanOptions {
  bool optimize = true;  // fold constants, merge, fuse; off for debugging and for differential tests
};

struct SessionOptions {
  PlanOptions plan;
  // Shared state; a session makes its own if null.
  std::shared_ptr<ResourceManager> resources;
};

// A request for cancellation that a run polls; Ctrl-C in Python and job cancellation set it.
class Cancellation {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

class Session {
 public:
  explicit Session(std::shared_ptr<Graph> graph, SessionOptions options = {});
  ~Session();
  Session(const Session&) = delete;

  // Values of `fetches` after running also `targets`. Errors: InvalidArgument on a feed of the wrong dtype or shape,
  // and whatever the kernels throw, with " [op 'NAME' (TYPE)]" added.
  std::vector<Tensor> Run(const Feeds& feeds, const std::vector<Output>& fetches,
                          const std::vector<Node*>& targets = {}, const Cancellation* cancellation = nullptr);
  std::vector<Tensor> Run(const std::vector<Output>& fetches) { return Run({}, fetches); }

  // A run prepared once: Call only takes the values of `feeds`, in their order. The plan stays alive with it.
  class Callable {
   public:
    std::vector<Tensor> operator()(const std::vector<Tensor>& feeds = {},
                                   const Cancellation* cancellation = nullptr) const;

   private:
    friend class Session;
    Session* session_ = nullptr;
    std::shared_ptr<const class Plan> plan_;
  };
  Callable MakeCallable(const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                        const std::vector<Node*>& targets = {});

  const std::shared_ptr<Graph>& graph() const;
  ResourceManager& resources();
  void Close();  // releases resources; later runs fail with FailedPrecondition "session is closed"

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Executes one op at once, on values (eager mode). Resources live in `resources`.
std::vector<Tensor> Execute(std::string_view op, const std::vector<std::vector<Tensor>>& arguments,
                            const AttrMap& attrs, ResourceManager& resources);

}  // namespace headrace
