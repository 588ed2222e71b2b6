// Ops that call functions of the graph's library: conditionals, loops, plain calls. What the functions do to the
// resources they are given is not known here, so that the stateful kinds may write them all.
#include <algorithm>
#include <span>

#include "declare/declare.h"

namespace headrace {
namespace {

// What counts as true: a scalar other than zero or the empty string, any other tensor with elements.
bool IsTrue(const Tensor& condition) {
  if (condition.rank() > 0) return condition.num_elements() > 0;
  return condition.dtype() == DType::kString ? !condition.string().empty() : condition.AsDouble() != 0;
}

std::vector<Tensor> ArgumentsFrom(const KernelContext& c, int first) {
  std::vector<Tensor> args;
  args.reserve(static_cast<size_t>(c.num_inputs() - first));
  for (int i = first; i < c.num_inputs(); ++i) args.push_back(c.input(i));
  return args;
}

void CheckResults(const KernelContext& c, const FunctionRef& function, const std::vector<Tensor>& results) {
  if (static_cast<int>(results.size()) != c.num_outputs()) {
    throw InvalidArgument("function '", function.name, "' returns ", results.size(), " tensors, expected ",
                          c.num_outputs());
  }
  for (int i = 0; i < c.num_outputs(); ++i) {
    const DType dtype = results[static_cast<size_t>(i)].dtype();
    if (dtype != c.node().output_dtype(i)) {
      throw InvalidArgument("function '", function.name, "' returns ", dtype, " as output ", i, ", expected ",
                            c.node().output_dtype(i));
    }
  }
}

void CallWith(KernelContext& c, const FunctionRef& function, int first) {
  std::vector<Tensor> results = c.functions().Call(function, ArgumentsFrom(c, first), c.cancellation());
  CheckResults(c, function, results);
  for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, std::move(results[static_cast<size_t>(i)]));
}

Kernel IfKernel(const Node& node) {
  return [then_branch = node.attr<FunctionRef>("then_branch"), else_branch = node.attr<FunctionRef>("else_branch")](
             KernelContext& c) { CallWith(c, IsTrue(c.input(0)) ? then_branch : else_branch, 1); };
}

Kernel CaseKernel(const Node& node) {
  return [branches = node.attr<std::vector<FunctionRef>>("branches")](KernelContext& c) {
    const auto last = static_cast<int64_t>(branches.size()) - 1;
    int64_t index = c.input(0).AsInt64();
    if (index < 0 || index > last) index = last;  // the last is the default
    CallWith(c, branches[static_cast<size_t>(index)], 1);
  };
}

Kernel WhileKernel(const Node& node) {
  return [condition = node.attr<FunctionRef>("cond"), body = node.attr<FunctionRef>("body")](KernelContext& c) {
    const auto test = c.functions().Prepare(condition), step = c.functions().Prepare(body);
    if (test->function().results.size() != 1) {
      throw InvalidArgument("function '", condition.name, "' returns ", test->function().results.size(),
                            " tensors, expected a condition");
    }
    if (static_cast<int>(step->function().results.size()) != c.num_outputs()) {
      throw InvalidArgument("function '", body.name, "' returns ", step->function().results.size(),
                            " tensors, expected ", c.num_outputs());
    }
    const FrameHandle test_frame = test->TakeFrame(), step_frame = step->TakeFrame();
    std::vector<Tensor> state = ArgumentsFrom(c, 0), args;
    while (true) {
      if (c.cancelled()) c.cancellation()->Throw();
      Tensor more;
      args = state;
      test_frame->Run(args, std::span(&more, 1), c.cancellation());
      if (!IsTrue(more)) break;
      args.clear();
      step_frame->Run(state, state, c.cancellation());
      CheckResults(c, body, state);
    }
    for (int i = 0; i < c.num_outputs(); ++i) c.set_output(i, std::move(state[static_cast<size_t>(i)]));
  };
}

Kernel CallKernel(const Node& node) {
  return [function = node.attr<FunctionRef>("f")](KernelContext& c) { CallWith(c, function, 0); };
}

void ShapesOfAttribute(ShapeContext& c) {
  const auto& shapes = c.attr<std::vector<PartialShape>>("output_shapes");
  for (int i = 0; i < c.node().num_outputs() && static_cast<size_t>(i) < shapes.size(); ++i) {
    c.set_output(i, shapes[static_cast<size_t>(i)]);
  }
}

void WhileShape(ShapeContext& c) {
  ShapesOfAttribute(c);
  if (!c.attr<std::vector<PartialShape>>("output_shapes").empty()) return;
  for (int i = 0; i < c.num_inputs(); ++i) {  // a scalar of objects stays one
    const DType dtype = c.node().output_dtype(i);
    if (dtype == DType::kResource || dtype == DType::kVariant) c.set_output(i, c.input(i));
  }
}

// The shapes of the function's results.
void CallShape(ShapeContext& c) {
  const auto function = c.node().graph()->FindFunction(c.attr<FunctionRef>("f").name);
  if (!function) return;
  const size_t count = std::min(function->results.size(), static_cast<size_t>(c.node().num_outputs()));
  for (size_t i = 0; i < count; ++i) c.set_output(static_cast<int>(i), function->results[i].shape());
}

DEFINE_OP("If")
    .Input("cond: Tcond")
    .Input("input: Tin")
    .Output("output: Tout")
    .Attr("Tcond: type")
    .Attr("Tin: list(type) >= 0")
    .Attr("Tout: list(type) >= 0")
    .Attr("then_branch: func")
    .Attr("else_branch: func")
    .Attr("output_shapes: list(shape) = []")
    .Shape(ShapesOfAttribute)
    .Kernel(IfKernel)
    .Calls(Calls::kBranch)
    .Stateful()
    .Keep()
    .Writes(1);

DEFINE_OP("StatelessIf").SameSignatureAs("If").Kernel(IfKernel).Calls(Calls::kBranch);

DEFINE_OP("Case")
    .Input("branch_index: int32")
    .Input("input: Tin")
    .Output("output: Tout")
    .Attr("Tin: list(type) >= 0")
    .Attr("Tout: list(type) >= 0")
    .Attr("branches: list(func) >= 1")
    .Attr("output_shapes: list(shape) = []")
    .Shape(ShapesOfAttribute)
    .Kernel(CaseKernel)
    .Calls(Calls::kBranch)
    .Stateful()
    .Keep()
    .Writes(1);

DEFINE_OP("StatelessCase").SameSignatureAs("Case").Kernel(CaseKernel).Calls(Calls::kBranch);

DEFINE_OP("While")
    .Input("input: T")
    .Output("output: T")
    .Attr("T: list(type) >= 0")
    .Attr("cond: func")
    .Attr("body: func")
    .Attr("output_shapes: list(shape) = []")
    .Attr("parallel_iterations: int = 10")
    .Shape(WhileShape)
    .Kernel(WhileKernel)
    .Calls(Calls::kLoop)
    .Stateful()
    .Keep()
    .Writes(0);

DEFINE_OP("StatelessWhile").SameSignatureAs("While").Kernel(WhileKernel).Calls(Calls::kLoop);

DEFINE_OP("PartitionedCall")
    .Input("args: Tin")
    .Output("output: Tout")
    .Attr("Tin: list(type) >= 0")
    .Attr("Tout: list(type) >= 0")
    .Attr("f: func")
    .Attr("config: string = ''")
    .Attr("config_proto: string = ''")
    .Attr("executor_type: string = ''")
    .Shape(CallShape)
    .Kernel(CallKernel)
    .Calls(Calls::kOnce);

DEFINE_OP("StatefulPartitionedCall")
    .SameSignatureAs("PartitionedCall")
    .Kernel(CallKernel)
    .Calls(Calls::kOnce)
    .Stateful()
    .Keep()
    .Writes(0);

}  // namespace
}  // namespace headrace
