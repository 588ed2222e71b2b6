// Each record: length (8 bytes), masked CRC of the length (4), the bytes, masked CRC of the bytes (4).
#include "formats/tf_record.h"

#include <algorithm>
#include <cstring>

#include "formats/coding.h"
#include "formats/crc32c.h"
#include "headrace/error.h"

namespace headrace {
namespace {

constexpr size_t kHeader = 12, kFooter = 4;

}  // namespace

RecordWriter::RecordWriter(const std::string& path, bool append)
    : file_(FileSystemFor(path).OpenForWriting(path, append)) {}

void RecordWriter::Write(std::string_view record) {
  std::string header;
  coding::PutFixed64(header, record.size());
  coding::PutFixed32(header, MaskCrc(Crc32c(header)));
  file_->Append(header);
  file_->Append(record);
  std::string footer;
  coding::PutFixed32(footer, MaskCrc(Crc32c(record)));
  file_->Append(footer);
}

RecordReader::RecordReader(const std::string& path, size_t buffer_size)
    : path_(path),
      file_(FileSystemFor(path).OpenForReading(path)),
      buffer_(std::max<size_t>(buffer_size, 4096), '\0') {}

size_t RecordReader::Fill(size_t n) {
  if (end_ - begin_ >= n) return end_ - begin_;
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() < n) {
    // A length may be nonsense: believe it only as far as the file reaches.
    auto left = static_cast<size_t>(std::max<int64_t>(file_->Size() - file_offset_, 0));
    buffer_.resize(std::min(n, end_ + left + 1));
  }
  size_t got = file_->Read(file_offset_, buffer_.data() + end_, buffer_.size() - end_);
  file_offset_ += static_cast<int64_t>(got);
  end_ += got;
  return end_;
}

bool RecordReader::Next(std::string& record) {
  return Read(record, /*cut_is_end=*/false);
}

bool RecordReader::NextComplete(std::string& record) {
  return Read(record, /*cut_is_end=*/true);
}

bool RecordReader::Read(std::string& record, bool cut_is_end) {
  auto cut = [&](size_t wanted, size_t there) {
    if (cut_is_end) return false;
    throw DataLoss("the record at byte ", offset_, " of ", path_, " is cut off: expected ", wanted, " bytes, found ",
                   there);
  };
  size_t there = Fill(kHeader);
  if (there == 0) return false;
  if (there < kHeader) return cut(kHeader, there);
  const char* header = buffer_.data() + begin_;
  if (UnmaskCrc(coding::GetFixed32(header + 8)) != Crc32c({header, 8})) {
    throw DataLoss("the checksum of the record length at byte ", offset_, " of ", path_,
                   " does not match: the file is damaged or not a TFRecord file");
  }
  uint64_t length = coding::GetFixed64(header);
  if (length > UINT64_MAX - kHeader - kFooter)
    throw DataLoss("impossible record length at byte ", offset_, " of ", path_);
  size_t whole = kHeader + length + kFooter;
  there = Fill(whole);
  if (there < whole) return cut(whole, there);
  std::string_view bytes(buffer_.data() + begin_ + kHeader, length);
  if (UnmaskCrc(coding::GetFixed32(bytes.data() + length)) != Crc32c(bytes)) {
    throw DataLoss("the checksum of the record at byte ", offset_, " of ", path_, " does not match");
  }
  record.assign(bytes);
  begin_ += whole;
  offset_ += static_cast<int64_t>(whole);
  return true;
}

}  // namespace headrace
