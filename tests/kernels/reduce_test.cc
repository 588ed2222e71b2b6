// Every reduction over every set of axes of a small tensor, against a walk over its elements.
#include "kernels/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "headrace/tensor.h"

namespace headrace {
namespace {

double Fold(Reduction reduction, double a, double b) {
  switch (reduction) {
    case Reduction::kMax:
      return std::max(a, b);
    case Reduction::kMin:
      return std::min(a, b);
    case Reduction::kProd:
      return a * b;
    default:
      return a + b;
  }
}

Tensor Numbered(DType dtype, const Shape& shape) {
  Tensor t(dtype, shape);
  VisitNumeric(dtype, "test", [&](auto zero) {
    using T = decltype(zero);
    for (int64_t i = 0; i < t.num_elements(); ++i) t.data<T>()[i] = static_cast<T>(i % 5 + 1);
  });
  return t;
}

std::vector<double> Plain(Reduction reduction, const Tensor& t, uint32_t axes) {
  const Shape out = ReducedShape(t.shape(), axes, true);
  std::vector<double> result(out.num_elements());
  std::vector<bool> seen(result.size());
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    int64_t rest = i, at = 0, stride = 1;
    for (int axis = t.rank() - 1; axis >= 0; --axis) {
      const int64_t position = rest % t.dim(axis);
      rest /= t.dim(axis);
      if ((axes >> axis & 1) == 0) at += position * stride;
      stride *= out[axis];
    }
    result[at] = seen[at] ? Fold(reduction, result[at], t.AsDouble(i)) : t.AsDouble(i);
    seen[at] = true;
  }
  if (reduction == Reduction::kMean) {
    for (auto& r : result) r = r * static_cast<double>(result.size()) / static_cast<double>(t.num_elements());
  }
  return result;
}

TEST(ReduceTest, AgreesWithThePlainWalkOverEverySetOfAxes) {
  ThreadPool pool(1);
  for (const DType dtype : {DType::kFloat, DType::kDouble, DType::kInt64}) {
    for (const Shape& shape : {Shape{2, 3, 4, 2}, Shape{1, 70, 3}, Shape{3, 150}, Shape{}}) {
      for (uint32_t axes = 0; axes <= AllAxes(shape.rank()); ++axes) {
        for (const auto reduction : {Reduction::kSum, Reduction::kMax, Reduction::kMin}) {
          const Tensor input = Numbered(dtype, shape);
          Tensor output(dtype, ReducedShape(shape, axes, false));
          Reduce(pool, reduction, dtype, shape, axes, input.raw(), output.raw());
          const auto expected = Plain(reduction, input, axes);
          for (size_t i = 0; i < expected.size(); ++i) {
            ASSERT_EQ(output.AsDouble(static_cast<int64_t>(i)), expected[i]) << shape << " axes " << axes;
          }
        }
      }
    }
  }
}

TEST(ReduceTest, MeanAndProductFoldTheWholeRow) {
  ThreadPool pool(0);
  const Tensor input = Numbered(DType::kDouble, {2, 5});
  Tensor output(DType::kDouble, {2});
  Reduce(pool, Reduction::kMean, DType::kDouble, {2, 5}, AxisMask(std::array<int64_t, 1>{-1}, 2), input.raw(),
         output.raw());
  EXPECT_EQ(output.data<double>()[1], 3.0);
  Reduce(pool, Reduction::kProd, DType::kDouble, {2, 5}, 2, input.raw(), output.raw());
  EXPECT_EQ(output.data<double>()[0], 120.0);
}

TEST(ReduceTest, AnEmptyReductionGivesTheNeutralElement) {
  ThreadPool pool(0);
  Tensor output(DType::kFloat, {2});
  Reduce(pool, Reduction::kSum, DType::kFloat, {2, 0}, 2, nullptr, output.raw());
  EXPECT_EQ(output.data<float>()[1], 0.0f);
  Reduce(pool, Reduction::kMax, DType::kFloat, {2, 0}, 2, nullptr, output.raw());
  EXPECT_EQ(output.data<float>()[0], -INFINITY);
  Reduce(pool, Reduction::kMean, DType::kFloat, {2, 0}, 2, nullptr, output.raw());
  EXPECT_TRUE(std::isnan(output.data<float>()[0]));
}

TEST(ReduceTest, LargeInputsOverThreadsAgree) {
  ThreadPool pool(2);
  const Shape shape{1000, 701};
  const Tensor input = Numbered(DType::kDouble, shape);
  for (uint32_t axes = 1; axes < 4; ++axes) {
    Tensor output(DType::kDouble, ReducedShape(shape, axes, false));
    Reduce(pool, Reduction::kSum, DType::kDouble, shape, axes, input.raw(), output.raw());
    const auto expected = Plain(Reduction::kSum, input, axes);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(output.AsDouble(static_cast<int64_t>(i)), expected[i]) << axes;
    }
  }
}

TEST(ReduceTest, AnyAndAllReduceBools) {
  ThreadPool pool(0);
  const bool input[4] = {true, false, true, true};
  bool output[2];
  Reduce(pool, Reduction::kAll, DType::kBool, {2, 2}, 2, input, output);
  EXPECT_FALSE(output[0]);
  EXPECT_TRUE(output[1]);
  Reduce(pool, Reduction::kAny, DType::kBool, {2, 2}, 2, input, output);
  EXPECT_TRUE(output[0]);
  EXPECT_THROW(Reduce(pool, Reduction::kSum, DType::kBool, {2, 2}, 2, input, output), Error);
}

TEST(ReduceTest, AxesOutOfRangeAreNamed) {
  const std::array<int64_t, 1> axis{2};
  try {
    AxisMask(axis, 2);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(e.what()).find("2"), std::string::npos);
  }
}

}  // namespace
}  // namespace headrace
