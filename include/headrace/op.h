// The op registry: what an op is. An op is declared once (see ops/declare.h for DEFINE_OP) with its signature,
// attributes, shape rule, effects, kernel and gradient; everything else is derived from the declaration.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "headrace/cancellation.h"
#include "headrace/graph.h"
#include "headrace/op_traits.h"
#include "headrace/resource.h"

namespace headrace {

class ThreadPool;

// ---------------------------------------------------------------------------------------------------------- effects
// Merging, fusing, in-place reuse and scheduling consult only this.
struct Effects {
  bool stateful = false;           // may give another result on the same inputs: never folded or merged
  bool random = false;             // draws random numbers (implies stateful)
  bool blocking = false;           // may wait: never runs on a compute thread that others need
  bool keep = false;               // runs for its side effect even if nobody uses its outputs, once it is a target
  std::vector<int> reads, writes;  // arguments (positions in OpDef::inputs) that are references or resources
  bool pure() const { return !stateful && !random && !blocking && reads.empty() && writes.empty(); }
};

// ------------------------------------------------------------------------------------------------------------ shapes
class ShapeContext {
 public:
  ShapeContext(const Node& node, std::vector<PartialShape>* outputs) : node_(node), outputs_(*outputs) {}
  const Node& node() const { return node_; }
  int num_inputs() const { return static_cast<int>(node_.inputs().size()); }
  const PartialShape& input(int i) const { return node_.input(i).shape(); }
  // As input(i), checked. Errors: InvalidArgument naming node and input.
  PartialShape WithRank(int i, int rank) const;
  PartialShape WithRankAtLeast(int i, int rank) const;
  // The value of input i if all of it is known before a run; nullptr if not.
  const Tensor* constant(int i) const;
  // What is known of a scalar or vector of integers, element by element; nullopt if nothing.
  std::optional<StaticValue> value(int i) const { return values_.Of(node_.input(i)); }
  template <class T>
  const T& attr(std::string_view name) const {
    return node_.attr<T>(name);
  }
  void set_output(int i, const PartialShape& shape) { outputs_.at(i) = shape; }
  // The shape that an int32/int64 vector input describes (-1 is unknown), as far as it is known.
  PartialShape ShapeFromInput(int i) const;

 private:
  const Node& node_;
  std::vector<PartialShape>& outputs_;
  mutable StaticValues values_;
  mutable std::vector<std::unique_ptr<Tensor>> constants_;  // made of static values
};
// A shape rule, and what it says in words: "as `x`" (for documentation; may be empty).
struct ShapeFunction : std::function<void(ShapeContext&)> {
  ShapeFunction() = default;
  template <class F>
  requires std::is_invocable_v<F&, ShapeContext&> ShapeFunction(F rule, std::string words = {})  // NOLINT
      : function(std::move(rule)), words(std::move(words)) {}
  std::string words;
};

ShapeFunction SameAsInput(int i);
ShapeFunction ScalarShape();        // all outputs are scalars
ShapeFunction BroadcastOfInputs();  // output 0: all inputs broadcast together
ShapeFunction UnknownShape();

// ----------------------------------------------------------------------------------------------------------- kernels
// The memory in which a function's body runs, for one run at a time. A kernel that calls a function again and again (a
// loop) takes a frame once.
class FunctionFrame {
 public:
  // Runs the body: `args` and `results` are as many as the function has, and may be the same tensors. `args` are moved
  // from: what nobody else holds, the body may overwrite. Errors: InvalidArgument (number, dtype or shape of the
  // arguments), ResourceExhausted (functions that call each other too deep), what the kernels throw.
  virtual void Run(std::span<Tensor> args, std::span<Tensor> results, const Cancellation* cancellation) = 0;

