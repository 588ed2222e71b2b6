// Map and filter on blocks.
#include "data/block_stages.h"

namespace headrace::data {

namespace {

Lines GatherLines(const std::vector<Row>& rows) {
  Lines lines;
  const Block* last = nullptr;
  for (const Row& row : rows) {
    lines.views.push_back(row.block->lines->views[row.index]);
    if (row.block == last) continue;
    last = row.block;
    lines.owners.insert(lines.owners.end(), last->lines->owners.begin(), last->lines->owners.end());
  }
  return lines;
}

}  // namespace

BlockReader::BlockReader(std::unique_ptr<RowSource> source) {
  if (source->gives_blocks()) {
    source_ = std::move(source);
  } else {
    rows_ = std::make_unique<RowReader>(std::move(source));
  }
}

Block* BlockReader::Next() {
  constexpr int64_t kRowsAtATime = 256;
  if (source_) return source_->NextBlock();
  std::vector<Row> rows;
  FillByStep(&rows, kRowsAtATime, &pending_, [&] {
    Row row;
    if (!rows_->Next(&row)) return false;
    rows.push_back(row);
    return true;
  });
  if (rows.empty()) return nullptr;
  auto block = std::make_unique<Block>();
  block->rows = block->live = static_cast<int64_t>(rows.size());
  block->file = rows[0].block->file;
  block->first_line = rows[0].block->first_line + rows[0].index;
  for (size_t i = 1; i < rows.size(); ++i) {  // positions are only kept where they are consecutive
    if (rows[i].block != rows[0].block || rows[i].index != rows[i - 1].index + 1) block->file.clear();
  }
  if (rows[0].block->lines) block->lines = GatherLines(rows);
  for (size_t c = 0; c < rows[0].block->columns.size(); ++c) {
    block->columns.push_back(rows[0].block->columns[c].defined() ? GatherColumn(rows, c) : Tensor());
  }
  for (const Row& row : rows) Release(row.block);
  block->Finish();
  return block.release();
}

std::unique_ptr<Block> SingleRow(const Block& block, int64_t row) {
  auto single = std::make_unique<Block>();
  single->rows = single->live = 1;
  single->file = block.file;
  single->first_line = block.first_line + row;
  for (const Tensor& column : block.columns) {
    single->columns.push_back(column.defined() ? column.Slice(row, row + 1) : Tensor());
  }
  if (block.lines) {
    single->lines = Lines{{block.lines->views[row]}, block.lines->owners, block.lines->file, single->first_line};
  }
  single->Finish();
  return single;
}

BlockMap::~BlockMap() {
  for (const auto& item : ready_) {
    if (const auto* block = std::get_if<Block*>(&item)) Release(*block, (*block)->rows);
  }
}

Block* BlockMap::NextBlock() {
  for (;;) {
    if (!ready_.empty()) {
      const auto item = ready_.front();
      ready_.pop_front();
      if (const auto* error = std::get_if<std::exception_ptr>(&item)) std::rethrow_exception(*error);
      return std::get<Block*>(item);
    }
    Block* in = reader_.Next();
    if (!in) return nullptr;
    std::vector<Tensor> results;
    try {
      results = program_->Run(*in);
    } catch (const Error&) {
      RunRowByRow(in);
      continue;
    }
    if (Block* out = Output(in, std::move(results))) return out;
  }
}

void BlockMap::RunRowByRow(Block* block) {
  for (int64_t row = 0; row < block->rows; ++row) {
    std::unique_ptr<Block> single = SingleRow(*block, row);
    try {
      std::vector<Tensor> results = program_->Run(*single);
      if (Block* out = Output(single.release(), std::move(results))) ready_.emplace_back(out);
    } catch (const Error& error) {
      ready_.emplace_back(std::make_exception_ptr(AtPosition(error, block->Position(row))));
    }
  }
  Release(block, block->rows);
}

Block* BlockMap::Output(Block* in, std::vector<Tensor> results) {
  auto out = std::make_unique<Block>();
  out->rows = out->live = in->rows;
  out->file = in->file;
  out->first_line = in->first_line;
  out->columns = std::move(results);
  out->Finish();
  Release(in, in->rows);
  return out.release();
}

bool BlockMap::Fill(std::vector<Row>* rows, int64_t) {
  Block* block = NextBlock();
  if (!block) return false;
  for (int64_t i = 0; i < block->rows; ++i) rows->push_back({block, i});
  return true;
}

Block* BlockFilter::Output(Block* in, std::vector<Tensor> results) {
  in->verdicts = std::move(results.at(0));
  return in;
}

bool BlockFilter::Fill(std::vector<Row>* rows, int64_t) {
  const size_t before = rows->size();
  while (rows->size() == before) {
    Block* block = NextBlock();
    if (!block) return false;
    int64_t dropped = 0;
    for (int64_t i = 0; i < block->rows; ++i) {
      if (block->verdicts.data<bool>()[i]) {
        rows->push_back({block, i});
      } else {
        ++dropped;
      }
    }
    if (dropped > 0) Release(block, dropped);
  }
  return true;
}

}  // namespace headrace::data
