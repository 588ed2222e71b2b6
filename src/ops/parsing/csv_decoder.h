// The CSV decoder behind the op DecodeCSV and the vectorised input pipeline: many records into typed columns at once,
// by TensorFlow's rules (RFC 4180 quotes, defaults for empty fields, errors worded as TensorFlow's).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/op.h"

namespace headrace {

class CsvDecoder final : public LineDecoder {
 public:
  struct Column {
    DType dtype = DType::kFloat;
    Tensor default_value;  // no elements: the field is required
  };

  // Reads the attributes of a DecodeCSV node; `defaults` are its inputs behind the records. Errors: InvalidArgument.
  CsvDecoder(const Node& node, const std::vector<Tensor>& defaults);

  int num_columns() const override { return static_cast<int>(columns_.size()); }
  DType dtype(int column) const override { return columns_[column].dtype; }
  void Decode(std::span<const std::string_view> records, std::span<Tensor> outputs) const override;

 private:
  using Sinks = std::vector<void*>;
  bool DecodeQuickly(std::string_view record, int64_t i, const Sinks& sinks) const;
  void DecodeCarefully(std::string_view record, int64_t i, const Sinks& sinks) const;
  void SplitFields(std::string_view record, std::vector<std::string>* fields) const;
  void StoreField(const std::string& field, int column, int64_t i, void* sink) const;
  void StoreDefault(int column, int64_t i, void* sink) const;
  template <class T>
  void StoreNumber(const std::string& field, int column, int64_t i, void* sink, const char* type) const;

  std::vector<Column> columns_;
  char delimiter_ = ',';
  bool use_quotes_ = true;
  std::string na_value_;
  std::vector<int64_t> select_;       // the selected fields, ascending; empty: all
  std::vector<int> column_of_field_;  // field -> column, -1 for a field that is passed over
};

}  // namespace headrace
