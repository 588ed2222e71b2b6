// Finding an application: by a hash of op, attributes and dtypes, compared in place, so that a call that was met before
// allocates nothing but its results.
#include "runtime/dispatch.h"

#include <algorithm>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "runtime/run_kernel.h"

namespace headrace {
namespace {

constexpr size_t kMostKept = 8192;  // attributes may hold values that never come again: seeds, names

uint64_t Mix(uint64_t hash, uint64_t value) {
  return (hash ^ value) * 0x9E3779B97F4A7C15ull + (hash >> 29);
}

struct HashValue {
  uint64_t operator()(std::monostate) const { return 1; }
  uint64_t operator()(const std::string& text) const { return std::hash<std::string_view>()(text); }
  uint64_t operator()(int64_t number) const { return static_cast<uint64_t>(number); }
  uint64_t operator()(float number) const { return std::hash<float>()(number); }
  uint64_t operator()(bool truth) const { return truth ? 3 : 2; }
  uint64_t operator()(DType dtype) const { return static_cast<uint64_t>(dtype); }
  uint64_t operator()(const PartialShape& shape) const {
    uint64_t hash = static_cast<uint64_t>(shape.rank());
    for (const int64_t size : shape.dims()) hash = Mix(hash, static_cast<uint64_t>(size));
    return hash;
  }
  uint64_t operator()(const Tensor& tensor) const { return static_cast<uint64_t>(tensor.num_elements()); }
  uint64_t operator()(const FunctionRef& function) const { return (*this)(function.name); }
  template <class T>
  uint64_t operator()(const std::vector<T>& values) const {
    uint64_t hash = values.size();
    for (const auto& value : values) hash = Mix(hash, (*this)(static_cast<const T&>(value)));
    return hash;
  }
};

struct Wanted {
  const OpDef& op;
  std::span<const Tensor* const> inputs;
  std::span<const int> lengths;
  const AttrMap& attrs;

  uint64_t Hash() const {
    auto hash = reinterpret_cast<uintptr_t>(&op);
    for (const Tensor* input : inputs) hash = Mix(hash, static_cast<uint64_t>(input->dtype()));
    for (const auto& [name, value] : attrs) {
      hash = Mix(hash, std::hash<std::string_view>()(name));
      hash = Mix(hash, std::visit(HashValue(), value.variant()));
    }
    return hash;
  }
  bool Is(const Application& known) const {
    return known.op == &op && std::ranges::equal(lengths, known.lengths) &&
           std::ranges::equal(inputs, known.dtypes,
                              [](const Tensor* input, DType dtype) { return input->dtype() == dtype; }) &&
           known.given == attrs;
  }
};

bool HoldsTensors(const AttrMap& attrs) {
  return std::ranges::any_of(attrs, [](const auto& entry) {
    return entry.second.template get_if<Tensor>() || entry.second.template get_if<std::vector<Tensor>>();
  });
}

std::shared_ptr<const Application> Make(const Wanted& wanted) {
  auto made = std::make_shared<Application>();
  made->op = &wanted.op;
  made->given = wanted.attrs;
  made->lengths.assign(wanted.lengths.begin(), wanted.lengths.end());
  std::vector<OpArgument> arguments;
  size_t next = 0;
  for (const int length : wanted.lengths) {
    auto& argument = arguments.emplace_back();
    for (int i = 0; i < length; ++i, ++next) {
      const DType dtype = wanted.inputs[next]->dtype();
      made->dtypes.push_back(dtype);
      Node* feed = made->graph.AddNode(
          {.name = "_arg_" + std::to_string(next), .op = "_Feed", .attrs = {{"dtype", dtype}, {"origin", ""}}});
      argument.push_back(feed->output());
    }
  }
  made->node = made->graph.Apply(wanted.op.name, arguments, wanted.attrs);
  if (!wanted.op.kernel) throw Unimplemented("op ", wanted.op.name, " can't run eagerly: it has no kernel");
  made->kernel = wanted.op.kernel(*made->node);
  made->may_wait = wanted.op.effects.blocking || wanted.op.effects.stateful || CallsFunctions(wanted.op);
  made->variables = VariableArguments(*made->node);
  return made;
}

class Applications {
 public:
  std::shared_ptr<const Application> Find(const Wanted& wanted) {
    if (HoldsTensors(wanted.attrs)) return Make(wanted);  // constants: each is met once
    const uint64_t hash = wanted.Hash();
    {
      std::shared_lock lock(mutex_);
      if (auto known = Known(hash, wanted)) return known;
    }
    auto made = Make(wanted);
    std::unique_lock lock(mutex_);
    if (auto known = Known(hash, wanted)) return known;
    if (by_hash_.size() >= kMostKept) by_hash_.clear();
    return by_hash_.emplace(hash, std::move(made))->second;
  }

