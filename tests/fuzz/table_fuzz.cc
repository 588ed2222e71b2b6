// Tables of keys and values, blocks compressed by Snappy among them. What was read can be written and read again.
#include "formats/table.h"

#include <snappy.h>

#include "formats/coding.h"
#include "formats/crc32c.h"
#include "fuzz.h"

namespace headrace::fuzz {
namespace {

std::string AppendBlock(std::string* file, const std::string& block, bool compress) {
  std::string stored = block, handle;
  if (compress) snappy::Compress(block.data(), block.size(), &stored);
  coding::PutVarint(handle, file->size());
  coding::PutVarint(handle, stored.size());
  stored.push_back(compress ? 1 : 0);
  *file += stored;
  coding::PutFixed32(*file, MaskCrc(Crc32c(stored)));
  return handle;
}

// One entry; no restarts but the first.
std::string Block(const std::string& key, const std::string& value) {
  std::string block{'\0', static_cast<char>(key.size()), static_cast<char>(value.size())};
  block += key + value;
  coding::PutFixed32(block, 0);
  coding::PutFixed32(block, 1);
  return block;
}

std::string CompressedTable() {
  std::string file;
  const std::string data = AppendBlock(&file, Block("key", std::string(100, 'v')), true);
  std::string footer = AppendBlock(&file, std::string("\0\0\0\0\1\0\0\0", 8), false);
  footer += AppendBlock(&file, Block("l", data), false);
  footer.resize(40);
  coding::PutFixed64(footer, 0xdb4775248b80fb57u);
  return file + footer;
}

}  // namespace

std::vector<std::string> Seeds() {
  return {BuildTable({}), BuildTable({{"", "header"}, {"kernel", "a"}, {"kernel/m", ""}, {"l", "b"}}),
          CompressedTable()};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  std::map<std::string, std::string> entries;
  if (!fuzz::Succeeds([&] { entries = ReadTable(fuzz::View(data, size), "a table"); })) return 0;
  if (ReadTable(BuildTable(entries), "its copy") != entries) fuzz::Fail("a copy of a table differs from it");
  return 0;
}
