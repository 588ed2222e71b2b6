// Tensors and their buffers. Small numeric buffers are recycled in power-of-two size classes, which each thread frees
// and allocates without a lock, since a training step asks for the same few sizes again and again.
#include "headrace/tensor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__clang__)
#if __has_feature(address_sanitizer)
#define HEADRACE_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HEADRACE_ADDRESS_SANITIZER
#endif

namespace headrace {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallestClass = 6;  // 64 bytes
#if defined(HEADRACE_ADDRESS_SANITIZER)
constexpr size_t kLargestClass = 0;  // recycled and rounded blocks would hide from it what lies beyond a tensor's end
#else
constexpr size_t kLargestClass = 24;  // 16 MiB; larger blocks go straight to the system
#endif
constexpr size_t kKeptPerClass = 8;
constexpr size_t kKeptBytesPerClass = 16 << 20;   // so few of the large ones
constexpr int64_t kMostBytes = int64_t{1} << 46;  // of a tensor: more than any machine has, and sizes don't overflow

struct ThreadCache {
  std::array<std::array<void*, kKeptPerClass>, kLargestClass + 1> blocks{};
  std::array<uint8_t, kLargestClass + 1> count{};
  bool* gone;
  explicit ThreadCache(bool* gone) : gone(gone) {}
  ~ThreadCache() {
    *gone = true;
    for (size_t c = 0; c < blocks.size(); ++c) {
      for (size_t i = 0; i < count[c]; ++i) std::free(blocks[c][i]);
    }
  }
};

// Null while the thread is ending, when its cache is already destroyed.
ThreadCache* Cache() {
  static thread_local bool gone = false;
  if (gone) return nullptr;
  static thread_local ThreadCache cache(&gone);
  return &cache;
}

size_t SizeClass(size_t bytes) {
  return std::max<size_t>(kSmallestClass, std::bit_width(std::max<size_t>(bytes, 1) - 1));
}

void* AllocateBytes(size_t bytes) {
  const size_t c = SizeClass(bytes);
  if (auto* cache = c <= kLargestClass ? Cache() : nullptr; cache && cache->count[c] > 0) {
    return cache->blocks[c][--cache->count[c]];
  }
  void* block = nullptr;
  if (posix_memalign(&block, kAlignment, c <= kLargestClass ? size_t{1} << c : bytes) != 0) throw std::bad_alloc();
  return block;
}

void FreeBytes(void* block, size_t bytes) {
  const size_t c = SizeClass(bytes);
  auto* cache = c <= kLargestClass ? Cache() : nullptr;
  if (cache && cache->count[c] < kKeptPerClass && (size_t{cache->count[c]} + 1) << c <= kKeptBytesPerClass) {
    cache->blocks[c][cache->count[c]++] = block;
  } else {
    std::free(block);
  }
}

class NumericBuffer : public Buffer {
 public:
  explicit NumericBuffer(size_t bytes) : Buffer(AllocateBytes(bytes), bytes) {}
  ~NumericBuffer() override { FreeBytes(data_, size_); }
};

template <class T>
class ObjectBuffer : public Buffer {
 public:
  explicit ObjectBuffer(size_t n) : Buffer(nullptr, n * sizeof(T)), elements_(n) { data_ = elements_.data(); }

 private:
  std::vector<T> elements_;
};

using ObjectPtr = std::shared_ptr<Object>;

bool HoldsObjects(DType dtype) {
  return dtype == DType::kResource || dtype == DType::kVariant;
}

size_t ElementStride(DType dtype) {
  if (dtype == DType::kString) return sizeof(std::string);
  return HoldsObjects(dtype) ? sizeof(ObjectPtr) : SizeOf(dtype);
}

// An argument of an op may have fewer values than the op reads.
void CheckIndex(const Tensor& t, int64_t i) {
  if (i < 0 || i >= t.num_elements()) {
    throw InvalidArgument("expected at least ", i + 1, " values, got ", t.dtype(), t.shape());
  }
}

void PrintElement(std::ostream& out, const Tensor& t, int64_t i) {
  switch (t.dtype()) {
    case DType::kString:
      out << '"' << t.string(i) << '"';
      break;
    case DType::kBool:
      out << (t.data<bool>()[i] ? "true" : "false");
      break;
    case DType::kResource:
    case DType::kVariant: {
      const auto& object = static_cast<ObjectPtr*>(t.raw())[i];
      out << (object ? object->DebugString() : "null");
      break;
    }
    case DType::kComplex64:
    case DType::kComplex128:
      out << "(complex)";
      break;
    default:
      if (IsFloating(t.dtype())) {
        out << t.AsDouble(i);
      } else {
        out << t.AsInt64(i);
      }
  }
}

}  // namespace

