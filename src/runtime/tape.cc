// Gradient tapes: each keeps the applications that lead on from watched values. Backwards, a node is made for each of
// them on the immediate graph, from the values it had, and the op's gradient function is applied to it; what that runs
// is seen by the tapes that record then, under the same numbers of values, so that gradients have gradients.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "autodiff/accumulate.h"
#include "runtime/dispatch.h"
#include "runtime/immediate.h"

namespace headrace {
namespace {

struct Entry {
  std::shared_ptr<const Application> application;  // or:
  BackwardFunction backward;
  std::vector<EagerValue> inputs, outputs;
};

}  // namespace

struct GradientTape::Impl {
  bool persistent = false, watch_accessed = true, used = false;
  std::unordered_set<int64_t> watched;  // and what was computed from them
  std::vector<EagerValue> variables;
  std::vector<std::shared_ptr<const Entry>> entries;

  void WatchVariable(const EagerValue& handle) {
    if (watched.insert(handle.id).second) variables.push_back(handle);
  }
  void Add(const std::shared_ptr<const Entry>& entry) {
    entries.push_back(entry);
    for (const EagerValue& output : entry->outputs) {
      if (CarriesGradient(output.value.dtype())) watched.insert(output.id);
    }
  }
};

namespace {

thread_local std::vector<GradientTape::Impl*> recording;

// One run backwards over a tape.
class Backwards {
 public:
  explicit Backwards(const GradientTape::Impl& tape) : tape_(tape), entries_(tape.entries) {}

  void Start(const EagerValue& y, const Gradient& dy) { arrived_[y.id].push_back(dy); }

  void Run(const std::vector<Output>& xs) {
    for (const Output& x : xs) {
      const int64_t id = ValueOf(x).id;
      ids_.push_back(id);
      if (tape_.watched.contains(id)) leads_on_.insert(id);
    }
    std::vector<const Entry*> relevant;
    for (const auto& entry : entries_) {
      if (std::ranges::none_of(entry->inputs, [&](const EagerValue& in) { return leads_on_.contains(in.id); }))
        continue;
      relevant.push_back(entry.get());
      for (const EagerValue& output : entry->outputs) leads_on_.insert(output.id);
    }
    for (auto entry = relevant.rbegin(); entry != relevant.rend(); ++entry) Visit(**entry);
  }

  Gradient Result(size_t x) {
    const int64_t id = ids_[x];
    return leads_on_.contains(id) ? Summed(id) : Gradient();
  }

 private:
  Gradient Summed(int64_t id) {
    const auto found = arrived_.find(id);
    if (found == arrived_.end()) return {};
    if (found->second.size() > 1) found->second = {SumGradients(found->second)};
    return found->second.front();
  }

  void Visit(const Entry& entry) {
    std::vector<Gradient> dys;
    bool any = false;
    for (const EagerValue& output : entry.outputs) {
      dys.push_back(Summed(output.id));
      any |= static_cast<bool>(dys.back());
    }
    if (!any) return;
    const std::vector<Gradient> dxs = entry.backward ? entry.backward(dys) : OfOp(entry, std::move(dys));
    if (dxs.size() != entry.inputs.size()) {
      throw Internal("a gradient function returned ", dxs.size(), " gradients for ", entry.inputs.size(), " inputs");
    }
    for (size_t i = 0; i < dxs.size(); ++i) {
      if (dxs[i] && leads_on_.contains(entry.inputs[i].id)) arrived_[entry.inputs[i].id].push_back(dxs[i]);
    }
  }

  static std::vector<Gradient> OfOp(const Entry& entry, std::vector<Gradient> dys) {
    const OpDef& op = *entry.application->op;
    if (!op.gradient) {
      throw NotFound("No gradient defined for operation '", op.name, "' (op type: ", op.name, ")");
    }
    std::vector<Output> inputs;
    for (const EagerValue& input : entry.inputs) inputs.push_back(OutputOf(input));
    Backward backward(AddImmediateNode(*entry.application->node, inputs, entry.outputs), std::move(dys));
    op.gradient(backward);
    return backward.result();
  }

