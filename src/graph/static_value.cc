// Static values: the rules of the ops, followed from an output to what it is made of.
#include <algorithm>
#include <utility>

#include "headrace/op.h"

namespace headrace {
namespace {

constexpr int64_t kMostElements = 256;  // sizes and positions are few; whatever is longer is data
constexpr int kMostSteps = 200;         // from the output asked for to its ends, so that no graph overflows the stack

// Sizes, axes and positions come in these types; the others are data.
bool HoldsSizes(DType dtype) {
  return dtype == DType::kInt16 || dtype == DType::kInt32 || dtype == DType::kInt64;
}

std::optional<StaticValue> ValueOfConstant(const Tensor& tensor) {
  if (!HoldsSizes(tensor.dtype()) || tensor.rank() > 1 || tensor.num_elements() > kMostElements) return std::nullopt;
  StaticValue value{.scalar = tensor.rank() == 0, .elements = {}};
  for (const int64_t element : tensor.AsInt64s()) value.elements.emplace_back(element);
  return value;
}

// A run wraps around where a number leaves its type.
void ForgetWhatDoesNotFit(DType dtype, StaticValue* value) {
  const int bits = static_cast<int>(8 * SizeOf(dtype));
  if (bits >= 64) return;
  const int64_t limit = int64_t{1} << (bits - 1);
  for (auto& element : value->elements) {
    if (element && (*element < -limit || *element >= limit)) element.reset();
  }
}

template <class T>
Tensor TensorOf(const StaticValue& value) {
  std::vector<T> elements;
  for (const auto& element : value.elements) {
    if (!std::in_range<T>(*element)) return {};
    elements.push_back(static_cast<T>(*element));
  }
  return value.scalar ? Tensor::Scalar(elements.at(0)) : Tensor::Vector(elements);
}

}  // namespace

StaticValue StaticValue::SizesOf(const PartialShape& shape) {
  StaticValue value;
  for (int i = 0; i < shape.rank(); ++i) {
    value.elements.push_back(shape[i] < 0 ? std::nullopt : std::optional<int64_t>(shape[i]));
  }
  return value;
}

bool StaticValue::complete() const {
  return std::ranges::all_of(elements, [](const auto& element) { return element.has_value(); });
}

Tensor StaticValue::ToTensor(DType dtype) const {
  if (!complete()) return {};
  switch (dtype) {
    case DType::kInt16:
      return TensorOf<int16_t>(*this);
    case DType::kInt32:
      return TensorOf<int32_t>(*this);
    case DType::kInt64:
      return TensorOf<int64_t>(*this);
    default:
      return {};
  }
}

PartialShape StaticValue::ToShape() const {
  if (elements.size() > static_cast<size_t>(kMaxRank)) return {};
  PartialShape shape{std::initializer_list<int64_t>{}};
  for (const auto& element : elements) {
    if (element && *element < -1) return {};
    shape.Append(element.value_or(-1));
  }
  return shape;
}

std::optional<StaticValue> StaticValues::Of(Output output) {
  if (!HoldsSizes(output.dtype()) || depth_ >= kMostSteps) return std::nullopt;
  const Traits& traits = output.node->op().traits;
  if (traits.constant) return ValueOfConstant(output.node->attr<Tensor>("value"));
  if (traits.placeholder) return std::nullopt;  // what is fed may differ from a default
  const bool forwards = traits.forwards >= 0 && output.index == 0 && output.node->op().effects.pure() &&
                        !output.node->input_is_ref(traits.forwards);
  if (!forwards && !traits.value) return std::nullopt;
  auto& outputs = known_[output.node];
  if (const auto found = outputs.find(output.index); found != outputs.end()) return found->second;
  ++depth_;
  ValueContext context(*output.node, output.index, *this);
  auto value = forwards ? context.input(traits.forwards) : traits.value(context);
  --depth_;
  if (value && value->elements.size() > static_cast<size_t>(kMostElements)) value.reset();
  if (value) ForgetWhatDoesNotFit(output.dtype(), &*value);
  return known_[output.node][output.index] = std::move(value);
}

std::optional<int64_t> ValueContext::number(int i) const {
  const auto value = input(i);
  return value && value->elements.size() == 1 ? value->elements[0] : std::nullopt;
}

const Tensor* ConstantBehind(Output output) {
  while (true) {
    const Node& node = *output.node;
    if (node.op().traits.constant) return &node.attr<Tensor>("value");
    const int forwarded = node.op().traits.forwards;
    const bool plain = forwarded >= 0 && !node.op().traits.placeholder && output.index == 0 &&
                       node.control_inputs().empty() && node.op().effects.pure() && !node.input_is_ref(forwarded);
    if (!plain) return nullptr;
    output = node.input(forwarded);
  }
}

bool RowLift::all_have_rows(int begin, int end) const {
  for (int i = begin; i < end; ++i) {
    if (!has_rows(i)) return false;
  }
  return true;
}

}  // namespace headrace
