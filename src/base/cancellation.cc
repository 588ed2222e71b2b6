// A token is looked at before every step of a run, so that looking is one load; deadlines and polls go by the coarse
// clock, which costs a few nanoseconds.
#include "headrace/cancellation.h"

#include <algorithm>
#include <ctime>

#include "headrace/error.h"

namespace headrace {
namespace {

constexpr int64_t kNanosecondsBetweenPolls = 50'000'000;

int64_t CoarseNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

}  // namespace

template <class F>
void Cancellation::ForThisAndAbove(const F& f) const {
  f(*this);
  for (const Cancellation* parent : parents_) {
    if (parent) parent->ForThisAndAbove(f);
  }
}

Cancellation::Waiter::Waiter(const Cancellation* token, std::condition_variable* changed)
    : token_(token), changed_(changed) {
  token_->ForThisAndAbove([&](const Cancellation& c) {
    const std::lock_guard lock(c.mutex_);
    c.waiting_.push_back(changed_);
  });
}

Cancellation::Waiter::~Waiter() {
  token_->ForThisAndAbove([&](const Cancellation& c) {
    const std::lock_guard lock(c.mutex_);
    c.waiting_.erase(std::ranges::find(c.waiting_, changed_));
  });
}

void Cancellation::Cancel() {
  int running = kRunning;
  state_.compare_exchange_strong(running, kCancelled);
  const std::lock_guard lock(mutex_);
  for (std::condition_variable* changed : waiting_) changed->notify_all();
}

void Cancellation::SetDeadline(Clock::time_point deadline) {
  deadline_ = deadline;
  watches_ = true;
}

void Cancellation::SetPoll(std::function<bool()> poll) {
  poll_ = std::move(poll);
  polling_thread_ = std::this_thread::get_id();
  next_poll_ = CoarseNow() + kNanosecondsBetweenPolls;
  watches_ = true;
}

bool Cancellation::Look() const {
  const auto stop = [this](State why) {
    int running = kRunning;
    state_.compare_exchange_strong(running, why);
    return true;
  };
  const int64_t now = CoarseNow();
  if (deadline_ != Clock::time_point::max() && now >= deadline_.time_since_epoch().count()) return stop(kTooLate);
  if (!poll_ || std::this_thread::get_id() != polling_thread_ || now < next_poll_) return false;
  next_poll_ = now + kNanosecondsBetweenPolls;
  return poll_() && stop(kCancelled);
}

void Cancellation::Throw() const {
  bool too_late = false;
  ForThisAndAbove([&](const Cancellation& c) { too_late = too_late || c.state_.load() == kTooLate; });
  if (too_late) throw DeadlineExceeded("the run took longer than its timeout allows");
  throw Cancelled("the run was cancelled");
}

}  // namespace headrace
