// A fused program: a chain of elementwise operations that runs a tile at a time, so that what one operation gives is
// still in the innermost cache when the next takes it. Operands are broadcast by NumPy's rule.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "base/thread_pool.h"
#include "headrace/op.h"

namespace headrace {

struct FusedProgram : Object {
  struct Instruction {
    TileFunction function = nullptr;
    std::vector<int> operands;  // an input i as i, the result of instruction j as num_inputs + j
    DType dtype = DType::kFloat;
    int output = -1;    // which output the result is, if it is one
    std::string where;  // for messages
    int reg = -1;       // the scratch tile that holds the result unless it is an output; Finish sets it
  };
  int num_inputs = 0, num_outputs = 0;
  std::vector<DType> input_dtypes;
  std::vector<Instruction> instructions;  // operands come before their users
  int num_registers = 0;

  // For each output: the inputs whose memory it may take, since they are read for the last time before it is written.
  std::vector<std::vector<int>> reusable;

  void Finish();  // sets what is derived; call when all instructions are there
  std::string DebugString() const override;
};

// The shapes of the results of all instructions. Errors: InvalidArgument naming the instruction, on shapes that don't
// broadcast.
void InferFusedShapes(const FusedProgram& program, std::span<const Shape> inputs, std::vector<Shape>* results);

// A program bound to the memory of one run, all of whose results have the shape `loop`.
class FusedRun {
 public:
  FusedRun(const FusedProgram& program, const Shape& loop);
  void SetInput(int i, const void* data, const Shape& shape);
  void SetOutput(int i, void* data) { outputs_[i] = data; }
  // Computes elements [begin, end) of the outputs, in row-major order. Thread-safe for disjoint ranges.
  void Compute(int64_t begin, int64_t end) const;
  // Computes all, over the pool's threads if there is enough to do.
  void Compute(ThreadPool& pool) const;

 private:
  enum class Layout { kFull, kScalar, kPeriodic, kStrided };
  struct Operand {
    const char* data = nullptr;
    Layout layout = Layout::kFull;
    size_t size = 0;     // of one element
    int64_t period = 1;  // kPeriodic: its number of elements
    Shape shape;         // kStrided
  };
  struct Scratch;
  void Gather(const Operand& operand, int64_t begin, int64_t n, char* to) const;

  const FusedProgram& program_;
  Shape loop_;
  int64_t total_;
  int64_t tile_;  // elements; a multiple of the periods that fit into one
  absl::InlinedVector<Operand, 8> operands_;
  absl::InlinedVector<void*, 4> outputs_;
};

}  // namespace headrace
