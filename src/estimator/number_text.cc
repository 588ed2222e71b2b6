// Shortest round-trip digits, laid out by Python's rule: an exponent below 1e-4 and from 1e16 on.
#include "estimator/number_text.h"

#include <charconv>
#include <cmath>

namespace headrace {
namespace {

template <class T>
std::string Shortest(T value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const double magnitude = std::abs(static_cast<double>(value));
  const bool exponent = magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16);
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value,
                                 exponent ? std::chars_format::scientific : std::chars_format::fixed)
                       .ptr;
  std::string text(buffer, end);
  if (!exponent && text.find('.') == std::string::npos) text += ".0";
  return text;
}

std::string ElementText(const Tensor& value, int64_t i) {
  switch (value.dtype()) {
    case DType::kFloat:
      return NumberText(value.data<float>()[i]);
    case DType::kDouble:
      return NumberText(value.data<double>()[i]);
    case DType::kBool:
      return value.data<bool>()[i] ? "True" : "False";
    case DType::kString:
      return "b'" + std::string(value.string(i)) + "'";
    default:
      return IsInteger(value.dtype()) ? std::to_string(value.AsInt64(i)) : value.ToString();
  }
}

}  // namespace

std::string NumberText(float value) {
  return Shortest(value);
}

std::string NumberText(double value) {
  return Shortest(value);
}

std::string ValueText(const Tensor& value) {
  if (value.rank() == 0) return ElementText(value, 0);
  std::string text = "[";
  const int64_t shown = std::min<int64_t>(value.num_elements(), 1000);
  for (int64_t i = 0; i < shown; ++i) text += (i ? " " : "") + ElementText(value, i);
  return text + (shown < value.num_elements() ? " ...]" : "]");
}

}  // namespace headrace
