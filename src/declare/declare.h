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
// What other code must know of an op (it forwards an input, how it works on a block of records, ...) is declared too.
// tools/generate_ops.py reads these declarations as text and writes the C++ builders and Python wrappers of them.
#pragma once

#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "declare/rules.h"
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
std::string FolderOf(std::string_view file);  // "src/ops/math/unary.cc": "math"
void FinishAndRegister(OpDef op);
template <class Out, class... In, class F>
void AddLane(Lanes* lanes, F f) {
  static_assert(std::is_empty_v<F>, "a lane function captures nothing");
  static_assert(sizeof...(In) <= Lanes::kMaxArity);
  lanes->arity = sizeof...(In);
  lanes->functions.push_back({{{DTypeOf<In>...}, DTypeOf<Out>}, LaneLoopFor<Out, In...>(f)});
}
template <size_t, class T>
using Repeat = T;
// All inputs of T, and the output too unless the function is a predicate. (Arithmetic on small integers gives int.)
template <class T, class F, size_t... I>
void AddUniformLane(Lanes* lanes, F f, std::index_sequence<I...>) {
  using Result = std::invoke_result_t<F, Repeat<I, T>...>;
  AddLane<std::conditional_t<std::is_same_v<Result, bool>, bool, T>, Repeat<I, T>...>(lanes, f);
}
template <class F, class... Ts>
void AddLanes(Lanes* lanes, F f, LaneTypes<Ts...>) {
  (AddUniformLane<Ts>(lanes, f, std::make_index_sequence<LaneArity<Ts, F>()>()), ...);
}
// The signature as a function type: Out(In...).
template <class Signature>
struct LaneOfSignature;
template <class Out, class... In>
struct LaneOfSignature<Out(In...)> {
  template <class F>
  static void Add(Lanes* lanes, F f) {
    AddLane<Out, In...>(lanes, f);
  }
};
}  // namespace internal

// Lanes outside of a declaration: a generic function of scalars of one type, for each of the types.
template <class... Ts, class F>
Lanes LanesOf(F f) {
  Lanes lanes;
  internal::AddLanes(&lanes, f, LaneTypes<Ts...>());
  return lanes;
}

// The standalone kernel of an elementwise op, with broadcasting: made from its lanes.
Kernel ElementwiseKernel(const Node& node, const Lanes& lanes);

template <class Types = LaneTypes<float, double>>
class OpDeclaration {
 public:
  OpDeclaration(const char* name, std::string_view file) {
    op_.name = name;
    op_.family = internal::FolderOf(file);
  }
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
  // Sentences about what the op computes, for documentation.
  OpDeclaration&& Doc(std::string_view doc) && {
    op_.doc = doc;
    return std::move(*this);
  }
  OpDeclaration&& Shape(ShapeFunction shape) && {
    op_.shape = std::move(shape);
    return std::move(*this);
  }
  // With what the rule says in words: "[rows, columns] of the product".
  template <class F>
  OpDeclaration&& Shape(F shape, std::string_view words) && {
    op_.shape = ShapeFunction(std::move(shape), std::string(words));
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
    internal::AddLanes(&op_.lanes, f, Types());
    return std::move(*this);
  }
  // The same for some of the allowed types only; .Kernel serves the others.
  template <class Set, class F>
  OpDeclaration&& Lane(TypeSet<Set>, F f) && {
    internal::AddLanes(&op_.lanes, f, Set());
    return std::move(*this);
  }
  // Elementwise on scalars of several types: each signature as a function type, float(bool, float, float).
  template <class... Signatures, class F>
  OpDeclaration&& LaneOf(F f) && {
    (internal::LaneOfSignature<Signatures>::Add(&op_.lanes, f), ...);
    return std::move(*this);
  }
  // Elementwise by functions that were made elsewhere.
  OpDeclaration&& Lane(Lanes lanes) && {
    op_.lanes = std::move(lanes);
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

  OpDeclaration&& Flow(headrace::Flow flow) && {
    op_.flow = flow;
    return std::move(*this);
  }
  OpDeclaration&& Calls(headrace::Calls calls) && {
    op_.calls = calls;
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

  // --- what other code may ask (headrace/op_traits.h) ---
  OpDeclaration&& Forwards(int input) && {
    op_.traits.forwards = input;
    return std::move(*this);
  }
  OpDeclaration&& IsConstant() && {
    op_.traits.constant = true;
    return std::move(*this);
  }
  OpDeclaration&& IsPlaceholder() && {
    op_.traits.placeholder = true;
    return std::move(*this);
  }
  OpDeclaration&& IsHandle() && {
    op_.traits.handle = true;
    return std::move(*this);
  }
  OpDeclaration&& MakesDataset() && {
    op_.traits.makes_dataset = true;
    return std::move(*this);
  }
  OpDeclaration&& OnlyOrders() && {
    op_.traits.only_orders = true;
    return std::move(*this);
  }
  OpDeclaration&& OnlyChecks() && {
    op_.traits.only_checks = true;
    return std::move(*this);
  }
  OpDeclaration&& NeverFails() && {
    op_.traits.never_fails = true;
    return std::move(*this);
  }
  // Of an op with lanes: its operands are all of one shape.
  OpDeclaration&& SameShapes() && {
    op_.traits.same_shapes = true;
    return std::move(*this);
  }
  OpDeclaration&& Value(ValueRule rule) && {
    op_.traits.value = std::move(rule);
    return std::move(*this);
  }
  // Elementwise with broadcasting, by a kernel of its own instead of lanes.
  OpDeclaration&& Elementwise() && {
    op_.traits.lift = LiftElementwise;
    return std::move(*this);
  }
  OpDeclaration&& Lift(LiftRule rule) && {
    op_.traits.lift = std::move(rule);
    return std::move(*this);
  }
  OpDeclaration&& DecodesLines(LineDecoderFactory factory) && {
    op_.traits.lines = std::move(factory);
    return std::move(*this);
  }
  OpDeclaration&& Lower(LowerRule rule) && {
    op_.traits.lower = std::move(rule);
    return std::move(*this);
  }
  OpDeclaration&& TakesEpilogue(EpilogueKernelFactory kernel) && {
    op_.traits.takes_epilogue = std::move(kernel);
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
      ::headrace::OpDeclaration<>(name, __FILE__)

}  // namespace headrace
