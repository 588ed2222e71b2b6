// Rules that many declarations share.
#include "declare/rules.h"

#include <algorithm>

#include "headrace/op.h"

namespace headrace {

// ------------------------------------------------------------------------------------------------------------- lifting

bool LiftElementwise(RowLift& node) {
  int rank = 0;
  for (int i = 0; i < node.num_inputs(); ++i) {
    if (!node.shape(i).has_rank()) return false;
    rank = std::max(rank, node.shape(i).rank());
  }
  const bool text = std::ranges::any_of(node.node().inputs(), [](Output x) { return x.dtype() == DType::kString; });
  for (int i = 0; i < node.num_inputs(); ++i) {
    // Of strings only scalars are broadcast, and the rows of scalars are none.
    if (text && node.shape(i).rank() != (node.has_rows(i) ? rank : 0)) return false;
    if (!node.has_rows(i) || node.shape(i).rank() == rank) continue;
    if (!node.shape(i).IsFullyDefined()) return false;
    node.PadRows(i, rank);
  }
  return true;
}

bool LiftSameShapes(RowLift& node) {
  if (!node.all_have_rows(0, node.num_inputs())) return false;
  for (int i = 0; i < node.num_inputs(); ++i) {
    if (!node.shape(i).has_rank() || node.shape(i).rank() != node.shape(0).rank()) return false;
  }
  return true;
}

void ShiftAxis(RowLift& node, const char* attr) {
  const int64_t axis = node.node().attr<int64_t>(attr);
  if (axis >= 0) node.set_attr(attr, axis + 1);
}

bool ShiftAxis(RowLift& node, int input) {
  const Tensor* axis = node.constant(input);
  if (!axis) return false;
  if (axis->AsInt64() >= 0) {
    node.set_input(input, StaticValue::Scalar(axis->AsInt64() + 1).ToTensor(axis->dtype()));
  }
  return true;
}

// -------------------------------------------------------------------------------------------------- values before a
// run

std::optional<StaticValue> SameNumbers(ValueContext& context) {
  auto value = context.input(0);
  if (!value) return std::nullopt;
  const PartialShape& shape = context.node().output_shape(0);
  if (!shape.has_rank() || shape.rank() > 1) return std::nullopt;
  value->scalar = shape.rank() == 0;
  if (value->scalar && value->elements.size() != 1) return std::nullopt;
  return value;
}

ValueRule NumberByNumber(std::optional<int64_t> (*f)(int64_t x, int64_t y)) {
  return [f](ValueContext& context) -> std::optional<StaticValue> {
    const auto x = context.input(0), y = context.input(1);
    if (!x || !y) return std::nullopt;
    const size_t n = std::max(x->elements.size(), y->elements.size());
    if (x->elements.empty() || y->elements.empty()) return std::nullopt;
    if ((x->elements.size() != n && x->elements.size() != 1) || (y->elements.size() != n && y->elements.size() != 1)) {
      return std::nullopt;
    }
    StaticValue value{.scalar = x->scalar && y->scalar, .elements = {}};
    for (size_t i = 0; i < n; ++i) {
      const auto a = x->elements[x->elements.size() == 1 ? 0 : i], b = y->elements[y->elements.size() == 1 ? 0 : i];
      value.elements.push_back(a && b ? f(*a, *b) : std::nullopt);
    }
    return value;
  };
}

}  // namespace headrace
