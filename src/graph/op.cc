// The op registry, the shape rules that many ops share, and what kernels and gradients call.
#include "headrace/op.h"

#include <algorithm>
#include <numeric>

namespace headrace {
namespace {

// The Levenshtein distance, for suggestions.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

const OpAttr* OpDef::FindAttr(std::string_view attr) const {
  for (const auto& candidate : attrs) {
    if (candidate.name == attr) return &candidate;
  }
  return nullptr;
}

OpRegistry& OpRegistry::Global() {
  static OpRegistry& registry = *new OpRegistry;
  return registry;
}

void OpRegistry::Register(OpDef def) {
  const std::string name = def.name;
  if (!ops_.emplace(name, std::move(def)).second) throw AlreadyExists("op '", name, "' is declared twice");
}

const OpDef* OpRegistry::FindOrNull(std::string_view name) const {
  const auto found = ops_.find(name);
  return found == ops_.end() ? nullptr : &found->second;
}

const OpDef& OpRegistry::Find(std::string_view name) const {
  if (const OpDef* def = FindOrNull(name)) return *def;
  std::string nearest;
  for (const auto& [candidate, def] : ops_) {
    if (EditDistance(candidate, name) <= std::max<size_t>(1, name.size() / 4)) {
      nearest += (nearest.empty() ? "; did you mean " : ", ") + candidate;
    }
  }
  throw NotFound("there is no op '", name, "'", nearest);
}

std::vector<const OpDef*> OpRegistry::All() const {
  std::vector<const OpDef*> all;
  for (const auto& [name, def] : ops_) all.push_back(&def);
  return all;
}

// ------------------------------------------------------------------------------------------------------------ shapes

PartialShape ShapeContext::WithRank(int i, int rank) const {
  const PartialShape& shape = input(i);
  if (!shape.has_rank()) return PartialShape::UnknownOfRank(rank);
  if (shape.rank() != rank) {
    throw InvalidArgument("Shape must be rank ", rank, " but is rank ", shape.rank());
  }
  return shape;
}

PartialShape ShapeContext::WithRankAtLeast(int i, int rank) const {
  const PartialShape& shape = input(i);
  if (shape.has_rank() && shape.rank() < rank) {
    throw InvalidArgument("Shape must be at least rank ", rank, " but is rank ", shape.rank());
  }
  return shape;
}

const Tensor* ShapeContext::constant(int i) const {
  if (const Tensor* value = ConstantBehind(node_.input(i))) return value;
  const auto known = value(i);
  if (!known || !known->complete()) return nullptr;
  Tensor tensor = known->ToTensor(node_.input(i).dtype());
  if (!tensor.defined()) return nullptr;
  return constants_.emplace_back(std::make_unique<Tensor>(std::move(tensor))).get();
}

PartialShape ShapeContext::ShapeFromInput(int i) const {
  if (const Tensor* constant = ConstantBehind(node_.input(i))) return PartialShape(constant->AsInt64s());
  if (const auto known = value(i)) return known->ToShape();
  const PartialShape& vector = input(i);
  return vector.rank() == 1 && vector[0] >= 0 && vector[0] <= kMaxRank
             ? PartialShape::UnknownOfRank(static_cast<int>(vector[0]))
             : PartialShape();
}

ShapeFunction SameAsInput(int i) {
  return {[i](ShapeContext& c) { c.set_output(0, c.input(i)); }, "that of input " + std::to_string(i)};
}

ShapeFunction ScalarShape() {
  return {[](ShapeContext& c) {
            for (int i = 0; i < c.node().num_outputs(); ++i) c.set_output(i, Shape());
          },
          "a scalar"};
}

ShapeFunction BroadcastOfInputs() {
  return {[](ShapeContext& c) {
            PartialShape shape = c.input(0);
            for (int i = 1; i < c.num_inputs(); ++i) shape = BroadcastShapes(shape, c.input(i));
            c.set_output(0, shape);
          },
          "that of the inputs, broadcast together"};
}

ShapeFunction UnknownShape() {
  return [](ShapeContext&) {};
}

// ----------------------------------------------------------------------------------------------------------- kernels

Lanes::Signature Lanes::SignatureOf(const Node& node) {
  Signature signature{.output = node.output_dtype(0)};
  for (size_t i = 0; i < node.inputs().size(); ++i) signature.inputs.at(i) = node.inputs()[i].dtype();
  return signature;
}

const Lanes::Function* Lanes::Find(const Signature& signature) const {
  for (const Function& function : functions) {
    if (function.signature == signature) return &function;
  }
  return nullptr;
}

const Lanes::Function* Lanes::Find(const Node& node) const {
  return node.inputs().size() == static_cast<size_t>(arity) ? Find(SignatureOf(node)) : nullptr;
}

TileFunction Lanes::Tile(DType dtype) const {
  Signature signature{.output = dtype};
  std::fill_n(signature.inputs.begin(), arity, dtype);
  const Function* found = Find(signature);
  return found ? found->tile : nullptr;
}

VariableState& KernelContext::variable(int i) const {
  auto* state = dynamic_cast<VariableState*>(input(i).object().get());
  if (!state) {
    throw InvalidArgument("input ", i, " of ", node().name(), " is a ", input(i).object()->DebugString(),
                          ", expected a variable");
  }
  return *state;
}

Tensor& KernelContext::AllocateOutput(int i, const Shape& shape) {
  return outputs_[i] = Allocate(i, node_->output_dtype(i), shape);
}

Tensor& KernelContext::ReuseOrAllocateOutput(int from, int i, const Shape& shape) {
  const Tensor& source = input(from);
  const bool fits = source.dtype() == node_->output_dtype(i) && source.num_elements() == shape.num_elements();
  if (fits && MayReuse(from, i)) return outputs_[i] = source.Reshaped(shape);
  return AllocateOutput(i, shape);
}

// --------------------------------------------------------------------------------------------------------- gradients

Output Densify(const Gradient& gradient) {
  if (!gradient.sparse()) return gradient.values;
  const auto vector = [](int32_t value) { return Constant(Tensor::Vector(std::vector<int32_t>{value})); };
  const Output rows = ApplyOp("StridedSlice", {{gradient.dense_shape}, {vector(0)}, {vector(1)}, {vector(1)}},
                              {{"shrink_axis_mask", 1}});
  return ApplyOp("UnsortedSegmentSum", {{gradient.values}, {gradient.indices}, {rows}});
}

Output Backward::dy(int i) const {
  const Gradient& gradient = dys_.at(i);
  if (!gradient) return ApplyOp("ZerosLike", {{y(i)}});
  return Densify(gradient);
}

}  // namespace headrace
