// Shape: the sizes of a tensor that exists. PartialShape: what is known of a tensor's shape before it exists.
// Both are small values that never allocate up to rank 8.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>
#include <vector>

namespace headrace {

inline constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;  // a scalar
  Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const int64_t> dims);  // errors: InvalidArgument on a negative size or a rank above 8
  explicit Shape(const std::vector<int64_t>& dims) : Shape(std::span<const int64_t>(dims)) {}

  int rank() const { return rank_; }
  int64_t operator[](int axis) const { return dims_[axis]; }
  int64_t dim(int axis) const { return dims_[axis]; }
  void set_dim(int axis, int64_t size) { dims_[axis] = size; }
  void Append(int64_t size);
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_)}; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  int64_t num_elements() const;
  bool operator==(const Shape& other) const;
  std::string ToString() const;  // "[512,5]"

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

class PartialShape {
 public:
  PartialShape() = default;                           // unknown rank
  PartialShape(const Shape& shape);                   // NOLINT: every Shape is a PartialShape
  PartialShape(std::initializer_list<int64_t> dims);  // -1 for an unknown size
  explicit PartialShape(std::span<const int64_t> dims);
  explicit PartialShape(const std::vector<int64_t>& dims) : PartialShape(std::span<const int64_t>(dims)) {}
  static PartialShape UnknownOfRank(int rank);

  bool has_rank() const { return rank_ >= 0; }
  int rank() const { return rank_; }                          // -1 if unknown
  int64_t operator[](int axis) const { return dims_[axis]; }  // -1 if unknown
  void set_dim(int axis, int64_t size) { dims_[axis] = size; }
  void Append(int64_t size);
  std::span<const int64_t> dims() const { return {dims_.data(), static_cast<size_t>(rank_ < 0 ? 0 : rank_)}; }
  bool IsFullyDefined() const;
  Shape ToShape() const;  // errors: FailedPrecondition unless fully defined
  bool IsCompatibleWith(const PartialShape& other) const;
  PartialShape MergeWith(const PartialShape& other) const;  // errors: InvalidArgument if incompatible
  bool operator==(const PartialShape& other) const;
  std::string ToString() const;  // "[?,5]", "<unknown>"

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int rank_ = -1;
};

// NumPy's rule: aligned at the last axis, sizes equal or 1. Errors: InvalidArgument naming both shapes.
Shape BroadcastShapes(const Shape& a, const Shape& b);
PartialShape BroadcastShapes(const PartialShape& a, const PartialShape& b);

inline std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.ToString();
}
inline std::ostream& operator<<(std::ostream& out, const PartialShape& shape) {
  return out << shape.ToString();
}

}  // namespace headrace