 protected:
  virtual ~FunctionFrame() = default;
  virtual void Return() noexcept = 0;  // to the pool it is from
  friend struct ReturnFrame;
};
struct ReturnFrame {
  void operator()(FunctionFrame* frame) const noexcept { frame->Return(); }
};
using FrameHandle = std::unique_ptr<FunctionFrame, ReturnFrame>;

// A function ready to run: its body is compiled and its kernels are made. Any thread. Must not outlive the runner that
// prepared it.
class PreparedFunction {
 public:
  virtual ~PreparedFunction() = default;
  virtual const Function& function() const = 0;
  virtual FrameHandle TakeFrame() const = 0;  // an idle one, or a new one
  void Call(std::span<Tensor> args, std::span<Tensor> results, const Cancellation* cancellation) const {
    TakeFrame()->Run(args, results, cancellation);
  }
  std::vector<Tensor> Call(std::vector<Tensor> args, const Cancellation* cancellation) const;
};

// Finds the functions of a graph's library and prepares them; given to kernels that call functions.
class FunctionRunner {
 public:
  virtual ~FunctionRunner() = default;
  // The function, compiled at the first call and kept, by name and bound attributes. Cheap: a look into a table.
  // Errors: NotFound; what compiling throws.
  virtual std::shared_ptr<const PreparedFunction> Prepare(const FunctionRef& function) = 0;
  // The same for a function that need not be in the library; compiled at every call.
  virtual std::shared_ptr<const PreparedFunction> PrepareLoose(std::shared_ptr<const Function> function) = 0;
  virtual std::shared_ptr<const Function> Find(const std::string& function) const = 0;  // nullptr if absent
  // A runner of the same library and resources, whose kernels have a state of their own (random generators). Outlives
  // this one.
  virtual std::shared_ptr<FunctionRunner> NewScope() = 0;
  // The convenient way for a kernel that calls once.
  std::vector<Tensor> Call(const FunctionRef& function, std::vector<Tensor> args, const Cancellation* cancellation) {
    return Prepare(function)->Call(std::move(args), cancellation);
  }
};

// What a kernel sees while it runs. Inputs of reference type arrive as resource tensors that hold a VariableState.
class KernelContext {
 public:
  virtual ~KernelContext() = default;
  const Node& node() const { return *node_; }  // for error messages; attributes are read when the kernel is made
  int num_inputs() const { return num_inputs_; }
  int num_outputs() const { return num_outputs_; }
  const Tensor& input(int i) const { return *inputs_[i]; }
  // The variable behind a reference or resource input.
  VariableState& variable(int i) const;
  template <class T>
  std::shared_ptr<T> resource(int i) const {
    auto typed = std::dynamic_pointer_cast<T>(input(i).object());
    if (!typed) throw InvalidArgument("input ", i, " of ", node().name(), " is a ", input(i).object()->DebugString());
    return typed;
  }
  // Makes output i with uninitialised contents (its dtype is the node's), in planned memory where there is some.
  Tensor& AllocateOutput(int i, const Shape& shape);
  // The same, in the buffer of input `from` if nobody needs that any more and the sizes agree.
  Tensor& ReuseOrAllocateOutput(int from, int i, const Shape& shape);
  void set_output(int i, Tensor value) { outputs_[i] = std::move(value); }
  bool output_needed(int i) const { return !needed_ || needed_[i]; }  // somebody uses output i
  // Uninitialised scratch memory that lives until the kernel returns.
  Tensor Scratch(DType dtype, const Shape& shape) { return AllocateScratch(dtype, shape); }
  virtual ThreadPool& pool() = 0;
  virtual ResourceManager& resources() = 0;
  virtual FunctionRunner& functions() = 0;
  virtual const Cancellation* cancellation() const = 0;  // of the run; may be null
  bool cancelled() const { return cancellation() && cancellation()->cancelled(); }

 protected:
  virtual Tensor Allocate(int output, DType dtype, const Shape& shape) = 0;
  virtual bool MayReuse(int input, int output) = 0;
  virtual Tensor AllocateScratch(DType dtype, const Shape& shape) = 0;
  const Node* node_ = nullptr;
  const Tensor* const* inputs_ = nullptr;
  Tensor* outputs_ = nullptr;
  const bool* needed_ = nullptr;
  int num_inputs_ = 0, num_outputs_ = 0;
};

using Kernel = std::function<void(KernelContext&)>;
// Makes the kernel of one node: attributes are read here, once, not in every run.
using KernelFactory = std::function<Kernel(const Node&)>;

// Elementwise ops: out[i] = f(in[0][i], in[1][i], ...) over n contiguous elements. From one such function a signature
// (the inputs' dtypes and the output's) come the standalone, the broadcast and the fused form.
using TileFunction = void (*)(const void* const* inputs, void* output, int64_t n);
struct Lanes {
  static constexpr int kMaxArity = 4;
  struct Signature {
    std::array<DType, kMaxArity> inputs{};  // kInvalid behind the last
    DType output = DType::kInvalid;
    bool operator==(const Signature&) const = default;
  };
  struct Function {
    Signature signature;
    TileFunction tile = nullptr;
    // The same where operand k is one number that serves all elements; null where there is no such loop.
    std::array<TileFunction, kMaxArity> with_number{};
  };
  int arity = 0;
  std::vector<Function> functions;

