// Splits buffers into lines with memchr; a line that crosses the end of a buffer is moved to the start of the next.
#include "data/line_reader.h"

#include <algorithm>
#include <cstring>

namespace headrace::data {

bool LineReader::Next(size_t max_lines, Lines* lines) {
  lines->views.clear();
  lines->owners.clear();
  while (lines->views.empty()) {
    if (!stream_) {
      if (next_file_ == files_.size()) return false;
      stream_ = OpenByteStream(files_[next_file_], compression_);
      ++next_file_;
      begin_ = end_ = 0;
      line_ = 1;
      at_end_of_file_ = false;
    }
    lines->file = files_[next_file_ - 1];
    lines->first_line = line_;
    const char* const base = buffer_.get();
    while (begin_ < end_ && lines->views.size() < max_lines) {
      const char* start = base + begin_;
      const auto* stop = static_cast<const char*>(std::memchr(start, '\n', end_ - begin_));
      if (!stop && !at_end_of_file_) break;
      if (!stop) stop = base + end_;
      std::string_view line(start, static_cast<size_t>(stop - start));
      if (has_returns_) line = WithoutReturns(line, lines);
      lines->views.push_back(line);
      begin_ = std::min(end_, static_cast<size_t>(stop - base) + 1);
    }
    if (lines->views.empty() && !ReadMore()) stream_.reset();
  }
  lines->owners.push_back(buffer_);
  line_ += static_cast<int64_t>(lines->views.size());
  return true;
}

// Puts the unread bytes at the start of a buffer that nobody views and fills it up. False at the end of the file.
bool LineReader::ReadMore() {
  if (at_end_of_file_) return false;
  const size_t unread = end_ - begin_;
  const size_t capacity = std::max({kBufferSize, capacity_, unread * 2});
  if (!buffer_ || capacity > capacity_ || buffer_.use_count() > 1) {
    std::shared_ptr<char[]> fresh(new char[capacity]);
    if (unread > 0) std::memcpy(fresh.get(), buffer_.get() + begin_, unread);
    buffer_ = std::move(fresh);
    capacity_ = capacity;
  } else if (unread > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
  }
  begin_ = 0;
  end_ = unread;
  const size_t got = stream_->Read(buffer_.get() + end_, capacity_ - end_);
  at_end_of_file_ = got < capacity_ - end_;
  end_ += got;
  has_returns_ = std::memchr(buffer_.get(), '\r', end_) != nullptr;
  return end_ > 0;
}

std::string_view LineReader::WithoutReturns(std::string_view line, Lines* lines) {
  const size_t first = line.find('\r');
  if (first == std::string_view::npos) return line;
  if (first + 1 == line.size()) return line.substr(0, first);
  auto copy = std::make_shared<std::string>(line);
  std::erase(*copy, '\r');
  lines->owners.push_back(copy);
  return *copy;
}

}  // namespace headrace::data
