// Softmax and the losses of classification built on it.
#include "headrace/ops/nn.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "headrace/operators.h"
#include "headrace/ops/array.h"
#include "headrace/ops/math.h"
#include "kernels/convert.h"
#include "kernels/dispatch.h"
#include "kernels/fold.h"

namespace headrace {
namespace {

constexpr int64_t kGrain = 8192;  // elements worth a task of their own

// y = exp(x - max(x)). Gives the sum of y, and max(x).
template <class T>
HEADRACE_LANE T ExpRow(const T* x, T* y, int64_t classes, T* maximum) {
  const T most = FoldRow<MaxOf>(x, classes);
#pragma GCC ivdep
  for (int64_t i = 0; i < classes; ++i) y[i] = Exp(x[i] - most);
  *maximum = most;
  return FoldRow<SumOf>(y, classes);
}

template <class T>
HEADRACE_LANE T SoftmaxRow(const T* x, T* y, int64_t classes, T* maximum) {
  const T total = ExpRow(x, y, classes, maximum), scale = T(1) / total;
  for (int64_t i = 0; i < classes; ++i) y[i] *= scale;
  return total;
}

template <class T>
void SoftmaxRows(const T* x, T* y, int64_t rows, int64_t classes) {
  T maximum;
  for (int64_t r = 0; r < rows; ++r, x += classes, y += classes) SoftmaxRow(x, y, classes, &maximum);
}

template <class T>
void LogSoftmaxRows(const T* x, T* y, int64_t rows, int64_t classes) {
  T maximum;
  for (int64_t r = 0; r < rows; ++r, x += classes, y += classes) {
    const T log_total = std::log(ExpRow(x, y, classes, &maximum));
#pragma GCC ivdep
    for (int64_t i = 0; i < classes; ++i) y[i] = x[i] - maximum - log_total;
  }
}

// A tensor as T; half and bfloat16, which are computed as float, are converted.
template <class T>
Tensor Widened(KernelContext& context, const Tensor& tensor) {
  if (tensor.dtype() == DTypeOf<T>) return tensor;
  Tensor wide = context.Scratch(DTypeOf<T>, tensor.shape());
  FindConversion(tensor.dtype(), DTypeOf<T>)(tensor.raw(), wide.raw(), tensor.num_elements());
  return wide;
}

// Output i as T: the output itself, or memory from which Finish converts.
template <class T>
class WideOutput {
 public:
  WideOutput(KernelContext& context, int i, const Shape& shape)
      : output_(context.AllocateOutput(i, shape)),
        wide_(output_.dtype() == DTypeOf<T> ? output_ : context.Scratch(DTypeOf<T>, shape)) {}
  T* data() { return wide_.data<T>(); }
  void Finish() {
    if (output_.dtype() == DTypeOf<T>) return;
    FindConversion(DTypeOf<T>, output_.dtype())(wide_.raw(), output_.raw(), output_.num_elements());
  }

 private:
  Tensor output_, wide_;
};

// Calls f with a zero of the type to compute in.
template <class F>
void VisitWide(DType dtype, F&& f) {
  dtype == DType::kDouble ? f(double{}) : f(float{});
}

Kernel SoftmaxKernel(bool logarithm) {
  return [logarithm](KernelContext& context) {
    const Tensor& logits = context.input(0);
    if (logits.rank() < 1) throw InvalidArgument("logits must have >= 1 dimension, got ", logits.shape());
    VisitWide(logits.dtype(), [&](auto zero) {
      using T = decltype(zero);
      WideOutput<T> output(context, 0, logits.shape());
      if (logits.num_elements() == 0) return;
      const Tensor wide = Widened<T>(context, logits);
      const int64_t classes = logits.dim(logits.rank() - 1);
      const T* in = wide.data<T>();
      T* out = output.data();
      context.pool().ParallelFor(
          logits.num_elements() / classes, 1 + kGrain / classes, [&](int64_t begin, int64_t end) {
            const T* from = in + begin * classes;
            T* to = out + begin * classes;
            const int64_t rows = end - begin;
            logarithm ? Vectorised([](auto... a) { LogSoftmaxRows(a...); }, from, to, rows, classes)
                      : Vectorised([](auto... a) { SoftmaxRows(a...); }, from, to, rows, classes);
          });
      output.Finish();
    });
  };
}

Output SumOverClasses(Output x) {
  return Sum(x, Constant(Tensor::Vector(std::vector<int32_t>{-1})), {.keep_dims = true});
}

DEFINE_OP("Softmax")
    .Input("logits: T")
    .Output("softmax: T")
    .Attr("T", kFloating)
    .Shape([](ShapeContext& context) { context.set_output(0, context.WithRankAtLeast(0, 1)); })
    .Kernel(SoftmaxKernel(false))
    .Gradient([](Backward& b) { b.Return((b.dy() - SumOverClasses(b.dy() * b.y())) * b.y()); });

DEFINE_OP("LogSoftmax")
    .Input("logits: T")
    .Output("logsoftmax: T")
    .Attr("T", kFloating)
    .Shape([](ShapeContext& context) { context.set_output(0, context.WithRankAtLeast(0, 1)); })
    .Kernel(SoftmaxKernel(true))
    .Gradient([](Backward& b) { b.Return(b.dy() - SumOverClasses(b.dy()) * Exp(b.y())); });

// ------------------------------------------------------------------------------------------------------- cross entropy

// One row: the softmax, and log(sum(exp(x))).
template <class T>
T SoftmaxAndLogTotal(const T* x, T* softmax, int64_t classes) {
  T maximum = 0, total = 1;
  Vectorised(
      [](const T* x, T* y, int64_t classes, T* maximum, T* total) { *total = SoftmaxRow(x, y, classes, maximum); }, x,
      softmax, classes, &maximum, &total);
  return maximum + std::log(total);
}

// The rows of a tensor that broadcasts to rows x classes.
template <class T>
class BroadcastRows {
 public:
  BroadcastRows(const T* values, const Shape& shape, int64_t classes)
      : values_(values),
        step_(shape.rank() < 2 || shape[0] == 1 ? 0 : shape[1]),
        repeated_(shape.num_elements() > 0 && (shape.rank() == 0 || shape[shape.rank() - 1] == 1) ? classes : 0) {}
  const T* operator[](int64_t row) {
    const T* begin = values_ + row * step_;
    if (repeated_.size() <= 1) return begin;
    std::fill(repeated_.begin(), repeated_.end(), *begin);
    return repeated_.data();
  }

