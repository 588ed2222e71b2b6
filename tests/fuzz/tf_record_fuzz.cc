// TFRecord files, plain, GZIP and ZLIB: by the reader of src/formats and by TFRecordDataset, which must agree on what a
// plain file holds.
#include "formats/tf_record.h"

#include <zlib.h>

#include "formats/coding.h"
#include "formats/crc32c.h"
#include "fuzz.h"
#include "headrace/dataset.h"
#include "headrace/session.h"

namespace headrace::fuzz {
namespace {

constexpr size_t kMostRecords = 100;
constexpr const char* kCompressions[] = {"", "GZIP", "ZLIB"};  // the first byte picks one

std::string Framed(const std::string& record) {
  std::string framed;
  coding::PutFixed64(framed, record.size());
  coding::PutFixed32(framed, MaskCrc(Crc32c(framed)));
  framed += record;
  coding::PutFixed32(framed, MaskCrc(Crc32c(record)));
  return framed;
}

std::string Deflated(std::string bytes, bool gzip) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + (gzip ? 16 : 0), 8, Z_DEFAULT_STRATEGY);
  std::string out(bytes.size() + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::vector<std::string> ByReader() {
  std::vector<std::string> records;
  Succeeds([&] {
    RecordReader reader("fuzz://records");
    for (std::string record; records.size() < kMostRecords && reader.Next(record);) records.push_back(record);
  });
  return records;
}

class ByDataset {
 public:
  explicit ByDataset(const char* compression) : graph_(std::make_shared<Graph>()), session_(graph_) {
    const GraphScope scope(*graph_);
    iterator_ = Dataset::Records({"fuzz://records"}, compression).InitializableIterator();
    next_ = iterator_.GetNext().tensor();
  }
  std::vector<std::string> Read() {
    std::vector<std::string> records;
    Succeeds([&] {
      session_.Run({}, {}, {iterator_.initializer});
      while (records.size() < kMostRecords) records.emplace_back(session_.Run({next_})[0].string());
    });
    return records;
  }

 private:
  std::shared_ptr<Graph> graph_;
  Session session_;
  DatasetIterator iterator_;
  Output next_;
};

}  // namespace

std::vector<std::string> Seeds() {
  const std::string file = Framed("first") + Framed("") + Framed(std::string(50, 'x'));
  return {std::string(1, '\0') + file, "\1" + Deflated(file, true), "\2" + Deflated(file, false),
          "\1" + Deflated(file, true) + Deflated(file, true)};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace::fuzz;
  if (size == 0) return 0;
  static std::vector<std::unique_ptr<ByDataset>> datasets = [] {
    std::vector<std::unique_ptr<ByDataset>> made;
    for (const char* compression : kCompressions) made.push_back(std::make_unique<ByDataset>(compression));
    return made;
  }();
  SetFile("records", View(data, size).substr(1));
  const size_t variant = data[0] % datasets.size();
  const auto records = datasets[variant]->Read();
  if (variant == 0 && records != ByReader()) Fail("the reader and the dataset read different records");
  return 0;
}
