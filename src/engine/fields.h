// Messages of the REST API as plain structs. A struct lists its fields once, in a member template
//   template <class Visitor> void Fields(Visitor& v) { v("name", name); v("pageSize", page_size); }
// and from that come its JSON form (proto3's: 64-bit integers as strings, defaults left out) and its strict reading.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "headrace/error.h"

namespace headrace::engine {

using Json = nlohmann::json;

struct Empty {
  template <class Visitor>
  void Fields(Visitor&) {}
};

template <class T>
Json ToJson(const T& message);
// Throws InvalidArgument with the field's path for a wrong type or an unknown name.
template <class T>
T FromJson(const Json& json, const std::string& where = "");

namespace internal {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
Json ValueToJson(const T& value) {
  if constexpr (std::is_same_v<T, int64_t>) {
    return std::to_string(value);
  } else if constexpr (std::is_same_v<T, Json> || std::is_same_v<T, std::string> || std::is_arithmetic_v<T>) {
    return value;
  } else if constexpr (IsVector<T>::value) {
    Json array = Json::array();
    for (const auto& item : value) array.push_back(ValueToJson(item));
    return array;
  } else if constexpr (IsMap<T>::value) {
    Json object = Json::object();
    for (const auto& [key, item] : value) object[key] = ValueToJson(item);
    return object;
  } else {
    return ToJson(value);
  }
}

template <class T>
bool IsDefault(const T& value) {
  if constexpr (std::is_same_v<T, Json>) {
    return value.is_null();
  } else if constexpr (std::is_arithmetic_v<T>) {
    return value == T{};
  } else if constexpr (IsOptional<T>::value) {
    return !value.has_value();
  } else if constexpr (std::is_same_v<T, std::string> || IsVector<T>::value || IsMap<T>::value) {
    return value.empty();
  } else {
    return false;
  }
}

struct Writer {
  Json& out;
  template <class T>
  void operator()(const char* name, T& value) {
    if (IsDefault(value)) return;
    if constexpr (IsOptional<T>::value) {
      out[name] = ValueToJson(*value);
    } else {
      out[name] = ValueToJson(value);
    }
  }
};

[[noreturn]] inline void WrongType(const std::string& where, const char* expected, const Json& got) {
  throw InvalidArgument("Invalid value at '", where, "': expected ", expected, ", got ",
                        got.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 200));
}

template <class T>
T ReadNumber(const Json& json, const std::string& where) {
  if (json.is_number() && (std::is_floating_point_v<T> || json.is_number_integer())) return json.get<T>();
  if (json.is_string()) {  // a query parameter, or proto3's 64-bit integer
    const Json inner = Json::parse(json.get_ref<const std::string&>(), nullptr, false);
    if (inner.is_number() && (std::is_floating_point_v<T> || inner.is_number_integer())) return inner.get<T>();
  }
  WrongType(where, std::is_floating_point_v<T> ? "a number" : "an integer", json);
}

template <class T>
void ReadValue(const Json& json, const std::string& where, T* value) {
  if constexpr (std::is_same_v<T, Json>) {
    *value = json;
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!json.is_string()) WrongType(where, "a string", json);
    *value = json.get<std::string>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (json.is_boolean() || json == "true" || json == "false") {
      *value = json == true || json == "true";
    } else {
      WrongType(where, "true or false", json);
    }
  } else if constexpr (std::is_arithmetic_v<T>) {
    *value = ReadNumber<T>(json, where);
  } else if constexpr (IsVector<T>::value) {
    if (!json.is_array()) WrongType(where, "a list", json);
    for (size_t i = 0; i < json.size(); ++i) {
      ReadValue(json[i], where + "[" + std::to_string(i) + "]", &value->emplace_back());
    }
  } else if constexpr (IsMap<T>::value) {
    if (!json.is_object()) WrongType(where, "an object", json);
    for (const auto& [key, item] : json.items()) ReadValue(item, where + "." + key, &(*value)[key]);
  } else if constexpr (IsOptional<T>::value) {
    ReadValue(json, where, &value->emplace());
  } else {
    *value = FromJson<T>(json, where);
  }
}

struct Reader {
  const Json& in;
  const std::string& where;
  std::vector<const char*> known;
  template <class T>
  void operator()(const char* name, T& value) {
    known.push_back(name);
    const auto found = in.find(name);
    if (found == in.end() || found->is_null()) return;
    ReadValue(*found, where.empty() ? name : where + "." + name, &value);
  }
};

}  // namespace internal

template <class T>
Json ToJson(const T& message) {
  Json out = Json::object();
  internal::Writer writer{out};
  const_cast<T&>(message).Fields(writer);
  return out;
}

template <class T>
T FromJson(const Json& json, const std::string& where) {
  if (!json.is_object()) internal::WrongType(where.empty() ? "body" : where, "an object", json);
  T message;
  internal::Reader reader{json, where, {}};
  message.Fields(reader);
  for (const auto& [key, unused] : json.items()) {
    bool known = false;
    for (const char* name : reader.known) known = known || key == name;
    if (!known) {
      throw InvalidArgument("Invalid JSON payload received. Unknown name \"", key, "\"",
                            where.empty() ? "" : " at '" + where + "'", ": Cannot find field.");
    }
  }
  return message;
}

}  // namespace headrace::engine
