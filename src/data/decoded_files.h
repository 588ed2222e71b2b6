// Keeps what one pass over some files decoded, so that the next epoch need not decode again. Only while it fits a
// modest budget, only for passes without errors, and only as long as the files have the same size and time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/rows.h"
#include "headrace/file_system.h"

namespace headrace::data {

class RecordingSource;

class DecodedFiles : public std::enable_shared_from_this<DecodedFiles> {
 public:
  explicit DecodedFiles(std::vector<std::string> files) : files_(std::move(files)) {}
  ~DecodedFiles() { Clear(); }
  DecodedFiles(const DecodedFiles&) = delete;

  // The rows of the files: from memory, or from the source that `make` makes (a source that gives blocks), kept on the
  // way. nullptr if `make` gives nullptr.
  std::unique_ptr<RowSource> Read(const std::function<std::unique_ptr<RowSource>()>& make);

 private:
  friend class RecordingSource;
  static constexpr size_t kBudget = 64 << 20;  // bytes
  std::vector<FileStat> Stats() const;         // empty if some file can't be looked at
  void Keep(Block* block);
  void Finish();
  void Clear();

  std::vector<std::string> files_;
  std::vector<FileStat> stats_;
  std::vector<Block*> blocks_;  // pinned once each
  size_t bytes_ = 0;
  bool recording_ = false, complete_ = false;
};

}  // namespace headrace::data
