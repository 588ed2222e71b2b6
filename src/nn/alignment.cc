// Ranks that are known are compared here; for others the graph computes the shape that the tensor is reshaped to.
#include "nn/alignment.h"

#include "nn/filled.h"

namespace headrace {
namespace {

Output Int32(int32_t value) {
  return ScalarConstant(DType::kInt32, value);
}

bool MayBeOne(const PartialShape& shape) {
  return shape.has_rank() && shape.rank() > 0 && (shape[shape.rank() - 1] == 1 || shape[shape.rank() - 1] < 0);
}

Output DropLastAxis(Output x) {
  return ApplyOp("Squeeze", {{x}}, {{"squeeze_dims", std::vector<int64_t>{-1}}});
}

Output AddLastAxis(Output x) {
  return ApplyOp("ExpandDims", {{x}, {Int32(-1)}});
}

Output OneIf(Output condition) {
  return ApplyOp("Cast", {{condition}}, {{"DstT", DType::kInt32}});
}

// x with its last axis dropped where `difference`, an int32 scalar, is `drop_at`, and with one added where it is
// `add_at` and x is no scalar. A last axis to be dropped that is not of size 1 is Reshape's error.
Output ReshapedByDifference(Output x, Output difference, int drop_at, std::optional<int> add_at) {
  const Output shape = ApplyOp("Shape", {{x}});
  const Output rank = ApplyOp("Rank", {{x}});
  const Output dropped = OneIf(ApplyOp("Equal", {{difference}, {Int32(drop_at)}}));
  const auto as_vector = [](Output scalar) { return ApplyOp("ExpandDims", {{scalar}, {Int32(0)}}); };
  const Output kept = as_vector(ApplyOp("Sub", {{rank}, {dropped}}));
  Output wanted = ApplyOp("Slice", {{shape}, {as_vector(Int32(0))}, {kept}});
  if (add_at) {
    const Output lacks = ApplyOp("Equal", {{difference}, {Int32(*add_at)}});
    const Output has_axes = ApplyOp("Greater", {{rank}, {Int32(0)}});
    const Output added = as_vector(OneIf(ApplyOp("LogicalAnd", {{lacks}, {has_axes}})));
    wanted = ApplyOp("ConcatV2", {{wanted, ApplyOp("Fill", {{added}, {Int32(1)}})}, {Int32(0)}});
  }
  return ApplyOp("Reshape", {{x}, {wanted}});
}

Output RankDifference(Output x, Output y) {
  return ApplyOp("Sub", {{ApplyOp("Rank", {{x}})}, {ApplyOp("Rank", {{y}})}});
}

// 1.15's words for a shape: "(2, ?)", "(2,)".
std::string TupleText(const PartialShape& shape) {
  if (!shape.has_rank()) return "<unknown>";
  std::string text = "(";
  for (int axis = 0; axis < shape.rank(); ++axis) {
    text += (axis > 0 ? ", " : "") + (shape[axis] < 0 ? "?" : std::to_string(shape[axis]));
  }
  return text + (shape.rank() == 1 ? ",)" : ")");
}

[[noreturn]] void RefuseWeights(Output weights, Output values) {
  throw InvalidArgument("weights can not be broadcast to values. values.rank=", values.shape().rank(),
                        ". weights.rank=", weights.shape().rank(), ". values.shape=", TupleText(values.shape()),
                        ". weights.shape=", TupleText(weights.shape()), ". (weights are ", weights.name(),
                        ", values are ", values.name(), ")");
}

// Whether shapes of equal rank prove that weights fit.
bool ProvenToFit(Output weights, Output values) {
  bool proven = true;
  for (int axis = 0; axis < values.shape().rank(); ++axis) {
    const int64_t weight = weights.shape()[axis], value = values.shape()[axis];
    if (weight == 1) continue;
    if (weight < 0 || value < 0) {
      proven = false;
    } else if (weight != value) {
      RefuseWeights(weights, values);
    }
  }
  return proven;
}

}  // namespace

void AlignRanks(Output* labels, Output* predictions, int expected_difference) {
  if (labels->shape().has_rank() && predictions->shape().has_rank()) {
    const int difference = predictions->shape().rank() - labels->shape().rank();
    if (difference == expected_difference + 1 && MayBeOne(predictions->shape())) {
      *predictions = DropLastAxis(*predictions);
    } else if (difference == expected_difference - 1 && MayBeOne(labels->shape())) {
      *labels = DropLastAxis(*labels);
    }
    return;
  }
  NameScope scope("remove_squeezable_dimensions");
  const Output difference = RankDifference(*predictions, *labels);
  const Output unaligned_labels = *labels;
  if (!labels->shape().has_rank() || MayBeOne(labels->shape())) {
    *labels = ReshapedByDifference(unaligned_labels, difference, expected_difference - 1, {});
  }
  if (!predictions->shape().has_rank() || MayBeOne(predictions->shape())) {
    *predictions = ReshapedByDifference(*predictions, difference, expected_difference + 1, {});
  }
}

Output AlignWeights(Output weights, Output values, bool expand) {
  if (weights.shape().has_rank() && weights.shape().rank() == 0) return weights;
  if (weights.shape().has_rank() && values.shape().has_rank()) {
    const int difference = weights.shape().rank() - values.shape().rank();
    if (difference == 1) return DropLastAxis(weights);
    return expand && difference == -1 ? AddLastAxis(weights) : weights;
  }
  NameScope scope("remove_squeezable_dimensions");
  return ReshapedByDifference(weights, RankDifference(weights, values), 1,
                              expand ? std::optional<int>(-1) : std::nullopt);
}

Node* CheckBroadcastable(Output weights, Output values) {
  const PartialShape &weight_shape = weights.shape(), &value_shape = values.shape();
  if (weight_shape.has_rank() && weight_shape.rank() == 0) return nullptr;
  if (weight_shape.has_rank() && value_shape.has_rank()) {
    if (weight_shape.rank() != value_shape.rank()) RefuseWeights(weights, values);
    if (ProvenToFit(weights, values)) return nullptr;
  }
  NameScope scope("assert_broadcastable");
  const Output weights_shape = ApplyOp("Shape", {{weights}}, {}, "weights/shape");
  const Output values_shape = ApplyOp("Shape", {{values}}, {}, "values/shape");
  const auto require = [&](Output holds) {
    const auto text = [](const char* words) { return Constant(Tensor::Scalar(std::string(words))); };
    const OpArgument told = {text("weights can not be broadcast to values."), text("weights.shape="), weights_shape,
                             text("values.shape="), values_shape};
    return Graph::Current().Apply("Assert", {{holds}, told}, {}, "AssertGuard/Assert");
  };
  const Output weights_rank = ApplyOp("Size", {{weights_shape}}), values_rank = ApplyOp("Size", {{values_shape}});
  const Output is_scalar = ApplyOp("Equal", {{weights_rank}, {Int32(0)}}, {}, "is_scalar");
  const Output same_rank = ApplyOp("Equal", {{weights_rank}, {values_rank}}, {}, "is_same_rank");
  ControlDependencies ranks_fit({require(ApplyOp("LogicalOr", {{is_scalar}, {same_rank}}))});
  // A scalar's empty shape is filled up with ones, so that axes can be compared one by one.
  const Output missing = ApplyOp("ExpandDims", {{ApplyOp("Sub", {{values_rank}, {weights_rank}})}, {Int32(0)}});
  const Output ones = ApplyOp("Fill", {{missing}, {Int32(1)}});
  const Output padded = ApplyOp("ConcatV2", {{ones, weights_shape}, {Int32(0)}});
  const Output fits = ApplyOp(
      "LogicalOr", {{ApplyOp("Equal", {{padded}, {Int32(1)}})}, {ApplyOp("Equal", {{padded}, {values_shape}})}});
  return require(ApplyOp("All", {{fits}, {AllAxes(fits)}}));
}

Output BroadcastWeights(Output weights, Output values) {
  NameScope scope("broadcast_weights");
  weights = AsFloat(weights);
  Node* checked = CheckBroadcastable(weights, values);
  ControlDependencies after(checked ? std::vector<Node*>{checked} : std::vector<Node*>{});
  return ApplyOp("Mul", {{weights}, {ApplyOp("OnesLike", {{values}}, {}, "ones_like")}}, {}, scope.name());
}

void CheckSameShape(Output labels, Output predictions, const char* what) {
  if (!labels.shape().IsCompatibleWith(predictions.shape())) {
    throw InvalidArgument("Shapes ", TupleText(predictions.shape()), " and ", TupleText(labels.shape()),
                          " are incompatible: ", what, " needs predictions (", predictions.name(), ") and labels (",
                          labels.name(), ") of one shape");
  }
}

}  // namespace headrace
