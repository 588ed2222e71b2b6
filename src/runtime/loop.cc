// The op of a raised loop. Its two parts are compiled in the first run, when the resources are known.
#include "runtime/loop.h"

#include <mutex>
#include <span>
#include <vector>

#include "headrace/op.h"

namespace headrace {
namespace {

// An iteration is one run of a function's frame, whose results go round as the next one's arguments.
class LoopRunner {
 public:
  explicit LoopRunner(std::shared_ptr<const LoopBody> body) : body_(std::move(body)) {}

  void Run(KernelContext& c) {
    std::call_once(prepared_, [&] {
      first_ = c.functions().PrepareLoose(body_->first);
      iteration_ = c.functions().PrepareLoose(body_->iteration);
    });
    const auto variables = static_cast<size_t>(body_->num_variables);
    std::vector<Tensor> args(body_->first->args.size()), results(variables + 1);
    const auto take = [&](size_t begin) {
      for (size_t i = begin; i < args.size(); ++i) args[i] = c.input(static_cast<int>(i));
    };
    take(0);
    first_->Call(args, std::span(results).first(1), c.cancellation());
    bool more = *results[0].data<bool>();
    take(0);
    if (more) {
      const FrameHandle frame = iteration_->TakeFrame();
      do {
        if (c.cancelled()) c.cancellation()->Throw();
        frame->Run(args, results, c.cancellation());
        more = *results[variables].data<bool>();
        for (size_t i = 0; i < variables; ++i) args[i] = std::move(results[i]);
        if (more) take(variables);
      } while (more);
    }
    for (size_t i = 0; i < variables; ++i) c.set_output(static_cast<int>(i), std::move(args[i]));
  }

 private:
  std::shared_ptr<const LoopBody> body_;
  std::once_flag prepared_;
  std::shared_ptr<const PreparedFunction> first_, iteration_;
};

const bool registered = [] {
  OpDef op;
  op.name = "_Loop";
  op.inputs = {{.name = "variables", .type_list_attr = "Tvariables"},
               {.name = "shared", .type_list_attr = "Tshared"},
               {.name = "references", .type_list_attr = "Treferences", .is_ref = true}};
  op.outputs = {{.name = "results", .type_list_attr = "Tvariables"}};
  op.attrs = {{.name = "Tvariables", .type = "list(type)"},
              {.name = "Tshared", .type = "list(type)"},
              {.name = "Treferences", .type = "list(type)"},
              {.name = "body", .type = "tensor"},
              {.name = "origin", .type = "string"}};
  op.effects.writes = {0, 1, 2};  // what its nodes do to what they are given is not known here
  op.no_gradient = true;
  op.calls = Calls::kLoop;
  op.kernel = [](const Node& node) -> Kernel {
    auto body = std::static_pointer_cast<const LoopBody>(node.attr<Tensor>("body").object());
    auto runner = std::make_shared<LoopRunner>(std::move(body));
    return [runner](KernelContext& c) { runner->Run(c); };
  };
  OpRegistry::Global().Register(std::move(op));
  return true;
}();

}  // namespace
}  // namespace headrace
