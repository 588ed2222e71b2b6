// Files in directories of this machine, by POSIX calls. A backend whose paths are written differently (gs://) derives
// and says where a path lies; messages keep the path as the caller wrote it.
#pragma once

#include <string>
#include <vector>

#include "headrace/file_system.h"

namespace headrace {

class PosixFileSystem : public FileSystem {
 public:
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

 protected:
  // The local path that `path` means. May throw (a bucket that does not exist).
  virtual std::string Resolve(const std::string& path) const;
};

}  // namespace headrace
