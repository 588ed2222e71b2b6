// Data blocks of prefix-compressed entries, an index block of (separator key, block position), and a footer.
// docs/formats/checkpoint.md has the picture.
#include "formats/table.h"

#include <snappy.h>

#include <algorithm>
#include <vector>

#include "formats/coding.h"
#include "formats/crc32c.h"
#include "headrace/error.h"

namespace headrace {
namespace {

constexpr size_t kBlockSize = 256 << 10;
constexpr int kRestartInterval = 16;
constexpr size_t kTrailerSize = 5, kFooterSize = 48;
constexpr uint64_t kMagic = 0xdb4775248b80fb57u;
constexpr char kUncompressed = 0, kSnappy = 1;

class BlockBuilder {
 public:
  explicit BlockBuilder(int restart_interval) : restart_interval_(restart_interval) {}

  void Add(std::string_view key, std::string_view value) {
    size_t shared = 0;
    if (since_restart_ == restart_interval_) {
      restarts_.push_back(static_cast<uint32_t>(bytes_.size()));
      since_restart_ = 0;
    } else {
      size_t limit = std::min(key.size(), last_key_.size());
      while (shared < limit && key[shared] == last_key_[shared]) ++shared;
    }
    coding::PutVarint(bytes_, shared);
    coding::PutVarint(bytes_, key.size() - shared);
    coding::PutVarint(bytes_, value.size());
    bytes_.append(key.substr(shared));
    bytes_.append(value);
    last_key_ = key;
    ++since_restart_;
  }
  size_t size() const { return bytes_.size() + 4 * restarts_.size() + 4; }
  bool empty() const { return bytes_.empty(); }
  std::string Finish() {
    for (uint32_t restart : restarts_) coding::PutFixed32(bytes_, restart);
    coding::PutFixed32(bytes_, static_cast<uint32_t>(restarts_.size()));
    return std::move(bytes_);
  }

 private:
  int restart_interval_;
  int since_restart_ = 0;
  std::string bytes_, last_key_;
  std::vector<uint32_t> restarts_{0};
};

// A short key k with last <= k < next.
std::string Separator(const std::string& last, const std::string& next) {
  size_t i = 0, limit = std::min(last.size(), next.size());
  while (i < limit && last[i] == next[i]) ++i;
  if (i == limit) return last;
  auto byte = static_cast<uint8_t>(last[i]);
  if (byte == 0xff || byte + 1 >= static_cast<uint8_t>(next[i])) return last;
  std::string key = last.substr(0, i + 1);
  key.back() = static_cast<char>(byte + 1);
  return key;
}

// A short key k >= last.
std::string Successor(const std::string& last) {
  for (size_t i = 0; i < last.size(); ++i) {
    auto byte = static_cast<uint8_t>(last[i]);
    if (byte == 0xff) continue;
    std::string key = last.substr(0, i + 1);
    key.back() = static_cast<char>(byte + 1);
    return key;
  }
  return last;
}

std::string AppendBlock(std::string& file, std::string block) {
  std::string handle;
  coding::PutVarint(handle, file.size());
  coding::PutVarint(handle, block.size());
  block.push_back(kUncompressed);
  uint32_t crc = MaskCrc(Crc32c(block));
  file += block;
  coding::PutFixed32(file, crc);
  return handle;
}

class TableParser {
 public:
  TableParser(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  std::map<std::string, std::string> Parse() {
    if (bytes_.size() < kFooterSize) Fail("it is too short to be a table");
    std::string_view footer = bytes_.substr(bytes_.size() - kFooterSize);
    if (coding::GetFixed64(footer.data() + kFooterSize - 8) != kMagic) Fail("it does not end like a table");
    Block(Handle(footer));  // the meta index, which is empty
    std::map<std::string, std::string> entries;
    for (auto& [separator, handle] : Block(Handle(footer))) {
      std::string_view position = handle;
      entries.merge(Block(Handle(position)));
    }
    return entries;
  }

 private:
  struct Position {
    uint64_t offset, size;
  };

  [[noreturn]] void Fail(const char* what) const { throw DataLoss("cannot read ", path_, ": ", what); }

  Position Handle(std::string_view& in) const {
    Position position{};
    if (!coding::GetVarint(in, position.offset) || !coding::GetVarint(in, position.size)) Fail("bad block position");
    return position;
  }

  std::string Contents(Position position) const {
    uint64_t size = bytes_.size();
    if (position.offset > size || position.size > size - position.offset ||
        size - position.offset - position.size < kTrailerSize) {
      Fail("a block lies beyond its end");
    }
    std::string_view stored = bytes_.substr(position.offset, position.size + 1);
    if (UnmaskCrc(coding::GetFixed32(stored.data() + stored.size())) != Crc32c(stored)) {
      Fail("the checksum of a block does not match");
    }
    std::string_view block = stored.substr(0, position.size);
    if (stored.back() == kUncompressed) return std::string(block);
    // Snappy's best is a copy of 64 bytes in three; a larger size is a lie that would cost memory.
    size_t size_when_plain = 0;
    std::string plain;
    if (stored.back() != kSnappy || !snappy::GetUncompressedLength(block.data(), block.size(), &size_when_plain) ||
        size_when_plain > 22 * block.size() || !snappy::Uncompress(block.data(), block.size(), &plain)) {
      Fail("a block is compressed in an unknown way");
    }
    return plain;
  }

  std::map<std::string, std::string> Block(Position position) const {
    std::string block = Contents(position);
    if (block.size() < 4) Fail("a block is too short");
    uint64_t tail = 4 + 4 * static_cast<uint64_t>(coding::GetFixed32(block.data() + block.size() - 4));
    if (tail > block.size()) Fail("a block has a bad restart array");
    std::string_view in(block.data(), block.size() - tail);
    std::map<std::string, std::string> entries;
    std::string key;
    while (!in.empty()) {
      uint64_t shared, unshared, value_size;
      if (!coding::GetVarint(in, shared) || !coding::GetVarint(in, unshared) || !coding::GetVarint(in, value_size) ||
          shared > key.size() || unshared > in.size() || value_size > in.size() - unshared) {
        Fail("a block has a bad entry");
      }
      key.resize(shared);
      key.append(in.substr(0, unshared));
      entries.emplace_hint(entries.end(), key, in.substr(unshared, value_size));
      in.remove_prefix(unshared + value_size);
    }
    return entries;
  }

  std::string_view bytes_;
  const std::string& path_;
};

}  // namespace

std::string BuildTable(const std::map<std::string, std::string>& entries) {
  std::string file;
  BlockBuilder index(1), block(kRestartInterval);
  for (auto entry = entries.begin(); entry != entries.end();) {
    block.Add(entry->first, entry->second);
    const std::string& last = entry->first;
    ++entry;
    bool ends = entry == entries.end();
    if (!ends && block.size() < kBlockSize) continue;
    std::string handle = AppendBlock(file, block.Finish());
    index.Add(ends ? Successor(last) : Separator(last, entry->first), handle);
    block = BlockBuilder(kRestartInterval);
  }
  std::string footer = AppendBlock(file, BlockBuilder(kRestartInterval).Finish());  // the meta index: nothing
  footer += AppendBlock(file, index.Finish());
  footer.resize(kFooterSize - 8);
  coding::PutFixed64(footer, kMagic);
  return file + footer;
}

std::map<std::string, std::string> ReadTable(std::string_view bytes, const std::string& path) {
  return TableParser(bytes, path).Parse();
}

}  // namespace headrace
