// An advisory lock (flock) on the directory itself: nothing is left behind, and the kernel frees it with the process.
#include "estimator/model_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "files/buckets.h"
#include "headrace/error.h"
#include "headrace/file_system.h"

namespace headrace {
namespace {

// Where a path lies on this machine; "" if it does not.
std::string LocalPath(const std::string& path) {
  constexpr std::string_view kBucket = "gs://", kFile = "file://";
  if (path.starts_with(kFile)) return path.substr(kFile.size());
  if (path.starts_with(kBucket)) {
    const size_t slash = path.find('/', kBucket.size());
    const std::string bucket = path.substr(kBucket.size(), slash - kBucket.size());
    return BucketDirectory(bucket) + (slash == std::string::npos ? "" : path.substr(slash));
  }
  return path.find("://") == std::string::npos ? path : "";
}

}  // namespace

ModelLock::ModelLock(const std::string& model_dir) {
  MakeDirs(model_dir);
  const std::string local = LocalPath(model_dir);
  if (local.empty()) return;
  descriptor_ = open(local.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor_ < 0) throw FailedPrecondition("cannot open model_dir ", model_dir, ": ", std::strerror(errno));
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int reason = errno;
  close(descriptor_);
  descriptor_ = -1;
  if (reason == EWOULDBLOCK) {
    throw FailedPrecondition("another process is training in model_dir ", model_dir,
                             "; wait for it to end, stop it, or choose another model_dir. Nothing was changed there.");
  }  // a file system without locks: train without one
}

ModelLock::~ModelLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace headrace
