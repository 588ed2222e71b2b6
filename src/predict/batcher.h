// Joins concurrent calls into batches without making anyone wait for company: a call runs at once while there is a free
// slot; those that come while all slots are busy queue up, and the slot that frees next takes all that fit together.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

#include "headrace/tensor.h"

namespace headrace {

class Batcher {
 public:
  using Function = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

  // At most `slots` runs at once, of at most `max_rows` joined rows.
  Batcher(Function run, int slots, int64_t max_rows = 4096);

  // The function's result for these inputs, whose first dimension is `rows`; the function may have run on more rows.
  // If a joined run fails, its calls run one by one, so that each gets its own error. Thread-safe.
  std::vector<Tensor> Run(const std::vector<Tensor>& inputs, int64_t rows);
  // The function itself, on just these.
  std::vector<Tensor> RunUnjoined(const std::vector<Tensor>& inputs) const { return run_(inputs); }

 private:
  struct Call;
  std::vector<Call*> TakeFitting(Call& leader);
  void RunTogether(const std::vector<Call*>& calls) const;
  void RunAlone(Call& call) const;

  Function run_;
  int64_t max_rows_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int free_slots_;
  std::deque<Call*> queue_;
};

}  // namespace headrace
