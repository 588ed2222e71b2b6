// Bucket names to directories.
#include "files/buckets.h"

#include <cstdlib>

#include "headrace/error.h"

namespace headrace {
namespace {

constexpr std::string_view kScheme = "gs://";

struct ObjectPath {
  std::string bucket, object;
};

// "gs://b/x/y" -> {"b", "x/y"}. A ".." component could leave the bucket, so it is refused.
ObjectPath SplitObjectPath(const std::string& path) {
  if (!path.starts_with(kScheme)) throw InvalidArgument("expected a path of the form gs://BUCKET/OBJECT, got ", path);
  std::string rest = path.substr(kScheme.size());
  size_t slash = rest.find('/');
  ObjectPath parts{rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1)};
  if (("/" + rest + "/").find("/../") != std::string::npos) {
    throw InvalidArgument("expected a path without '..' components, got ", path);
  }
  return parts;
}

void CheckBucketName(const std::string& name) {
  auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  bool valid = name.size() >= 3 && name.size() <= 63 && is_plain(name.front()) && is_plain(name.back()) &&
               name.find("..") == std::string::npos;
  for (char c : name) valid = valid && (is_plain(c) || c == '-' || c == '_' || c == '.');
  if (!valid) {
    throw InvalidArgument(
        "expected a bucket name of 3 to 63 lowercase letters, digits, '-', '_' and '.', that starts "
        "and ends with a letter or digit; got '",
        name, "'");
  }
}

bool LocalDirectoryExists(const std::string& path) {
  return FileSystemFor(path).Exists(path) && FileSystemFor(path).Stat(path).is_directory;
}

}  // namespace

std::string HeadraceHome() {
  if (const char* home = std::getenv("HEADRACE_HOME"); home && *home) return home;
  const char* user_home = std::getenv("HOME");
  if (!user_home || !*user_home) throw FailedPrecondition("neither HEADRACE_HOME nor HOME is set");
  return JoinPath(user_home, ".headrace");
}

std::string BucketDirectory(const std::string& bucket) {
  return HeadraceHome() + "/buckets/" + bucket;
}

bool BucketExists(const std::string& bucket) {
  return !bucket.empty() && bucket != "." && bucket != ".." && LocalDirectoryExists(BucketDirectory(bucket));
}

void CreateBucket(const std::string& bucket) {
  CheckBucketName(bucket);
  if (BucketExists(bucket)) throw AlreadyExists("bucket gs://", bucket, " already exists");
  MakeDirs(BucketDirectory(bucket));
}

void DeleteBucket(const std::string& bucket) {
  if (!BucketExists(bucket)) throw NotFound("bucket gs://", bucket, " does not exist");
  std::string directory = BucketDirectory(bucket);
  if (!ListTree(directory).empty()) throw FailedPrecondition("bucket gs://", bucket, " is not empty");
  RemoveTree(directory);
}

std::vector<std::string> ListBuckets() {
  std::string directory = HeadraceHome() + "/buckets";
  if (!LocalDirectoryExists(directory)) return {};
  std::vector<std::string> names;
  for (const std::string& name : FileSystemFor(directory).List(directory)) {
    if (BucketExists(name)) names.push_back(name);
  }
  return names;
}

std::string BucketFileSystem::Resolve(const std::string& path) const {
  ObjectPath parts = SplitObjectPath(path);
  if (!BucketExists(parts.bucket)) {
    throw NotFound("bucket gs://", parts.bucket, " does not exist (needed for ", path,
                   "); create it with: gcloud storage buckets create gs://", parts.bucket);
  }
  std::string directory = BucketDirectory(parts.bucket);
  return parts.object.empty() ? directory : directory + "/" + parts.object;
}

std::vector<std::string> BucketFileSystem::List(const std::string& path) {
  return path == kScheme ? ListBuckets() : PosixFileSystem::List(path);
}

bool BucketFileSystem::Exists(const std::string& path) {
  return path == kScheme || (BucketExists(SplitObjectPath(path).bucket) && PosixFileSystem::Exists(path));
}

}  // namespace headrace
