// A file read front to back, decompressed on the way.
#pragma once

#include <memory>
#include <string>

namespace headrace::data {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Reads up to n bytes; fewer than n only at the end. Errors: DataLoss naming the file.
  virtual size_t Read(char* to, size_t n) = 0;
};

// compression: "" (none), "GZIP" or "ZLIB". Errors: NotFound; InvalidArgument on another compression.
std::unique_ptr<ByteStream> OpenByteStream(const std::string& path, const std::string& compression);

}  // namespace headrace::data
