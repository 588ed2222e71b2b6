// The thread that gets a slot leads: it runs its own call and those it takes from the queue, then passes the slot to
// the first call still waiting.
#include "predict/batcher.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include "headrace/error.h"

namespace headrace {
namespace {

bool FitTogether(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.dtype() == y.dtype() && x.rank() == y.rank() && x.rank() > 0 &&
           std::equal(x.shape().begin() + 1, x.shape().end(), y.shape().begin() + 1);
  });
}

void CopyRows(const Tensor& from, Tensor& to, int64_t first_row) {
  int64_t stride = to.dim(0) == 0 ? 0 : to.num_elements() / to.dim(0);
  if (from.dtype() == DType::kString) {
    std::copy_n(from.data<std::string>(), from.num_elements(), to.data<std::string>() + first_row * stride);
  } else {
    std::memcpy(static_cast<char*>(to.raw()) + static_cast<size_t>(first_row * stride) * SizeOf(to.dtype()), from.raw(),
                from.bytes());
  }
}

}  // namespace

struct Batcher::Call {
  const std::vector<Tensor>& inputs;
  int64_t rows;
  enum { kWaiting, kLeads, kDone } state = kWaiting;
  std::vector<Tensor> outputs;
  std::exception_ptr error;
};

Batcher::Batcher(Function run, int slots, int64_t max_rows)
    : run_(std::move(run)), max_rows_(max_rows), free_slots_(std::max(slots, 1)) {}

std::vector<Tensor> Batcher::Run(const std::vector<Tensor>& inputs, int64_t rows) {
  Call call{inputs, rows};
  std::unique_lock lock(mutex_);
  if (free_slots_ > 0) {
    --free_slots_;
  } else {
    queue_.push_back(&call);
    changed_.wait(lock, [&] { return call.state != Call::kWaiting; });
  }
  if (call.state != Call::kDone) {
    std::vector<Call*> calls = TakeFitting(call);
    lock.unlock();
    RunTogether(calls);
    lock.lock();
    for (Call* done : calls) done->state = Call::kDone;
    if (queue_.empty()) {
      ++free_slots_;
    } else {
      queue_.front()->state = Call::kLeads;
      queue_.pop_front();
    }
    changed_.notify_all();
  }
  lock.unlock();
  if (call.error) std::rethrow_exception(call.error);
  return std::move(call.outputs);
}

std::vector<Batcher::Call*> Batcher::TakeFitting(Call& leader) {
  std::vector<Call*> calls{&leader};
  int64_t rows = leader.rows;
  std::erase_if(queue_, [&](Call* call) {
    if (rows + call->rows > max_rows_ || !FitTogether(leader.inputs, call->inputs)) return false;
    rows += call->rows;
    calls.push_back(call);
    return true;
  });
  return calls;
}

void Batcher::RunTogether(const std::vector<Call*>& calls) const {
  if (calls.size() == 1) return RunAlone(*calls[0]);
  try {
    int64_t rows = 0;
    for (const Call* call : calls) rows += call->rows;
    std::vector<Tensor> inputs;
    for (size_t i = 0; i < calls[0]->inputs.size(); ++i) {
      Shape shape = calls[0]->inputs[i].shape();
      shape.set_dim(0, rows);
      Tensor& joined = inputs.emplace_back(calls[0]->inputs[i].dtype(), shape);
      int64_t row = 0;
      for (const Call* call : calls) {
        CopyRows(call->inputs[i], joined, row);
        row += call->rows;
      }
    }
    std::vector<Tensor> outputs = run_(inputs);
    for (const Tensor& output : outputs) {
      if (output.rank() == 0 || output.dim(0) != rows) throw Internal("the output is not one row an instance");
    }
    int64_t row = 0;
    for (Call* call : calls) {
      for (const Tensor& output : outputs) call->outputs.push_back(output.Slice(row, row + call->rows));
      row += call->rows;
    }
  } catch (...) {
    // One bad call must not fail the others.
    for (Call* call : calls) {
      call->outputs.clear();
      RunAlone(*call);
    }
  }
}

void Batcher::RunAlone(Call& call) const {
  try {
    call.outputs = run_(call.inputs);
  } catch (...) {
    call.error = std::current_exception();
  }
}

}  // namespace headrace
