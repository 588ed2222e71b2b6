// POSIX calls with their errno turned into headrace::Error.
#include "files/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "headrace/error.h"

namespace headrace {
namespace {

Code CodeOfErrno(int number) {
  switch (number) {
    case ENOENT:
      return Code::kNotFound;
    case EEXIST:
      return Code::kAlreadyExists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Code::kResourceExhausted;
    case ENOTDIR:
    case EISDIR:
    case ENOTEMPTY:
    case EBUSY:
      return Code::kFailedPrecondition;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
      return Code::kInvalidArgument;
    case EIO:
      return Code::kDataLoss;
    default:
      return Code::kUnknown;
  }
}

[[noreturn]] void Fail(const std::string& what, const std::string& path, int number = errno) {
  throw Error(CodeOfErrno(number), "cannot " + what + " " + path + ": " + std::strerror(number));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Descriptor OpenToRead(const std::string& local, const std::string& path) {
  Descriptor file(open(local.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) Fail("open", path);
  struct stat status;
  if (fstat(file.get(), &status) != 0) Fail("stat", path);
  if (S_ISDIR(status.st_mode)) Fail("read", path, EISDIR);
  return file;
}

class PosixRandomAccessFile : public RandomAccessFile {
 public:
  PosixRandomAccessFile(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  size_t Read(int64_t offset, char* buffer, size_t n) const override {
    size_t done = 0;
    while (done < n) {
      ssize_t got = pread(file_.get(), buffer + done, n - done, offset + static_cast<int64_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) Fail("read", path_);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  int64_t Size() const override {
    struct stat status;
    if (fstat(file_.get(), &status) != 0) Fail("stat", path_);
    return status.st_size;
  }

 private:
  Descriptor file_;
  std::string path_;
};

class MappedRegion : public ReadOnlyRegion {
 public:
  MappedRegion(void* data, size_t size) : data_(data), size_(size) {}
  ~MappedRegion() override {
    if (size_ > 0) munmap(data_, size_);
  }
  std::string_view bytes() const override { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_;
  size_t size_;
};

class PosixWritableFile : public WritableFile {
 public:
  PosixWritableFile(Descriptor file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}
  ~PosixWritableFile() override {
    if (file_.get() >= 0) WriteOut(buffer_);
  }

  void Append(std::string_view bytes) override {
    if (file_.get() < 0) throw FailedPrecondition("cannot write ", path_, ": it is closed");
    if (buffer_.size() + bytes.size() > kBufferSize) Flush();
    if (bytes.size() < kBufferSize) {
      buffer_.append(bytes);
    } else if (!WriteOut(bytes)) {
      Fail("write", path_);
    }
  }
  void Flush() override {
    if (!WriteOut(std::exchange(buffer_, {}))) Fail("write", path_);
  }
  void Sync() override {
    Flush();
    if (fsync(file_.get()) != 0 && errno != EINVAL && errno != ENOTSUP) Fail("sync", path_);
  }
  void Close() override {
    if (file_.get() < 0) throw FailedPrecondition("cannot close ", path_, ": it is closed");
    Flush();
    if (close(file_.Release()) != 0 && errno != EINTR) Fail("close", path_);
  }

 private:
  static constexpr size_t kBufferSize = 64 << 10;

  bool WriteOut(std::string_view bytes) {
    while (!bytes.empty()) {
      ssize_t put = write(file_.get(), bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(put));
    }
    return true;
  }

  Descriptor file_;
  std::string path_;
  std::string buffer_;
};

void MakeLocalDirs(const std::string& local, const std::string& path) {
  if (local.empty() || mkdir(local.c_str(), 0777) == 0) return;
  if (errno == ENOENT) {
    std::string parent = DirectoryOf(local);
    if (parent == local) Fail("make directory", path, ENOENT);
    MakeLocalDirs(parent, path);
    if (mkdir(local.c_str(), 0777) == 0) return;
  }
  int number = errno;
  struct stat status;
  if (number == EEXIST && stat(local.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return;
  Fail("make directory", path, number);
}

}  // namespace

std::string PosixFileSystem::Resolve(const std::string& path) const {
  static constexpr std::string_view kScheme = "file://";
  return path.starts_with(kScheme) ? path.substr(kScheme.size()) : path;
}

std::unique_ptr<RandomAccessFile> PosixFileSystem::OpenForReading(const std::string& path) {
  return std::make_unique<PosixRandomAccessFile>(OpenToRead(Resolve(path), path), path);
}

std::unique_ptr<ReadOnlyRegion> PosixFileSystem::Map(const std::string& path) {
  Descriptor file = OpenToRead(Resolve(path), path);
  struct stat status;
  if (fstat(file.get(), &status) != 0) Fail("stat", path);
  auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return std::make_unique<MappedRegion>(nullptr, 0);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) Fail("map", path);
  return std::make_unique<MappedRegion>(data, size);
}

std::unique_ptr<WritableFile> PosixFileSystem::OpenForWriting(const std::string& path, bool append) {
  std::string local = Resolve(path);
  if (makes_parents()) MakeLocalDirs(DirectoryOf(local), path);
  Descriptor file(open(local.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666));
  if (file.get() < 0) Fail("create", path);
  return std::make_unique<PosixWritableFile>(std::move(file), path);
}

FileStat PosixFileSystem::Stat(const std::string& path) {
  struct stat status;
  if (stat(Resolve(path).c_str(), &status) != 0) Fail("stat", path);
  return {.size = status.st_size,
          .modified_nanoseconds = status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec,
          .is_directory = S_ISDIR(status.st_mode)};
}

bool PosixFileSystem::Exists(const std::string& path) {
  struct stat status;
  return stat(Resolve(path).c_str(), &status) == 0;
}

std::vector<std::string> PosixFileSystem::List(const std::string& path) {
  std::string local = Resolve(path);
  std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(local.empty() ? "." : local.c_str()), closedir);
  if (!directory) Fail("list", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(directory.get())) {
    std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) Fail("list", path);
  std::sort(names.begin(), names.end());
  return names;
}

void PosixFileSystem::MakeDirs(const std::string& path) {
  std::string local = Resolve(path);
  while (local.size() > 1 && local.back() == '/') local.pop_back();
  MakeLocalDirs(local, path);
}

void PosixFileSystem::Remove(const std::string& path) {
  if (remove(Resolve(path).c_str()) != 0) Fail("remove", path);
}

void PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  std::string target = Resolve(to);
  if (makes_parents()) MakeLocalDirs(DirectoryOf(target), to);
  if (rename(Resolve(from).c_str(), target.c_str()) != 0) Fail("rename", from + " to " + to);
}

bool PosixFileSystem::Link(const std::string& from, const std::string& to) {
  if (link(Resolve(from).c_str(), Resolve(to).c_str()) == 0) return true;
  if (errno == EPERM || errno == ENOTSUP || errno == ENOSYS || errno == EMLINK) return false;
  Fail("link", from + " as " + to);
}

void PosixFileSystem::SyncDirectory(const std::string& path) {
  std::string local = Resolve(path);
  Descriptor directory(open(local.empty() ? "." : local.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) Fail("open", path);
  // Some file systems cannot sync a directory and say so with EINVAL; they order metadata by themselves.
  if (fsync(directory.get()) != 0 && errno != EINVAL && errno != ENOTSUP) Fail("sync", path);
}

}  // namespace headrace
