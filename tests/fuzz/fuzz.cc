// The shared part of the fuzz targets: files in memory, parts of inputs, and the writing of seeds. When
// HEADRACE_FUZZ_SEEDS names a directory, a target puts its seeds there before libFuzzer reads its corpus.
#include "fuzz.h"

#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "headrace/file_system.h"

namespace headrace::fuzz {
namespace {

using Bytes = std::shared_ptr<const std::string>;

struct MemoryFile {
  Bytes bytes;
  int64_t modified = 0;
};

class OpenMemoryFile final : public RandomAccessFile {
 public:
  explicit OpenMemoryFile(Bytes bytes) : bytes_(std::move(bytes)) {}
  size_t Read(int64_t offset, char* buffer, size_t n) const override {
    if (offset >= Size()) return 0;
    n = std::min(n, bytes_->size() - static_cast<size_t>(offset));
    std::memcpy(buffer, bytes_->data() + offset, n);
    return n;
  }
  int64_t Size() const override { return static_cast<int64_t>(bytes_->size()); }

 private:
  Bytes bytes_;
};

class MemoryRegion final : public ReadOnlyRegion {
 public:
  explicit MemoryRegion(Bytes bytes) : bytes_(std::move(bytes)) {}
  std::string_view bytes() const override { return *bytes_; }

 private:
  Bytes bytes_;
};

// Read-only for the library.
class MemoryFiles final : public FileSystem {
 public:
  void Set(const std::string& path, std::string_view bytes) {
    std::lock_guard lock(mutex_);
    files_[path] = {std::make_shared<const std::string>(bytes), ++changes_};
  }
  std::unique_ptr<RandomAccessFile> OpenForReading(const std::string& path) override {
    return std::make_unique<OpenMemoryFile>(Find(path).bytes);
  }
  std::unique_ptr<ReadOnlyRegion> Map(const std::string& path) override {
    return std::make_unique<MemoryRegion>(Find(path).bytes);
  }
  FileStat Stat(const std::string& path) override {
    const MemoryFile file = Find(path);
    return {static_cast<int64_t>(file.bytes->size()), file.modified, false};
  }
  bool Exists(const std::string& path) override {
    std::lock_guard lock(mutex_);
    return files_.contains(path);
  }
  std::unique_ptr<WritableFile> OpenForWriting(const std::string& path, bool) override { ReadOnly(path); }
  std::vector<std::string> List(const std::string& path) override { ReadOnly(path); }
  void MakeDirs(const std::string& path) override { ReadOnly(path); }
  void Remove(const std::string& path) override { ReadOnly(path); }
  void Rename(const std::string& from, const std::string&) override { ReadOnly(from); }
  void SyncDirectory(const std::string& path) override { ReadOnly(path); }

 private:
  [[noreturn]] static void ReadOnly(const std::string& path) { throw PermissionDenied(path, " can only be read"); }
  MemoryFile Find(const std::string& path) {
    std::lock_guard lock(mutex_);
    const auto found = files_.find(path);
    if (found == files_.end()) throw NotFound("no file ", path);
    return found->second;
  }

  std::mutex mutex_;
  std::map<std::string, MemoryFile> files_;
  int64_t changes_ = 0;
};

MemoryFiles& Files() {
  static MemoryFiles* const files = [] {
    auto made = std::make_unique<MemoryFiles>();
    MemoryFiles* pointer = made.get();
    RegisterFileSystem("fuzz", std::move(made));
    return pointer;
  }();
  return *files;
}

}  // namespace

void Fail(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::abort();
}

std::vector<std::string> Split(std::string_view input, size_t count) {
  std::vector<std::string> parts;
  while (parts.size() + 1 < count) {
    uint16_t length = 0;
    if (input.size() >= sizeof length) std::memcpy(&length, input.data(), sizeof length);
    input.remove_prefix(std::min(input.size(), sizeof length));
    parts.emplace_back(input.substr(0, length));
    input.remove_prefix(parts.back().size());
  }
  parts.emplace_back(input);
  return parts;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string input;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto length = static_cast<uint16_t>(parts[i].size());
    if (length != parts[i].size()) Fail("a seed has a part that is too long");
    if (i + 1 < parts.size()) input.append(reinterpret_cast<const char*>(&length), sizeof length);
    input += parts[i];
  }
  return input;
}

void SetFile(const std::string& name, std::string_view bytes) {
  Files().Set("fuzz://" + name, bytes);
}

}  // namespace headrace::fuzz

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it would tell of every message that is none
  if (const char* directory = std::getenv("HEADRACE_FUZZ_SEEDS")) {
    int number = 0;
    for (const std::string& seed : headrace::fuzz::Seeds()) {
      headrace::WriteFile(headrace::JoinPath(directory, "seed_" + std::to_string(number++)), seed);
    }
  }
  return 0;
}
