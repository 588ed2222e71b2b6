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

// IEEE 754's binary16 by integer arithmetic: not every compiler knows the type on every x86-64. Ties go to even.
Half::Half(float value) {
  const auto u = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((u >> 16) & 0x8000u);
  const uint32_t magnitude = u & 0x7fffffffu;
  constexpr uint32_t kInfinity = 0x7f800000u, kTooLarge = 0x47800000u, kSmallestNormal = 0x38800000u;
  if (magnitude > kInfinity) {
    bits = sign | 0x7e00u | static_cast<uint16_t>((magnitude >> 13) & 0x3ffu);  // a quiet NaN
  } else if (magnitude >= kTooLarge) {
    bits = sign | 0x7c00u;
  } else if (magnitude >= kSmallestNormal) {
    // The exponent's bias falls from 127 to 15; rounding may carry into it, up to infinity.
    bits = sign | static_cast<uint16_t>((magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13);
  } else {
    // Added to 0.5, a float whose last bit is worth 2^-24, the value is rounded to a multiple of that.
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    bits = sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(rounded) - std::bit_cast<uint32_t>(0.5f));
  }
}

Half::operator float() const {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu, fraction = bits & 0x3ffu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  if (exponent == 31) {
    const uint32_t quiet = fraction != 0 ? 0x400000u : 0u;
    return std::bit_cast<float>(sign | 0x7f800000u | quiet | (fraction << 13));
  }
  return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (fraction << 13));
}

}  // namespace headrace
