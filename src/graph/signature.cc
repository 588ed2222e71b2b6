// Matching a node's inputs and attributes with its op's declaration, as op_def_library does in TensorFlow's Python.
#include "graph/signature.h"

#include <algorithm>

namespace headrace {
namespace {

constexpr int64_t kMostTensors = 1 << 16;  // of one argument

template <class T>
const T& Get(const AttrMap& attrs, const std::string& name, const OpDef& op) {
  const auto found = attrs.find(name);
  if (found == attrs.end()) throw InvalidArgument("op ", op.name, " needs attribute '", name, "'");
  return found->second.get<T>();
}

// The attribute value's type, as declarations spell it; "list" stands for an empty list of any type.
const char* TypeName(const AttrValue& value) {
  static constexpr const char* kNames[] = {"none",         "string",      "int",        "float",      "bool",
                                           "type",         "shape",       "tensor",     "func",       "list(string)",
                                           "list(int)",    "list(float)", "list(bool)", "list(type)", "list(shape)",
                                           "list(tensor)", "list(func)"};
  return kNames[value.variant().index()];
}

// Spells the same value in the declared type where only its C++ type differs: 1 for 1.0, an empty list of any type.
AttrValue Coerce(const OpAttr& attr, const AttrValue& value) {
  if (attr.type == "float" && value.get_if<int64_t>()) return static_cast<float>(value.get<int64_t>());
  if (attr.type == "list(float)" && value.get_if<std::vector<int64_t>>()) {
    const auto& ints = value.get<std::vector<int64_t>>();
    return std::vector<float>(ints.begin(), ints.end());
  }
  const bool empty_list = std::visit(
      [](const auto& v) {
        if constexpr (requires {
                        v.empty();
                        v.begin();
                      }) {
          return v.empty() && !std::is_same_v<std::decay_t<decltype(v)>, std::string>;
        } else {
          return false;
        }
      },
      value.variant());
  if (!empty_list) return value;
  if (attr.type == "list(string)") return std::vector<std::string>();
  if (attr.type == "list(int)") return std::vector<int64_t>();
  if (attr.type == "list(float)") return std::vector<float>();
  if (attr.type == "list(bool)") return std::vector<bool>();
  if (attr.type == "list(type)") return std::vector<DType>();
  if (attr.type == "list(shape)") return std::vector<PartialShape>();
  if (attr.type == "list(tensor)") return std::vector<Tensor>();
  if (attr.type == "list(func)") return std::vector<FunctionRef>();
  return value;
}

void CheckAllowed(const OpAttr& attr, const AttrValue& value, const std::string& where) {
  const auto check_type = [&](DType dtype) {
    if (!attr.allowed_types.empty() && std::ranges::find(attr.allowed_types, dtype) == attr.allowed_types.end()) {
      std::string allowed;
      for (DType t : attr.allowed_types) allowed += (allowed.empty() ? "" : ", ") + std::string(Name(t));
      throw InvalidArgument("Value for attr '", attr.name, "' of ", dtype,
                            " is not in the list of allowed values: ", allowed, "; at ", where);
    }
  };
  if (const auto* dtype = value.get_if<DType>()) check_type(*dtype);
  if (const auto* dtypes = value.get_if<std::vector<DType>>()) std::ranges::for_each(*dtypes, check_type);
  if (const auto* text = value.get_if<std::string>(); text && !attr.allowed_strings.empty()) {
    if (std::ranges::find(attr.allowed_strings, *text) == attr.allowed_strings.end()) {
      std::string allowed;
      for (const auto& s : attr.allowed_strings) allowed += (allowed.empty() ? "\"" : ", \"") + s + "\"";
      throw InvalidArgument("Value for attr '", attr.name, "' of \"", *text,
                            "\" is not in the list of allowed values: ", allowed, "; at ", where);
    }
  }
  if (!attr.minimum) return;
  int64_t size = *attr.minimum;
  if (const auto* number = value.get_if<int64_t>()) {
    size = *number;
  } else if (const auto* dtypes = value.get_if<std::vector<DType>>()) {
    size = static_cast<int64_t>(dtypes->size());
  }
  if (size < *attr.minimum) {
    throw InvalidArgument("attribute '", attr.name, "' must be at least ", *attr.minimum, ", got ", size, " at ",
                          where);
  }
}

// Sets attrs[name], or checks that what is there agrees.
template <class T>
void Determine(const std::string& name, const T& value, AttrMap* attrs, const OpArg& arg, const std::string& where) {
  const auto [slot, fresh] = attrs->try_emplace(name, value);
  if (!fresh && !(slot->second == AttrValue(value))) {
    throw InvalidArgument("argument '", arg.name, "' has ", name, " = ", AttrValue(value).ToString(), ", expected ",
                          slot->second.ToString(), "; at ", where);
  }
}

}  // namespace

std::vector<DType> ArgDTypes(const OpArg& arg, const AttrMap& attrs, const OpDef& op) {
  if (!arg.type_list_attr.empty()) return Get<std::vector<DType>>(attrs, arg.type_list_attr, op);
  const DType dtype = arg.type_attr.empty() ? arg.dtype : Get<DType>(attrs, arg.type_attr, op);
  const int64_t n = arg.number_attr.empty() ? 1 : Get<int64_t>(attrs, arg.number_attr, op);
  // A graph from a file may claim any number, and memory would be taken for it.
  if (n < 0 || n > kMostTensors) {
    throw InvalidArgument("attribute '", arg.number_attr, "' of op ", op.name, " must be 0 to ", kMostTensors, ", got ",
                          n);
  }
  return std::vector<DType>(n, dtype);
}

void CompleteAttrs(const OpDef& op, AttrMap* attrs, const std::string& where) {
  for (const OpAttr& attr : op.attrs) {
    auto found = attrs->find(attr.name);
    if (found == attrs->end()) {
      if (!attr.default_value) {
        throw InvalidArgument("op ", op.name, " needs attribute '", attr.name, "' (", attr.type, "); at ", where);
      }
      attrs->emplace(attr.name, *attr.default_value);
      continue;
    }
    found->second = Coerce(attr, found->second);
    if (attr.type != TypeName(found->second)) {
      throw InvalidArgument("attribute '", attr.name, "' of op ", op.name, " is a ", attr.type, ", got ",
                            TypeName(found->second), " ", found->second.ToString(), "; at ", where);
    }
    CheckAllowed(attr, found->second, where);
  }
  for (const auto& [name, value] : *attrs) {
    if (!name.starts_with('_') && !op.FindAttr(name)) {
      throw InvalidArgument("op ", op.name, " has no attribute '", name, "'; at ", where);
    }
  }
}

std::vector<Output> MatchArguments(const OpDef& op, const std::vector<OpArgument>& arguments, AttrMap* attrs,
                                   const std::string& where) {
  if (arguments.size() != op.inputs.size()) {
    throw InvalidArgument("op ", op.name, " takes ", op.inputs.size(), " arguments, got ", arguments.size(), " at ",
                          where);
  }
  std::vector<Output> flat;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const OpArg& arg = op.inputs[i];
    const OpArgument& tensors = arguments[i];
    const bool is_list = !arg.number_attr.empty() || !arg.type_list_attr.empty();
    if (!is_list && tensors.size() != 1) {
      throw InvalidArgument("argument '", arg.name, "' of op ", op.name, " is one tensor, got ", tensors.size(), " at ",
                            where);
    }
    for (const Output& tensor : tensors) {
      if (!tensor) throw InvalidArgument("argument '", arg.name, "' of op ", op.name, " is absent at ", where);
    }
    if (!arg.number_attr.empty()) {
      Determine(arg.number_attr, static_cast<int64_t>(tensors.size()), attrs, arg, where);
    }
    if (!arg.type_list_attr.empty()) {
      std::vector<DType> dtypes;
      for (const Output& tensor : tensors) dtypes.push_back(tensor.dtype());
      Determine(arg.type_list_attr, dtypes, attrs, arg, where);
    } else if (!arg.type_attr.empty()) {
      for (const Output& tensor : tensors) Determine(arg.type_attr, tensor.dtype(), attrs, arg, where);
    }
    flat.insert(flat.end(), tensors.begin(), tensors.end());
  }
  return flat;
}

}  // namespace headrace
