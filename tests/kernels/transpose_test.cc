// Transposes: every permutation, sizes on both sides of whole blocks, every size of element.
#include "kernels/transpose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "headrace/tensor.h"

namespace headrace {
namespace {

// The elements count up, so that what stands anywhere tells whence it came.
template <class T>
void ExpectTransposed(ThreadPool& pool, const Shape& shape, const std::vector<int64_t>& permutation) {
  Tensor input(DTypeOf<T>, shape), output(DTypeOf<T>, TransposedShape(shape, permutation));
  for (int64_t i = 0; i < input.num_elements(); ++i) input.data<T>()[i] = static_cast<T>(i);
  Transpose(pool, input, permutation, output);
  for (int64_t i = 0; i < output.num_elements(); ++i) {
    int64_t rest = i, at = 0;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      int64_t stride = 1;
      for (int j = static_cast<int>(permutation[axis]) + 1; j < shape.rank(); ++j) stride *= shape[j];
      at += rest % output.dim(axis) * stride;
      rest /= output.dim(axis);
    }
    ASSERT_EQ(output.data<T>()[i], static_cast<T>(at)) << shape << " at " << i;
  }
}

template <class T>
class TransposeTest : public testing::Test {};
using Types = testing::Types<int8_t, int16_t, float, double>;
TYPED_TEST_SUITE(TransposeTest, Types);

TYPED_TEST(TransposeTest, MovesEveryElementToItsPlace) {
  ThreadPool pool(1);
  std::vector<int64_t> permutation{0, 1, 2, 3};
  do {
    ExpectTransposed<TypeParam>(pool, {3, 20, 1, 18}, permutation);
    ExpectTransposed<TypeParam>(pool, {2, 33, 5, 70}, permutation);
  } while (std::next_permutation(permutation.begin(), permutation.end()));
}

TYPED_TEST(TransposeTest, MatricesOfWholeAndCutBlocks) {
  ThreadPool pool(2);
  for (const int64_t rows : {1, 3, 16, 64, 65, 127, 128, 500}) {
    for (const int64_t columns : {1, 2, 15, 64, 67, 192}) ExpectTransposed<TypeParam>(pool, {rows, columns}, {1, 0});
  }
}

TEST(Transposes, MoveStringsAndRejectWhatIsNoPermutation) {
  ThreadPool pool(0);
  const Tensor input = Tensor::Of<std::string>({1, 2}, std::vector<std::string>{"a", "b"});
  Tensor output(DType::kString, {2, 1});
  Transpose(pool, input, std::array<int64_t, 2>{1, 0}, output);
  EXPECT_EQ(output.string(1), "b");
  EXPECT_THROW(TransposedShape({1, 2}, std::array<int64_t, 2>{0, 0}), Error);
  EXPECT_THROW(TransposedShape({1, 2}, std::array<int64_t, 1>{0}), Error);
}

}  // namespace
}  // namespace headrace
