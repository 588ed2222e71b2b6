// URIs to paths, and synced copies.
#include "engine/local_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/names.h"
#include "files/buckets.h"
#include "headrace/error.h"

namespace headrace::engine {

std::string LocalPath(const std::string& uri) {
  constexpr std::string_view kScheme = "gs://";
  if (uri.rfind('/', 0) == 0) return uri;
  if (uri.rfind(kScheme, 0) != 0)
    throw InvalidArgument("expected gs://BUCKET/PATH or an absolute path, got '", uri, "'");
  const std::string rest = uri.substr(kScheme.size());
  const size_t slash = rest.find('/');
  const std::string bucket = rest.substr(0, slash);
  CheckBucketName(bucket);
  std::string object = slash == rest.npos ? "" : rest.substr(slash + 1);
  while (!object.empty() && object.back() == '/') object.pop_back();
  if (object.empty()) return BucketDirectory(bucket);
  CheckObjectName(object);
  return BucketDirectory(bucket) + "/" + object;
}

void CopyTree(const std::string& from, const std::string& to) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(from)) throw NotFound("no directory ", from);
  fs::create_directories(to);
  std::error_code failed;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path target = fs::path(to) / fs::relative(entry.path(), from);
    if (entry.is_directory()) {
      fs::create_directories(target);
    } else {
      fs::copy_file(entry.path(), target, fs::copy_options::overwrite_existing, failed);
      if (failed) throw ResourceExhausted("can't copy ", entry.path().string(), ": ", failed.message());
      SyncFile(target);
    }
  }
  SyncFile(to);
}

void SyncFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int failed = errno;
  if (fd >= 0) ::close(fd);
  if (!synced) throw ResourceExhausted("can't sync ", path, ": ", std::strerror(failed));
}

}  // namespace headrace::engine
