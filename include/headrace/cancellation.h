// Cancellation: one request to stop, seen by everything that works on a run: its steps, the functions they call, the
// iterators they wait for. It is set by Cancel (a session that closes, a job, Ctrl-C), by a deadline, or by a poll that
// the thread which owns the token makes now and then. What waits, waits by WaitFor, and so can always be woken.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace headrace {

class Cancellation {
 public:
  using Clock = std::chrono::steady_clock;

  Cancellation() = default;
  // Cancelled also when `parent` is, or `other`; they must outlive it.
  explicit Cancellation(const Cancellation* parent, const Cancellation* other = nullptr) : parents_{parent, other} {}
  Cancellation(const Cancellation&) = delete;

  // Wakes all who wait. Any thread, any number of times.
  void Cancel();
  // Before the token is handed to others. Past it, the token is cancelled and Check throws DeadlineExceeded.
  void SetDeadline(Clock::time_point deadline);
  // Before the token is handed to others. `poll` is called on this thread only, every 50 ms or so while it works or
  // waits; true cancels.
  void SetPoll(std::function<bool()> poll);

  bool cancelled() const {
    if (state_.load(std::memory_order_relaxed) != kRunning) return true;
    if (watches_ && Look()) return true;
    return (parents_[0] && parents_[0]->cancelled()) || (parents_[1] && parents_[1]->cancelled());
  }
  // Errors: Cancelled, DeadlineExceeded.
  void Check() const {
    if (cancelled()) Throw();
  }
  [[noreturn]] void Throw() const;

  // Waits until ready() holds, under `lock`; false if cancelled first. Whoever makes it ready notifies `changed`.
  template <class Ready>
  bool WaitFor(std::unique_lock<std::mutex>& lock, std::condition_variable& changed, Ready ready) const {
    if (ready()) return true;
    const Waiter waiter(this, &changed);
    while (!ready()) {
      if (cancelled()) return false;
      changed.wait_for(lock, kGlance);
    }
    return true;
  }

 private:
  enum State { kRunning, kCancelled, kTooLate };
  // Cancel notifies without the waiter's mutex, which its caller may hold: a notification that comes between a
  // waiter's look at the token and its sleep is made up for by looking again after this time.
  static constexpr std::chrono::milliseconds kGlance{50};

  // While it lives, the token and those above it wake `changed` when they are cancelled.
  class Waiter {
   public:
    Waiter(const Cancellation* token, std::condition_variable* changed);
    ~Waiter();
    Waiter(const Waiter&) = delete;

   private:
    const Cancellation* token_;
    std::condition_variable* changed_;
  };

  bool Look() const;  // at the deadline and the poll

  template <class F>
  void ForThisAndAbove(const F& f) const;

  const Cancellation* const parents_[2] = {nullptr, nullptr};
  mutable std::atomic<int> state_{kRunning};
  bool watches_ = false;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::function<bool()> poll_;
  std::thread::id polling_thread_;
  mutable int64_t next_poll_ = 0;  // of the coarse clock; only the polling thread uses it
  mutable std::mutex mutex_;
  mutable std::vector<std::condition_variable*> waiting_;
};

}  // namespace headrace
