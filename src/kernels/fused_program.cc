// A tile is about a thousand elements. Inputs of the loop's shape are read where they lie; scalars and short rows are
// laid out once a thread, as a tile that stays the same for all tiles; whatever else is broadcast is gathered for each.
#include "kernels/fused_program.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace headrace {
namespace {

constexpr int64_t kTile = 1024;
constexpr size_t kRegisterBytes = kTile * 8 + 64;

}  // namespace

void FusedProgram::Finish() {
  const int count = static_cast<int>(instructions.size());
  std::vector<int> last_use(num_inputs + count, -1);
  for (int i = 0; i < count; ++i) {
    for (const int operand : instructions[i].operands) last_use[operand] = i;
  }
  std::vector<int> free_registers;
  num_registers = 0;
  for (int i = 0; i < count; ++i) {
    auto& instruction = instructions[i];
    // Lane functions may write over an operand of elements as large, so registers that end here serve at once; those
    // of other sizes serve the next instruction.
    std::vector<int> free_later;
    for (const int operand : instruction.operands) {
      if (operand < num_inputs || last_use[operand] != i) continue;
      last_use[operand] = -1;  // free it once
      const auto& made = instructions[operand - num_inputs];
      if (made.reg < 0) continue;
      (SizeOf(made.dtype) == SizeOf(instruction.dtype) ? free_registers : free_later).push_back(made.reg);
    }
    if (instruction.output < 0) {
      if (free_registers.empty()) {
        instruction.reg = num_registers++;
      } else {
        instruction.reg = free_registers.back();
        free_registers.pop_back();
      }
    }
    free_registers.insert(free_registers.end(), free_later.begin(), free_later.end());
  }
  reusable.assign(num_outputs, {});
  for (int i = 0; i < count; ++i) {
    const auto& instruction = instructions[i];
    if (instruction.output < 0) continue;
    for (int input = 0; input < num_inputs; ++input) {
      if (input_dtypes[input] == instruction.dtype && last_use[input] <= i) {
        reusable[instruction.output].push_back(input);
      }
    }
  }
}

std::string FusedProgram::DebugString() const {
  std::string text;
  for (size_t i = 0; i < instructions.size(); ++i) {
    const auto& instruction = instructions[i];
    text += (i ? "; " : "") + std::string("t") + std::to_string(i) + " = " + instruction.where + "(";
    for (size_t j = 0; j < instruction.operands.size(); ++j) {
      const int operand = instruction.operands[j];
      text += (j ? ", " : "") +
              (operand < num_inputs ? "in" + std::to_string(operand) : "t" + std::to_string(operand - num_inputs));
    }
    text += ")";
    if (instruction.output >= 0) text += " -> out" + std::to_string(instruction.output);
  }
  return text;
}

void InferFusedShapes(const FusedProgram& program, std::span<const Shape> inputs, std::vector<Shape>* results) {
  results->resize(program.instructions.size());
  const auto shape_of = [&](int operand) -> const Shape& {
    return operand < program.num_inputs ? inputs[operand] : (*results)[operand - program.num_inputs];
  };
  for (size_t i = 0; i < program.instructions.size(); ++i) {
    const auto& instruction = program.instructions[i];
    Shape shape = shape_of(instruction.operands[0]);
    for (size_t j = 1; j < instruction.operands.size(); ++j) {
      const Shape& other = shape_of(instruction.operands[j]);
      if (other == shape || other.rank() == 0) continue;
      try {
        shape = BroadcastShapes(shape, other);
      } catch (const Error& error) {
        throw error.With(" [op " + instruction.where + "]");
      }
    }
    (*results)[i] = shape;
  }
}

FusedRun::FusedRun(const FusedProgram& program, const Shape& loop)
    : program_(program),
      loop_(loop),
      total_(loop.num_elements()),
      tile_(kTile),
      operands_(program.num_inputs),
      outputs_(program.num_outputs) {}

void FusedRun::SetInput(int i, const void* data, const Shape& shape) {
  Operand& operand = operands_[i];
  operand.data = static_cast<const char*>(data);
  operand.size = SizeOf(program_.input_dtypes[i]);
  operand.period = shape.num_elements();
  if (operand.period == total_) {
    operand.layout = Layout::kFull;
    return;
  }
  if (operand.period == 1) {
    operand.layout = Layout::kScalar;
    return;
  }
  int lead = 0;
  while (shape[lead] == 1) ++lead;
  bool trailing = true;
  for (int axis = lead; axis < shape.rank(); ++axis) {
    trailing &= shape[axis] == loop_[loop_.rank() - shape.rank() + axis];
  }
  operand.layout = trailing ? Layout::kPeriodic : Layout::kStrided;
  // Longer periods are multiples of the shorter ones, since all are products of trailing sizes.
  if (trailing && operand.period <= kTile) {
    tile_ = std::min(tile_, std::max<int64_t>(1, kTile / operand.period) * operand.period);
  }
  operand.shape = shape;
}

