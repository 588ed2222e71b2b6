// Stages of the vectorised form that compute: map and filter run a lifted function on whole blocks.
#pragma once

#include <deque>
#include <memory>
#include <variant>

#include "data/lift.h"
#include "data/rows.h"

namespace headrace::data {

// Gives the rows of a source as blocks: its own, or gathered ones.
class BlockReader {
 public:
  explicit BlockReader(std::unique_ptr<RowSource> source);
  // nullptr at the end. All rows of the block are the caller's.
  Block* Next();

 private:
  std::unique_ptr<RowSource> source_;
  std::unique_ptr<RowReader> rows_;  // of a source that gives no blocks; it then owns the source
  std::exception_ptr pending_;
};

// Blocks through a lifted function. If a block fails, it is done again row by row, so that the error comes in the
// place of exactly its row.
class BlockMap : public RowSource {
 public:
  BlockMap(std::unique_ptr<RowSource> source, std::unique_ptr<BlockProgram> program)
      : reader_(std::move(source)), program_(std::move(program)) {}
  ~BlockMap() override;
  bool gives_blocks() const override { return true; }
  Block* NextBlock() override;
  bool Fill(std::vector<Row>* rows, int64_t wanted) override;

 protected:
  // The block to hand out for `in` (which it takes over) and the function's results on it; nullptr for none.
  virtual Block* Output(Block* in, std::vector<Tensor> results);

 private:
  void RunRowByRow(Block* block);
  BlockReader reader_;
  std::unique_ptr<BlockProgram> program_;
  std::deque<std::variant<Block*, std::exception_ptr>> ready_;
};

// Keeps the rows for which a lifted predicate holds.
class BlockFilter final : public BlockMap {
 public:
  using BlockMap::BlockMap;
  bool gives_blocks() const override { return false; }
  bool Fill(std::vector<Row>* rows, int64_t wanted) override;

 protected:
  Block* Output(Block* in, std::vector<Tensor> results) override;
};

// One row of a block as a block of its own.
std::unique_ptr<Block> SingleRow(const Block& block, int64_t row);

}  // namespace headrace::data