 private:
  const T* values_;
  int64_t step_;
  std::vector<T> repeated_;  // the one value of a row, for each class
};

// The sum of y (log_total - x), where a label of 0 adds nothing even to an infinite x; and softmax - y in its place.
template <class T>
void LossOfRow(const T* x, const T* y, T log_total, int64_t classes, T* loss, T* softmax) {
  *loss = SumOver<T>(classes, [=](int64_t i) { return Select(y[i] != 0, y[i] * (log_total - x[i]), T(0)); });
  for (int64_t i = 0; i < classes; ++i) softmax[i] -= y[i];
}

template <class T>
void DenseCrossEntropy(KernelContext& context) {
  const Tensor features = Widened<T>(context, context.input(0)), labels = Widened<T>(context, context.input(1));
  const Shape shape = BroadcastShapes(features.shape(), labels.shape());
  if (shape.rank() != 2) {
    throw InvalidArgument("logits and labels must be either 2-dimensional, or broadcasted to be 2-dimensional: ",
                          features.shape(), " and ", labels.shape());
  }
  const int64_t rows = shape[0], classes = shape[1];
  WideOutput<T> loss(context, 0, {rows}), backprop(context, 1, shape);
  std::fill_n(loss.data(), rows, T(0));
  context.pool().ParallelFor(classes > 0 ? rows : 0, 1 + kGrain / (classes + 1), [&](int64_t begin, int64_t end) {
    BroadcastRows<T> xs(features.data<T>(), features.shape(), classes), ys(labels.data<T>(), labels.shape(), classes);
    for (int64_t r = begin; r < end; ++r) {
      const T *x = xs[r], *y = ys[r];
      T* d = backprop.data() + r * classes;
      const T log_total = SoftmaxAndLogTotal(x, d, classes);
      Vectorised([](auto... a) { LossOfRow(a...); }, x, y, log_total, classes, loss.data() + r, d);
    }
  });
  loss.Finish();
  backprop.Finish();
}

DEFINE_OP("SoftmaxCrossEntropyWithLogits")
    .Input("features: T")
    .Input("labels: T")
    .Output("loss: T")
    .Output("backprop: T")
    .Attr("T", kFloating)
    .Shape([](ShapeContext& context) {
      const PartialShape shape = BroadcastShapes(context.input(0), context.input(1));
      context.set_output(0, PartialShape({shape.has_rank() ? shape[0] : -1}));
      context.set_output(1, shape);
    })
    .Kernel([](KernelContext& context) {
      VisitWide(context.input(0).dtype(), [&](auto zero) { DenseCrossEntropy<decltype(zero)>(context); });
    })
    .Gradient([](Backward& b) {
      const Output column = ExpandDims(b.dy(0), ConstantLike(DType::kInt32, -1));
      Output dx = column * b.y(1);
      if (b.gradient(1)) {  // second order
        const Output softmax = Softmax(b.x(0)), dd = b.dy(1);
        dx = dx + (dd - SumOverClasses(dd * softmax)) * softmax;
      }
      b.Return(dx, column * -LogSoftmax(b.x(0)));
    });

template <class T>
void SparseCrossEntropy(KernelContext& context) {
  const Tensor features = Widened<T>(context, context.input(0));
  const Tensor& labels = context.input(1);
  if (features.rank() != 2) throw InvalidArgument("logits must be 2-D, but got shape ", features.shape());
  if (labels.rank() != 1) throw InvalidArgument("labels must be 1-D, but got shape ", labels.shape());
  if (features.dim(0) != labels.dim(0)) {
    throw InvalidArgument("logits and labels must have the same first dimension, got logits shape ", features.shape(),
                          " and labels shape ", labels.shape());
  }
  const int64_t rows = features.dim(0), classes = features.dim(1);
  if (classes == 0) throw InvalidArgument("Must have at least one class, but got logits shape ", features.shape());
  WideOutput<T> loss(context, 0, {rows}), backprop(context, 1, features.shape());
  context.pool().ParallelFor(rows, 1 + kGrain / classes, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t label = labels.AsInt64(r);
      if (label < 0 || label >= classes) {
        throw InvalidArgument("Received a label value of ", label, " which is outside the valid range of [0, ", classes,
                              ").  Label values: ", labels);
      }
      const T* x = features.data<T>() + r * classes;
      T* d = backprop.data() + r * classes;
      loss.data()[r] = SoftmaxAndLogTotal(x, d, classes) - x[label];
      d[label] -= T(1);
    }
  });
  loss.Finish();
  backprop.Finish();
}

