// Names, sizes and 16-bit float conversions of the element types.
#include "headrace/dtype.h"

#include <array>
#include <bit>
#include <cstring>

#include "headrace/error.h"

namespace headrace {
namespace {

struct DTypeInfo {
  DType dtype;
  const char* name;
  const char* alias;
  size_t size;
};

constexpr std::array kInfos = {
    DTypeInfo{DType::kFloat, "float32", "float", 4},
    DTypeInfo{DType::kDouble, "float64", "double", 8},
    DTypeInfo{DType::kInt32, "int32", "int", 4},
    DTypeInfo{DType::kUInt8, "uint8", "uint8", 1},
    DTypeInfo{DType::kInt16, "int16", "int16", 2},
    DTypeInfo{DType::kInt8, "int8", "int8", 1},
    DTypeInfo{DType::kString, "string", "string", 0},
    DTypeInfo{DType::kComplex64, "complex64", "complex64", 8},
    DTypeInfo{DType::kInt64, "int64", "int64", 8},
    DTypeInfo{DType::kBool, "bool", "bool", 1},
    DTypeInfo{DType::kBFloat16, "bfloat16", "bfloat16", 2},
    DTypeInfo{DType::kUInt16, "uint16", "uint16", 2},
    DTypeInfo{DType::kComplex128, "complex128", "complex128", 16},
    DTypeInfo{DType::kHalf, "float16", "half", 2},
    DTypeInfo{DType::kResource, "resource", "resource", 0},
    DTypeInfo{DType::kVariant, "variant", "variant", 0},
    DTypeInfo{DType::kUInt32, "uint32", "uint32", 4},
    DTypeInfo{DType::kUInt64, "uint64", "uint64", 8},
};

const DTypeInfo* Find(DType dtype) {
  for (const auto& info : kInfos) {
    if (info.dtype == dtype) return &info;
  }
  return nullptr;
}

}  // namespace

size_t SizeOf(DType dtype) {
  const auto* info = Find(dtype);
  return info ? info->size : 0;
}

const char* Name(DType dtype) {
  const auto* info = Find(dtype);
  return info ? info->name : "invalid";
}

DType ParseDType(std::string_view name) {
  std::string lower;
  for (char c : name.substr(name.starts_with("DT_") ? 3 : 0)) {
    lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  for (const auto& info : kInfos) {
    if (lower == info.name || lower == info.alias) return info.dtype;
  }
  throw InvalidArgument("unknown element type '", name, "'; expected one such as float32, int64 or string");
}

bool IsFloating(DType dtype) {
  return dtype == DType::kFloat || dtype == DType::kDouble || dtype == DType::kHalf || dtype == DType::kBFloat16;
}

bool IsInteger(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64:
    case DType::kUInt8:
    case DType::kUInt16:
    case DType::kUInt32:
    case DType::kUInt64:
      return true;
    default:
      return false;
  }
}

bool IsComplex(DType dtype) {
  return dtype == DType::kComplex64 || dtype == DType::kComplex128;
}

BFloat16::BFloat16(float value) {
  const auto u = std::bit_cast<uint32_t>(value);
  const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
  bits = static_cast<uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);  // ties to even
}

BFloat16::operator float() const {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

Half::Half(float value) {
  const auto f16 = static_cast<_Float16>(value);
  std::memcpy(&bits, &f16, sizeof bits);
}

Half::operator float() const {
  _Float16 f16;
  std::memcpy(&f16, &bits, sizeof bits);
  return static_cast<float>(f16);
}

}  // namespace headrace
