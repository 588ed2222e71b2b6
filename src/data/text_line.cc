// TextLineDataset: the lines of files, one after another.
#include "data/dataset.h"
#include "data/line_reader.h"
#include "data/rows.h"

namespace headrace::data {
namespace {

constexpr size_t kLinesAtATime = 1024;

class TextLineDataset final : public DatasetObject {
 public:
  TextLineDataset(std::vector<std::string> files, std::string compression)
      : DatasetObject({DType::kString}, {Shape()}), files_(std::move(files)), compression_(std::move(compression)) {}
  std::string DebugString() const override { return "TextLineDataset"; }
  bool pure() const override { return true; }
  std::vector<std::string> files() const override { return files_; }
  bool gives_lines() const override { return true; }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed&) const override {
    struct Iterator final : ElementIterator {
      Iterator(LineReader reader, const IteratorContext& context) : context(context), reader(std::move(reader)) {}
      bool Next(Element* out) override {
        context.CheckCancelled();
        if (at == lines.views.size()) {
          at = 0;
          lines.views.clear();
          if (!reader.Next(kLinesAtATime, &lines)) return false;
        }
        *out = {Tensor::Scalar(std::string(lines.views[at++]))};
        return true;
      }
      std::string Position() const override {
        return lines.file + " line " + std::to_string(lines.first_line + static_cast<int64_t>(at) - 1);
      }
      const IteratorContext& context;
      LineReader reader;
      Lines lines;
      size_t at = 0;
    };
    return std::make_unique<Iterator>(LineReader(files_, compression_), context);
  }

  std::unique_ptr<RowSource> MakeRowSource(IteratorContext& context, const RowOptions& options) const override {
    struct Source final : RowSource {
      Source(LineReader reader, const RowOptions& options, const IteratorContext& context)
          : context(context), reader(std::move(reader)), as_lines(options.lines), needed(options.needed.at(0)) {}
      bool gives_blocks() const override { return true; }
      Block* NextBlock() override {
        context.CheckCancelled();
        auto block = std::make_unique<Block>();
        Lines lines;
        if (!reader.Next(kLinesAtATime, &lines)) return nullptr;
        block->rows = block->live = static_cast<int64_t>(lines.views.size());
        block->file = lines.file;
        block->first_line = lines.first_line;
        block->columns.resize(1);
        if (as_lines) {
          block->lines = std::move(lines);
        } else if (needed) {
          block->columns[0] = Tensor(DType::kString, Shape{block->rows});
          std::copy(lines.views.begin(), lines.views.end(), block->columns[0].data<std::string>());
        }
        block->Finish();
        return block.release();
      }
      bool Fill(std::vector<Row>* rows, int64_t) override {
        Block* block = NextBlock();
        if (!block) return false;
        for (int64_t i = 0; i < block->rows; ++i) rows->push_back({block, i});
        return true;
      }
      const IteratorContext& context;
      LineReader reader;
      bool as_lines, needed;
    };
    return std::make_unique<Source>(LineReader(files_, compression_), options, context);
  }

 private:
  std::vector<std::string> files_;
  std::string compression_;
};

}  // namespace

DatasetPtr MakeTextLineDataset(std::vector<std::string> files, std::string compression, int64_t) {
  return std::make_shared<TextLineDataset>(std::move(files), std::move(compression));
}

}  // namespace headrace::data
