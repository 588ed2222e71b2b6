// Lines of text files, many at a time, as views into large buffers. As TensorFlow reads lines: '\n' ends a line, '\r'
// is dropped wherever it stands, a last line needs no '\n'.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/byte_stream.h"
#include "data/rows.h"

namespace headrace::data {

class LineReader {
 public:
  LineReader(std::vector<std::string> files, std::string compression)
      : files_(std::move(files)), compression_(std::move(compression)) {}

  // The next lines, 1 to `max_lines` of one file; false behind the last file. Errors: NotFound and others naming the
  // file; asked again it fails again.
  bool Next(size_t max_lines, Lines* lines);

 private:
  static constexpr size_t kBufferSize = 256 << 10;
  bool ReadMore();
  std::string_view WithoutReturns(std::string_view line, Lines* lines);

  std::vector<std::string> files_;
  std::string compression_;
  size_t next_file_ = 0;
  std::unique_ptr<ByteStream> stream_;  // of files_[next_file_ - 1]; null between files
  std::shared_ptr<char[]> buffer_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;  // unread bytes of the buffer
  bool at_end_of_file_ = false, has_returns_ = false;
  int64_t line_ = 1;  // number of the next line in its file
};

}  // namespace headrace::data
