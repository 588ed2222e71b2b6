// Random graphs give the same values optimised and as written.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "headrace/op.h"
#include "headrace/session.h"

namespace headrace {
namespace {

// Draws a graph of elementwise ops and products over tensors of mixed shapes, some of unknown size.
class RandomGraph {
 public:
  explicit RandomGraph(int seed) : graph(std::make_shared<Graph>()), random_(seed) {
    const GraphScope scope(*graph);
    const int64_t batch = Draw(1, 40), width = Draw(1, 5);
    const std::vector<Shape> shapes = {{batch, width}, {1, width}, {width}, {}, {batch, 1}, {batch, width}};
    for (const Shape& shape : shapes) AddFeed(shape);
    for (int i = 0; i < 25; ++i) AddNode(width);
    for (int i = 0; i < 4; ++i) fetches.push_back(values_[values_.size() - 1 - Draw(0, 12)]);
  }
  std::shared_ptr<Graph> graph;
  Feeds feeds;
  std::vector<Output> fetches;

 private:
  int64_t Draw(int64_t from, int64_t to) { return std::uniform_int_distribution<int64_t>(from, to)(random_); }
  Output Pick() { return values_[Draw(0, static_cast<int64_t>(values_.size()) - 1)]; }

  void AddFeed(const Shape& shape) {
    PartialShape known(shape);
    for (int axis = 0; axis < shape.rank(); ++axis) {
      if (Draw(0, 1) == 0) known.set_dim(axis, -1);
    }
    Tensor value(DType::kFloat, shape);
    for (float& v : value.flat<float>()) v = static_cast<float>(Draw(-8, 8)) / 8;
    values_.push_back(ApplyOp("Placeholder", {}, {{"dtype", DType::kFloat}, {"shape", known}}));
    feeds.emplace_back(values_.back(), value);
  }

  void AddNode(int64_t width) {
    static const std::vector<const char*> kUnary = {"Tanh", "Relu", "Sigmoid", "Neg", "Abs", "Identity"};
    static const std::vector<const char*> kBinary = {"AddV2", "Mul", "Sub", "Maximum", "SquaredDifference"};
    const int64_t kind = Draw(0, 11);
    if (kind < 3) return values_.push_back(ApplyOp(kUnary[Draw(0, 5)], {{Pick()}}));
    if (kind < 8) return values_.push_back(ApplyOp(kBinary[Draw(0, 4)], {{Pick()}, {Pick()}}));
    if (kind == 8) {  // what is compared is given, so that no rounding decides
      const Output chosen = ApplyOp("Less", {{values_[Draw(0, 5)]}, {values_[Draw(0, 5)]}});
      return values_.push_back(ApplyOp("SelectV2", {{chosen}, {Pick()}, {Pick()}}));
    }
    if (kind == 9) {
      const Output wide = ApplyOp("Cast", {{Pick()}}, {{"DstT", DType::kDouble}});
      const Output narrow = ApplyOp("Cast", {{ApplyOp("Tanh", {{wide}})}}, {{"DstT", DType::kFloat}});
      return values_.push_back(ApplyOp("AddV2", {{narrow}, {Pick()}}));
    }
    Tensor square(DType::kFloat, {width, width}), bias(DType::kFloat, {width});
    for (float& v : square.flat<float>()) v = static_cast<float>(Draw(-4, 4)) / 8;
    for (float& v : bias.flat<float>()) v = static_cast<float>(Draw(-4, 4)) / 8;
    const Output product = ApplyOp("MatMul", {{values_[Draw(0, 1) * 5]}, {Constant(square)}});
    values_.push_back(product);
    values_.push_back(ApplyOp("Relu", {{ApplyOp("BiasAdd", {{product}, {Constant(bias)}})}}));
  }

  std::mt19937 random_;
  std::vector<Output> values_;
};

TEST(DifferentialTest, OptimisedPlansGiveTheSameValues) {
  for (int seed = 0; seed < 300; ++seed) {
    const RandomGraph drawn(seed);
    Session optimised(drawn.graph), plain(drawn.graph, {.plan = {.optimize = false}});
    for (int run = 0; run < 2; ++run) {  // the second run finds used memory
      const auto expected = plain.Run(drawn.feeds, drawn.fetches);
      const auto actual = optimised.Run(drawn.feeds, drawn.fetches);
      for (size_t i = 0; i < expected.size(); ++i) {
        ASSERT_EQ(actual[i].shape(), expected[i].shape()) << "seed " << seed;
        for (int64_t j = 0; j < expected[i].num_elements(); ++j) {
          const float want = expected[i].data<float>()[j], got = actual[i].data<float>()[j];
          ASSERT_NEAR(got, want, 1e-4 * (1 + std::abs(want))) << "seed " << seed << " fetch " << i << " at " << j;
        }
      }
    }
  }
}

}  // namespace
}  // namespace headrace
