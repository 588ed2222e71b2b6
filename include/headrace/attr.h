// Attributes: the constants that parameterise a node, with the types TensorFlow gives them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "headrace/dtype.h"
#include "headrace/error.h"
#include "headrace/shape.h"
#include "headrace/tensor.h"

namespace headrace {

class AttrValue;
using AttrMap = std::map<std::string, AttrValue, std::less<>>;

// The name of a function in the graph's library, and the attributes it is called with (mostly none).
struct FunctionRef {
  std::string name;
  std::shared_ptr<const AttrMap> attrs;
  bool operator==(const FunctionRef& other) const;  // by the attributes' values; none is the same as an empty map
};

class AttrValue {
 public:
  using Variant =
      std::variant<std::monostate, std::string, int64_t, float, bool, DType, PartialShape, Tensor, FunctionRef,
                   std::vector<std::string>, std::vector<int64_t>, std::vector<float>, std::vector<bool>,
                   std::vector<DType>, std::vector<PartialShape>, std::vector<Tensor>, std::vector<FunctionRef>>;

  AttrValue() = default;
  AttrValue(const char* value) : value_(std::string(value)) {}              // NOLINT
  AttrValue(std::string value) : value_(std::move(value)) {}                // NOLINT
  AttrValue(int value) : value_(static_cast<int64_t>(value)) {}             // NOLINT
  AttrValue(int64_t value) : value_(value) {}                               // NOLINT
  AttrValue(float value) : value_(value) {}                                 // NOLINT
  AttrValue(double value) : value_(static_cast<float>(value)) {}            // NOLINT
  AttrValue(bool value) : value_(value) {}                                  // NOLINT
  AttrValue(DType value) : value_(value) {}                                 // NOLINT
  AttrValue(PartialShape value) : value_(value) {}                          // NOLINT
  AttrValue(const Shape& value) : value_(PartialShape(value)) {}            // NOLINT
  AttrValue(Tensor value) : value_(std::move(value)) {}                     // NOLINT
  AttrValue(FunctionRef value) : value_(std::move(value)) {}                // NOLINT
  AttrValue(std::vector<std::string> value) : value_(std::move(value)) {}   // NOLINT
  AttrValue(std::vector<int64_t> value) : value_(std::move(value)) {}       // NOLINT
  AttrValue(std::vector<float> value) : value_(std::move(value)) {}         // NOLINT
  AttrValue(std::vector<bool> value) : value_(std::move(value)) {}          // NOLINT
  AttrValue(std::vector<DType> value) : value_(std::move(value)) {}         // NOLINT
  AttrValue(std::vector<PartialShape> value) : value_(std::move(value)) {}  // NOLINT
  AttrValue(std::vector<Tensor> value) : value_(std::move(value)) {}        // NOLINT
  AttrValue(std::vector<FunctionRef> value) : value_(std::move(value)) {}   // NOLINT

  const Variant& variant() const { return value_; }
  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&value_);
  }
  // Errors: InvalidArgument if the value is of another type.
  template <class T>
  const T& get() const {
    if (const T* value = get_if<T>()) return *value;
    throw InvalidArgument("an attribute is of another type than asked for: ", ToString());
  }
  bool operator==(const AttrValue& other) const;  // tensors compare by contents
  std::string ToString() const;

 private:
  Variant value_;
};

}  // namespace headrace
