// Files behind one interface, a backend a scheme: plain paths and file:// are the local disk, gs://BUCKET/path is a
// bucket (an ordinary directory under $HEADRACE_HOME/buckets). Every failure is a headrace::Error whose code says what
// kind it is (kNotFound, kPermissionDenied, kResourceExhausted for a full disk, …) and whose message names the path as
// the caller wrote it. All functions may be called from many threads; one WritableFile belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace headrace {

struct FileStat {
  int64_t size = 0;                  // bytes
  int64_t modified_nanoseconds = 0;  // since the Unix epoch
  bool is_directory = false;
};

class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Reads up to `n` bytes at `offset` into `buffer`; returns how many, fewer than n only at the end of the file.
  virtual size_t Read(int64_t offset, char* buffer, size_t n) const = 0;
  virtual int64_t Size() const = 0;
};

// The bytes of a whole file, mapped. The file must not be truncated while the region lives.
class ReadOnlyRegion {
 public:
  virtual ~ReadOnlyRegion() = default;
  virtual std::string_view bytes() const = 0;
};

// Appends are buffered. A file destroyed without Close() may lose what was not flushed, and throws nothing.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual void Append(std::string_view bytes) = 0;
  virtual void Flush() = 0;  // to the operating system: other processes see it
  virtual void Sync() = 0;   // to the device: survives a power loss
  virtual void Close() = 0;  // flushes; further calls are errors
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  virtual std::unique_ptr<RandomAccessFile> OpenForReading(const std::string& path) = 0;
  virtual std::unique_ptr<ReadOnlyRegion> Map(const std::string& path) = 0;
  // Creates the file or truncates it; with `append`, writes go behind what is there.
  virtual std::unique_ptr<WritableFile> OpenForWriting(const std::string& path, bool append = false) = 0;
  virtual FileStat Stat(const std::string& path) = 0;
  virtual bool Exists(const std::string& path) = 0;
  // The names (not paths) in a directory, sorted.
  virtual std::vector<std::string> List(const std::string& path) = 0;
  virtual void MakeDirs(const std::string& path) = 0;  // with parents; an existing directory is fine
  virtual void Remove(const std::string& path) = 0;    // a file or an empty directory
  // Atomic; replaces a file at `to`. Both paths are of this file system.
  virtual void Rename(const std::string& from, const std::string& to) = 0;
  // Gives a file a second name; `to` must not exist. False where the file system has no such thing.
  virtual bool Link(const std::string& from, const std::string& to) { return false; }
  // Whether writing a file makes its parent directories, as object stores seem to.
  virtual bool makes_parents() const { return false; }
  // Makes a create, rename or remove in this directory survive a power loss.
  virtual void SyncDirectory(const std::string& path) = 0;
};

// The backend for a path's scheme. Unimplemented, naming the known schemes, if there is none.
FileSystem& FileSystemFor(std::string_view path);
// Adds or replaces the backend of a scheme ("s3", without "://"). Paths are handed to it whole, scheme included.
void RegisterFileSystem(const std::string& scheme, std::unique_ptr<FileSystem> backend);

std::string ReadFile(const std::string& path);
// Replaces the file by a new one with these bytes, in place; a crash can leave it torn. Parents must exist.
void WriteFile(const std::string& path, std::string_view bytes);
// Writes a temporary file beside it, syncs, renames over `path`, syncs the directory: at any instant, and after a
// failure at any step, `path` holds either the old contents or the new.
void WriteFileAtomically(const std::string& path, std::string_view bytes);
bool FileExists(const std::string& path);
bool IsDirectory(const std::string& path);
// Makes a directory and its parents, which then survive a power loss; an existing one is fine.
void MakeDirs(const std::string& path);
// Copies a file, also between file systems; an existing target is replaced atomically.
void CopyFile(const std::string& from, const std::string& to);
// Makes `to` hold what `from` holds, by a second name of the same file where there is such a thing, else by a copy. At
// any instant `to` is what it was or whole. Both are of one file system, and are replaced, never written, after that.
void ShareFile(const std::string& from, const std::string& to);
// Removes a file or a directory with all it holds. NotFound if there is nothing.
void RemoveTree(const std::string& path);
// Files under a directory, recursively, as full paths, sorted. Directories themselves are not listed.
std::vector<std::string> ListTree(const std::string& path);

// The existing paths that match a shell pattern (*, ?, [abc], \ to quote; none of them matches '/'), sorted. A pattern
// without wildcards matches the path itself if it exists. Hidden files match, as tf.io.gfile.glob has it.
std::vector<std::string> MatchFiles(const std::string& pattern);

// "a/b" + "c" -> "a/b/c"; an absolute or scheme-qualified second path wins; an empty first path gives the second.
std::string JoinPath(std::string_view first, std::string_view second);
// The part before the last '/', without it ("" if there is none; "/" of "/a"; "gs://b" of "gs://b/a").
std::string DirectoryOf(std::string_view path);
// The part behind the last '/'.
std::string FileNameOf(std::string_view path);
// True for paths that name a place by themselves: "/a", "gs://b/a".
bool IsAbsolutePath(std::string_view path);

// A file that appears under its name only when whole. Append to it, then Commit(), which syncs, renames and syncs the
// directory. Destroyed uncommitted, it removes its temporary file and leaves `path` as it was.
class AtomicFile {
 public:
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void Append(std::string_view bytes) { file_->Append(bytes); }
  // The two halves of Commit(), for several files that must be on the device before the first is renamed.
  void Finish();
  void Publish();
  void Commit() {
    Finish();
    Publish();
  }

 private:
  FileSystem& file_system_;
  std::string path_, temporary_;
  std::unique_ptr<WritableFile> file_;
  bool published_ = false;
};

}  // namespace headrace