 private:
  std::shared_ptr<const Application> Known(uint64_t hash, const Wanted& wanted) const {
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto entry = begin; entry != end; ++entry) {
      if (wanted.Is(*entry->second)) return entry->second;
    }
    return nullptr;
  }

  std::shared_mutex mutex_;
  std::unordered_multimap<uint64_t, std::shared_ptr<const Application>> by_hash_;
};

class CallContext final : public RunContext {
 public:
  CallContext(const Application& application, const Tensor* const* inputs, Tensor* outputs,
              const RunEnvironment& environment) {
    Enter(environment);
    node_ = application.node;
    inputs_ = inputs;
    outputs_ = outputs;
    num_inputs_ = static_cast<int>(application.dtypes.size());
    num_outputs_ = application.node->num_outputs();
  }
};

[[noreturn]] void RethrowFrom(const Application& application) {
  try {
    throw;
  } catch (const Error& error) {
    const std::string_view what = error.what();
    if (what.find("[Op:") != what.npos || what.find("[op '") != what.npos) throw;
    throw error.With(" [Op:" + application.op->name + "]");
  } catch (const std::bad_alloc&) {
    throw ResourceExhausted("out of memory [Op:", application.op->name, "]");
  } catch (const std::length_error&) {  // of a vector for more elements than any memory holds
    throw ResourceExhausted("out of memory [Op:", application.op->name, "]");
  }
}

}  // namespace

EagerState& EagerState::Global() {
  static EagerState& state = *new EagerState;
  return state;
}

std::shared_ptr<const Application> FindApplication(const OpDef& op, std::span<const Tensor* const> inputs,
                                                   std::span<const int> lengths, const AttrMap& attrs) {
  static Applications& applications = *new Applications;
  return applications.Find({op, inputs, lengths, attrs});
}

const Node& NodeOf(const Application& application) {
  return *application.node;
}

bool MayWait(const Application& application) {
  return application.may_wait;
}

void RunKernel(const Application& application, const Tensor* const* inputs, Tensor* outputs, ResourceManager& resources,
               FunctionRunner& functions) {
  CallContext context(application, inputs, outputs, {resources, functions});
  try {
    if (application.variables.empty()) return application.kernel(context);
    VariableLocks locks;
    locks.Take(application.variables, inputs);
    application.kernel(context);
  } catch (...) {
    RethrowFrom(application);
  }
}

void RunApplication(const std::shared_ptr<const Application>& application, std::span<const EagerValue* const> inputs,
                    EagerValue* outputs) {
  constexpr size_t kUsual = 8;
  const size_t count = static_cast<size_t>(application->node->num_outputs());
  const Tensor* usual_pointers[kUsual];
  Tensor usual_results[kUsual];
  std::vector<const Tensor*> many_pointers;
  std::vector<Tensor> many_results;
  const Tensor** pointers = usual_pointers;
  Tensor* results = usual_results;
  if (inputs.size() > kUsual) pointers = (many_pointers.resize(inputs.size()), many_pointers.data());
  if (count > kUsual) results = (many_results.resize(count), many_results.data());
  for (size_t i = 0; i < inputs.size(); ++i) pointers[i] = &inputs[i]->value;
  EagerState& state = EagerState::Global();
  RunKernel(*application, pointers, results, state.resources, state.functions);
  for (size_t i = 0; i < count; ++i) outputs[i] = NewEagerValue(std::move(results[i]));
  RecordOnTapes(application, inputs, {outputs, count});
}

std::vector<Tensor> Execute(std::string_view op_name, const std::vector<std::vector<Tensor>>& arguments,
                            const AttrMap& attrs, ResourceManager& resources) {
  std::vector<const Tensor*> inputs;
  std::vector<int> lengths;
  for (const auto& tensors : arguments) {
    lengths.push_back(static_cast<int>(tensors.size()));
    for (const Tensor& tensor : tensors) inputs.push_back(&tensor);
  }
  const auto application = FindApplication(OpRegistry::Global().Find(op_name), inputs, lengths, attrs);
  std::vector<Tensor> outputs(application->node->num_outputs());
  Functions functions([](const std::string& name) { return Graph::Current().FindFunction(name); }, resources, {});
  RunKernel(*application, inputs.data(), outputs.data(), resources, functions);
  return outputs;
}

}  // namespace headrace
