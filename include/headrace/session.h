// Session: runs parts of a graph and keeps its variables. A run's plan (which steps, fused how, in which memory) is
// compiled once for each combination of feeds, fetches and targets and looked up after that. Thread-safe: many threads
// may run one session at once while another adds nodes to its graph. A run that a change of existing nodes overtakes
// sees the graph before or after it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/cancellation.h"
#include "headrace/graph.h"
#include "headrace/resource.h"

namespace headrace {

using Feeds = std::vector<std::pair<Output, Tensor>>;

struct SessionState;

struct PlanOptions {
  bool optimize = true;  // fold constants, merge, fuse; off for debugging and for differential tests
};

struct SessionOptions {
  PlanOptions plan;
  // Shared state; a session makes its own if null.
  std::shared_ptr<ResourceManager> resources;
};

class Session {
 public:
  explicit Session(std::shared_ptr<Graph> graph, SessionOptions options = {});
  ~Session();
  Session(const Session&) = delete;

  // Values of `fetches` after running also `targets`. Errors: InvalidArgument on a feed of the wrong dtype or shape,
  // Cancelled and DeadlineExceeded by `cancellation` or by Close, and whatever the kernels throw, with
  // " [op 'NAME' (TYPE)]" added, behind it " [called by 'NAME' (TYPE)]" for those that called the function it is in.
  std::vector<Tensor> Run(const Feeds& feeds, const std::vector<Output>& fetches,
                          const std::vector<Node*>& targets = {}, const Cancellation* cancellation = nullptr);
  std::vector<Tensor> Run(const std::vector<Output>& fetches) { return Run({}, fetches); }

  // A run prepared once: it only takes the values of `feeds`, in their order. May outlive the session, and then says
  // that it is closed.
  class Callable {
   public:
    std::vector<Tensor> operator()(const std::vector<Tensor>& feeds = {},
                                   const Cancellation* cancellation = nullptr) const;

   private:
    friend class Session;
    std::shared_ptr<SessionState> session_;
    std::shared_ptr<const class Plan> plan_;
  };
  Callable MakeCallable(const std::vector<Output>& feeds, const std::vector<Output>& fetches,
                        const std::vector<Node*>& targets = {});

  const std::shared_ptr<Graph>& graph() const;
  ResourceManager& resources();
  // Cancels the runs that are in progress and releases the resources; later runs fail with FailedPrecondition "session
  // is closed".
  void Close();

 private:
  std::shared_ptr<SessionState> state_;
};

// Executes one op at once, on values (eager mode). Resources live in `resources`.
std::vector<Tensor> Execute(std::string_view op, const std::vector<std::vector<Tensor>>& arguments,
                            const AttrMap& attrs, ResourceManager& resources);

}  // namespace headrace
