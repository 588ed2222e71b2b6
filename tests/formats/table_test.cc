// Tables with blocks that Snappy compressed, which we read but do not write.
#include "formats/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "formats/coding.h"
#include "formats/crc32c.h"
#include "headrace/error.h"

namespace headrace {
namespace {

using testing::ElementsAre;
using testing::Pair;

// Appends a block as it is stored, with its type (1: compressed) and checksum; returns its position.
std::string AppendBlock(std::string* file, std::string stored, char type) {
  std::string position;
  coding::PutVarint(position, file->size());
  coding::PutVarint(position, stored.size());
  stored.push_back(type);
  *file += stored;
  coding::PutFixed32(*file, MaskCrc(Crc32c(stored)));
  return position;
}

// Nothing shared with a key before it, both lengths, both; the end of a block is its only restart, at 0, and their
// count.
std::string Entry(const std::string& key, const std::string& value) {
  return std::string{'\0', static_cast<char>(key.size()), static_cast<char>(value.size())} + key + value;
}
const std::string kOneRestart("\0\0\0\0\1\0\0\0", 8);

std::string TableOf(const std::string& stored_block) {
  std::string file;
  const std::string position = AppendBlock(&file, stored_block, 1);
  std::string footer = AppendBlock(&file, kOneRestart, 0);
  footer += AppendBlock(&file, Entry("z", position) + kOneRestart, 0);
  footer.resize(40);
  coding::PutFixed64(footer, 0xdb4775248b80fb57u);
  return file + footer;
}

// Snappy's form: the plain size, then a literal of n bytes as (n - 1) * 4 and the bytes.
std::string Compressed(const std::string& block, uint64_t size) {
  std::string stored;
  coding::PutVarint(stored, size);
  stored.push_back(static_cast<char>((block.size() - 1) << 2));
  return stored + block;
}

TEST(Table, ReadsCompressedBlocks) {
  const std::string block = Entry("key", "value") + kOneRestart;
  EXPECT_THAT(ReadTable(TableOf(Compressed(block, block.size())), "t"), ElementsAre(Pair("key", "value")));
}

// Kilobytes.
int64_t MostMemoryUsed() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(Table, ASizeThatACompressedBlockCannotHave_CostsNoMemory) {
  const std::string block = Entry("key", "value") + kOneRestart;
  const int64_t before = MostMemoryUsed();
  try {
    ReadTable(TableOf(Compressed(block, 0xfffffff0)), "t");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kDataLoss);
  }
  EXPECT_LT(MostMemoryUsed() - before, 1 << 20);
}

}  // namespace
}  // namespace headrace