  static Signature SignatureOf(const Node& node);  // of at most kMaxArity inputs
  // nullptr if there is none.
  const Function* Find(const Signature& signature) const;
  // For the node's dtypes; nullptr if there is none, or the node has not `arity` inputs.
  const Function* Find(const Node& node) const;
  // For this dtype in and out.
  TileFunction Tile(DType dtype) const;
  explicit operator bool() const { return arity > 0; }
};

// --------------------------------------------------------------------------------------------------------- gradients
// A gradient: dense (values only), sparse rows (tf.IndexedSlices), or none.
struct Gradient {
  Gradient() = default;
  Gradient(Output values) : values(values) {}  // NOLINT
  Gradient(Output values, Output indices, Output dense_shape)
      : values(values), indices(indices), dense_shape(dense_shape) {}
  explicit operator bool() const { return static_cast<bool>(values); }
  bool sparse() const { return static_cast<bool>(indices); }
  Output values, indices, dense_shape;
};

// The dense tensor that a gradient stands for, built on the current graph; an undefined Output for an empty one.
Output Densify(const Gradient& gradient);

// What a gradient function sees: the forward node and the gradients of its outputs. It builds nodes on the current
// graph and returns one gradient an input (flat), {} for none.
class Backward {
 public:
  Backward(Node* node, std::vector<Gradient> dys) : node_(node), dys_(std::move(dys)) {}
  Node* node() const { return node_; }
  Output x(int i = 0) const { return node_->input(i); }
  Output y(int i = 0) const { return node_->output(i); }
  Output dy(int i = 0) const;  // dense; zeros if the output was not used
  const Gradient& gradient(int i = 0) const { return dys_.at(i); }
  template <class T>
  const T& attr(std::string_view name) const {
    return node_->attr<T>(name);
  }
  template <class... Gradients>
  void Return(Gradients... gradients) {
    result_ = {Gradient(gradients)...};
  }
  void ReturnList(std::vector<Gradient> gradients) { result_ = std::move(gradients); }
  const std::vector<Gradient>& result() const { return result_; }

 private:
  Node* node_;
  std::vector<Gradient> dys_;
  std::vector<Gradient> result_;
};
using GradientFunction = std::function<void(Backward&)>;

// -------------------------------------------------------------------------------------------------------- definition
struct OpArg {
  std::string name;
  DType dtype = DType::kInvalid;  // fixed, else one of:
  std::string type_attr;          // "T"
  std::string type_list_attr;     // "Tout": one tensor for each type in the list
  std::string number_attr;        // "N": that many tensors of the one type
  bool is_ref = false;
};

struct OpAttr {
  std::string name;
  std::string type;  // "int", "float", "bool", "string", "type", "shape", "tensor", "func", "list(int)", ...
  std::optional<AttrValue> default_value;
  std::vector<DType> allowed_types;
  std::vector<std::string> allowed_strings;
  std::optional<int64_t> minimum;  // of an int, or of a list's length
};

// What an op does to the flow of a v1 graph, in which a tensor may be dead (its branch was not taken) and a node may
// run once an iteration of the frame that an Enter opened.
enum class Flow : uint8_t {
  kNone,
  kSwitch,         // input 0 goes to output 0 or 1, as the bool input 1 says; the other is dead
  kMerge,          // output 0 is the input that is not dead, output 1 its number
  kEnter,          // into the frame of the attribute frame_name
  kExit,           // out of it
  kNextIteration,  // the only edge that leads back
  kLoopCond,       // whether the frame goes round once more
};

// What an op does with the functions that its attributes name. Gradients go through them by this.
enum class Calls : uint8_t {
  kNone,
  kOnce,    // the function of attribute "f", on all inputs
  kBranch,  // one of "then_branch" and "else_branch", or of "branches", as input 0 says, on the other inputs
  kLoop,    // "body" on all inputs, again on its results as long as "cond" of them holds
};

struct OpDef {
  std::string name;
  std::string family;  // the folder of its declaration: "math"; empty for those that only plans use
  std::string doc;     // one sentence or more, for documentation; may be empty
  std::vector<OpArg> inputs, outputs;
  std::vector<OpAttr> attrs;
  Effects effects;
  Traits traits;
  ShapeFunction shape;
  KernelFactory kernel;       // empty for ops that only exist in graphs (NoOp has one; Placeholder has none)
  GradientFunction gradient;  // empty: not differentiable unless no_gradient
  bool no_gradient = false;   // declared to pass none
  Flow flow = Flow::kNone;
  Calls calls = Calls::kNone;
  bool reuses_input = false;  // the kernel calls ReuseOrAllocateOutput
  Lanes lanes;                // of elementwise ops

  const OpAttr* FindAttr(std::string_view name) const;
};

class OpRegistry {
 public:
  static OpRegistry& Global();
  void Register(OpDef def);                        // errors: AlreadyExists
  const OpDef& Find(std::string_view name) const;  // errors: NotFound, with the nearest names
  const OpDef* FindOrNull(std::string_view name) const;
  std::vector<const OpDef*> All() const;  // by name

 private:
  std::map<std::string, OpDef, std::less<>> ops_;
};

}  // namespace headrace
