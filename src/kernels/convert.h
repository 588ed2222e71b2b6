// Conversion of elements from one type to another, as C++ converts; half and bfloat16 go by way of float.
#pragma once

#include <cstdint>

#include "headrace/dtype.h"

namespace headrace {

using ConversionFunction = void (*)(const void* from, void* to, int64_t n);

// Any two of the real types and bool. Errors: InvalidArgument for others.
ConversionFunction FindConversion(DType from, DType to);

// The same as a function of one operand that lanes are made of; nullptr for others.
using ConversionTile = void (*)(const void* const* from, void* to, int64_t n);
ConversionTile FindConversionTile(DType from, DType to);

}  // namespace headrace
