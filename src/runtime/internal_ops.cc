// The ops that passes put into plans: fed values, explicit reads of variables, fused programs. They are declared like
// any other, so that effects and kernels are found the same way, but never appear in a user's graph.
#include <memory>

#include "kernels/fused_program.h"
#include "kernels/gemm.h"
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

// The product's rows and columns, from matrices as they are stored. Errors: InvalidArgument.
MatMulShape ProductShape(const Tensor& a, const Tensor& b, bool transpose_a, bool transpose_b) {
  if (a.rank() != 2 || b.rank() != 2) {
    throw InvalidArgument("In[0] and In[1] must be matrices, got shapes ", a.shape(), " and ", b.shape());
  }
  MatMulShape s;
  s.transpose_a = transpose_a;
  s.transpose_b = transpose_b;
  s.m = a.dim(transpose_a ? 1 : 0);
  s.k = a.dim(transpose_a ? 0 : 1);
  s.n = b.dim(transpose_b ? 0 : 1);
  if (b.dim(transpose_b ? 1 : 0) != s.k) {
    throw InvalidArgument("Matrix size-incompatible: In[0]: ", a.shape(), ", In[1]: ", b.shape());
  }
  return s;
}

// The product goes a block of rows at a time through the program, while the block is in the cache. The program's input
// 0 is the product; the node's inputs from 2 on are the program's from 1 on.
template <class T>
void MatMulThenProgram(KernelContext& context, const FusedProgram& program, const MatMulShape& s) {
  thread_local std::vector<Shape> inputs, shapes;
  inputs.assign(1, Shape{s.m, s.n});
  for (int i = 2; i < context.num_inputs(); ++i) inputs.push_back(context.input(i).shape());
  InferFusedShapes(program, inputs, &shapes);
  const auto* a = context.input(0).data<T>();
  const auto* b = context.input(1).data<T>();
  if (!AllEqual(shapes) || !(shapes[0] == inputs[0])) {
    std::vector<Tensor> operands{context.Scratch(DTypeOf<T>, inputs[0])};
    MatMul(context.pool(), DTypeOf<T>, s, a, b, operands[0].raw());
    for (int i = 2; i < context.num_inputs(); ++i) operands.push_back(context.input(i));
    return RunSeparately(context, program, std::move(operands), std::vector<Shape>(shapes));
  }
  FusedRun run(program, shapes[0]);
  for (int i = 2; i < context.num_inputs(); ++i) {
    run.SetInput(i - 1, context.input(i).raw(), context.input(i).shape());
  }
  uint64_t taken = 0;
  T* product = nullptr;  // lies where an output will, if the product is not read after that is written
  for (int o = 0; o < program.num_outputs; ++o) {
    const auto& reusable = program.reusable[o];
    const bool for_product = !product && std::find(reusable.begin(), reusable.end(), 0) != reusable.end();
    Tensor& output =
        for_product ? context.AllocateOutput(o, shapes[0]) : PlaceOutput(context, program, o, shapes[0], 1, &taken);
    if (for_product) product = output.data<T>();
    run.SetOutput(o, output.raw());
  }
  Tensor scratch;
  if (!product) {
    scratch = context.Scratch(DTypeOf<T>, shapes[0]);
    product = scratch.data<T>();
  }
  run.SetInput(0, product, shapes[0]);
  constexpr int64_t kBlockBytes = 1 << 16;  // stays in the second-level cache beside its operands
  const int64_t block = std::clamp<int64_t>(kBlockBytes / std::max<int64_t>(1, s.n * sizeof(T)), 64, 4096);
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row += block) {
      const int64_t m = std::min(block, end - row);
      Gemm<T>(s.transpose_a, s.transpose_b, m, s.n, s.k, s.transpose_a ? a + row : a + row * s.k, s.lda(), b, s.ldb(),
              product + row * s.n, s.n);
      run.Compute(row * s.n, (row + m) * s.n);
    }
  };
  constexpr double kWorkPerTask = 8e6;
  const double work_per_row = 2.0 * static_cast<double>(s.n) * static_cast<double>(s.k) + 1;
  const auto grain = static_cast<int64_t>(kWorkPerTask / work_per_row) + 64;
  context.pool().ParallelFor(s.m, grain, rows);
}

Kernel MatMulProgram(const Node& node) {
  return [program = ProgramOf(node), transpose_a = node.attr<bool>("transpose_a"),
          transpose_b = node.attr<bool>("transpose_b")](KernelContext& context) {
    const MatMulShape s = ProductShape(context.input(0), context.input(1), transpose_a, transpose_b);
    if (context.input(0).dtype() == DType::kFloat) return MatMulThenProgram<float>(context, *program, s);
    MatMulThenProgram<double>(context, *program, s);
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
  OpRegistry::Global().Register(std::move(op));
}

void RegisterRead() {
  OpDef op;
  op.name = "_Read";
  op.inputs = {{.name = "variable", .type_attr = "T", .is_ref = true}};
  op.outputs = {{.name = "value", .type_attr = "T"}};
  op.attrs = {{.name = "T", .type = "type"}, {.name = "origin", .type = "string"}};
  op.effects.reads = {0};
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
  OpDef matmul = FusedOp("_FusedMatMul");
  matmul.attrs.push_back({.name = "transpose_a", .type = "bool"});
  matmul.attrs.push_back({.name = "transpose_b", .type = "bool"});
  matmul.kernel = MatMulProgram;
  OpRegistry::Global().Register(std::move(matmul));
  return true;
}();

}  // namespace
}  // namespace headrace
