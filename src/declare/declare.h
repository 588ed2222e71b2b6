// DEFINE_OP declares an op, whole, in one place: signature, attributes, shape rule, effects, kernel, gradient.
//
//   DEFINE_OP("Softplus")
//       .Input("features: T").Output("activations: T").Attr("T", kFloating)
//       .Shape(SameAsInput(0))
//       .Lane([](auto x) { return Log1p(Exp(-Abs(x))) + Max(x, Zero(x)); })
//       .Gradient([](Backward& b) { b.Return(b.dy() * Sigmoid(b.x())); });
//
// Arguments and attributes are written as TensorFlow's OpDefs write them: "x: T", "values: N * T", "ref: Ref(T)",
// "components: Tout", "T: {float, double} = DT_FLOAT", "N: int >= 1", "padding: {'SAME', 'VALID'}", "shape: shape".
// An op that differs from another only in what it computes takes that one's by .SameSignatureAs("Other").
// tools/generate_ops.py reads these declarations as text and writes the C++ builders and Python wrappers of them.
#pragma once

#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include "headrace/op.h"
#include "kernels/lanes.h"

namespace headrace {

// Types that an attribute allows, and those of them for which a lane function is instantiated; the others run through
// the nearest of these, a tile at a time (half and bfloat16 through float, small integers through int32).
template <class... Ts>
struct LaneTypes {};
template <class Types>
struct TypeSet {
  std::string_view types;
};
inline constexpr TypeSet<LaneTypes<float, double>> kFloating{"bfloat16, half, float, double"};
inline constexpr TypeSet<LaneTypes<float, double, int32_t, int64_t>> kSigned{
    "bfloat16, half, float, double, int8, int16, int32, int64"};
inline constexpr TypeSet<LaneTypes<float, double, int32_t, int64_t>> kReal{
    "float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64"};
inline constexpr TypeSet<LaneTypes<int32_t, int64_t>> kIndex{"int32, int64"};

namespace internal {
void AddArgument(OpDef* op, std::string_view spec, bool is_input);
void AddAttr(OpDef* op, std::string_view spec);
void CopySignature(OpDef* op, std::string_view from);
void FinishAndRegister(OpDef op);
template <size_t, class T>
using Repeat = T;
// All inputs of T, and the output too unless the function is a predicate. (Arithmetic on small integers gives int.)
template <class T, class F, size_t... I>
LaneFunction UniformLane(F f, std::index_sequence<I...>) {
  using Result = std::invoke_result_t<F, Repeat<I, T>...>;
  return LaneLoopFor<std::conditional_t<std::is_same_v<Result, bool>, bool, T>, Repeat<I, T>...>(f);
}
template <class T, class F>
void AddLane(OpDef* op, F f) {
  static_assert(std::is_empty_v<F>, "a lane function captures nothing");
  op->lanes.arity = LaneArity<T, F>();
  op->lanes.by_dtype[static_cast<size_t>(DTypeOf<T>)] =
      UniformLane<T>(f, std::make_index_sequence<LaneArity<T, F>()>());
}
template <class F, class... Ts>
void AddLanes(OpDef* op, F f, LaneTypes<Ts...>) {
  (AddLane<Ts>(op, f), ...);
}
}  // namespace internal

// The standalone kernel of an elementwise op, with broadcasting: made from its lanes.
Kernel ElementwiseKernel(const Node& node, const Lanes& lanes);

template <class Types = LaneTypes<float, double>>
class OpDeclaration {
 public:
  explicit OpDeclaration(const char* name) { op_.name = name; }
  explicit OpDeclaration(OpDef op) : op_(std::move(op)) {}

  // The inputs, outputs, attributes and shape rule of an op declared above in the same file; more may follow.
  OpDeclaration&& SameSignatureAs(std::string_view op) && {
    internal::CopySignature(&op_, op);
    return std::move(*this);
  }
  OpDeclaration&& Input(std::string_view spec) && {
    internal::AddArgument(&op_, spec, true);
    return std::move(*this);
  }
  OpDeclaration&& Output(std::string_view spec) && {
    internal::AddArgument(&op_, spec, false);
    return std::move(*this);
  }
  OpDeclaration&& Attr(std::string_view spec) && {
    internal::AddAttr(&op_, spec);
    return std::move(*this);
  }
  template <class Set>
  OpDeclaration<Set> Attr(std::string_view name, TypeSet<Set> set) && {
    internal::AddAttr(&op_, std::string(name) + ": {" + std::string(set.types) + "}");
    return OpDeclaration<Set>(std::move(op_));
  }
  OpDeclaration&& Shape(ShapeFunction shape) && {
    op_.shape = std::move(shape);
    return std::move(*this);
  }

  // A function of one run, or of a node that reads its attributes and makes the function of its runs.
  template <class F>
  OpDeclaration&& Kernel(F kernel) && {
    if constexpr (std::is_invocable_v<F, KernelContext&>) {
      op_.kernel = [kernel](const Node&) -> headrace::Kernel { return kernel; };
    } else {
      op_.kernel = std::move(kernel);
    }
    return std::move(*this);
  }
  // Elementwise: a generic function of scalars of one type. The kernel follows from it.
  template <class F>
  OpDeclaration&& Lane(F f) && {
    internal::AddLanes(&op_, f, Types());
    return std::move(*this);
  }
  // The same for some of the allowed types only; .Kernel serves the others.
  template <class Set, class F>
  OpDeclaration&& Lane(TypeSet<Set>, F f) && {
    internal::AddLanes(&op_, f, Set());
    return std::move(*this);
  }
  // The kernel may write its output into the buffer of an input (it calls ReuseOrAllocateOutput).
  OpDeclaration&& ReusesInput() && {
    op_.reuses_input = true;
    return std::move(*this);
  }

  OpDeclaration&& Gradient(GradientFunction gradient) && {
    op_.gradient = std::move(gradient);
    return std::move(*this);
  }
  // Gradients do not pass through: its inputs get none, silently.
  OpDeclaration&& NoGradient() && {
    op_.no_gradient = true;
    return std::move(*this);
  }

  OpDeclaration&& Stateful() && {
    op_.effects.stateful = true;
    return std::move(*this);
  }
  OpDeclaration&& Random() && {
    op_.effects.stateful = op_.effects.random = true;
    return std::move(*this);
  }
  OpDeclaration&& Blocking() && {
    op_.effects.blocking = true;
    return std::move(*this);
  }
  OpDeclaration&& Keep() && {
    op_.effects.keep = true;
    return std::move(*this);
  }
  OpDeclaration&& Reads(int argument) && {
    op_.effects.reads.push_back(argument);
    return std::move(*this);
  }
  OpDeclaration&& Writes(int argument) && {
    op_.effects.writes.push_back(argument);
    return std::move(*this);
  }

 private:
  friend struct OpRegistration;
  OpDef op_;
};

struct OpRegistration {
  template <class Types>
  OpRegistration(OpDeclaration<Types>&& declaration) {  // NOLINT
    internal::FinishAndRegister(std::move(declaration.op_));
  }
};

#define HEADRACE_OP_VARIABLE_2(counter) op_registration_##counter
#define HEADRACE_OP_VARIABLE(counter) HEADRACE_OP_VARIABLE_2(counter)
#define DEFINE_OP(name)                                                                        \
  [[maybe_unused]] static const ::headrace::OpRegistration HEADRACE_OP_VARIABLE(__COUNTER__) = \
      ::headrace::OpDeclaration<>(name)

}  // namespace headrace
