// Tracing orders what touches state, and splits differentiation in two functions: one gives, besides the results, the
// values inside the body that the way back needs; the other takes these and the gradients of the results.
#include "headrace/traced_function.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "autodiff/accumulate.h"
#include "headrace/gradients.h"
#include "runtime/dispatch.h"
#include "runtime/immediate.h"

namespace headrace {
namespace {

// What tells the state behind a handle from others inside a body.
std::string StateKey(const Output& handle) {
  if (handle.node->has_attr("shared_name") && !handle.node->attr<std::string>("shared_name").empty()) {
    return handle.node->attr<std::string>("shared_name");
  }
  return handle.name();
}

// Adds control edges so that nodes which touch the same state, or the world outside, run in the order in which they
// were traced. Gives the nodes that must run even if no result needs them.
class StateOrder {
 public:
  explicit StateOrder(Graph* body) : body_(*body) {}

  std::vector<Node*> Apply() {
    std::vector<Node*> nodes;
    for (const auto& node : body_.nodes()) nodes.push_back(node.get());
    for (Node* node : nodes) {
      const Effects& effects = node->op().effects;
      Touch(node, effects.reads, false);
      Touch(node, effects.writes, true);
      const bool outward = effects.keep || (effects.stateful && !effects.random && !node->inputs().empty());
      if (outward && last_outward_) After(node, last_outward_);
      if (outward) last_outward_ = node;
      if (outward || !effects.writes.empty()) kept_.push_back(node);
    }
    return kept_;
  }

 private:
  struct State {
    Node* writer = nullptr;
    std::vector<Node*> readers;  // since then
  };

  void Touch(Node* node, const std::vector<int>& arguments, bool writes) {
    for (const int argument : arguments) {
      const auto [begin, end] = node->InputRange(node->op().inputs[argument].name);
      for (int i = begin; i < end; ++i) {
        State& state = states_[StateKey(node->input(i))];
        if (state.writer) After(node, state.writer);
        if (!writes) {
          state.readers.push_back(node);
          continue;
        }
        for (Node* reader : state.readers) After(node, reader);
        state = {node, {}};
      }
    }
  }
  void After(Node* node, Node* earlier) {
    if (node != earlier) body_.AddControlInput(node, earlier);
  }

  Graph& body_;
  std::map<std::string, State> states_;
  Node* last_outward_ = nullptr;
  std::vector<Node*> kept_;
};

}  // namespace

struct TracedFunction::Impl : std::enable_shared_from_this<TracedFunction::Impl> {
  std::shared_ptr<Function> forward;
  std::vector<EagerValue> captures;
  // For differentiation: made when a tape first asks for it.
  std::once_flag once;
  std::shared_ptr<Function> with_inner;      // gives also the inner values that `backward` captures
  std::shared_ptr<const Function> backward;  // (gradients of the floating results, inner values) -> gradients
  std::vector<size_t> differentiable;        // positions of the results that have gradients
  std::vector<EagerValue> sources;           // args are given in a call; then captures, then variables' handles
  std::vector<int> gradient_of;              // a source's position among backward's results; -1 if none

  std::vector<Tensor> Call(const Function& function, std::vector<Tensor> inputs) {
    return EagerState::Global().functions.Call({function.name, {}}, std::move(inputs), nullptr);
  }

