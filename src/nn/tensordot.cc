// Tensordot: both tensors as matrices, whose inner axis is what is summed over.
#include "headrace/tensordot.h"

#include <algorithm>
#include <numeric>

#include "nn/filled.h"

namespace headrace {
namespace {

// An operand's axes: those summed over, in the order given, and the others.
struct Split {
  Split(Output x, const std::vector<int>& axes) : tensor(x) {
    if (!x.shape().has_rank()) throw InvalidArgument("tensordot needs tensors of known rank; ", x.name(), " has none");
    const int rank = x.shape().rank();
    for (const int axis : axes) {
      if (axis < -rank || axis >= rank) {
        throw InvalidArgument("tensordot: there is no axis ", axis, " in ", x.name(), " of shape ", x.shape());
      }
      summed.push_back(axis < 0 ? axis + rank : axis);
      if (std::ranges::count(summed, summed.back()) > 1) {
        throw InvalidArgument("tensordot: axis ", axis, " of ", x.name(), " is given twice");
      }
    }
    for (int axis = 0; axis < rank; ++axis) {
      if (std::ranges::count(summed, axis) == 0) free.push_back(axis);
    }
  }

  Output Sizes(const std::vector<int32_t>& of) const {
    return ApplyOp("GatherV2", {{ApplyOp("Shape", {{tensor}})},
                                {Constant(Tensor::Vector(of), "axes")},
                                {ScalarConstant(DType::kInt32, 0, "axis")}});
  }
  // Transposed to first + second, in two axes; `inner` is the size of the summed ones.
  Output Matrix(const std::vector<int32_t>& first, const std::vector<int32_t>& second, bool inner_first,
                Output inner) const {
    std::vector<int32_t> order = first;
    order.insert(order.end(), second.begin(), second.end());
    std::vector<int32_t> unmoved(order.size());
    std::iota(unmoved.begin(), unmoved.end(), 0);
    const Output moved =
        order == unmoved ? tensor : ApplyOp("Transpose", {{tensor}, {Constant(Tensor::Vector(order))}});
    const Output rest = ScalarConstant(DType::kInt32, -1);
    const OpArgument sizes = inner_first ? OpArgument{inner, rest} : OpArgument{rest, inner};
    return ApplyOp("Reshape", {{moved}, {ApplyOp("Pack", {sizes})}});
  }

  Output tensor;
  std::vector<int32_t> summed, free;
};

}  // namespace

Output Tensordot(Output a, Output b, const std::vector<int>& axes_a, const std::vector<int>& axes_b,
                 std::string_view name) {
  if (axes_a.size() != axes_b.size()) {
    throw InvalidArgument("Different number of contraction axes a and b, ", axes_a.size(), " != ", axes_b.size(), ".");
  }
  NameScope scope(name);
  const Split left(a, axes_a), right(b, axes_b);
  for (size_t i = 0; i < left.summed.size(); ++i) {
    const int64_t size_a = a.shape()[left.summed[i]], size_b = b.shape()[right.summed[i]];
    if (size_a >= 0 && size_b >= 0 && size_a != size_b) {
      throw InvalidArgument("tensordot: axis ", left.summed[i], " of ", a.name(), " has size ", size_a, ", axis ",
                            right.summed[i], " of ", b.name(), " has ", size_b);
    }
  }
  const Output inner = ApplyOp("Prod", {{left.Sizes(left.summed)}, {ScalarConstant(DType::kInt32, 0)}});
  const Output product = ApplyOp("MatMul", {{left.Matrix(left.free, left.summed, false, inner)},
                                            {right.Matrix(right.summed, right.free, true, inner)}});
  const Output shape =
      ApplyOp("ConcatV2", {{left.Sizes(left.free), right.Sizes(right.free)}, {ScalarConstant(DType::kInt32, 0)}});
  const Output result = ApplyOp("Reshape", {{product}, {shape}}, {}, scope.name());
  PartialShape known = Shape();
  for (const int axis : left.free) known.Append(a.shape()[axis]);
  for (const int axis : right.free) known.Append(b.shape()[axis]);
  result.node->set_output_shape(0, result.shape().MergeWith(known));
  return result;
}

Output Tensordot(Output a, Output b, int axes, std::string_view name) {
  if (axes < 0) throw InvalidArgument("'axes' must be at least 0, got ", axes);
  if (!a.shape().has_rank()) throw InvalidArgument("tensordot needs tensors of known rank; ", a.name(), " has none");
  if (axes > a.shape().rank()) {
    throw InvalidArgument("'axes' must not be larger than the number of dimensions of tensor ", a.name(), ", got ",
                          axes, " for ", a.shape());
  }
  std::vector<int> last(static_cast<size_t>(axes)), first(static_cast<size_t>(axes));
  std::iota(last.begin(), last.end(), a.shape().rank() - axes);
  std::iota(first.begin(), first.end(), 0);
  return Tensordot(a, b, last, first, name);
}

}  // namespace headrace
