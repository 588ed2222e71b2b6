// Records: framing, checksums, damage; and CRC-32C against published values.
#include "formats/tf_record.h"

#include <gtest/gtest.h>

#include "formats/crc32c.h"
#include "formats/oracle.h"
#include "headrace/error.h"

namespace headrace {
namespace {

class TfRecordTest : public FormatsTest {
 protected:
  std::vector<std::string> ReadAll(size_t buffer_size = 4096) {
    RecordReader reader(Path("r"), buffer_size);
    std::vector<std::string> records;
    std::string record;
    while (reader.Next(record)) records.push_back(record);
    return records;
  }
};

TEST(Crc32c, KnownValues) {
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);  // RFC 3720, B.4
  EXPECT_EQ(Crc32c("456789", Crc32c("123")), 0xe3069283u);
  EXPECT_EQ(UnmaskCrc(MaskCrc(0x12345678u)), 0x12345678u);
}

TEST_F(TfRecordTest, RecordsComeBackInOrder) {
  std::vector<std::string> written = {"", "a", std::string(100'000, 'x'), std::string("\0\n", 2)};
  RecordWriter writer(Path("r"));
  for (const auto& record : written) writer.Write(record);
  writer.Close();
  EXPECT_EQ(ReadAll(), written);
}

TEST_F(TfRecordTest, EveryDamagedByteIsNoticed) {
  RecordWriter writer(Path("r"));
  writer.Write("hello");
  writer.Write("there");
  writer.Close();
  std::string good = ReadFile(Path("r"));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 0x10;
    WriteFile(Path("r"), bad);
    EXPECT_THROW(ReadAll(), Error) << i;
  }
}

TEST_F(TfRecordTest, ACutRecordIsDataLossOrTheEnd) {
  RecordWriter writer(Path("r"));
  writer.Write("hello");
  writer.Write("there");
  writer.Close();
  std::string good = ReadFile(Path("r"));
  for (size_t size : {good.size() - 1, good.size() - 5, good.size() / 2 + 3}) {
    WriteFile(Path("r"), good.substr(0, size));
    EXPECT_THROW(ReadAll(), Error) << size;
    RecordReader reader(Path("r"));
    std::string record;
    EXPECT_TRUE(reader.NextComplete(record));
    EXPECT_EQ(record, "hello");
    EXPECT_FALSE(reader.NextComplete(record));
  }
}

TEST_F(TfRecordTest, TensorFlowReadsOursAndWeReadTensorFlows) {
  SKIP_WITHOUT_ORACLE();
  std::vector<std::string> records = {"first", "", std::string(5000, 'z')};
  RecordWriter writer(Path("ours"));
  for (const auto& record : records) writer.Write(record);
  writer.Close();
  RunOracle("oracle_files.py", "records " + directory_, directory_);
  EXPECT_EQ(ReadFile(Path("r")), ReadFile(Path("ours")));
  EXPECT_EQ(ReadAll(), records);
}

}  // namespace
}  // namespace headrace