  void PrepareGradient() {
    Graph& body = *forward->body;
    std::vector<Output> ys, xs;
    for (size_t i = 0; i < forward->results.size(); ++i) {
      const DType dtype = forward->results[i].dtype();
      if (!IsFloating(dtype) && !IsComplex(dtype)) continue;
      differentiable.push_back(i);
      ys.push_back(forward->results[i]);
    }
    for (Node* arg : forward->args) xs.push_back(arg->output());
    for (const auto& node : body.nodes()) {
      if (!node->inputs().empty() || node->num_outputs() != 1 || !node->has_attr("shared_name")) continue;
      const auto handle = EagerHandleNamed(node->attr<std::string>("shared_name"));
      if (handle.id == 0) continue;
      sources.push_back(handle);
      xs.push_back(node->output());
    }
    std::vector<std::pair<DType, PartialShape>> dys;
    for (const Output& y : ys) dys.emplace_back(y.dtype(), y.shape());
    gradient_of.assign(xs.size(), -1);
    {
      GraphScope scope(body);  // what the way back needs of it is captured
      backward = TraceFunction(forward->name + "_backward", dys, [&](const std::vector<Output>& given) {
        std::vector<Output> results;
        GradientOptions options;
        options.grad_ys = given;
        const std::vector<Gradient> gradients = Gradients(ys, xs, options);
        for (size_t i = 0; i < xs.size(); ++i) {
          if (!gradients[i]) continue;
          gradient_of[i] = static_cast<int>(results.size());
          results.push_back(Densify(gradients[i]));
        }
        return results;
      });
    }
    Graph& library = EagerState::Global().library;
    for (const auto& [name, function] : body.functions()) library.AddFunction(function);
    with_inner = std::make_shared<Function>(*forward);
    with_inner->name += "_with_inner_values";
    for (const Output& inner : backward->captures) with_inner->results.push_back(inner);
    library.AddFunction(with_inner);
  }

  std::vector<EagerValue> Run(const std::vector<EagerValue>& args) {
    std::vector<Tensor> inputs;
    std::vector<EagerValue> known = args;
    known.insert(known.end(), captures.begin(), captures.end());
    for (const EagerValue& value : known) inputs.push_back(value.value);
    const bool recorded = TapesRecord() && (std::call_once(once, [&] { PrepareGradient(); }), true);
    if (recorded) known.insert(known.end(), sources.begin(), sources.end());
    std::vector<const EagerValue*> pointers;
    for (const EagerValue& value : known) pointers.push_back(&value);
    const bool wanted = recorded && !differentiable.empty() && AnyTapeRecords(pointers);
    std::vector<Tensor> results = Call(wanted ? *with_inner : *forward, std::move(inputs));
    std::vector<EagerValue> outputs;
    for (size_t i = 0; i < forward->results.size(); ++i) outputs.push_back(NewEagerValue(std::move(results[i])));
    if (!wanted) return outputs;
    std::vector<Tensor> inner(results.begin() + static_cast<int64_t>(outputs.size()), results.end());
    auto back = [self = shared_from_this(), inner, outputs](const std::vector<Gradient>& dys) {
      return self->Back(inner, outputs, dys);
    };
    RecordOnTapes(known, outputs, back);
    return outputs;
  }

  std::vector<Gradient> Back(const std::vector<Tensor>& inner, const std::vector<EagerValue>& outputs,
                             const std::vector<Gradient>& dys) {
    std::vector<Tensor> inputs;
    for (const size_t i : differentiable) {
      inputs.push_back(dys[i] ? Value(Densify(dys[i]))
                              : Tensor::Zeros(outputs[i].value.dtype(), outputs[i].value.shape()));
    }
    inputs.insert(inputs.end(), inner.begin(), inner.end());
    const std::vector<Tensor> results = Call(*backward, std::move(inputs));
    std::vector<Gradient> gradients;
    for (const int position : gradient_of) {
      gradients.push_back(position < 0 ? Gradient() : Gradient(OutputOf(NewEagerValue(results[position]))));
    }
    return gradients;
  }
};

TracedFunction::TracedFunction(const std::string& name, const std::vector<std::pair<DType, PartialShape>>& args,
                               const Build& build)
    : impl_(std::make_shared<Impl>()) {
  GraphScope scope(ImmediateGraph());
  const EagerHold hold;
  const auto traced = TraceFunction(name, args, build);
  impl_->forward = std::make_shared<Function>(*traced);
  impl_->forward->name += "_ordered";
  impl_->forward->captures.clear();
  for (const Output& capture : traced->captures) impl_->captures.push_back(ValueOf(capture));
  impl_->forward->control_results = StateOrder(impl_->forward->body.get()).Apply();
  EagerState::Global().library.AddFunction(impl_->forward);
}

TracedFunction::~TracedFunction() = default;

std::vector<EagerValue> TracedFunction::operator()(const std::vector<EagerValue>& args) {
  return impl_->Run(args);
}

const Function& TracedFunction::function() const {
  return *impl_->forward;
}

const std::vector<EagerValue>& TracedFunction::captures() const {
  return impl_->captures;
}

}  // namespace headrace
