// The ops that passes put into plans: fed values, explicit reads of variables, fused programs. They are declared like
// any other, so that effects and kernels are found the same way, but never appear in a user's graph.
#include <algorithm>
#include <memory>
#include <optional>

#include "kernels/fused_program.h"
#include "runtime/plan_graph.h"

namespace headrace {
namespace {

std::shared_ptr<const FusedProgram> ProgramOf(const Node& node) {
  return std::static_pointer_cast<const FusedProgram>(node.attr<Tensor>("program").object());
}

// Makes output `o`, in the memory of an input that ends here if there is one that fits.
Tensor& PlaceOutput(KernelContext& context, const FusedProgram& program, int o, const Shape& shape,
                    int first_program_input, uint64_t* taken) {
  for (const int operand : program.reusable[o]) {
    const int input = operand + first_program_input;
    if (operand < first_program_input || input >= 64) continue;
    if ((*taken >> input & 1) != 0 || context.input(input).num_elements() != shape.num_elements()) continue;
    Tensor& placed = context.ReuseOrAllocateOutput(input, o, shape);
    if (placed.raw() == context.input(input).raw()) *taken |= uint64_t{1} << input;
    return placed;
  }
  return context.AllocateOutput(o, shape);
}

// Runs the instructions one after the other, each over its own shape: for shapes that only the run reveals to differ.
void RunSeparately(KernelContext& context, const FusedProgram& program, std::vector<Tensor> operands,
                   const std::vector<Shape>& shapes) {
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const auto& instruction = program.instructions[i];
    FusedProgram one;
    one.num_inputs = static_cast<int>(instruction.operands.size());
    one.num_outputs = 1;
    one.instructions = {instruction};
    one.instructions[0].output = 0;
    for (int j = 0; j < one.num_inputs; ++j) {
      one.input_dtypes.push_back(operands[instruction.operands[j]].dtype());
      one.instructions[0].operands[j] = j;
    }
    one.Finish();
    Tensor result = instruction.output >= 0 ? context.AllocateOutput(instruction.output, shapes[i])
                                            : context.Scratch(instruction.dtype, shapes[i]);
    FusedRun run(one, shapes[i]);
    for (int j = 0; j < one.num_inputs; ++j) {
      const Tensor& operand = operands[instruction.operands[j]];
      run.SetInput(j, operand.raw(), operand.shape());
    }
    run.SetOutput(0, result.raw());
    run.Compute(context.pool());
    operands.push_back(std::move(result));
  }
}

bool AllEqual(const std::vector<Shape>& shapes) {
  for (size_t i = 1; i < shapes.size(); ++i) {
    if (!(shapes[i] == shapes[0])) return false;
  }
  return true;
}

Kernel ElementwiseProgram(const Node& node) {
  return [program = ProgramOf(node)](KernelContext& context) {
    thread_local std::vector<Shape> inputs, shapes;
    inputs.clear();
    for (int i = 0; i < program->num_inputs; ++i) inputs.push_back(context.input(i).shape());
    InferFusedShapes(*program, inputs, &shapes);
    if (!AllEqual(shapes)) {
      std::vector<Tensor> operands;
      for (int i = 0; i < program->num_inputs; ++i) operands.push_back(context.input(i));
      return RunSeparately(context, *program, std::move(operands), std::vector<Shape>(shapes));
    }
    FusedRun run(*program, shapes[0]);
    for (int i = 0; i < program->num_inputs; ++i) run.SetInput(i, context.input(i).raw(), context.input(i).shape());
    uint64_t taken = 0;
    for (int o = 0; o < program->num_outputs; ++o) {
      run.SetOutput(o, PlaceOutput(context, *program, o, shapes[0], 0, &taken).raw());
    }
    run.Compute(context.pool());
  };
}

// An elementwise program behind a kernel: the program's input 0 is what the kernel makes, its inputs from 1 on are the
// node's behind those of the kernel.
class ProgramEpilogue final : public Epilogue {
 public:
  ProgramEpilogue(KernelContext& context, const FusedProgram& program, int first_input)
      : context_(context), program_(program), first_input_(first_input) {}

