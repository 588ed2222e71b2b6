// One loop for each pair of types, vectorised by the compiler.
#include "kernels/convert.h"

#include <type_traits>

#include "headrace/tensor.h"

namespace headrace {
namespace {

template <class From, class To>
void Convert(const void* from, void* to, int64_t n) {
  const From* source = static_cast<const From*>(from);
  To* target = static_cast<To*>(to);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (std::is_class_v<From> || std::is_class_v<To>) {  // the narrow floats know only float
      target[i] = static_cast<To>(static_cast<float>(source[i]));
    } else {
      target[i] = static_cast<To>(source[i]);
    }
  }
}

template <class From, class To>
void ConvertTile(const void* const* from, void* to, int64_t n) {
  Convert<From, To>(from[0], to, n);
}

// Calls f with a value of the dtype's C++ type, half and bfloat16 included.
template <class F>
auto VisitReal(DType dtype, F&& f) {
  if (dtype == DType::kHalf) return f(Half());
  if (dtype == DType::kBFloat16) return f(BFloat16());
  return VisitNumeric(dtype, "a conversion", f);
}

}  // namespace

ConversionFunction FindConversion(DType from, DType to) {
  return VisitReal(from, [&](auto source) -> ConversionFunction {
    return VisitReal(to,
                     [&](auto target) -> ConversionFunction { return Convert<decltype(source), decltype(target)>; });
  });
}

ConversionTile FindConversionTile(DType from, DType to) {
  const auto real = [](DType dtype) { return dtype == DType::kBool || (IsNumeric(dtype) && !IsComplex(dtype)); };
  if (!real(from) || !real(to)) return nullptr;
  return VisitReal(from, [&](auto source) -> ConversionTile {
    return VisitReal(to,
                     [&](auto target) -> ConversionTile { return ConvertTile<decltype(source), decltype(target)>; });
  });
}

}  // namespace headrace
