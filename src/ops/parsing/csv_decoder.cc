// CSV decoding. Most records are plain: one pass parses numbers in place. Whatever is out of the ordinary in a record
// (quotes, blanks, missing fields, errors) sends that record through the careful path, which follows the rules one by
// one and words the errors.
#include "ops/parsing/csv_decoder.h"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "ops/strings/parse_number.h"

namespace headrace {
namespace {

constexpr std::ptrdiff_t kLongestPlainNumber = 31;

template <class T>
const char* ParsePlain(const char* p, const char* end, T* value) {
  if constexpr (std::is_floating_point_v<T>) {
    const auto result = fast_float::from_chars(p, end, *value);
    if (result.ec != std::errc() || !std::isfinite(*value) || result.ptr - p > kLongestPlainNumber) return nullptr;
    return result.ptr;
  } else {
    const auto result = std::from_chars(p, end, *value);
    return result.ec == std::errc() ? result.ptr : nullptr;
  }
}

}  // namespace

CsvDecoder::CsvDecoder(const Node& node, const std::vector<Tensor>& defaults) {
  const auto& dtypes = node.attr<std::vector<DType>>("OUT_TYPE");
  if (dtypes.size() != defaults.size()) {
    throw InvalidArgument("DecodeCSV has ", dtypes.size(), " columns and ", defaults.size(), " record_defaults");
  }
  for (size_t c = 0; c < dtypes.size(); ++c) {
    if (defaults[c].rank() > 1) throw InvalidArgument("Each record default should be at most rank 1");
    if (defaults[c].num_elements() > 1) {
      throw InvalidArgument("There should only be 1 default per field but field ", c, " has ",
                            defaults[c].num_elements());
    }
    columns_.push_back({dtypes[c], defaults[c]});
  }
  const auto& delimiter = node.attr<std::string>("field_delim");
  if (delimiter.size() != 1) throw InvalidArgument("field_delim should be only 1 char, got '", delimiter, "'");
  delimiter_ = delimiter[0];
  use_quotes_ = node.attr<bool>("use_quote_delim");
  na_value_ = node.attr<std::string>("na_value");
  select_ = node.attr<std::vector<int64_t>>("select_cols");
  if (select_.empty()) {
    for (int c = 0; c < num_columns(); ++c) column_of_field_.push_back(c);
    return;
  }
  if (select_.size() != columns_.size()) throw InvalidArgument("select_cols should match output size");
  if (select_.front() < 0 ||
      std::adjacent_find(select_.begin(), select_.end(), std::greater_equal<>()) != select_.end()) {
    throw InvalidArgument("select_cols should be strictly increasing and non-negative");
  }
  column_of_field_.assign(static_cast<size_t>(select_.back()) + 1, -1);
  for (size_t c = 0; c < select_.size(); ++c) column_of_field_[static_cast<size_t>(select_[c])] = static_cast<int>(c);
}

void CsvDecoder::Decode(std::span<const std::string_view> records, std::span<Tensor> outputs) const {
  Sinks sinks(columns_.size());
  for (size_t c = 0; c < columns_.size(); ++c) sinks[c] = outputs[c].defined() ? outputs[c].raw() : nullptr;
  for (size_t i = 0; i < records.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    if (!DecodeQuickly(records[i], row, sinks)) DecodeCarefully(records[i], row, sinks);
  }
}

// False if the record needs care; what was stored until then is stored again.
bool CsvDecoder::DecodeQuickly(std::string_view record, int64_t i, const Sinks& sinks) const {
  if (record.empty()) return false;
  const char* p = record.data();
  const char* const end = p + record.size();
  const size_t fields = column_of_field_.size();
  for (size_t f = 0; f < fields; ++f) {
    const int c = column_of_field_[f];
    const char* q = p;
    const bool empty = p == end || *p == delimiter_;
    const auto number = [&]<class T>(T value) {
      q = ParsePlain(p, end, &value);
      if (q && sinks[c]) static_cast<T*>(sinks[c])[i] = value;
    };
    if (empty && c >= 0) {
      if (columns_[c].default_value.num_elements() == 0) return false;
      StoreDefault(c, i, sinks[c]);
    } else if (c >= 0 && columns_[c].dtype == DType::kFloat) {
      number(float{});
    } else if (c >= 0 && columns_[c].dtype == DType::kDouble) {
      number(double{});
    } else if (c >= 0 && columns_[c].dtype == DType::kInt32) {
      number(int32_t{});
    } else if (c >= 0 && columns_[c].dtype == DType::kInt64) {
      number(int64_t{});
    } else {
      while (q != end && *q != delimiter_) {
        if (*q == '"' || *q == '\r' || *q == '\n') return false;
        ++q;
      }
      if (c >= 0 && sinks[c]) static_cast<std::string*>(sinks[c])[i].assign(p, q);
    }
    if (q == nullptr) return false;
    if (!na_value_.empty() && c >= 0 && std::string_view(p, static_cast<size_t>(q - p)) == na_value_) return false;
    if (f + 1 < fields) {
      if (q == end || *q != delimiter_) return false;
      p = q + 1;
    } else if (select_.empty() ? q != end : (q != end && *q != delimiter_)) {
      return false;
    }
  }
  return true;
}

void CsvDecoder::DecodeCarefully(std::string_view record, int64_t i, const Sinks& sinks) const {
  std::vector<std::string> fields;
  SplitFields(record, &fields);
  if (fields.size() != columns_.size()) {
    throw InvalidArgument("Expect ", columns_.size(), " fields but have ", fields.size(), " in record ", i);
  }
  for (int c = 0; c < num_columns(); ++c) StoreField(fields[c], c, i, sinks[c]);
}

// The selected fields of a record, unquoted.
void CsvDecoder::SplitFields(std::string_view record, std::vector<std::string>* fields) const {
  const size_t n = record.size();
  int64_t field_index = 0;
  const auto wanted = [&] { return select_.empty() || select_[fields->size()] == field_index; };
  size_t at = 0;
  while (at < n) {
    if (record[at] == '\n' || record[at] == '\r') {  // line breaks before a field are skipped
      ++at;
      continue;
    }
    std::string field;
    if (use_quotes_ && record[at] == '"') {
      ++at;
      while (at + 1 < n && (record[at] != '"' || record[at + 1] != delimiter_)) {
        if (record[at] == '"') {
          if (record[at + 1] != '"') throw InvalidArgument("Quote inside a string has to be escaped by another quote");
          ++at;
        }
        field += record[at++];
      }
      if (at >= n || record[at] != '"') {
        throw InvalidArgument("Quoted field has to end with quote followed by delim or end");
      }
      at += 2;
    } else {
      for (; at < n && record[at] != delimiter_; ++at) {
        if ((use_quotes_ && record[at] == '"') || record[at] == '\n' || record[at] == '\r') {
          throw InvalidArgument("Unquoted fields cannot have quotes/CRLFs inside");
        }
        field += record[at];
      }
      ++at;
    }
    const bool take = wanted();
    ++field_index;
    if (!take) continue;
    fields->push_back(std::move(field));
    if (fields->size() == select_.size()) return;
  }
  if (n > 0 && record[n - 1] == delimiter_ && wanted()) fields->emplace_back();  // an empty last field
}

void CsvDecoder::StoreField(const std::string& field, int column, int64_t i, void* sink) const {
  if (field.empty() || field == na_value_) {
    if (columns_[column].default_value.num_elements() == 0) {
      throw InvalidArgument("Field ", column, " is required but missing in record ", i, "!");
    }
    StoreDefault(column, i, sink);
    return;
  }
  switch (columns_[column].dtype) {
    case DType::kFloat:
      return StoreNumber<float>(field, column, i, sink, "float");
    case DType::kDouble:
      return StoreNumber<double>(field, column, i, sink, "double");
    case DType::kInt32:
      return StoreNumber<int32_t>(field, column, i, sink, "int32");
    case DType::kInt64:
      return StoreNumber<int64_t>(field, column, i, sink, "int64");
    case DType::kString:
      if (sink) static_cast<std::string*>(sink)[i] = field;
      return;
    default:
      throw InvalidArgument("csv: data type ", columns_[column].dtype, " not supported in field ", column);
  }
}

template <class T>
void CsvDecoder::StoreNumber(const std::string& field, int column, int64_t i, void* sink, const char* type) const {
  T value;
  if (!ParseNumber(field, &value)) {
    throw InvalidArgument("Field ", column, " in record ", i, " is not a valid ", type, ": ", field);
  }
  if (sink) static_cast<T*>(sink)[i] = value;
}

void CsvDecoder::StoreDefault(int column, int64_t i, void* sink) const {
  if (!sink) return;
  const Tensor& value = columns_[column].default_value;
  if (value.dtype() == DType::kString) {
    static_cast<std::string*>(sink)[i] = value.string();
  } else {
    const size_t size = SizeOf(value.dtype());
    std::memcpy(static_cast<char*>(sink) + static_cast<size_t>(i) * size, value.raw(), size);
  }
}

}  // namespace headrace
