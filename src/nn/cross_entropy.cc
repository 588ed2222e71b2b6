// Cross entropies: the formulas that overflow nowhere, and logits of any rank as the matrices that the ops take.
#include "headrace/cross_entropy.h"

#include "nn/filled.h"

namespace headrace::nn {
namespace {

Output Int32s(const std::vector<int32_t>& values) {
  return Constant(Tensor::Vector(values));
}

void CheckLogitsShape(Output labels, Output logits) {
  if (!labels.shape().IsCompatibleWith(logits.shape())) {
    throw InvalidArgument("logits and labels must have the same shape (", logits.shape(), " vs ", labels.shape(),
                          "): logits are ", logits.name(), ", labels are ", labels.name());
  }
}

Output Multiply(Output x, Output y) {
  return ApplyOp("Mul", {{x}, {y}});
}

// log(1 + exp(-|x|)) + max(-x, 0)
Output SoftplusOfMinus(Output x) {
  const Output magnitude = ApplyOp("Abs", {{x}});
  return ApplyOp("AddV2", {{ApplyOp("Log1p", {{ApplyOp("Exp", {{ApplyOp("Neg", {{magnitude}})}})}})},
                           {ApplyOp("Relu", {{ApplyOp("Neg", {{x}})}})}});
}

// Axis `axis` of x behind all others; x must be of known rank then.
Output WithLastAxis(Output x, int axis) {
  const int rank = x.shape().rank();
  std::vector<int32_t> order;
  for (int i = 0; i < rank; ++i) {
    if (i != axis) order.push_back(i);
  }
  order.push_back(axis);
  return ApplyOp("Transpose", {{x}, {Int32s(order)}});
}

// [all axes but the last in one, the last].
Output AsMatrix(Output x) {
  if (x.shape().has_rank() && x.shape().rank() == 2) return x;
  const Output last = ApplyOp("StridedSlice", {{ApplyOp("Shape", {{x}})}, {Int32s({-1})}, {Int32s({0})}, {Int32s({1})}},
                              {{"end_mask", int64_t{1}}});
  const Output shape = ApplyOp("ConcatV2", {{Int32s({-1}), last}, {ScalarConstant(DType::kInt32, 0)}});
  return ApplyOp("Reshape", {{x}, {shape}});
}

}  // namespace

Output SigmoidCrossEntropyWithLogits(Output labels, Output logits, std::string_view name) {
  CheckLogitsShape(labels, logits);
  // max(x, 0) - x * z + log(1 + exp(-|x|))
  NameScope scope(name);
  const Output zeros = ApplyOp("ZerosLike", {{logits}}, {}, "zeros_like");
  const Output is_positive = ApplyOp("GreaterEqual", {{logits}, {zeros}});
  const Output positive = ApplyOp("SelectV2", {{is_positive}, {logits}, {zeros}}, {}, "Select");
  const Output minus_magnitude =
      ApplyOp("SelectV2", {{is_positive}, {ApplyOp("Neg", {{logits}})}, {logits}}, {}, "Select_1");
  const Output linear = ApplyOp("Sub", {{positive}, {Multiply(logits, labels)}}, {}, "sub");
  return ApplyOp("AddV2", {{linear}, {ApplyOp("Log1p", {{ApplyOp("Exp", {{minus_magnitude}})}})}}, {}, scope.name());
}

Output WeightedCrossEntropyWithLogits(Output labels, Output logits, Output positive_weight, std::string_view name) {
  CheckLogitsShape(labels, logits);
  // (1 - z) * x + (1 + (q - 1) * z) * log(1 + exp(-x))
  NameScope scope(name);
  const Output one = ScalarConstant(logits.dtype(), 1);
  const Output more = Multiply(ApplyOp("Sub", {{positive_weight}, {one}}), labels);
  const Output weight = ApplyOp("AddV2", {{one}, {more}});
  const Output linear = Multiply(ApplyOp("Sub", {{one}, {labels}}), logits);
  return ApplyOp("AddV2", {{linear}, {Multiply(weight, SoftplusOfMinus(logits))}}, {}, scope.name());
}

Output SoftmaxCrossEntropyWithLogits(Output labels, Output logits, int axis, std::string_view name) {
  NameScope scope(name);
  if (labels.dtype() != logits.dtype()) labels = ApplyOp("Cast", {{labels}}, {{"DstT", logits.dtype()}});
  if (axis != -1) {
    const PartialShape& shape = logits.shape().has_rank() ? logits.shape() : labels.shape();
    if (!shape.has_rank()) throw InvalidArgument("cross entropy along axis ", axis, " needs logits of known rank");
    const int rank = shape.rank(), wanted = axis < 0 ? axis + rank : axis;
    if (wanted < 0 || wanted >= rank) throw InvalidArgument("logits of rank ", rank, " have no axis ", axis);
    if (!labels.shape().has_rank() || !logits.shape().has_rank()) {
      throw InvalidArgument("cross entropy along axis ", axis, " needs labels and logits of known rank");
    }
    if (wanted != rank - 1) logits = WithLastAxis(logits, wanted), labels = WithLastAxis(labels, wanted);
  }
  if (logits.shape().has_rank() && logits.shape().rank() == 2) {
    return ApplyOp("SoftmaxCrossEntropyWithLogits", {{logits}, {AsMatrix(labels)}}, {}, scope.name());
  }
  const Output cost = ApplyOp("SoftmaxCrossEntropyWithLogits", {{AsMatrix(logits)}, {AsMatrix(labels)}});
  const Output outer =
      ApplyOp("StridedSlice", {{ApplyOp("Shape", {{logits}})}, {Int32s({0})}, {Int32s({-1})}, {Int32s({1})}},
              {{"begin_mask", int64_t{1}}});
  const Output losses = ApplyOp("Reshape", {{cost}, {outer}}, {}, scope.name());
  if (logits.shape().has_rank()) {
    PartialShape shape = Shape();
    for (const int64_t size : logits.shape().dims().first(logits.shape().rank() - 1)) shape.Append(size);
    losses.node->set_output_shape(losses.index, losses.shape().MergeWith(shape));
  }
  return losses;
}

Output SparseSoftmaxCrossEntropyWithLogits(Output labels, Output logits, std::string_view name) {
  NameScope scope(name);
  const PartialShape &label_shape = labels.shape(), &logit_shape = logits.shape();
  if (logit_shape.has_rank() && logit_shape.rank() == 0) {
    throw InvalidArgument("Logits cannot be scalars - received shape ", logit_shape, " of ", logits.name());
  }
  if (label_shape.has_rank() && logit_shape.has_rank() && label_shape.rank() != logit_shape.rank() - 1) {
    throw InvalidArgument("Rank mismatch: Rank of labels (received ", label_shape.rank(),
                          ") should equal rank of logits minus 1 (received ", logit_shape.rank(), ").");
  }
  if (label_shape.has_rank() && label_shape.rank() == 1 && logit_shape.has_rank()) {
    return ApplyOp("SparseSoftmaxCrossEntropyWithLogits", {{logits}, {labels}}, {}, name);
  }
  const Output flat_labels = ApplyOp("Reshape", {{labels}, {Int32s({-1})}});
  const Output cost = ApplyOp("SparseSoftmaxCrossEntropyWithLogits", {{AsMatrix(logits)}, {flat_labels}}, {}, name);
  return ApplyOp("Reshape", {{cost}, {ApplyOp("Shape", {{labels}})}});
}

}  // namespace headrace::nn
