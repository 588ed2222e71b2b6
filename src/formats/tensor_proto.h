// Tensors and attributes to and from protocol buffers.
#pragma once

#include <string>
#include <string_view>

#include "headrace/attr.h"

namespace tensorflow {
class AttrValue;
class TensorProto;
class TensorShapeProto;
}  // namespace tensorflow

namespace headrace {

void TensorToProto(const Tensor& tensor, tensorflow::TensorProto* proto);
// Errors: InvalidArgument for values that do not fit the shape; Unimplemented for element types Headrace lacks.
Tensor TensorFromProto(const tensorflow::TensorProto& proto);
std::string SerializeTensor(const Tensor& tensor);  // a TensorProto
Tensor ParseTensor(std::string_view bytes);

void ShapeToProto(const PartialShape& shape, tensorflow::TensorShapeProto* proto);
PartialShape ShapeFromProto(const tensorflow::TensorShapeProto& proto);

// A DataType's number, reference types as what they refer to. Errors: Unimplemented.
DType DTypeFromProto(int number);

void AttrToProto(const AttrValue& value, tensorflow::AttrValue* proto);
// `type` as in an op's declaration ("list(int)"): it decides what an empty list is. "" if not known.
AttrValue AttrFromProto(const tensorflow::AttrValue& proto, std::string_view type = {});

}  // namespace headrace
