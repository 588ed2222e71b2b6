// Stacks: what 1.15's gradients of loops keep values in. A stack lives for a run; pushes and pops are ordered by the
// graph's edges.
#include <mutex>
#include <vector>

#include "declare/declare.h"

namespace headrace {
namespace {

class Stack final : public Object {
 public:
  Stack(std::string name, DType dtype, int64_t most) : name_(std::move(name)), dtype_(dtype), most_(most) {}
  std::string DebugString() const override { return "Stack(" + name_ + ")"; }

  void Push(const Tensor& value) {
    const std::lock_guard lock(mutex_);
    if (closed_) throw InvalidArgument("Stack[", name_, "] has already been closed.");
    if (value.dtype() != dtype_) {
      throw InvalidArgument("Must have type ", dtype_, " but got ", value.dtype(), " for Stack[", name_, "]");
    }
    if (most_ >= 0 && static_cast<int64_t>(values_.size()) >= most_) {
      throw InvalidArgument("Stack[", name_, "] overflowed its max_size (", most_, ")");
    }
    values_.push_back(value);
  }
  Tensor Pop() {
    const std::lock_guard lock(mutex_);
    if (closed_) throw InvalidArgument("Stack[", name_, "] has already been closed.");
    if (values_.empty()) throw InvalidArgument("Stack[", name_, "] is empty when calling Pop().");
    Tensor value = std::move(values_.back());
    values_.pop_back();
    return value;
  }
  void Close() {
    const std::lock_guard lock(mutex_);
    values_.clear();
    closed_ = true;
  }

 private:
  const std::string name_;
  const DType dtype_;
  const int64_t most_;  // -1: any number
  std::mutex mutex_;
  std::vector<Tensor> values_;
  bool closed_ = false;
};

std::string NameOf(const Node& node) {
  const std::string& given = node.attr<std::string>("stack_name");
  return given.empty() ? node.name() : given;
}

DEFINE_OP("StackV2")
    .Input("max_size: int32")
    .Output("handle: resource")
    .Attr("elem_type: type")
    .Attr("stack_name: string = ''")
    .Shape(ScalarShape())
    .Kernel([](const Node& node) -> Kernel {
      return [name = NameOf(node), dtype = node.attr<DType>("elem_type")](KernelContext& c) {
        if (c.input(0).num_elements() != 1) {
          throw InvalidArgument("Stack size must be a scalar, got shape ", c.input(0).shape());
        }
        c.set_output(0, Tensor::Resource(std::make_shared<Stack>(name, dtype, c.input(0).AsInt64())));
      };
    })
    .Stateful()
    .NoGradient();

DEFINE_OP("StackPushV2")
    .Input("handle: resource")
    .Input("elem: T")
    .Output("output: T")
    .Attr("T: type")
    .Attr("swap_memory: bool = false")
    .Shape(SameAsInput(1))
    .Kernel([](KernelContext& c) {
      c.resource<Stack>(0)->Push(c.input(1));
      c.set_output(0, c.input(1));
    })
    .Stateful()
    .Keep()
    .NoGradient();

DEFINE_OP("StackPopV2")
    .Input("handle: resource")
    .Output("elem: elem_type")
    .Attr("elem_type: type")
    .Kernel([](const Node& node) -> Kernel {
      return [dtype = node.attr<DType>("elem_type")](KernelContext& c) {
        Tensor value = c.resource<Stack>(0)->Pop();
        if (value.dtype() != dtype) {
          throw InvalidArgument("Must have type ", dtype, " but the stack holds ", value.dtype());
        }
        c.set_output(0, std::move(value));
      };
    })
    .Stateful()
    .Keep()
    .NoGradient();

DEFINE_OP("StackCloseV2")
    .Input("handle: resource")
    .Kernel([](KernelContext& c) { c.resource<Stack>(0)->Close(); })
    .Stateful()
    .Keep()
    .NoGradient();

}  // namespace
}  // namespace headrace
