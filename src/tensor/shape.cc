// Shapes, known and partly known.
#include "headrace/shape.h"

#include <algorithm>

#include "headrace/error.h"

namespace headrace {
namespace {

void CheckRank(size_t rank) {
  if (rank > kMaxRank) throw InvalidArgument("expected a shape of at most rank ", kMaxRank, ", got rank ", rank);
}

std::string Print(std::span<const int64_t> dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i) text += ',';
    text += dims[i] < 0 ? "?" : std::to_string(dims[i]);
  }
  return text + "]";
}

}  // namespace

Shape::Shape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  CheckRank(dims.size());
  for (int64_t size : dims) {
    if (size < 0) throw InvalidArgument("expected sizes of at least 0, got shape ", Print(dims));
  }
  std::copy(dims.begin(), dims.end(), dims_.begin());
}

void Shape::Append(int64_t size) {
  CheckRank(static_cast<size_t>(rank_) + 1);
  dims_[rank_++] = size;
}

int64_t Shape::num_elements() const {
  int64_t n = 1;
  for (int i = 0; i < rank_; ++i) {
    if (__builtin_mul_overflow(n, dims_[i], &n)) throw InvalidArgument("too many elements in shape ", ToString());
  }
  return n;
}

bool Shape::operator==(const Shape& other) const {
  return std::ranges::equal(dims(), other.dims());
}

std::string Shape::ToString() const {
  return Print(dims());
}

PartialShape::PartialShape(const Shape& shape) : PartialShape(shape.dims()) {}

PartialShape::PartialShape(std::initializer_list<int64_t> dims)
    : PartialShape(std::span<const int64_t>(dims.begin(), dims.size())) {}

PartialShape::PartialShape(std::span<const int64_t> dims) : rank_(static_cast<int>(dims.size())) {
  CheckRank(dims.size());
  std::transform(dims.begin(), dims.end(), dims_.begin(), [](int64_t size) { return size < 0 ? -1 : size; });
}

PartialShape PartialShape::UnknownOfRank(int rank) {
  return PartialShape(std::vector<int64_t>(rank, -1));
}

void PartialShape::Append(int64_t size) {
  CheckRank(static_cast<size_t>(rank_) + 1);
  dims_[rank_++] = size;
}

bool PartialShape::IsFullyDefined() const {
  return has_rank() && std::ranges::all_of(dims(), [](int64_t size) { return size >= 0; });
}

Shape PartialShape::ToShape() const {
  if (!IsFullyDefined()) throw FailedPrecondition("expected a fully defined shape, got ", ToString());
  return Shape(dims());
}

bool PartialShape::IsCompatibleWith(const PartialShape& other) const {
  if (!has_rank() || !other.has_rank()) return true;
  if (rank_ != other.rank_) return false;
  for (int i = 0; i < rank_; ++i) {
    if (dims_[i] >= 0 && other.dims_[i] >= 0 && dims_[i] != other.dims_[i]) return false;
  }
  return true;
}

PartialShape PartialShape::MergeWith(const PartialShape& other) const {
  if (!IsCompatibleWith(other)) {
    if (rank() != other.rank()) {
      throw InvalidArgument("Shapes must be equal rank, but are ", rank(), " and ", other.rank());
    }
    int i = 0;
    while (dims_[i] < 0 || other.dims_[i] < 0 || dims_[i] == other.dims_[i]) ++i;
    throw InvalidArgument("Dimension ", i, " in both shapes must be equal, but are ", dims_[i], " and ", other.dims_[i],
                          ". Shapes are ", ToString(), " and ", other.ToString());
  }
  if (!has_rank()) return other;
  if (!other.has_rank()) return *this;
  PartialShape merged = *this;
  for (int i = 0; i < rank_; ++i) merged.dims_[i] = std::max(dims_[i], other.dims_[i]);
  return merged;
}

bool PartialShape::operator==(const PartialShape& other) const {
  return rank_ == other.rank_ && std::ranges::equal(dims(), other.dims());
}

std::string PartialShape::ToString() const {
  return has_rank() ? Print(dims()) : "<unknown>";
}

namespace {

// Shapes in a graph, of which sizes may be unknown, are told by the sizes that differ, as TensorFlow tells them.
[[noreturn]] void FailBroadcast(const PartialShape&, const PartialShape&, int64_t x, int64_t y) {
  throw InvalidArgument("Dimensions must be equal, but are ", x, " and ", y);
}
[[noreturn]] void FailBroadcast(const Shape& a, const Shape& b, int64_t, int64_t) {
  throw InvalidArgument("Incompatible shapes: ", a, " vs. ", b);
}

// Appends the broadcast sizes to `out`, a scalar's shape.
template <class AnyShape>
AnyShape Broadcast(const AnyShape& a, const AnyShape& b, AnyShape out) {
  for (int i = std::max(a.rank(), b.rank()); i >= 1; --i) {
    const int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    int64_t size = -1;
    if (x == 1) {
      size = y;
    } else if (y == 1 || x == y) {
      size = x;
    } else if (x < 0 || y < 0) {
      size = std::max(x, y);
    } else {
      FailBroadcast(a, b, x, y);
    }
    out.Append(size);
  }
  return out;
}

}  // namespace

PartialShape BroadcastShapes(const PartialShape& a, const PartialShape& b) {
  if (!a.has_rank() || !b.has_rank()) return {};
  return Broadcast<PartialShape>(a, b, Shape());
}

Shape BroadcastShapes(const Shape& a, const Shape& b) {
  if (a == b) return a;
  return Broadcast<Shape>(a, b, {});
}

}  // namespace headrace