namespace {

template <class T>
void Splat(const void* value, int64_t n, void* to) {
  std::fill_n(static_cast<T*>(to), n, *static_cast<const T*>(value));
}

void SplatBytes(size_t size, const void* value, int64_t n, void* to) {
  switch (size) {
    case 1:
      return Splat<uint8_t>(value, n, to);
    case 2:
      return Splat<uint16_t>(value, n, to);
    case 4:
      return Splat<uint32_t>(value, n, to);
    default:
      return Splat<uint64_t>(value, n, to);
  }
}

}  // namespace

// Elements [begin, begin + n) of the loop as the operand gives them.
void FusedRun::Gather(const Operand& operand, int64_t begin, int64_t n, char* to) const {
  const size_t size = operand.size;
  if (operand.layout == Layout::kPeriodic) {
    int64_t at = begin % operand.period;
    while (n > 0) {
      const int64_t run = std::min(n, operand.period - at);
      std::memcpy(to, operand.data + at * size, run * size);
      to += run * size;
      n -= run;
      at = 0;
    }
    return;
  }
  // Strided: walk rows of the innermost axis, which is either a run or one repeated element.
  const int shift = loop_.rank() - operand.shape.rank();
  const int64_t row = loop_[loop_.rank() - 1];
  const bool repeated = operand.shape[operand.shape.rank() - 1] == 1;
  while (n > 0) {
    int64_t rest = begin / row, stride = repeated ? 1 : row, offset = 0;
    for (int axis = operand.shape.rank() - 2; axis >= 0; --axis) {
      const int64_t length = loop_[axis + shift];
      if (operand.shape[axis] != 1) {
        offset += rest % length * stride;
        stride *= length;
      }
      rest /= length;
    }
    const int64_t column = begin % row, run = std::min(n, row - column);
    if (repeated) {
      SplatBytes(size, operand.data + offset * size, run, to);
    } else {
      std::memcpy(to, operand.data + (offset + column) * size, run * size);
    }
    to += run * size;
    begin += run;
    n -= run;
  }
}

// Tiles of one thread: registers first, then one for each input that is laid out.
struct FusedRun::Scratch {
  static char* OfThread(size_t bytes) {
    static thread_local std::vector<char> memory;
    if (memory.size() < bytes + 64) memory.resize(bytes + 64);
    void* start = memory.data();
    size_t room = memory.size();
    return static_cast<char*>(std::align(64, bytes, start, room));
  }
};

void FusedRun::Compute(int64_t begin, int64_t end) const {
  if (begin >= end) return;
  const int inputs = program_.num_inputs;
  char* scratch = Scratch::OfThread(kRegisterBytes * (program_.num_registers + inputs));
  const auto tile_of = [&](int input) { return scratch + kRegisterBytes * (program_.num_registers + input); };
  // Tiles start at multiples of the tile size, but for the first, so that laid out rows stay in phase.
  const int64_t origin = begin;
  const int64_t widest = std::min(tile_, end - begin);
  const void* pointers[64];
  std::vector<const void*> more;
  const void** operand_data = pointers;
  if (inputs > 64) {
    more.resize(inputs);
    operand_data = more.data();
  }
  for (int i = 0; i < inputs; ++i) {
    const Operand& operand = operands_[i];
    if (operand.layout == Layout::kScalar) SplatBytes(operand.size, operand.data, widest, tile_of(i));
    if (operand.layout == Layout::kPeriodic && operand.period <= tile_) Gather(operand, origin, widest, tile_of(i));
    operand_data[i] = tile_of(i);
  }
  for (int64_t at = begin; at < end; at += tile_) {
    const int64_t n = std::min(tile_, end - at);
    for (int i = 0; i < inputs; ++i) {
      const Operand& operand = operands_[i];
      if (operand.layout == Layout::kFull) {
        operand_data[i] = operand.data + at * static_cast<int64_t>(operand.size);
      } else if (operand.layout == Layout::kStrided ||
                 (operand.layout == Layout::kPeriodic && operand.period > tile_)) {
        Gather(operand, at, n, tile_of(i));
      }
    }
    const auto result_of = [&](const FusedProgram::Instruction& instruction) {
      return instruction.output < 0 ? scratch + kRegisterBytes * instruction.reg
                                    : static_cast<char*>(outputs_[instruction.output]) +
                                          at * static_cast<int64_t>(SizeOf(instruction.dtype));
    };
    for (const auto& instruction : program_.instructions) {
      const void* arguments[8];
      for (size_t j = 0; j < instruction.operands.size(); ++j) {
        const int operand = instruction.operands[j];
        arguments[j] = operand < inputs ? operand_data[operand] : result_of(program_.instructions[operand - inputs]);
      }
      instruction.function(arguments, result_of(instruction), n);
    }
  }
}

void FusedRun::Compute(ThreadPool& pool) const {
  constexpr int64_t kWorkPerTask = 1 << 18;  // element operations: tens of microseconds
  const auto work = static_cast<int64_t>(program_.instructions.size());
  if (pool.size() == 0 || total_ * work < 2 * kWorkPerTask) return Compute(0, total_);
  const int64_t tiles = (total_ + tile_ - 1) / tile_;
  const int64_t grain = std::max<int64_t>(1, kWorkPerTask / (tile_ * work));
  pool.ParallelFor(tiles, grain,
                   [&](int64_t first, int64_t last) { Compute(first * tile_, std::min(total_, last * tile_)); });
}

}  // namespace headrace
