// A file system that fails on purpose, for tests: it wraps another, counts the calls that change something, and makes
// the chosen one fail: as a full disk, half-written, or as a process that died (every later call fails too). It also
// knows what has reached the device, and what a power loss takes with it: bytes behind a file's last Sync(), and names
// made, replaced or removed in a directory since its last SyncDirectory().
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "headrace/file_system.h"

namespace headrace {

enum class FaultKind {
  kDiskFull,   // the call fails with kResourceExhausted and writes nothing
  kTornWrite,  // half the bytes of a write reach the file, then as kDiskFull; other calls fail as kDiskFull
  kPowerLoss,  // this call and every later one fail, until LosePower()
};

// Paths are those of `base` behind "SCHEME://": register it under a scheme of the test's choice. What is there when it
// is first touched counts as synced.
class FaultInjectingFileSystem : public FileSystem {
 public:
  FaultInjectingFileSystem(const std::string& scheme, FileSystem& base);
  ~FaultInjectingFileSystem() override;

  // Arms: the `call`-th changing call from now (0 is the next) fails. Appends, syncs, closes, opens for writing,
  // renames, links, removes, directory makes and directory syncs all count.
  void FailAt(int64_t call, FaultKind kind);
  void Disarm();
  // How many changing calls were made since the last FailAt or Disarm.
  int64_t calls() const { return calls_; }
  // Takes back what was not synced, as a restart after a power loss finds the disk, and disarms. Files that are open
  // are not to be written any more. A disk may have some of the names that were not synced and lack others: `luck`
  // other than 0 keeps about half of them, each number others.
  void LosePower(unsigned luck = 0);

  std::unique_ptr<RandomAccessFile> OpenForReading(const std::string& path) override;
  std::unique_ptr<ReadOnlyRegion> Map(const std::string& path) override;
  std::unique_ptr<WritableFile> OpenForWriting(const std::string& path, bool append) override;
  FileStat Stat(const std::string& path) override;
  bool Exists(const std::string& path) override;
  std::vector<std::string> List(const std::string& path) override;
  void MakeDirs(const std::string& path) override;
  void Remove(const std::string& path) override;
  void Rename(const std::string& from, const std::string& to) override;
  bool Link(const std::string& from, const std::string& to) override;
  void SyncDirectory(const std::string& path) override;

 private:
  friend class FaultInjectedFile;
  struct Node;  // a file or directory: as it is, and as the device has it
  using NodePtr = std::shared_ptr<Node>;

  // Counts a changing call; throws if it is the one to fail. For a torn write returns true once instead, so that the
  // file can write its half first.
  bool CountCall(const std::string& what, bool is_write = false);
  std::string Base(const std::string& path) const;
  NodePtr Find(const std::string& base_path);                 // nullptr if there is nothing
  void SetEntry(const std::string& base_path, NodePtr node);  // as it is; nullptr: removed
  NodePtr Load(const std::string& base_path);  // what the base file system has there; nullptr for nothing
  void Restore(const std::string& base_path, Node& directory, unsigned luck);

  std::string prefix_;
  FileSystem& base_;
  std::atomic<int64_t> calls_{0}, fail_at_{-1};
  std::atomic<FaultKind> kind_{FaultKind::kDiskFull};
  std::mutex mutex_;  // guards the nodes
  NodePtr root_;
};

}  // namespace headrace