std::shared_ptr<Buffer> NewBuffer(DType dtype, int64_t n) {
  if (dtype == DType::kInvalid) throw InvalidArgument("a tensor needs an element type");
  if (n < 0) throw InvalidArgument("a tensor can't have ", n, " elements");
  try {
    int64_t bytes;
    if (__builtin_mul_overflow(n, ElementStride(dtype), &bytes) || bytes > kMostBytes) throw std::bad_alloc();
    if (dtype == DType::kString) return std::make_shared<ObjectBuffer<std::string>>(n);
    if (HoldsObjects(dtype)) return std::make_shared<ObjectBuffer<ObjectPtr>>(n);
    return std::make_shared<NumericBuffer>(static_cast<size_t>(n) * SizeOf(dtype));
  } catch (const std::bad_alloc&) {
    throw ResourceExhausted("out of memory: could not allocate a tensor of ", n, " elements of ", dtype);
  }
}

Tensor::Tensor(DType dtype, const Shape& shape)
    : dtype_(dtype), shape_(shape), num_elements_(shape.num_elements()), buffer_(NewBuffer(dtype, num_elements_)) {
  data_ = buffer_->data();
}

Tensor::Tensor(DType dtype, const Shape& shape, std::shared_ptr<Buffer> buffer, size_t offset)
    : dtype_(dtype),
      shape_(shape),
      num_elements_(shape.num_elements()),
      data_(static_cast<char*>(buffer->data()) + offset),
      buffer_(std::move(buffer)) {}

Tensor Tensor::Zeros(DType dtype, const Shape& shape) {
  Tensor t(dtype, shape);
  if (SizeOf(dtype) > 0) std::memset(t.raw(), 0, t.bytes());
  return t;
}

Tensor Tensor::Resource(ObjectPtr object) {
  Tensor t(DType::kResource, {});
  *static_cast<ObjectPtr*>(t.data_) = std::move(object);
  return t;
}

Tensor Tensor::Variant(ObjectPtr object) {
  Tensor t(DType::kVariant, {});
  *static_cast<ObjectPtr*>(t.data_) = std::move(object);
  return t;
}

const ObjectPtr& Tensor::object() const {
  if (!HoldsObjects(dtype_) || num_elements_ != 1) {
    throw InvalidArgument("expected a scalar resource or variant tensor, got ", dtype_, shape_);
  }
  const auto& object = *static_cast<ObjectPtr*>(data_);
  if (!object) throw FailedPrecondition("a ", dtype_, " tensor holds no object");
  return object;
}

int64_t Tensor::AsInt64(int64_t i) const {
  CheckIndex(*this, i);
  return VisitNumeric(dtype_, "an integer argument",
                      [&](auto zero) { return static_cast<int64_t>(data<decltype(zero)>()[i]); });
}

double Tensor::AsDouble(int64_t i) const {
  CheckIndex(*this, i);
  if (dtype_ == DType::kBFloat16) return static_cast<float>(data<BFloat16>()[i]);
  if (dtype_ == DType::kHalf) return static_cast<float>(data<Half>()[i]);
  return VisitNumeric(dtype_, "a numeric argument",
                      [&](auto zero) { return static_cast<double>(data<decltype(zero)>()[i]); });
}

std::vector<int64_t> Tensor::AsInt64s() const {
  std::vector<int64_t> values(num_elements_);
  for (int64_t i = 0; i < num_elements_; ++i) values[i] = AsInt64(i);
  return values;
}

Tensor Tensor::Reshaped(const Shape& shape) const {
  if (shape.num_elements() != num_elements_) {
    throw InvalidArgument("cannot reshape a tensor of shape ", shape_, " (", num_elements_, " elements) to ", shape);
  }
  Tensor t = *this;
  t.shape_ = shape;
  return t;
}

Tensor Tensor::Slice(int64_t begin, int64_t end) const {
  if (rank() == 0 || begin < 0 || end < begin || end > dim(0)) {
    throw OutOfRange("rows [", begin, ", ", end, ") of a tensor of shape ", shape_);
  }
  const int64_t row = dim(0) == 0 ? 0 : num_elements_ / dim(0);
  Tensor t = *this;
  t.shape_.set_dim(0, end - begin);
  t.num_elements_ = row * (end - begin);
  t.data_ = static_cast<char*>(data_) + static_cast<size_t>(begin * row) * ElementStride(dtype_);
  return t;
}

Tensor Tensor::Clone() const {
  Tensor t(dtype_, shape_);
  if (dtype_ == DType::kString) {
    std::copy_n(static_cast<std::string*>(data_), num_elements_, static_cast<std::string*>(t.data_));
  } else if (HoldsObjects(dtype_)) {
    std::copy_n(static_cast<ObjectPtr*>(data_), num_elements_, static_cast<ObjectPtr*>(t.data_));
  } else {
    std::memcpy(t.data_, data_, bytes());
  }
  return t;
}

std::string Tensor::ToString(int64_t max_elements) const {
  if (!defined()) return "<undefined>";
  std::ostringstream out;
  out << dtype_ << shape_ << " [";
  for (int64_t i = 0; i < std::min(num_elements_, max_elements); ++i) {
    if (i) out << ", ";
    PrintElement(out, *this, i);
  }
  if (num_elements_ > max_elements) out << ", ...";
  out << "]";
  return out.str();
}

void Tensor::FailDType(DType wanted) const {
  throw InvalidArgument("expected a tensor of ", wanted, ", got ", dtype_, shape_);
}

void Tensor::FailScalar() const {
  throw InvalidArgument("expected a single value, got ", dtype_, shape_);
}

}  // namespace headrace
