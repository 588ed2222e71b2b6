// Element types, numbered as tensorflow.DataType numbers them on disk and on the wire.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace headrace {

enum class DType : int {
  kInvalid = 0,
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kUInt8 = 4,
  kInt16 = 5,
  kInt8 = 6,
  kString = 7,
  kComplex64 = 8,
  kInt64 = 9,
  kBool = 10,
  kBFloat16 = 14,
  kUInt16 = 17,
  kComplex128 = 18,
  kHalf = 19,
  kResource = 20,  // a handle to state: variables, iterators, tables
  kVariant = 21,   // a value of a C++ class: datasets
  kUInt32 = 22,
  kUInt64 = 23,
};

// Bytes of one element; 0 for strings, resources and variants, whose elements are C++ objects.
size_t SizeOf(DType dtype);
// TensorFlow's name: "float32", "int64", "string". ParseDType takes the same, and "float", "double", "DT_FLOAT".
const char* Name(DType dtype);
DType ParseDType(std::string_view name);
bool IsFloating(DType dtype);
bool IsInteger(DType dtype);
bool IsComplex(DType dtype);
inline bool IsNumeric(DType dtype) {
  return IsFloating(dtype) || IsInteger(dtype) || IsComplex(dtype);
}
inline std::ostream& operator<<(std::ostream& out, DType dtype) {
  return out << Name(dtype);
}

struct BFloat16 {
  uint16_t bits = 0;
  BFloat16() = default;
  explicit BFloat16(float value);
  explicit operator float() const;
};
struct Half {
  uint16_t bits = 0;
  Half() = default;
  explicit Half(float value);
  explicit operator float() const;
};

// DTypeOf<float> is DType::kFloat; only for the C++ types that elements have.
template <class T>
inline constexpr DType DTypeOf = DType::kInvalid;
template <>
inline constexpr DType DTypeOf<float> = DType::kFloat;
template <>
inline constexpr DType DTypeOf<double> = DType::kDouble;
template <>
inline constexpr DType DTypeOf<int32_t> = DType::kInt32;
template <>
inline constexpr DType DTypeOf<int64_t> = DType::kInt64;
template <>
inline constexpr DType DTypeOf<uint8_t> = DType::kUInt8;
template <>
inline constexpr DType DTypeOf<int16_t> = DType::kInt16;
template <>
inline constexpr DType DTypeOf<int8_t> = DType::kInt8;
template <>
inline constexpr DType DTypeOf<uint16_t> = DType::kUInt16;
template <>
inline constexpr DType DTypeOf<uint32_t> = DType::kUInt32;
template <>
inline constexpr DType DTypeOf<uint64_t> = DType::kUInt64;
template <>
inline constexpr DType DTypeOf<bool> = DType::kBool;
template <>
inline constexpr DType DTypeOf<std::string> = DType::kString;
template <>
inline constexpr DType DTypeOf<BFloat16> = DType::kBFloat16;
template <>
inline constexpr DType DTypeOf<Half> = DType::kHalf;

}  // namespace headrace
