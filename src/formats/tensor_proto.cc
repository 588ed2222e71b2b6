// A TensorProto holds raw bytes, or one list of values a type, whose last value fills up what is missing. Written as
// TensorFlow's Python writes: raw bytes for more than one numeric element, else the list.
#include "formats/tensor_proto.h"

#include <algorithm>
#include <complex>
#include <cstring>

#include "formats/wire.h"
#include "wire/graph.pb.h"
#include "wire/tensor.pb.h"

namespace headrace {
namespace {

using wire::TensorProto;

[[noreturn]] void FailCount(const TensorProto& proto, const Shape& shape, size_t got) {
  throw InvalidArgument("a TensorProto of type ", wire::DataType_Name(proto.dtype()), " and shape ", shape, " holds ",
                        got, " values");
}

// Fills `tensor` from a list of values, each turned by `convert`; repeats the last.
template <class T, class List, class Convert>
void FillFrom(const TensorProto& proto, const List& list, Tensor& tensor, Convert convert) {
  T* out = static_cast<T*>(tensor.raw());
  int64_t n = tensor.num_elements(), given = list.size();
  if (given > n) FailCount(proto, tensor.shape(), static_cast<size_t>(given));
  for (int64_t i = 0; i < given; ++i) out[i] = convert(list.Get(static_cast<int>(i)));
  std::fill(out + given, out + n, given > 0 ? out[given - 1] : T{});
}

template <class T, class List>
void Fill(const TensorProto& proto, const List& list, Tensor& tensor) {
  FillFrom<T>(proto, list, tensor, [](const auto& value) { return static_cast<T>(value); });
}

// Real and imaginary parts alternate.
template <class T, class List>
void FillComplex(const TensorProto& proto, const List& list, Tensor& tensor) {
  auto* out = static_cast<std::complex<T>*>(tensor.raw());
  int64_t n = tensor.num_elements(), given = list.size() / 2;
  if (given > n) FailCount(proto, tensor.shape(), static_cast<size_t>(given));
  for (int i = 0; i < given; ++i) out[i] = {list.Get(2 * i), list.Get(2 * i + 1)};
  std::fill(out + given, out + n, given > 0 ? out[given - 1] : std::complex<T>{});
}

void FillFromLists(const TensorProto& proto, Tensor& tensor) {
  auto bits_of_half = [](int32_t value) { return static_cast<uint16_t>(value); };
  switch (tensor.dtype()) {
    case DType::kFloat:
      return Fill<float>(proto, proto.float_val(), tensor);
    case DType::kDouble:
      return Fill<double>(proto, proto.double_val(), tensor);
    case DType::kInt32:
      return Fill<int32_t>(proto, proto.int_val(), tensor);
    case DType::kInt16:
      return Fill<int16_t>(proto, proto.int_val(), tensor);
    case DType::kInt8:
      return Fill<int8_t>(proto, proto.int_val(), tensor);
    case DType::kUInt16:
      return Fill<uint16_t>(proto, proto.int_val(), tensor);
    case DType::kUInt8:
      return Fill<uint8_t>(proto, proto.int_val(), tensor);
    case DType::kInt64:
      return Fill<int64_t>(proto, proto.int64_val(), tensor);
    case DType::kUInt32:
      return Fill<uint32_t>(proto, proto.uint32_val(), tensor);
    case DType::kUInt64:
      return Fill<uint64_t>(proto, proto.uint64_val(), tensor);
    case DType::kBool:
      return Fill<bool>(proto, proto.bool_val(), tensor);
    case DType::kHalf:
    case DType::kBFloat16:
      return FillFrom<uint16_t>(proto, proto.half_val(), tensor, bits_of_half);
    case DType::kComplex64:
      return FillComplex<float>(proto, proto.scomplex_val(), tensor);
    case DType::kComplex128:
      return FillComplex<double>(proto, proto.dcomplex_val(), tensor);
    case DType::kString:
      return Fill<std::string>(proto, proto.string_val(), tensor);
    default:
      throw Unimplemented("cannot read a TensorProto of type ", tensor.dtype());
  }
}

// The one value of a one-element tensor, into its list.
void AppendToList(const Tensor& t, TensorProto* proto) {
  switch (t.dtype()) {
    case DType::kFloat:
      return proto->add_float_val(*t.data<float>());
    case DType::kDouble:
      return proto->add_double_val(*t.data<double>());
    case DType::kInt32:
    case DType::kInt16:
    case DType::kInt8:
    case DType::kUInt16:
    case DType::kUInt8:
      return proto->add_int_val(static_cast<int32_t>(t.AsInt64()));
    case DType::kInt64:
      return proto->add_int64_val(*t.data<int64_t>());
    case DType::kUInt32:
      return proto->add_uint32_val(*t.data<uint32_t>());
    case DType::kUInt64:
      return proto->add_uint64_val(*t.data<uint64_t>());
    case DType::kBool:
      return proto->add_bool_val(*t.data<bool>());
    case DType::kHalf:
    case DType::kBFloat16:
      return proto->add_half_val(*static_cast<const uint16_t*>(t.raw()));
    case DType::kComplex64: {
      const auto* parts = static_cast<const float*>(t.raw());
      proto->add_scomplex_val(parts[0]);
      return proto->add_scomplex_val(parts[1]);
    }
    case DType::kComplex128: {
      const auto* parts = static_cast<const double*>(t.raw());
      proto->add_dcomplex_val(parts[0]);
      return proto->add_dcomplex_val(parts[1]);
    }
    default:
      throw Unimplemented("cannot write a tensor of type ", t.dtype(), " to a TensorProto");
  }
}

wire::DataType ToProto(DType dtype) {
  return static_cast<wire::DataType>(dtype);
}

void FunctionToProto(const FunctionRef& function, wire::NameAttrList* proto) {
  proto->set_name(function.name);
  if (!function.attrs) return;
  for (const auto& [name, value] : *function.attrs) AttrToProto(value, &(*proto->mutable_attr())[name]);
}

FunctionRef FunctionFromProto(const wire::NameAttrList& proto) {
  FunctionRef function{proto.name(), nullptr};
  if (proto.attr().empty()) return function;
  auto attrs = std::make_shared<AttrMap>();
  for (const auto& [name, value] : proto.attr()) (*attrs)[name] = AttrFromProto(value);
  function.attrs = std::move(attrs);
  return function;
}

// Writes the alternative that an AttrValue holds.
struct AttrWriter {
  wire::AttrValue* proto;
  wire::AttrValue::ListValue* list() const { return proto->mutable_list(); }

