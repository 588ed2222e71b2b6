// Shapes follow from constant arguments while a graph is built or read from a file: arguments with fewer values than
// the op reads, or with impossible ones, are errors, not reads of what lies behind them.
#include <gtest/gtest.h>

#include "headrace/graph.h"

namespace headrace {
namespace {

Output Ints(const std::vector<int32_t>& values) {
  return Constant(Tensor::Vector(values));
}

class ShapeArguments : public testing::Test {
 protected:
  void ExpectError(const char* op, const std::vector<OpArgument>& arguments, const AttrMap& attrs = {}) {
    try {
      ApplyOp(op, arguments, attrs);
      ADD_FAILURE() << op << " was built";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument) << error.what();
    }
  }
  Graph graph_;
  GraphScope scope_{graph_};
  Output matrix_ = Constant(Tensor::Zeros(DType::kFloat, {4, 4}));
};

TEST_F(ShapeArguments, TooFewValues) {
  ExpectError("Pad", {{matrix_}, {Ints({1, 1})}});
  ExpectError("Tile", {{matrix_}, {Ints({2})}});
  ExpectError("Transpose", {{matrix_}, {Ints({1})}});
  ExpectError("ExpandDims", {{matrix_}, {Ints({})}});
  ExpectError("Slice", {{matrix_}, {Ints({0})}, {Ints({-1, -1})}});
  ExpectError("SplitV", {{matrix_}, {Ints({4})}, {Constant(Tensor::Scalar<int32_t>(0))}}, {{"num_split", 2}});
}

TEST_F(ShapeArguments, StridedSlices) {
  const std::vector<int32_t> many(65, 0);
  ExpectError("StridedSlice", {{matrix_}, {Ints(many)}, {Ints(many)}, {Ints(many)}}, {{"new_axis_mask", -1}});
  ExpectError("StridedSlice", {{matrix_}, {Ints({0, 0})}, {Ints({1})}, {Ints({1, 1})}});
}

TEST_F(ShapeArguments, AnAxisFarOutside_FailsWhenRun) {
  for (const int64_t axis : {INT64_MIN, int64_t{-3}, INT64_MAX}) {
    ApplyOp("GatherV2", {{matrix_}, {Ints({0})}, {Constant(Tensor::Scalar(axis))}});
  }
}

}  // namespace
}  // namespace headrace
