// Tensor: a typed, shaped, row-major array. Copying a Tensor shares its buffer; contents are written only by whoever
// made the tensor and has not yet handed it on. Thread-safe for reading.
#pragma once

#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "headrace/dtype.h"
#include "headrace/error.h"
#include "headrace/shape.h"

namespace headrace {

// Memory behind tensors. Elements of numeric types are 64-byte aligned raw memory; strings and objects are arrays of
// std::string and std::shared_ptr<Object>, which the buffer constructs and destroys.
class Buffer {
 public:
  virtual ~Buffer() = default;
  void* data() const { return data_; }
  size_t size() const { return size_; }  // bytes

 protected:
  Buffer(void* data, size_t size) : data_(data), size_(size) {}
  void* data_;
  size_t size_;
};

// What resource and variant tensors hold.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string DebugString() const = 0;
};
template <>
inline constexpr DType DTypeOf<std::shared_ptr<Object>> = DType::kResource;

class Tensor {
 public:
  Tensor() = default;                       // no dtype, no buffer
  Tensor(DType dtype, const Shape& shape);  // numeric contents are uninitialised; strings are empty
  // A tensor over memory that `buffer` keeps alive; data() is buffer->data() + offset bytes.
  Tensor(DType dtype, const Shape& shape, std::shared_ptr<Buffer> buffer, size_t offset = 0);

  template <class T>
  static Tensor Scalar(T value) {
    Tensor t(DTypeOf<T>, {});
    *t.data<T>() = std::move(value);
    return t;
  }
  static Tensor Scalar(const char* value) { return Scalar(std::string(value)); }
  template <class T>
  static Tensor Vector(std::span<const T> values) {
    return Of<T>({static_cast<int64_t>(values.size())}, values);
  }
  template <class T>
  static Tensor Vector(const std::vector<T>& values) {  // std::vector<bool> has no span: build by hand
    return Vector(std::span<const T>(values));
  }
  template <class T>
  static Tensor Of(const Shape& shape, std::span<const T> values) {
    Tensor t(DTypeOf<T>, shape);
    if (t.num_elements() != static_cast<int64_t>(values.size())) {
      throw InvalidArgument("expected ", t.num_elements(), " values for shape ", shape, ", got ", values.size());
    }
    std::copy(values.begin(), values.end(), t.data<T>());
    return t;
  }
  static Tensor Zeros(DType dtype, const Shape& shape);
  static Tensor Resource(std::shared_ptr<Object> object);  // scalar kResource
  static Tensor Variant(std::shared_ptr<Object> object);   // scalar kVariant

  bool defined() const { return dtype_ != DType::kInvalid; }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t dim(int axis) const { return shape_[axis]; }
  int64_t num_elements() const { return num_elements_; }
  size_t bytes() const { return static_cast<size_t>(num_elements_) * SizeOf(dtype_); }  // numeric types only

  void* raw() const { return data_; }
  template <class T>
  T* data() const {  // errors: InvalidArgument if the dtype is another
    if (DTypeOf<T> != dtype_) FailDType(DTypeOf<T>);
    return static_cast<T*>(data_);
  }
  template <class T>
  std::span<T> flat() const {
    return {data<T>(), static_cast<size_t>(num_elements_)};
  }
  template <class T>
  const T& scalar() const {  // errors: InvalidArgument unless there is exactly one element
    if (num_elements_ != 1) FailScalar();
    return *data<T>();
  }
  std::string_view string(int64_t i = 0) const { return data<std::string>()[i]; }
  // The object of a scalar resource or variant tensor; nullptr never. Errors: InvalidArgument.
  const std::shared_ptr<Object>& object() const;
  // Integer element i of an int32 or int64 (or smaller integer) tensor.
  int64_t AsInt64(int64_t i = 0) const;
  double AsDouble(int64_t i = 0) const;  // any real type
  std::vector<int64_t> AsInt64s() const;

  Tensor Reshaped(const Shape& shape) const;       // shares the buffer; errors: InvalidArgument on another size
  Tensor Slice(int64_t begin, int64_t end) const;  // rows [begin, end) of axis 0; shares the buffer
  Tensor Clone() const;                            // a copy of the contents
  bool SharesBuffer() const { return buffer_.use_count() > 1; }
  const std::shared_ptr<Buffer>& buffer() const { return buffer_; }

  std::string ToString(int64_t max_elements = 16) const;  // "float32[2] [1, 2]"

 private:
  [[noreturn]] void FailDType(DType wanted) const;
  [[noreturn]] void FailScalar() const;

  DType dtype_ = DType::kInvalid;
  Shape shape_;
  int64_t num_elements_ = 0;
  void* data_ = nullptr;
  std::shared_ptr<Buffer> buffer_;
};

// A fresh buffer for n elements; numeric memory comes from a caching allocator.
std::shared_ptr<Buffer> NewBuffer(DType dtype, int64_t n);

// Calls f(T{}) with the C++ type of a numeric or bool dtype. Errors: InvalidArgument (`what` says for whom).
template <class F>
auto VisitNumeric(DType dtype, const char* what, F&& f) {
  switch (dtype) {
    case DType::kFloat:
      return f(float{});
    case DType::kDouble:
      return f(double{});
    case DType::kInt32:
      return f(int32_t{});
    case DType::kInt64:
      return f(int64_t{});
    case DType::kUInt8:
      return f(uint8_t{});
    case DType::kInt16:
      return f(int16_t{});
    case DType::kInt8:
      return f(int8_t{});
    case DType::kUInt16:
      return f(uint16_t{});
    case DType::kUInt32:
      return f(uint32_t{});
    case DType::kUInt64:
      return f(uint64_t{});
    case DType::kBool:
      return f(bool{});
    default:
      throw InvalidArgument(what, " does not take ", dtype);
  }
}

inline std::ostream& operator<<(std::ostream& out, const Tensor& t) {
  return out << t.ToString();
}

}  // namespace headrace
