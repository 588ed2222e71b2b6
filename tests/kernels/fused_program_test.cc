// Fused programs over every way in which an input may be broadcast, in ranges that split tiles anywhere.
#include "kernels/fused_program.h"

#include <gtest/gtest.h>

#include <numeric>

#include "headrace/tensor.h"

namespace headrace {
namespace {

void Add(const void* const* in, void* out, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    static_cast<float*>(out)[i] = static_cast<const float*>(in[0])[i] + static_cast<const float*>(in[1])[i];
  }
}

// out0 = (a + b) + c, out1 = a + b.
FusedProgram Sums() {
  FusedProgram program;
  program.num_inputs = 3;
  program.num_outputs = 2;
  program.input_dtypes.assign(3, DType::kFloat);
  program.instructions = {{.function = Add, .operands = {0, 1}, .output = 1, .where = "first"},
                          {.function = Add, .operands = {3, 2}, .output = 0, .where = "second"}};
  program.Finish();
  return program;
}

int64_t OffsetIn(const Shape& own, const Shape& loop, int64_t position) {
  int64_t at = 0, stride = 1;
  for (int axis = loop.rank() - 1; axis >= 0; --axis) {
    const int mine = axis - (loop.rank() - own.rank());
    if (mine >= 0) {
      if (own[mine] != 1) at += position % loop[axis] * stride;
      stride *= own[mine];
    }
    position /= loop[axis];
  }
  return at;
}

TEST(FusedProgramTest, BroadcastsEveryKindOfInput) {
  const FusedProgram program = Sums();
  const Shape loop{7, 3, 50};
  for (const Shape& b : {Shape{7, 3, 50}, Shape{}, Shape{50}, Shape{3, 50}, Shape{7, 1, 1}, Shape{7, 1, 50},
                         Shape{1, 3, 1}, Shape{7, 3, 1}, Shape{1, 1, 50}}) {
    const Shape c{3, 1};
    std::vector<std::vector<float>> inputs;
    for (const Shape& shape : {loop, b, c}) {
      inputs.emplace_back(shape.num_elements());
      std::iota(inputs.back().begin(), inputs.back().end(), 1.0f);
    }
    for (const int64_t split : {0, 1, 333, 1024, 1049}) {
      std::vector<float> out0(loop.num_elements()), out1(out0.size());
      FusedRun run(program, loop);
      run.SetInput(0, inputs[0].data(), loop);
      run.SetInput(1, inputs[1].data(), b);
      run.SetInput(2, inputs[2].data(), c);
      run.SetOutput(0, out0.data());
      run.SetOutput(1, out1.data());
      run.Compute(0, split);
      run.Compute(split, loop.num_elements());
      for (int64_t i = 0; i < loop.num_elements(); ++i) {
        const float first = inputs[0][i] + inputs[1][OffsetIn(b, loop, i)];
        ASSERT_EQ(out1[i], first) << b << " at " << i << " split " << split;
        ASSERT_EQ(out0[i], first + inputs[2][OffsetIn(c, loop, i)]) << b << " at " << i << " split " << split;
      }
    }
  }
}

TEST(FusedProgramTest, LongRowsAreRepeatedToo) {
  const FusedProgram program = Sums();
  const Shape loop{3, 3000};
  std::vector<float> a(9000, 1.0f), b(3000), c(3, 0.5f), out0(9000), out1(9000);
  std::iota(b.begin(), b.end(), 0.0f);
  FusedRun run(program, loop);
  run.SetInput(0, a.data(), loop);
  run.SetInput(1, b.data(), {3000});
  run.SetInput(2, c.data(), {3, 1});
  run.SetOutput(0, out0.data());
  run.SetOutput(1, out1.data());
  ThreadPool pool(1);
  run.Compute(pool);
  for (int i = 0; i < 9000; ++i) ASSERT_EQ(out0[i], 1.5f + static_cast<float>(i % 3000));
}

TEST(FusedProgramTest, AnOutputMayTakeTheMemoryOfAnInputThatIsReadNoMore) {
  const FusedProgram program = Sums();
  EXPECT_EQ(program.reusable[1], (std::vector<int>{0, 1}));  // c is read after out1 is written
  EXPECT_EQ(program.reusable[0], (std::vector<int>{0, 1, 2}));
}

TEST(FusedProgramTest, ShapesThatDoNotBroadcastNameTheInstruction) {
  const FusedProgram program = Sums();
  const std::vector<Shape> inputs = {{2, 3}, {3}, {4}};
  std::vector<Shape> results;
  try {
    InferFusedShapes(program, inputs, &results);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("[op second]"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace headrace
