// The loop behind Train, Evaluate and Predict: a session made ready, and steps run with hooks around them. The steps of
// one kind (the same hooks asking for the same things) share one prepared callable, so a step costs little more than
// its kernels.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "headrace/estimator.h"

namespace headrace {

// What a session needs before its first step; the nodes are built before the graph is finalized.
struct SessionSetup {
  Node* init = nullptr;
  Node* local_init = nullptr;
  std::function<void(Session&)> init_fn;
  std::shared_ptr<Saver> saver;
  std::string checkpoint;  // restored instead of running `init`, unless empty
};

// Fills in from the scaffold, or with the usual nodes of the current graph: initializers of global and local variables
// and tables, a saver of all global variables.
SessionSetup SetupFrom(const Scaffold& scaffold, const RunConfig& config);
// Finalizes the graph and makes the session ready, with TensorFlow's log lines.
std::unique_ptr<Session> StartSession(std::shared_ptr<Graph> graph, const SessionSetup& setup);

// Watches for an interrupt while it lives: calls the poll that was set, or counts SIGINTs itself.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  // Cheap; looks about ten times a second. Errors: Cancelled after a SIGINT; whatever the poll throws.
  void Check();

 private:
  bool handles_signal_ = false;
  std::chrono::steady_clock::time_point next_;
};

class StepLoop {
 public:
  // `fetches` and `targets` are run in every step; `step_after`, if given, is the global step behind them.
  StepLoop(Session& session, Hooks hooks, std::vector<Output> fetches, std::vector<Node*> targets, Output step_after,
           int64_t global_step);

  // Tells the hooks of the session.
  void Start();
  // One step; the values of `fetches`, or nothing if a hook wanted to stop or the input is at its end.
  const std::vector<Tensor>* Step();
  // Tells the hooks that it ended well.
  void End();
  int64_t global_step() const { return context_.global_step(); }

 private:
  // What a hook asks for, apart from the values that it feeds.
  struct Wish {
    std::vector<Output> fetches, feeds;
    std::vector<Node*> targets;
    bool SameAs(const SessionRunArgs* args) const;
  };
  struct Prepared {
    std::vector<Wish> wishes;
    Session::Callable callable;
    std::vector<Output> feeds, fetches;
  };
  const std::vector<Tensor>* RunStep();
  Prepared& Find(const std::vector<const SessionRunArgs*>& wanted);

  Session& session_;
  Hooks hooks_, stepping_;  // all, and those that do something in steps
  std::vector<Output> fetches_;
  std::vector<Node*> targets_;
  bool has_step_ = false;
  SessionRunContext context_;
  std::vector<std::unique_ptr<Prepared>> prepared_;  // the last used at the back
  InterruptWatch interrupts_;
  std::vector<const SessionRunArgs*> wanted_;
  std::vector<Tensor> feed_values_, values_;
};

}  // namespace headrace
