// The primitives of v1 control flow. A plan's passes give them their meaning (runtime/liveness.h, RaiseLoops); run on
// their own, these kernels hand their input on.
#include <cstdio>
#include <cstdlib>

#include "declare/declare.h"

namespace headrace {
namespace {

void HandOn(KernelContext& c) {
  c.set_output(0, c.input(0));
}

// Output i is input i of the other kind's shape; a Switch has the shape twice.
void SwitchShape(ShapeContext& c) {
  c.WithRank(1, 0);
  c.set_output(0, c.input(0));
  c.set_output(1, c.input(0));
}

void SwitchKernel(KernelContext& c) {
  c.set_output(*c.input(1).data<bool>() ? 1 : 0, c.input(0));
}

// What all inputs agree on.
void MergeShape(ShapeContext& c) {
  c.set_output(1, Shape());
  PartialShape common = c.input(0);
  for (int i = 1; i < c.num_inputs(); ++i) {
    const PartialShape& other = c.input(i);
    if (!common.has_rank() || !other.has_rank() || common.rank() != other.rank()) return c.set_output(0, {});
    PartialShape both{std::initializer_list<int64_t>{}};
    for (int axis = 0; axis < common.rank(); ++axis) both.Append(common[axis] == other[axis] ? common[axis] : -1);
    common = both;
  }
  c.set_output(0, common);
}

void MergeKernel(KernelContext& c) {
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!c.input(i).defined()) continue;
    c.set_output(0, c.input(i));
    c.set_output(1, Tensor::Scalar(static_cast<int32_t>(i)));
    return;
  }
}

DEFINE_OP("Switch")
    .Input("data: T")
    .Input("pred: bool")
    .Output("output_false: T")
    .Output("output_true: T")
    .Attr("T: type")
    .Shape(SwitchShape)
    .Kernel(SwitchKernel)
    .Flow(Flow::kSwitch);

DEFINE_OP("RefSwitch")
    .Input("data: Ref(T)")
    .Input("pred: bool")
    .Output("output_false: Ref(T)")
    .Output("output_true: Ref(T)")
    .Attr("T: type")
    .Shape(SwitchShape)
    .Kernel(SwitchKernel)
    .Flow(Flow::kSwitch);

DEFINE_OP("Merge")
    .Input("inputs: N * T")
    .Output("output: T")
    .Output("value_index: int32")
    .Attr("T: type")
    .Attr("N: int >= 1")
    .Shape(MergeShape)
    .Kernel(MergeKernel)
    .Flow(Flow::kMerge);

DEFINE_OP("RefMerge")
    .Input("inputs: N * Ref(T)")
    .Output("output: Ref(T)")
    .Output("value_index: int32")
    .Attr("T: type")
    .Attr("N: int >= 1")
    .Shape(MergeShape)
    .Kernel(MergeKernel)
    .Flow(Flow::kMerge);

// A constant of the frame keeps its shape; what goes round may change it.
DEFINE_OP("Enter")
    .Input("data: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("frame_name: string")
    .Attr("is_constant: bool = false")
    .Attr("parallel_iterations: int = 10")
    .Shape([](ShapeContext& c) {
      if (c.attr<bool>("is_constant")) c.set_output(0, c.input(0));
    })
    .Kernel(HandOn)
    .Flow(Flow::kEnter);

DEFINE_OP("RefEnter")
    .Input("data: Ref(T)")
    .Output("output: Ref(T)")
    .Attr("T: type")
    .Attr("frame_name: string")
    .Attr("is_constant: bool = false")
    .Attr("parallel_iterations: int = 10")
    .Shape(SameAsInput(0))
    .Kernel(HandOn)
    .Flow(Flow::kEnter);

DEFINE_OP("Exit")
    .Input("data: T")
    .Output("output: T")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel(HandOn)
    .Flow(Flow::kExit);

DEFINE_OP("RefExit")
    .Input("data: Ref(T)")
    .Output("output: Ref(T)")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel(HandOn)
    .Flow(Flow::kExit);

DEFINE_OP("NextIteration")
    .Input("data: T")
    .Output("output: T")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel(HandOn)
    .Flow(Flow::kNextIteration);

DEFINE_OP("RefNextIteration")
    .Input("data: Ref(T)")
    .Output("output: Ref(T)")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel(HandOn)
    .Flow(Flow::kNextIteration);

DEFINE_OP("RefIdentity")
    .Input("input: Ref(T)")
    .Output("output: Ref(T)")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel(HandOn);

DEFINE_OP("LoopCond")
    .Input("input: bool")
    .Output("output: bool")
    .Shape([](ShapeContext& c) { c.set_output(0, c.WithRank(0, 0)); })
    .Kernel(HandOn)
    .Flow(Flow::kLoopCond)
    .NoGradient();

DEFINE_OP("ControlTrigger").Kernel([](KernelContext&) {}).NoGradient();

DEFINE_OP("Abort")
    .Attr("error_msg: string = ''")
    .Attr("exit_without_error: bool = false")
    .Kernel([](const Node& node) -> Kernel {
      return [message = node.attr<std::string>("error_msg"),
              quietly = node.attr<bool>("exit_without_error")](KernelContext&) {
        if (quietly) std::exit(0);
        std::fprintf(stderr, "%s\n", message.c_str());
        std::abort();
      };
    })
    .Stateful()
    .Keep()
    .NoGradient();

}  // namespace
}  // namespace headrace
