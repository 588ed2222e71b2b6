// Reading: simdjson's DOM, a parser a thread; each value goes straight to its place in the batch. Writing: numbers in
// the shortest form that reads back as the same number.
#include "predict/instances.h"

#include <simdjson.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "headrace/error.h"
#include "predict/base64.h"

namespace headrace {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

// A parser keeps its memory between requests. What it returns lives until the thread parses again.
element ParseJson(std::string_view text, const char* what) {
  thread_local simdjson::dom::parser parser;
  element root;
  if (auto error = parser.parse(text.data(), text.size()).get(root)) {
    throw InvalidArgument("the ", what, " is not valid JSON: ", simdjson::error_message(error));
  }
  return root;
}

// array::size() stops at 0xffffff.
int64_t SizeOf(const array& items) {
  constexpr size_t kSaturated = 0xffffff;
  const size_t size = items.size();
  return size < kSaturated ? static_cast<int64_t>(size) : std::distance(items.begin(), items.end());
}

std::string Excerpt(const element& value) {
  std::string text = simdjson::minify(value);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

// ------------------------------------------------------------------------------------------------ JSON to tensors

// Where in the request a value stands, for messages.
struct Place {
  int64_t instance;
  const std::string& input;
  const TensorInfo& info;

  [[noreturn]] void Fail(const element& value, const std::string& expected) const {
    throw InvalidArgument("instance ", instance, ": input '", input, "' is ", Excerpt(value), ", expected ", expected);
  }
};

// The bytes of {"b64": "..."}; false if the value is not of that form.
bool DecodeIfB64(const element& value, std::string& bytes) {
  object fields;
  if (value.get(fields) || fields.size() != 1) return false;
  std::string_view text;
  if (fields["b64"].get(text)) return false;
  bytes = DecodeBase64(text);
  return true;
}

// The sizes of a nested list, by its first elements.
void AppendNestedSizes(element value, Shape& shape, const Place& place) {
  array items;
  while (!value.get(items)) {
    if (shape.rank() == kMaxRank) place.Fail(value, "a list of fewer dimensions");
    shape.Append(SizeOf(items));
    if (items.size() == 0) return;
    value = items.at(0);
  }
}

template <class T>
T NumberOf(const element& value, const Place& place) {
  if constexpr (std::is_same_v<T, bool>) {
    bool flag;
    if (!value.get(flag)) return flag;
  } else if constexpr (std::is_floating_point_v<T>) {
    double number;
    if (!value.get(number)) return static_cast<T>(number);
  } else {
    int64_t number;
    uint64_t large;
    double real;
    if (!value.get(number)) {
      if (std::in_range<T>(number)) return static_cast<T>(number);
    } else if (!value.get(large)) {
      if (std::in_range<T>(large)) return static_cast<T>(large);
    } else if (!value.get(real) && real == std::floor(real) && std::abs(real) < 9e15 &&
               std::in_range<T>(static_cast<int64_t>(real))) {
      return static_cast<T>(real);
    }
  }
  place.Fail(value, std::string("a value of type ") + Name(place.info.dtype));
}

std::string StringOf(const element& value, const Place& place) {
  std::string_view text;
  if (!value.get(text)) return std::string(text);
  std::string bytes;
  if (DecodeIfB64(value, bytes)) return bytes;
  place.Fail(value, "a string, or {\"b64\": \"...\"} for bytes");
}

// Writes the elements of a nested list, which must have exactly the sizes of `shape` from `axis` on.
template <class T, class Read>
T* FillNested(const element& value, const Shape& shape, int axis, T* out, const Place& place, Read read) {
  if (axis == shape.rank()) {
    *out = read(value, place);
    return out + 1;
  }
  array items;
  if (value.get(items) || SizeOf(items) != shape[axis]) {
    place.Fail(value, "a list of " + std::to_string(shape[axis]) + " values (instances of shape " +
                          Shape(shape.dims().subspan(1)).ToString() + ")");
  }
  for (const element& item : items) out = FillNested(item, shape, axis + 1, out, place, read);
  return out;
}

// The column of one input, filled row by row.
class Column {
 public:
  // `most` values are in the request at most.
  Column(const std::string& name, const TensorInfo& info, int64_t rows, int64_t most)
      : name_(name), info_(info), rows_(rows), most_(most) {}

  void Add(const element& value, int64_t row) {
    if (last_row_ == row) throw InvalidArgument("instance ", row, " gives input '", name_, "' twice");
    last_row_ = row;
    Place place{row, name_, info_};
    if (row == 0) Allocate(value, place);
    if (tensor_.dtype() == DType::kString) {
      return Fill<std::string>(value, row, place, StringOf);
    }
    VisitNumeric(tensor_.dtype(), "prediction from JSON", [&](auto zero) {
      using T = decltype(zero);
      Fill<T>(value, row, place, NumberOf<T>);
    });
  }
  Tensor Take() { return std::move(tensor_); }
  const std::string& name() const { return name_; }

 private:
  template <class T, class Read>
  void Fill(const element& value, int64_t row, const Place& place, Read read) {
    int64_t stride = rows_ == 0 ? 0 : tensor_.num_elements() / rows_;
    FillNested(value, tensor_.shape(), 1, tensor_.data<T>() + row * stride, place, read);
  }

  // The first instance fixes the sizes that the signature leaves open.
  void Allocate(const element& value, const Place& place) {
    Shape shape{rows_};
    AppendNestedSizes(value, shape, place);
    PartialShape expected = info_.shape;
    if (expected.has_rank() && expected.rank() > 0) expected.set_dim(0, rows_);
    if (!expected.IsCompatibleWith(shape)) {
      PartialShape instance = PartialShape(expected.dims().subspan(expected.rank() > 0 ? 1 : 0));
      place.Fail(value, expected.rank() == 1
                            ? std::string("one ") + Name(info_.dtype)
                            : std::string(Name(info_.dtype)) + " values of shape " + instance.ToString());
    }
    // Nested lists of different lengths may have first elements that promise far more values than the request holds.
    if (shape.num_elements() > most_) place.Fail(value, "lists of the same lengths in all instances");
    tensor_ = Tensor(info_.dtype, shape);
  }

  const std::string& name_;
  const TensorInfo& info_;
  int64_t rows_, most_, last_row_ = -1;
  Tensor tensor_;
};

std::string InputNames(const Signature& signature) {
  std::string names;
  for (const auto& [name, info] : signature.inputs) names += (names.empty() ? "" : ", ") + name;
  return names;
}

// An instance that names its inputs.
void AddNamed(const object& fields, int64_t row, std::vector<Column>& columns, const Signature& signature) {
  size_t found = 0, hint = 0;
  for (const auto& field : fields) {
    // Clients mostly send fields in one order; search from behind the last one found.
    size_t tried = 0;
    while (tried < columns.size() && columns[hint].name() != field.key) {
      hint = (hint + 1) % columns.size();
      ++tried;
    }
    if (tried == columns.size()) {
      throw InvalidArgument("instance ", row, ": unexpected input '", field.key, "'; the model takes ",
                            InputNames(signature));
    }
    columns[hint].Add(field.value, row);
    hint = (hint + 1) % columns.size();
    ++found;
  }
  if (found == columns.size()) return;
  for (const Column& column : columns) {
    if (fields[column.name()].error() != simdjson::SUCCESS) {
      throw InvalidArgument("instance ", row, ": input '", column.name(), "' is missing; the model takes ",
                            InputNames(signature));
    }
  }
}

void AddInstance(const element& instance, int64_t row, std::vector<Column>& columns, const Signature& signature) {
  object fields;
  bool is_object = !instance.get(fields);
  if (columns.size() == 1) {
    // One input needs no name, and {"b64": ...} is a bare value unless the input is called that.
    bool named =
        is_object && (fields.size() != 1 || fields["b64"].error() != simdjson::SUCCESS || columns[0].name() == "b64");
    if (!named) return columns[0].Add(instance, row);
  }
  if (!is_object) {
    throw InvalidArgument("instance ", row, " is ", Excerpt(instance), ", expected an object with the inputs ",
                          InputNames(signature));
  }
  AddNamed(fields, row, columns, signature);
}

// ------------------------------------------------------------------------------------------------ tensors to JSON

void AppendJsonString(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

template <class T>
void AppendNumber(T value, std::string& out) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else {
    if constexpr (std::is_floating_point_v<T>) {
      // Not JSON, but what Cloud ML's Python and TensorFlow Serving write, and clients parse.
      if (std::isnan(value)) return void(out += "NaN");
      if (std::isinf(value)) return void(out += value > 0 ? "Infinity" : "-Infinity");
    }
    char digits[32];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    std::string_view text(digits, static_cast<size_t>(end - digits));
    out += text;
    if (std::is_floating_point_v<T> && text.find_first_of(".e") == std::string_view::npos) out += ".0";
  }
}

void AppendBytes(const std::string& value, bool is_binary, std::string& out) {
  if (!is_binary && simdjson::validate_utf8(value)) return AppendJsonString(value, out);
  out += "{\"b64\": \"" + EncodeBase64(value) + "\"}";
}

// The elements of one row as a nested list; returns the position behind them.
template <class T, class Append>
const T* AppendNested(const Shape& shape, int axis, const T* values, std::string& out, Append append) {
  if (axis == shape.rank()) {
    append(*values);
    return values + 1;
  }
  out += '[';
  for (int64_t i = 0; i < shape[axis]; ++i) {
    if (i > 0) out += ", ";
    values = AppendNested(shape, axis + 1, values, out, append);
  }
  out += ']';
  return values;
}

template <class T, class Append>
void AppendRow(const Tensor& t, int64_t row, std::string& out, Append append) {
  int64_t stride = t.num_elements() / t.dim(0);
  AppendNested(t.shape(), 1, t.data<T>() + row * stride, out, append);
}

void AppendValue(const Tensor& t, const std::string& name, int64_t row, std::string& out) {
  switch (t.dtype()) {
    case DType::kString: {
      bool is_binary = name.ends_with("_bytes");
      return AppendRow<std::string>(t, row, out, [&](const std::string& v) { AppendBytes(v, is_binary, out); });
    }
    case DType::kHalf:
      return AppendRow<Half>(t, row, out, [&](Half v) { AppendNumber(static_cast<float>(v), out); });
    case DType::kBFloat16:
      return AppendRow<BFloat16>(t, row, out, [&](BFloat16 v) { AppendNumber(static_cast<float>(v), out); });
    default:
      VisitNumeric(t.dtype(), "prediction to JSON", [&](auto zero) {
        using T = decltype(zero);
        AppendRow<T>(t, row, out, [&](T v) { AppendNumber(v, out); });
      });
  }
}

}  // namespace

InstanceBatch ParseRequest(std::string_view text, const std::function<const Signature&(const std::string&)>& find) {
  object request;
  array instances;
  element root = ParseJson(text, "request");
  if (root.get(request) || request["instances"].get(instances)) {
    throw InvalidArgument("expected a JSON object with a list \"instances\", got ", Excerpt(root));
  }
  InstanceBatch batch;
  if (element name; !request["signature_name"].get(name) && !name.is_null()) {
    std::string_view chars;
    if (name.get(chars)) throw InvalidArgument("expected a string as signature_name, got ", Excerpt(name));
    batch.signature_name = chars;
  }
  const Signature& signature = find(batch.signature_name);
  batch.rows = SizeOf(instances);
  if (batch.rows == 0) throw InvalidArgument("expected at least one instance, got an empty list");
  std::vector<Column> columns;
  columns.reserve(signature.inputs.size());
  const auto most = static_cast<int64_t>(text.size());  // a value takes a character at least
  for (const auto& [name, info] : signature.inputs) columns.emplace_back(name, info, batch.rows, most);
  int64_t row = 0;
  for (const element& instance : instances) AddInstance(instance, row++, columns, signature);
  for (Column& column : columns) batch.inputs.push_back(column.Take());
  return batch;
}

std::string FormatPredictions(const std::vector<Tensor>& outputs, const Signature& signature, int64_t rows) {
  std::vector<std::string> keys;
  size_t position = 0;
  for (const auto& [name, info] : signature.outputs) {
    const Tensor& output = outputs.at(position++);
    if (output.rank() == 0 || output.dim(0) != rows) {
      throw FailedPrecondition("the model's output '", name, "' has shape ", output.shape(), ", expected ", rows,
                               " rows, one an instance");
    }
    std::string key;
    AppendJsonString(name, key);
    keys.push_back(key + ": ");
  }
  std::string out = "{\"predictions\": [";
  for (int64_t row = 0; row < rows; ++row) {
    out += row == 0 ? "{" : ", {";
    position = 0;
    for (const auto& [name, info] : signature.outputs) {
      if (position > 0) out += ", ";
      out += keys[position];
      AppendValue(outputs[position++], name, row, out);
    }
    out += '}';
  }
  return out + "]}";
}

std::string RequestFromLines(std::string_view lines, bool as_text, const std::string& signature_name) {
  std::string request = "{\"signature_name\": ";
  AppendJsonString(signature_name, request);
  request += ", \"instances\": [";
  bool first = true;
  for (int number = 1; !lines.empty(); ++number) {
    std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    if (!first) request += ", ";
    first = false;
    if (as_text) {
      AppendJsonString(line, request);
    } else {
      ParseJson(line, ("instance in line " + std::to_string(number)).c_str());
      request += line;
    }
  }
  return request + "]}";
}

}  // namespace headrace
