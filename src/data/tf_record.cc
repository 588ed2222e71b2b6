// TFRecordDataset: the records of files (docs/formats/tf_record.md), one after another, decompressed on the way.
#include <algorithm>
#include <cstring>

#include "data/byte_stream.h"
#include "data/dataset.h"
#include "formats/crc32c.h"

namespace headrace::data {
namespace {

class TfRecordDataset final : public DatasetObject {
 public:
  TfRecordDataset(std::vector<std::string> files, std::string compression)
      : DatasetObject({DType::kString}, {Shape()}), files_(std::move(files)), compression_(std::move(compression)) {}
  std::string DebugString() const override { return "TFRecordDataset"; }
  bool pure() const override { return true; }
  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed&) const override {
    return std::make_unique<Iterator>(files_, compression_, context);
  }

 private:
  class Iterator final : public ElementIterator {
   public:
    Iterator(std::vector<std::string> files, std::string compression, const IteratorContext& context)
        : context_(context), files_(std::move(files)), compression_(std::move(compression)) {}

    bool Next(Element* out) override {
      context_.CheckCancelled();
      for (;;) {
        if (!stream_) {
          if (next_file_ == files_.size()) return false;
          stream_ = OpenByteStream(files_[next_file_], compression_);
          ++next_file_;
          record_ = 0;
        }
        std::string record;
        if (ReadRecord(&record)) {
          *out = {Tensor::Scalar(std::move(record))};
          return true;
        }
        stream_.reset();
      }
    }
    std::string Position() const override {
      return next_file_ == 0 ? "" : files_[next_file_ - 1] + " record " + std::to_string(record_);
    }

   private:
    bool ReadRecord(std::string* record) {
      char header[12];
      const size_t got = stream_->Read(header, sizeof(header));
      if (got == 0) return false;
      ++record_;
      if (got < sizeof(header)) Fail("truncated record");
      uint64_t length;
      std::memcpy(&length, header, sizeof(length));
      CheckSum({header, sizeof(length)}, header + sizeof(length), "corrupted record length");
      constexpr uint64_t kPiece = 1 << 20;  // so that a wrong length doesn't ask for all memory at once
      for (uint64_t at = 0; at < length; at += kPiece) {
        const uint64_t n = std::min(kPiece, length - at);
        record->resize(at + n);
        if (stream_->Read(record->data() + at, n) < n) Fail("truncated record");
      }
      char sum[4];
      if (stream_->Read(sum, sizeof(sum)) < sizeof(sum)) Fail("truncated record");
      CheckSum(*record, sum, "corrupted record");
      return true;
    }
    void CheckSum(std::string_view bytes, const char* expected, const char* problem) {
      uint32_t sum;
      std::memcpy(&sum, expected, sizeof(sum));
      if (sum != MaskCrc(Crc32c(bytes))) Fail(problem);
    }
    [[noreturn]] void Fail(const char* problem) {
      const std::string position = Position();
      stream_.reset();  // nothing behind it can be trusted
      next_file_ = files_.size();
      throw DataLoss(problem, " at ", position);
    }

    const IteratorContext& context_;
    std::vector<std::string> files_;
    std::string compression_;
    size_t next_file_ = 0;
    std::unique_ptr<ByteStream> stream_;
    int64_t record_ = 0;
  };

  std::vector<std::string> files_;
  std::string compression_;
};

}  // namespace

DatasetPtr MakeTfRecordDataset(std::vector<std::string> files, std::string compression) {
  return std::make_shared<TfRecordDataset>(std::move(files), std::move(compression));
}

}  // namespace headrace::data