  void operator()(std::monostate) const {}
  void operator()(const std::string& v) const { proto->set_s(v); }
  void operator()(int64_t v) const { proto->set_i(v); }
  void operator()(float v) const { proto->set_f(v); }
  void operator()(bool v) const { proto->set_b(v); }
  void operator()(DType v) const { proto->set_type(ToProto(v)); }
  void operator()(const PartialShape& v) const { ShapeToProto(v, proto->mutable_shape()); }
  void operator()(const Tensor& v) const { TensorToProto(v, proto->mutable_tensor()); }
  void operator()(const FunctionRef& v) const { FunctionToProto(v, proto->mutable_func()); }
  void operator()(const std::vector<std::string>& vs) const {
    list();
    for (const auto& v : vs) list()->add_s(v);
  }
  void operator()(const std::vector<int64_t>& vs) const {
    list();
    for (int64_t v : vs) list()->add_i(v);
  }
  void operator()(const std::vector<float>& vs) const {
    list();
    for (float v : vs) list()->add_f(v);
  }
  void operator()(const std::vector<bool>& vs) const {
    list();
    for (bool v : vs) list()->add_b(v);
  }
  void operator()(const std::vector<DType>& vs) const {
    list();
    for (DType v : vs) list()->add_type(ToProto(v));
  }
  void operator()(const std::vector<PartialShape>& vs) const {
    list();
    for (const auto& v : vs) ShapeToProto(v, list()->add_shape());
  }
  void operator()(const std::vector<Tensor>& vs) const {
    list();
    for (const auto& v : vs) TensorToProto(v, list()->add_tensor());
  }
  void operator()(const std::vector<FunctionRef>& vs) const {
    list();
    for (const auto& v : vs) FunctionToProto(v, list()->add_func());
  }
};

template <class T, class List, class Convert>
AttrValue ListOf(const List& list, Convert convert) {
  std::vector<T> values;
  values.reserve(static_cast<size_t>(list.size()));
  for (const auto& value : list) values.push_back(convert(value));
  return values;
}

template <class T, class List>
AttrValue ListOf(const List& list) {
  return ListOf<T>(list, [](const auto& value) { return T(value); });
}

AttrValue ListFromProto(const wire::AttrValue::ListValue& list, std::string_view type) {
  auto is = [&](int size, std::string_view name) { return size > 0 || type == name; };
  if (is(list.i_size(), "list(int)")) return ListOf<int64_t>(list.i());
  if (is(list.f_size(), "list(float)")) return ListOf<float>(list.f());
  if (is(list.b_size(), "list(bool)")) return ListOf<bool>(list.b());
  if (is(list.type_size(), "list(type)")) return ListOf<DType>(list.type(), [](int t) { return DTypeFromProto(t); });
  if (is(list.shape_size(), "list(shape)")) return ListOf<PartialShape>(list.shape(), ShapeFromProto);
  if (is(list.tensor_size(), "list(tensor)")) return ListOf<Tensor>(list.tensor(), TensorFromProto);
  if (is(list.func_size(), "list(func)")) return ListOf<FunctionRef>(list.func(), FunctionFromProto);
  return ListOf<std::string>(list.s());
}

}  // namespace

DType DTypeFromProto(int number) {
  int base = number > 100 ? number - 100 : number;
  bool known = (base >= 0 && base <= 10) || base == 14 || (base >= 17 && base <= 23);
  if (!known) throw Unimplemented("no support for the element type ", wire::DataType_Name(number));
  return static_cast<DType>(base);
}

void ShapeToProto(const PartialShape& shape, wire::TensorShapeProto* proto) {
  proto->Clear();
  if (!shape.has_rank()) return proto->set_unknown_rank(true);
  for (int64_t size : shape.dims()) proto->add_dim()->set_size(size);
}

PartialShape ShapeFromProto(const wire::TensorShapeProto& proto) {
  if (proto.unknown_rank()) return {};
  std::vector<int64_t> dims;
  for (const auto& dim : proto.dim()) dims.push_back(std::max<int64_t>(dim.size(), -1));
  if (dims.size() > kMaxRank) throw InvalidArgument("a shape of rank ", dims.size(), " exceeds ", kMaxRank);
  return PartialShape(dims);
}

void TensorToProto(const Tensor& tensor, TensorProto* proto) {
  proto->set_dtype(ToProto(tensor.dtype()));
  ShapeToProto(tensor.shape(), proto->mutable_tensor_shape());
  if (tensor.dtype() == DType::kString) {
    for (const std::string& value : tensor.flat<std::string>()) proto->add_string_val(value);
  } else if (tensor.num_elements() == 1) {
    AppendToList(tensor, proto);
  } else if (SizeOf(tensor.dtype()) > 0) {
    proto->set_tensor_content(tensor.raw(), tensor.bytes());
  } else {
    throw Unimplemented("cannot write a tensor of type ", tensor.dtype(), " to a TensorProto");
  }
}

Tensor TensorFromProto(const TensorProto& proto) {
  PartialShape partial = ShapeFromProto(proto.tensor_shape());
  if (!partial.IsFullyDefined()) throw InvalidArgument("a TensorProto has the incomplete shape ", partial);
    // One value may stand for any number of them, so the size is checked before memory is taken for it.
#if defined(FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
  constexpr int64_t kMaxElements = int64_t{1} << 20;  // memory that a graph asks for by right is no finding
#else
  constexpr int64_t kMaxElements = int64_t{1} << 40;
#endif
  int64_t elements = 1;
  for (int64_t size : partial.dims()) {
    if (size > 0 && elements > kMaxElements / size) throw InvalidArgument("a TensorProto has the shape ", partial);
    elements *= size;
  }
  Tensor tensor(DTypeFromProto(proto.dtype()), partial.ToShape());
  const std::string& content = proto.tensor_content();
  if (content.empty()) {
    FillFromLists(proto, tensor);
  } else if (SizeOf(tensor.dtype()) == 0 || content.size() != tensor.bytes()) {
    throw InvalidArgument("a TensorProto of type ", tensor.dtype(), " and shape ", tensor.shape(), " holds ",
                          content.size(), " bytes of content");
  } else {
    std::memcpy(tensor.raw(), content.data(), content.size());
  }
  return tensor;
}

std::string SerializeTensor(const Tensor& tensor) {
  TensorProto proto;
  TensorToProto(tensor, &proto);
  return proto.SerializeAsString();
}

Tensor ParseTensor(std::string_view bytes) {
  return TensorFromProto(FromBytes<TensorProto>(bytes, "TensorProto"));
}

void AttrToProto(const AttrValue& value, wire::AttrValue* proto) {
  std::visit(AttrWriter{proto}, value.variant());
}

AttrValue AttrFromProto(const wire::AttrValue& proto, std::string_view type) {
  switch (proto.value_case()) {
    case wire::AttrValue::kS:
      return proto.s();
    case wire::AttrValue::kI:
      return static_cast<int64_t>(proto.i());
    case wire::AttrValue::kF:
      return proto.f();
    case wire::AttrValue::kB:
      return proto.b();
    case wire::AttrValue::kType:
      return DTypeFromProto(proto.type());
    case wire::AttrValue::kShape:
      return ShapeFromProto(proto.shape());
    case wire::AttrValue::kTensor:
      return TensorFromProto(proto.tensor());
    case wire::AttrValue::kFunc:
      return FunctionFromProto(proto.func());
    case wire::AttrValue::kList:
      return ListFromProto(proto.list(), type);
    case wire::AttrValue::kPlaceholder:
      throw Unimplemented("the attribute placeholder '", proto.placeholder(),
                          "': functions that are generic in an attribute are not supported");
    case wire::AttrValue::VALUE_NOT_SET:
      return {};
  }
  return {};
}

}  // namespace headrace
