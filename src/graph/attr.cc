// Comparison and printing of attribute values.
#include "headrace/attr.h"

#include <cstring>
#include <type_traits>

namespace headrace {
namespace {

bool SameTensor(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  if (a.dtype() == DType::kString) return std::ranges::equal(a.flat<std::string>(), b.flat<std::string>());
  if (SizeOf(a.dtype()) == 0) return a.raw() == b.raw();
  return std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

template <class T>
bool Same(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Tensor>) {
    return SameTensor(a, b);
  } else if constexpr (std::is_same_v<T, std::vector<Tensor>>) {
    return std::ranges::equal(a, b, SameTensor);
  } else {
    return a == b;
  }
}

template <class T>
void Print(std::ostream& out, const T& value) {
  if constexpr (std::is_same_v<T, std::monostate>) {
    out << "(none)";
  } else if constexpr (std::is_same_v<T, std::string>) {
    out << '"' << value << '"';
  } else if constexpr (std::is_same_v<T, bool>) {
    out << (value ? "true" : "false");
  } else if constexpr (std::is_same_v<T, FunctionRef>) {
    out << value.name << "()";
  } else {
    out << value;
  }
}

template <class T>
void Print(std::ostream& out, const std::vector<T>& values) {
  out << "[";
  for (size_t i = 0; i < values.size(); ++i) {
    if (i) out << ", ";
    Print<T>(out, values[i]);
  }
  out << "]";
}

}  // namespace

bool FunctionRef::operator==(const FunctionRef& other) const {
  if (name != other.name) return false;
  if (attrs == other.attrs) return true;
  if (attrs && other.attrs) return *attrs == *other.attrs;
  return attrs ? attrs->empty() : other.attrs->empty();
}

bool AttrValue::operator==(const AttrValue& other) const {
  if (value_.index() != other.value_.index()) return false;
  return std::visit(
      [&](const auto& value) { return Same(value, std::get<std::decay_t<decltype(value)>>(other.value_)); }, value_);
}

std::string AttrValue::ToString() const {
  std::ostringstream out;
  std::visit([&](const auto& value) { Print(out, value); }, value_);
  return out.str();
}

}  // namespace headrace
