// The vectorised form of a dataset. Elements are rows of blocks: a block holds some hundred consecutive elements, one
// tensor a component. Transforms that only choose and reorder elements (shuffle, repeat, take, ...) pass handles of
// rows; map makes new blocks out of old ones; batch gathers the rows it gets into its output tensors.
// A pipeline of sources runs on one thread; counts of live rows keep the blocks.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "data/dataset.h"

namespace headrace::data {

// Lines of text as views into a buffer.
struct Lines {
  std::vector<std::string_view> views;
  std::vector<std::shared_ptr<const void>> owners;  // of the bytes
  std::string file;
  int64_t first_line = 1;  // the number of views[0] in its file
};

struct Block {
  std::vector<Tensor> columns;  // [rows] + the component's shape; undefined if nobody needs the component
  int64_t rows = 0;
  std::optional<Lines> lines;  // instead of column 0, for callers that set RowOptions::lines
  std::string file;            // where the rows come from, if known
  int64_t first_line = 0;
  int64_t live = 0;  // handles of its rows, and pins
  Tensor verdicts;   // of a filter: which rows to keep

  std::string Position(int64_t row) const {
    return file.empty() ? "" : file + " line " + std::to_string(first_line + row);
  }
  void Finish();  // to be called once `columns` are complete
  // Of each column: where its rows start, and the bytes of one row (0: strings or undefined).
  std::vector<const char*> data;
  std::vector<size_t> row_bytes;
};

struct Row {
  Block* block = nullptr;
  int64_t index = 0;
};

inline void Pin(Block* block, int64_t count = 1) {
  block->live += count;
}
inline void Release(Block* block, int64_t count = 1) {
  if ((block->live -= count) == 0) delete block;
}

// Makes rows, some at a time. The caller owns each row it gets: it passes it on or releases its block once.
class RowSource {
 public:
  virtual ~RowSource() = default;
  // Appends at least one row to `rows`; false at the end. An error takes the place of one row, as in ElementIterator;
  // rows before it have been handed out by earlier calls. `wanted` is a hint.
  virtual bool Fill(std::vector<Row>* rows, int64_t wanted) = 0;
  // Instead of single rows a source may hand out whole blocks, whose rows all are the caller's (live == rows). nullptr
  // at the end. Only called if gives_blocks().
  virtual bool gives_blocks() const { return false; }
  virtual Block* NextBlock() { return nullptr; }
};

// Reads a source row by row. Owns what it has not handed on.
class RowReader {
 public:
  explicit RowReader(std::unique_ptr<RowSource> source) : source_(std::move(source)) {}
  ~RowReader() { Drop(); }
  RowReader(const RowReader&) = delete;

  // The next row, as RowSource::Fill has it.
  bool Next(Row* row) {
    if (at_ == rows_.size() && !Refill()) return false;
    *row = rows_[at_++];
    return true;
  }

 private:
  bool Refill();
  void Drop();
  std::unique_ptr<RowSource> source_;
  std::vector<Row> rows_;
  size_t at_ = 0;
};

// Runs `step` until it has appended `wanted` rows to `rows`, or ends, or fails. A failure behind some rows waits in
// `pending` for the next call. A step appends one row, or returns false at the end.
template <class Step>
bool FillByStep(std::vector<Row>* rows, int64_t wanted, std::exception_ptr* pending, Step step) {
  if (*pending) std::rethrow_exception(std::exchange(*pending, nullptr));
  const size_t before = rows->size();
  try {
    for (int64_t i = 0; i < wanted; ++i) {
      if (!step()) break;
    }
  } catch (...) {
    if (rows->size() == before) throw;
    *pending = std::current_exception();
  }
  return rows->size() > before;
}

// Gathers component c of `rows` into one tensor [rows] + shape. Errors: InvalidArgument on unequal shapes.
Tensor GatherColumn(const std::vector<Row>& rows, size_t component);

// The row as an element (components [shape], without the leading axis).
Element RowToElement(const Row& row);

}  // namespace headrace::data
