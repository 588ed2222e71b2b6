// Rows: reading sources row by row, and gathering rows into tensors.
#include "data/rows.h"

#include <cstring>

namespace headrace::data {

void Block::Finish() {
  data.assign(columns.size(), nullptr);
  row_bytes.assign(columns.size(), 0);
  for (size_t c = 0; c < columns.size(); ++c) {
    if (!columns[c].defined()) continue;
    data[c] = static_cast<const char*>(columns[c].raw());
    if (SizeOf(columns[c].dtype()) != 0 && rows > 0) row_bytes[c] = columns[c].bytes() / static_cast<size_t>(rows);
  }
}

bool RowReader::Refill() {
  constexpr int64_t kRowsAtATime = 256;
  rows_.clear();
  at_ = 0;
  return source_->Fill(&rows_, kRowsAtATime);
}

void RowReader::Drop() {
  for (; at_ < rows_.size(); ++at_) Release(rows_[at_].block);
}

namespace {

Shape RowShape(const Tensor& column) {
  return Shape(column.shape().dims().subspan(1));
}

template <class T>
void GatherWords(const std::vector<Row>& rows, size_t c, void* out) {
  T* to = static_cast<T*>(out);
  for (size_t i = 0; i < rows.size(); ++i) {
    to[i] = reinterpret_cast<const T*>(rows[i].block->data[c])[rows[i].index];
  }
}

void GatherBytes(const std::vector<Row>& rows, size_t c, size_t row_bytes, char* out) {
  for (const Row& row : rows) {
    std::memcpy(out, row.block->data[c] + static_cast<size_t>(row.index) * row_bytes, row_bytes);
    out += row_bytes;
  }
}

void GatherStrings(const std::vector<Row>& rows, size_t c, int64_t row_elements, std::string* out) {
  for (const Row& row : rows) {
    const std::string* from = row.block->columns[c].data<std::string>() + row.index * row_elements;
    out = std::copy(from, from + row_elements, out);
  }
}

}  // namespace

Tensor GatherColumn(const std::vector<Row>& rows, size_t c) {
  const Tensor& first = rows[0].block->columns[c];
  const Shape row_shape = RowShape(first);
  const Block* checked = rows[0].block;
  for (size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].block == checked) continue;
    checked = rows[i].block;
    const Shape shape = RowShape(checked->columns[c]);
    if (!(shape == row_shape)) {
      throw InvalidArgument("Cannot batch tensors with different shapes in component ", c, ". First element had shape ",
                            row_shape, " and element ", i, " had shape ", shape, ".");
    }
  }
  Shape shape{static_cast<int64_t>(rows.size())};
  for (const int64_t size : row_shape.dims()) shape.Append(size);
  Tensor out(first.dtype(), shape);
  const size_t row_bytes = rows[0].block->row_bytes[c];
  if (first.dtype() == DType::kString) {
    GatherStrings(rows, c, row_shape.num_elements(), out.data<std::string>());
  } else if (row_bytes == 4) {
    GatherWords<uint32_t>(rows, c, out.raw());
  } else if (row_bytes == 8) {
    GatherWords<uint64_t>(rows, c, out.raw());
  } else if (row_bytes > 0) {
    GatherBytes(rows, c, row_bytes, static_cast<char*>(out.raw()));
  }
  return out;
}

Element RowToElement(const Row& row) {
  Element element(row.block->columns.size());
  for (size_t c = 0; c < element.size(); ++c) {
    const Tensor& column = row.block->columns[c];
    if (!column.defined()) continue;
    element[c] = column.Slice(row.index, row.index + 1).Reshaped(RowShape(column));
  }
  return element;
}

}  // namespace headrace::data