  void* Begin(const Shape& shape) override {
    thread_local std::vector<Shape> inputs, shapes;
    inputs.assign(1, shape);
    for (int i = first_input_; i < context_.num_inputs(); ++i) inputs.push_back(context_.input(i).shape());
    InferFusedShapes(program_, inputs, &shapes);
    if (!AllEqual(shapes) || !(shapes[0] == shape)) {
      separate_shapes_ = shapes;
      return (made_ = context_.Scratch(program_.input_dtypes[0], shape)).raw();
    }
    run_.emplace(program_, shape);
    for (int i = 1; i < program_.num_inputs; ++i) run_->SetInput(i, Operand(i).raw(), Operand(i).shape());
    uint64_t taken = 0;
    void* made = nullptr;  // lies where an output will, if it is not read after that is written
    for (int o = 0; o < program_.num_outputs; ++o) {
      const auto& reusable = program_.reusable[o];
      const bool for_made = !made && std::find(reusable.begin(), reusable.end(), 0) != reusable.end();
      Tensor& output = for_made ? context_.AllocateOutput(o, shape)
                                : PlaceOutput(context_, program_, o, shape, first_input_ - 1, &taken);
      if (for_made) made = output.raw();
      run_->SetOutput(o, output.raw());
    }
    if (!made) made = (made_ = context_.Scratch(program_.input_dtypes[0], shape)).raw();
    run_->SetInput(0, made, shape);
    return made;
  }

  void Run(int64_t begin, int64_t end) override {
    if (run_) run_->Compute(begin, end);
  }

  // When the kernel is done.
  void Finish() {
    if (run_) return;
    std::vector<Tensor> operands{made_};
    for (int i = 1; i < program_.num_inputs; ++i) operands.push_back(Operand(i));
    RunSeparately(context_, program_, std::move(operands), separate_shapes_);
  }

 private:
  const Tensor& Operand(int i) const { return context_.input(first_input_ + i - 1); }

  KernelContext& context_;
  const FusedProgram& program_;
  int first_input_;
  std::optional<FusedRun> run_;
  std::vector<Shape> separate_shapes_;  // of the results, where they are not all of the kernel's shape
  Tensor made_;
};

Kernel KernelThenProgram(const Node& node) {
  const auto host = std::static_pointer_cast<const EpilogueHost>(node.attr<Tensor>("host").object());
  return [program = ProgramOf(node), host](KernelContext& context) {
    ProgramEpilogue epilogue(context, *program, host->num_inputs);
    host->kernel(context, epilogue);
    epilogue.Finish();
  };
}

OpDef FusedOp(const char* name) {
  OpDef op;
  op.name = name;
  op.inputs = {{.name = "inputs", .type_list_attr = "Tin"}};
  op.outputs = {{.name = "outputs", .type_list_attr = "Tout"}};
  op.attrs = {{.name = "Tin", .type = "list(type)"},
              {.name = "Tout", .type = "list(type)"},
              {.name = "program", .type = "tensor"},
              {.name = "origin", .type = "string"}};
  op.no_gradient = true;
  op.reuses_input = true;
  return op;
}

void RegisterFeed() {
  OpDef op;
  op.name = "_Feed";
  op.outputs = {{.name = "value", .type_attr = "dtype"}};
  op.attrs = {{.name = "dtype", .type = "type"}, {.name = "origin", .type = "string"}};
  op.no_gradient = true;
  op.effects.stateful = true;  // another value in every run
  OpRegistry::Global().Register(std::move(op));
}

void RegisterRead() {
  OpDef op;
  op.name = "_Read";
  op.inputs = {{.name = "variable", .type_attr = "T", .is_ref = true}};
  op.outputs = {{.name = "value", .type_attr = "T"}};
  op.attrs = {{.name = "T", .type = "type"}, {.name = "origin", .type = "string"}};
  op.effects.reads = {0};
  op.traits.forwards = 0;
  op.kernel = [](const Node&) -> Kernel {
    return [](KernelContext& context) { context.set_output(0, context.variable(0).Read()); };
  };
  op.no_gradient = true;
  OpRegistry::Global().Register(std::move(op));
}

const bool registered = [] {
  RegisterFeed();
  RegisterRead();
  OpDef elementwise = FusedOp("_FusedElementwise");
  elementwise.kernel = ElementwiseProgram;
  OpRegistry::Global().Register(std::move(elementwise));
  OpDef hosted = FusedOp("_WithEpilogue");
  hosted.attrs.push_back({.name = "host", .type = "tensor"});
  hosted.kernel = KernelThenProgram;
  OpRegistry::Global().Register(std::move(hosted));
  return true;
}();

}  // namespace
}  // namespace headrace