  const GradientTape::Impl& tape_;
  const std::vector<std::shared_ptr<const Entry>> entries_;  // the tape may grow meanwhile
  std::vector<int64_t> ids_;                                 // of xs
  std::unordered_set<int64_t> leads_on_;                     // values that depend on xs, and xs
  std::unordered_map<int64_t, std::vector<Gradient>> arrived_;
};

}  // namespace

GradientTape::GradientTape(bool persistent, bool watch_accessed_variables) : impl_(std::make_unique<Impl>()) {
  impl_->persistent = persistent;
  impl_->watch_accessed = watch_accessed_variables;
  Start();
}

GradientTape::~GradientTape() {
  Stop();
}

bool GradientTape::recording() const {
  return std::ranges::find(headrace::recording, impl_.get()) != headrace::recording.end();
}

void GradientTape::Start() {
  if (recording()) throw FailedPrecondition("Tape is already recording.");
  headrace::recording.push_back(impl_.get());
}

void GradientTape::Stop() {
  std::erase(headrace::recording, impl_.get());
}

void GradientTape::Watch(const Output& value) {
  if (!CarriesGradient(value.dtype())) {
    throw InvalidArgument("The dtype of the watched tensor must be floating (e.g. tf.float32), got ", value.dtype());
  }
  const EagerValue made = ValueOf(value);
  if (value.dtype() == DType::kResource) return impl_->WatchVariable(made);
  impl_->watched.insert(made.id);
}

void GradientTape::Reset() {
  impl_->watched.clear();
  impl_->variables.clear();
  impl_->entries.clear();
  impl_->used = false;
}

std::vector<EagerValue> GradientTape::watched_variables() const {
  return impl_->variables;
}

std::vector<Gradient> GradientTape::Gradients(const std::vector<Output>& ys, const std::vector<Output>& xs,
                                              const std::vector<Output>& grad_ys) {
  if (impl_->used) {
    throw FailedPrecondition("GradientTape.gradient can only be called once on non-persistent tapes.");
  }
  if (!grad_ys.empty() && grad_ys.size() != ys.size()) {
    throw InvalidArgument("expected a gradient for each of ", ys.size(), " ys, got ", grad_ys.size());
  }
  if (!impl_->persistent) Stop();
  GraphScope eager(ImmediateGraph());
  const EagerHold hold;
  std::vector<headrace::Gradient> results;
  {
    Backwards backwards(*impl_);
    for (size_t i = 0; i < ys.size(); ++i) {
      const EagerValue y = ValueOf(ys[i]);
      if (!impl_->watched.contains(y.id)) continue;
      const Output given = grad_ys.empty() ? Output() : grad_ys[i];
      backwards.Start(y, given ? given : OnesGradient(ys[i]));
    }
    backwards.Run(xs);
    for (size_t x = 0; x < xs.size(); ++x) results.push_back(backwards.Result(x));
  }
  if (!impl_->persistent) {
    impl_->entries.clear();
    impl_->used = true;
  }
  return results;
}

bool TapesRecord() {
  return !recording.empty();
}

bool AnyTapeRecords(std::span<const EagerValue* const> inputs) {
  for (const GradientTape::Impl* tape : recording) {
    for (const EagerValue* input : inputs) {
      if (tape->watched.contains(input->id) || (tape->watch_accessed && input->watch)) return true;
    }
  }
  return false;
}

namespace {

// Tells each tape that needs to know; `make` makes the entry once.
template <class Make>
void Record(std::span<const EagerValue* const> inputs, const Make& make) {
  std::shared_ptr<const Entry> entry;
  for (GradientTape::Impl* tape : recording) {
    bool concerns = false;
    for (const EagerValue* input : inputs) {
      if (tape->watch_accessed && input->watch) tape->WatchVariable(*input);
      concerns |= tape->watched.contains(input->id);
    }
    if (!concerns) continue;
    if (!entry) entry = make();
    tape->Add(entry);
  }
}

}  // namespace

void RecordOnTapes(const std::shared_ptr<const Application>& application, std::span<const EagerValue* const> inputs,
                   std::span<const EagerValue> outputs) {
  if (recording.empty() || application->op->no_gradient) return;
  Record(inputs, [&] {
    auto entry = std::make_shared<Entry>();
    entry->application = application;
    for (const EagerValue* input : inputs) entry->inputs.push_back(*input);
    entry->outputs.assign(outputs.begin(), outputs.end());
    return entry;
  });
}

void RecordOnTapes(const std::vector<EagerValue>& inputs, const std::vector<EagerValue>& outputs,
                   BackwardFunction backward) {
  if (recording.empty()) return;
  std::vector<const EagerValue*> pointers;
  for (const EagerValue& input : inputs) pointers.push_back(&input);
  Record(pointers, [&] {
    auto entry = std::make_shared<Entry>();
    entry->backward = backward;
    entry->inputs = inputs;
    entry->outputs = outputs;
    return entry;
  });
}

StopRecording::StopRecording() : suspended_(std::exchange(recording, {})) {}

StopRecording::~StopRecording() {
  recording = std::move(suspended_);
}

}  // namespace headrace
