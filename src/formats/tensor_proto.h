// Tensors and attributes to and from protocol buffers.
#pragma once

#include <string>
#include <string_view>

#include "headrace/attr.h"

namespace headrace::wire {
class AttrValue;
class TensorProto;
class TensorShapeProto;
}  // namespace headrace::wire

namespace headrace {

void TensorToProto(const Tensor& tensor, wire::TensorProto* proto);
// Errors: InvalidArgument for values that do not fit the shape; Unimplemented for element types Headrace lacks.
Tensor TensorFromProto(const wire::TensorProto& proto);
std::string SerializeTensor(const Tensor& tensor);  // a TensorProto
Tensor ParseTensor(std::string_view bytes);

void ShapeToProto(const PartialShape& shape, wire::TensorShapeProto* proto);
PartialShape ShapeFromProto(const wire::TensorShapeProto& proto);

// A DataType's number, reference types as what they refer to. Errors: Unimplemented.
DType DTypeFromProto(int number);

void AttrToProto(const AttrValue& value, wire::AttrValue* proto);
// `type` as in an op's declaration ("list(int)"): it decides what an empty list is. "" if not known.
AttrValue AttrFromProto(const wire::AttrValue& proto, std::string_view type = {});

}  // namespace headrace
