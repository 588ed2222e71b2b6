// A mutex-and-condition-variable queue: tasks here are kernels of tens of microseconds and more, for which this is
// cheap enough. ParallelFor hands out ranges by an atomic counter, so that a busy pool never delays the caller: it
// works through the ranges itself.
#include "base/thread_pool.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace headrace {

struct ThreadPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> tasks;
  bool stopping = false;
  std::vector<std::thread> threads;

  void Work() {
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [&] { return stopping || !tasks.empty(); });
      if (tasks.empty()) return;
      auto task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }
};

ThreadPool::ThreadPool(int threads) : state_(std::make_unique<State>()) {
  for (int i = 0; i < threads; ++i) state_->threads.emplace_back([state = state_.get()] { state->Work(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

int ThreadPool::size() const {
  return static_cast<int>(state_->threads.size());
}

void ThreadPool::Schedule(std::function<void()> task) {
  {
    std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
  }
  state_->wake.notify_one();
}

namespace {

// One ParallelFor in progress, shared by the caller and the pool's threads that join in.
struct Loop {
  explicit Loop(absl::FunctionRef<void(int64_t, int64_t)> body) : body(body) {}

  absl::FunctionRef<void(int64_t, int64_t)> body;  // the caller's; not called once all chunks are handed out
  int64_t n = 0, chunk = 0, chunks = 0;
  std::atomic<int64_t> next{0}, done{0};
  std::mutex mutex;
  std::condition_variable finished;
  std::exception_ptr error;

  void Run() {
    while (true) {
      const int64_t i = next.fetch_add(1);
      if (i >= chunks) return;
      try {
        body(i * chunk, std::min(n, (i + 1) * chunk));
      } catch (...) {
        std::lock_guard lock(mutex);
        if (!error) error = std::current_exception();
      }
      if (done.fetch_add(1) + 1 == chunks) {
        std::lock_guard lock(mutex);
        finished.notify_all();
      }
    }
  }
};

}  // namespace

void ThreadPool::ParallelFor(int64_t n, int64_t grain, absl::FunctionRef<void(int64_t, int64_t)> body) {
  if (n <= 0) return;
  const int64_t most = std::max<int64_t>(1, n / std::max<int64_t>(1, grain));
  const int64_t chunks = std::min(most, int64_t{4} * (size() + 1));
  if (chunks == 1 || size() == 0) return body(0, n);
  auto loop = std::make_shared<Loop>(body);
  loop->n = n;
  loop->chunk = (n + chunks - 1) / chunks;
  loop->chunks = (n + loop->chunk - 1) / loop->chunk;
  for (int64_t i = 1; i < std::min<int64_t>(loop->chunks, size() + 1); ++i) Schedule([loop] { loop->Run(); });
  loop->Run();
  std::unique_lock lock(loop->mutex);
  loop->finished.wait(lock, [&] { return loop->done == loop->chunks; });
  if (loop->error) std::rethrow_exception(loop->error);
}

ThreadPool& ThreadPool::Compute() {
  static ThreadPool& pool = *new ThreadPool([] {
    const char* given = std::getenv("HEADRACE_NUM_THREADS");
    const int threads = given ? std::atoi(given) : static_cast<int>(std::thread::hardware_concurrency());
    return std::max(1, threads) - 1;  // the calling thread is the first worker
  }());
  return pool;
}

}  // namespace headrace
