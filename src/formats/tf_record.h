// TFRecord files: a sequence of byte strings, each framed by its length and two masked CRCs
// (docs/formats/tf_record.md).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "headrace/file_system.h"

namespace headrace {

class RecordWriter {
 public:
  explicit RecordWriter(const std::string& path, bool append = false);
  void Write(std::string_view record);
  void Flush() { file_->Flush(); }
  void Close() { file_->Close(); }

 private:
  std::unique_ptr<WritableFile> file_;
};

// Reads records in order. Not thread-safe.
class RecordReader {
 public:
  explicit RecordReader(const std::string& path, size_t buffer_size = 256 << 10);
  // The next record; false at the end. Errors: DataLoss, naming file and offset, for a wrong CRC or a cut record.
  bool Next(std::string& record);
  // As Next, but a record that is cut off at the end of the file counts as the end: its writer may still be at it.
  bool NextComplete(std::string& record);
  int64_t offset() const { return offset_; }  // of the next record

 private:
  size_t Fill(size_t n);  // makes n bytes available in the buffer if the file has them; returns how many there are
  bool Read(std::string& record, bool cut_is_end);

  std::string path_;
  std::unique_ptr<RandomAccessFile> file_;
  std::string buffer_;
  size_t begin_ = 0, end_ = 0;  // the unread part of the buffer
  int64_t offset_ = 0, file_offset_ = 0;
};

}  // namespace headrace