DEFINE_OP("SparseSoftmaxCrossEntropyWithLogits")
    .Input("features: T")
    .Input("labels: Tlabels")
    .Output("loss: T")
    .Output("backprop: T")
    .Attr("T", kFloating)
    .Attr("Tlabels: {int32, int64} = DT_INT64")
    .Shape([](ShapeContext& context) {
      const PartialShape features = context.WithRank(0, 2);
      context.set_output(0, PartialShape({features[0]}));
      context.set_output(1, features);
    })
    .Kernel([](KernelContext& context) {
      VisitWide(context.input(0).dtype(), [&](auto zero) { SparseCrossEntropy<decltype(zero)>(context); });
    })
    .Gradient([](Backward& b) {
      Output dx = ExpandDims(b.dy(0), ConstantLike(DType::kInt32, -1)) * b.y(1);
      if (b.gradient(1)) {  // second order
        const Output softmax = Softmax(b.x(0)), dd = b.dy(1);
        dx = dx + (dd - SumOverClasses(dd * softmax)) * softmax;
      }
      b.Return(dx, Gradient());
    });

// ------------------------------------------------------------------------------------------------------------ in top k

void RunInTopK(KernelContext& context, int64_t k) {
  const Tensor &predictions = context.input(0), &targets = context.input(1);
  if (predictions.rank() != 2) throw InvalidArgument("predictions must be 2-dimensional, got ", predictions.shape());
  if (targets.rank() != 1) throw InvalidArgument("targets must be 1-dimensional, got ", targets.shape());
  if (predictions.dim(0) != targets.dim(0)) {
    throw InvalidArgument("First dimension of predictions ", predictions.dim(0), " must match length of targets ",
                          targets.dim(0));
  }
  const int64_t classes = predictions.dim(1);
  bool* output = context.AllocateOutput(0, targets.shape()).data<bool>();
  for (int64_t r = 0; r < targets.dim(0); ++r) {
    const int64_t target = targets.AsInt64(r);
    const float* row = predictions.data<float>() + r * classes;
    int64_t better = 0;
    bool known = target >= 0 && target < classes && std::isfinite(row[target]);
    for (int64_t i = 0; known && i < classes; ++i) {
      known = std::isfinite(row[i]);
      better += row[i] > row[target];
    }
    output[r] = known && better < k;
  }
}

DEFINE_OP("InTopK")
    .Input("predictions: float")
    .Input("targets: T")
    .Output("precision: bool")
    .Attr("k: int")
    .Attr("T: {int32, int64} = DT_INT32")
    .Shape(SameAsInput(1))
    .Kernel([](const Node& node) -> Kernel {
      return [k = node.attr<int64_t>("k")](KernelContext& context) { RunInTopK(context, k); };
    })
    .NoGradient();

DEFINE_OP("InTopKV2")
    .Input("predictions: float")
    .Input("targets: T")
    .Input("k: T")
    .Output("precision: bool")
    .Attr("T: {int32, int64} = DT_INT32")
    .Shape(SameAsInput(1))
    .Kernel([](KernelContext& context) { RunInTopK(context, context.input(2).AsInt64()); })
    .NoGradient();

}  // namespace
}  // namespace headrace
