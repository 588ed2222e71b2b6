// A fixed pool of worker threads for compute (never for blocking work) and the parallel loop built on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/functional/function_ref.h"

namespace headrace {

class ThreadPool {
 public:
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const;
  void Schedule(std::function<void()> task);

  // Calls body(begin, end) over disjoint ranges that cover [0, n), each of at least `grain` items, on the pool and the
  // calling thread; returns when all are done. Exceptions from the body are rethrown here. Safe to nest.
  void ParallelFor(int64_t n, int64_t grain, absl::FunctionRef<void(int64_t, int64_t)> body);

  // The process's compute pool: one thread a core, or HEADRACE_NUM_THREADS.
  static ThreadPool& Compute();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headrace
