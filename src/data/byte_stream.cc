// Plain and deflated files as streams of bytes.
#include "data/byte_stream.h"

#include <zlib.h>

#include <vector>

#include "headrace/error.h"
#include "headrace/file_system.h"

namespace headrace::data {
namespace {

class PlainStream final : public ByteStream {
 public:
  explicit PlainStream(const std::string& path) : file_(FileSystemFor(path).OpenForReading(path)) {}
  size_t Read(char* to, size_t n) override {
    const size_t got = file_->Read(offset_, to, n);
    offset_ += static_cast<int64_t>(got);
    return got;
  }

 private:
  std::unique_ptr<RandomAccessFile> file_;
  int64_t offset_ = 0;
};

class InflatingStream final : public ByteStream {
 public:
  InflatingStream(const std::string& path, bool gzip) : path_(path), input_(path), buffer_(256 << 10) {
    constexpr int kLargestWindow = 15, kGzipFraming = 16;
    if (inflateInit2(&zlib_, kLargestWindow + (gzip ? kGzipFraming : 0)) != Z_OK) {
      throw Internal("zlib cannot start to inflate ", path);
    }
  }
  ~InflatingStream() override { inflateEnd(&zlib_); }

  size_t Read(char* to, size_t n) override {
    zlib_.next_out = reinterpret_cast<Bytef*>(to);
    zlib_.avail_out = static_cast<uInt>(n);
    while (zlib_.avail_out > 0) {
      if (zlib_.avail_in == 0) {
        zlib_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
        zlib_.avail_in = static_cast<uInt>(input_.Read(buffer_.data(), buffer_.size()));
      }
      if (zlib_.avail_in == 0) {
        if (inside_member_) throw DataLoss("the compressed file ", path_, " is cut short");
        break;
      }
      const int status = inflate(&zlib_, Z_NO_FLUSH);
      inside_member_ = status != Z_STREAM_END;
      if (status == Z_STREAM_END) {
        inflateReset(&zlib_);  // gzip files may be several, one behind the other
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        throw DataLoss("cannot inflate ", path_, ": ", zlib_.msg ? zlib_.msg : "corrupt data");
      }
    }
    return n - zlib_.avail_out;
  }

 private:
  std::string path_;
  PlainStream input_;
  std::vector<char> buffer_;
  z_stream zlib_{};
  bool inside_member_ = false;
};

}  // namespace

std::unique_ptr<ByteStream> OpenByteStream(const std::string& path, const std::string& compression) {
  if (compression.empty()) return std::make_unique<PlainStream>(path);
  if (compression == "GZIP" || compression == "ZLIB") {
    return std::make_unique<InflatingStream>(path, compression == "GZIP");
  }
  throw InvalidArgument("Unsupported compression_type: ", compression, " (expected '', 'GZIP' or 'ZLIB')");
}

}  // namespace headrace::data
