// Text to numbers by TensorFlow's rules (what DecodeCSV, StringToNumber and the vectorised CSV reader accept): white
// space around is skipped; floats also take a leading '+', "inf", "nan" in any case and hexadecimal integers, and are
// at most 31 characters long; integers take no '+'. Correctly rounded, independent of the locale.
#pragma once

#include <cstdint>
#include <string_view>

namespace headrace {

// Each returns false, with `value` unspecified, if the text is not a number of that type.
bool ParseNumber(std::string_view text, float* value);
bool ParseNumber(std::string_view text, double* value);
bool ParseNumber(std::string_view text, int32_t* value);
bool ParseNumber(std::string_view text, int64_t* value);

}  // namespace headrace
