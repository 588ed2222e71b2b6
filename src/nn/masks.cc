// Masks.
#include "headrace/masks.h"

#include "nn/filled.h"

namespace headrace {
namespace {

Output Int32s(const std::vector<int32_t>& values) {
  return Constant(Tensor::Vector(values));
}
Output Int32(int32_t value) {
  return ScalarConstant(DType::kInt32, value);
}
Output CastTo(Output x, DType dtype) {
  return x.dtype() == dtype ? x : ApplyOp("Cast", {{x}}, {{"DstT", dtype}});
}
// x[begin:end], to the end if that is 0.
Output Part(Output x, int32_t begin, int32_t end) {
  return ApplyOp("StridedSlice", {{x}, {Int32s({begin})}, {Int32s({end})}, {Int32s({1})}},
                 {{"end_mask", static_cast<int64_t>(end == 0)}});
}

}  // namespace

Output SequenceMask(Output lengths, Output max_length, DType dtype, std::string_view name) {
  if (!IsInteger(lengths.dtype())) {
    throw InvalidArgument("lengths must be integers, got ", lengths.dtype(), " in ", lengths.name());
  }
  if (max_length && max_length.shape().has_rank() && max_length.shape().rank() != 0) {
    throw InvalidArgument("maxlen must be scalar for sequence_mask, got shape ", max_length.shape());
  }
  NameScope scope(name);
  const DType integer = lengths.dtype();
  const Output zero = ScalarConstant(integer, 0, "Const");
  if (!max_length) {
    const Output longest = ApplyOp("Max", {{lengths}, {AllAxes(lengths)}});
    max_length = ApplyOp("Maximum", {{zero}, {longest}});
  }
  const Output positions =
      ApplyOp("Range", {{zero}, {CastTo(max_length, integer)}, {ScalarConstant(integer, 1, "Const")}});
  const Output mask = ApplyOp("Less", {{positions}, {ApplyOp("ExpandDims", {{lengths}, {Int32(-1)}})}});
  return CastTo(mask, dtype);
}

Output BooleanMask(Output x, Output mask, int axis, std::string_view name) {
  if (!mask.shape().has_rank()) {
    throw InvalidArgument(
        "Number of mask dimensions must be specified, even if some dimensions are None.  E.g. "
        "shape=[None] is ok, but shape=None is not.");
  }
  const int depth = mask.shape().rank();
  if (depth == 0) throw InvalidArgument("mask cannot be scalar.");
  PartialShape known;
  if (x.shape().has_rank()) {
    const int rank = x.shape().rank();
    if (axis < 0) axis += rank;
    if (axis < 0 || axis + depth > rank) {
      throw InvalidArgument("a mask of shape ", mask.shape(), " does not fit ", x.shape(), " from axis ", axis);
    }
    known = Shape();
    PartialShape masked = Shape();
    for (int i = 0; i < depth; ++i) masked.Append(x.shape()[axis + i]);
    if (!masked.IsCompatibleWith(mask.shape())) {
      throw InvalidArgument("Shapes ", masked, " and ", mask.shape(), " are incompatible: the mask ", mask.name(),
                            " and the axes of ", x.name(), " that it stands for");
    }
    for (int i = 0; i < axis; ++i) known.Append(x.shape()[i]);
    known.Append(-1);
    for (int i = axis + depth; i < rank; ++i) known.Append(x.shape()[i]);
  } else if (axis < 0) {
    throw InvalidArgument("boolean_mask along axis ", axis, " needs a tensor of known rank");
  }
  NameScope scope(name);
  const Output shape = ApplyOp("Shape", {{x}});
  const Output count = ApplyOp("Prod", {{Part(shape, axis, axis + depth)}, {Int32s({0})}}, {{"keep_dims", true}});
  OpArgument sizes;
  if (axis > 0) sizes.push_back(Part(shape, 0, axis));
  sizes.push_back(count);
  sizes.push_back(Part(shape, axis + depth, 0));
  const Output flat = ApplyOp("Reshape", {{x}, {ApplyOp("ConcatV2", {sizes, {Int32(0)}})}});
  const Output chosen = ApplyOp("Where", {{ApplyOp("Reshape", {{mask}, {Int32s({-1})}})}});
  const Output rows = ApplyOp("Squeeze", {{chosen}}, {{"squeeze_dims", std::vector<int64_t>{1}}});
  const Output result = ApplyOp("GatherV2", {{flat}, {rows}, {Int32(axis)}});
  if (x.shape().has_rank()) result.node->set_output_shape(0, result.shape().MergeWith(known));
  return result;
}

}  // namespace headrace
