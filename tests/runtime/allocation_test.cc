// What a run asks the heap for: nothing in the steady state, when shapes stay and nothing is fetched.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "headrace/op.h"
#include "headrace/session.h"

namespace {
std::atomic<int64_t> allocations = 0;

void* Counted(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
  ++allocations;
  void* memory = alignment > alignof(std::max_align_t)
                     ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
                     : std::malloc(bytes);
  if (!memory) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t bytes) {
  return Counted(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return Counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace headrace {
namespace {

// A step of logistic regression as a trainer would run it: matmul, bias, activation, loss gradient, two updates.
class TrainingStep : public testing::Test {
 protected:
  TrainingStep() {
    const Output x = Constant(Tensor::Vector(std::vector<float>(64 * 8, 0.5f)));
    const Output rows = Reshaped(x, {64, 8});
    const Output w = Variable("w", {8, 3});
    const Output b = Variable("b", {3});
    const Output logits = ApplyOp("BiasAdd", {{ApplyOp("MatMul", {{rows}, {Read(w)}})}, {Read(b)}});
    const Output error = ApplyOp("Sub", {{ApplyOp("Sigmoid", {{logits}})}, {Constant(Tensor::Scalar(0.25f))}});
    const Output gradient = ApplyOp("MatMul", {{rows}, {error}}, {{"transpose_a", true}});
    const Output rate = Constant(Tensor::Scalar(0.1f));
    train_ = {Update(w, rate, gradient),
              Update(b, rate, ApplyOp("Sum", {{error}, {Constant(Tensor::Vector(std::vector<int32_t>{0}))}}))};
  }

  Output Reshaped(Output value, const std::vector<int32_t>& shape) {
    return ApplyOp("Reshape", {{value}, {Constant(Tensor::Vector(shape))}});
  }

  Output Variable(const std::string& name, const Shape& shape) {
    const Output handle = ApplyOp(
        "VarHandleOp", {}, {{"dtype", DType::kFloat}, {"shape", PartialShape(shape)}, {"shared_name", name}}, name);
    initializers_.push_back(
        graph_->Apply("AssignVariableOp", {{handle}, {Constant(Tensor::Zeros(DType::kFloat, shape))}}));
    return handle;
  }

  static Output Read(Output handle) { return ApplyOp("ReadVariableOp", {{handle}}, {{"dtype", DType::kFloat}}); }

  Node* Update(Output handle, Output rate, Output gradient) {
    return graph_->Apply("ResourceApplyGradientDescent", {{handle}, {rate}, {gradient}});
  }

  std::shared_ptr<Graph> graph_ = std::make_shared<Graph>();
  GraphScope scope_{*graph_};
  std::vector<Node*> initializers_, train_;
};

TEST_F(TrainingStep, AllocatesNothingInTheSteadyState) {
  Session session(graph_);
  session.Run({}, {}, initializers_);
  const auto step = session.MakeCallable({}, {}, train_);
  for (int i = 0; i < 3; ++i) step();
  const int64_t before = allocations;
  for (int i = 0; i < 10; ++i) step();
  EXPECT_EQ(allocations - before, 0);
}

TEST_F(TrainingStep, AllocatesNothingToLookUpItsPlan) {
  Session session(graph_);
  session.Run({}, {}, initializers_);
  for (int i = 0; i < 3; ++i) session.Run({}, {}, train_);
  const int64_t before = allocations;
  for (int i = 0; i < 10; ++i) session.Run({}, {}, train_);
  EXPECT_EQ(allocations - before, 0);
}

}  // namespace
}  // namespace headrace
