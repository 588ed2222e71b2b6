// Objects as files.
#include "engine/object_store.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "engine/local_files.h"
#include "engine/names.h"
#include "files/buckets.h"
#include "formats/crc32c.h"

namespace headrace::engine {
namespace {

namespace fs = std::filesystem;
constexpr size_t kBlock = 1 << 20;

std::string Base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3), '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return out;
}

// CRC-32C and MD5 of bytes that come in pieces.
class Checksums {
 public:
  Checksums() : md5_(EVP_MD_CTX_new()) { EVP_DigestInit_ex(md5_, EVP_md5(), nullptr); }
  ~Checksums() { EVP_MD_CTX_free(md5_); }
  Checksums(const Checksums&) = delete;
  Checksums& operator=(const Checksums&) = delete;

  void Add(std::string_view bytes) {
    crc_ = Crc32c(bytes, crc_);
    EVP_DigestUpdate(md5_, bytes.data(), bytes.size());
    size_ += static_cast<int64_t>(bytes.size());
  }
  void Finish(Object* object) {
    unsigned char digest[16];
    EVP_DigestFinal_ex(md5_, digest, nullptr);
    object->md5 = Base64({reinterpret_cast<char*>(digest), sizeof(digest)});
    const char big_endian[4] = {static_cast<char>(crc_ >> 24), static_cast<char>(crc_ >> 16),
                                static_cast<char>(crc_ >> 8), static_cast<char>(crc_)};
    object->crc32c = Base64({big_endian, 4});
    object->size = size_;
  }

 private:
  EVP_MD_CTX* md5_;
  uint32_t crc_ = 0;
  int64_t size_ = 0;
};

class OpenFile {
 public:
  OpenFile(const std::string& path, int flags) : path_(path), fd_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw NotFound("can't open ", path, ": ", std::strerror(errno));
  }
  ~OpenFile() { ::close(fd_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  size_t Read(char* buffer, size_t n, int64_t offset) const {
    const ssize_t got = ::pread(fd_, buffer, n, offset);
    if (got < 0) throw DataLoss("can't read ", path_, ": ", std::strerror(errno));
    return static_cast<size_t>(got);
  }
  void Append(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) throw ResourceExhausted("can't write ", path_, ": ", std::strerror(errno));
      bytes.remove_prefix(static_cast<size_t>(put));
    }
  }
  void Sync() const {
    if (::fsync(fd_) != 0) throw ResourceExhausted("can't sync ", path_, ": ", std::strerror(errno));
  }

 private:
  std::string path_;
  int fd_;
};

// Passes the bytes of a slice on piece by piece.
template <class Sink>
void ForEachPiece(const http::FileSlice& slice, const Sink& sink) {
  const OpenFile file(slice.path, O_RDONLY);
  std::string block(kBlock, '\0');
  for (int64_t done = 0; done < slice.length;) {
    const size_t got = file.Read(block.data(), static_cast<size_t>(std::min<int64_t>(kBlock, slice.length - done)),
                                 slice.offset + done);
    if (got == 0) throw DataLoss("file ", slice.path, " is shorter than expected");
    sink(std::string_view(block.data(), got));
    done += static_cast<int64_t>(got);
  }
}

int64_t ModifiedNanoseconds(const struct stat& status) {
  return status.st_mtim.tv_sec * int64_t{1000000000} + status.st_mtim.tv_nsec;
}

// Files in the making that other writers (WriteFileAtomically) leave beside their targets for a moment.
bool IsTemporary(const std::string& name) {
  const size_t at = name.rfind(".tmp");
  if (at == name.npos || at + 4 == name.size()) return false;
  return name.find_first_not_of("0123456789_", at + 4) == name.npos;
}

std::string ContentTypeOf(const std::string& name) {
  static const std::map<std::string, std::string> types = {{".csv", "text/csv"},          {".txt", "text/plain"},
                                                           {".json", "application/json"}, {".html", "text/html"},
                                                           {".gz", "application/gzip"},   {".tar", "application/x-tar"},
                                                           {".png", "image/png"},         {".jpg", "image/jpeg"}};
  const auto found = types.find(fs::path(name).extension());
  return found == types.end() ? "application/octet-stream" : found->second;
}

[[noreturn]] void NoBucket(const std::string& name) {
  throw NotFound("The specified bucket does not exist: ", name);
}

}  // namespace

ObjectStore::ObjectStore(Context& context)
    : context_(context), buckets_(context.store, "buckets", "bucket"), objects_(context.store, "objects", "object") {}

Bucket ObjectStore::CreateBucket(Bucket bucket) {
  CheckBucketName(bucket.name);
  if (BucketExists(bucket.name)) {
    throw AlreadyExists("Your previous request to create the named bucket succeeded and you already own it: ",
                        bucket.name);
  }
  if (bucket.location.empty()) bucket.location = "US";
  std::transform(bucket.location.begin(), bucket.location.end(), bucket.location.begin(), ::toupper);
  if (bucket.storage_class.empty()) bucket.storage_class = "STANDARD";
  bucket.time_created = bucket.updated = Now();
  // The directory is what counts: a record without one is replaced.
  if (buckets_.Find(bucket.name)) buckets_.Remove(bucket.name);
  buckets_.Insert(bucket.name, bucket);
  headrace::CreateBucket(bucket.name);
  return bucket;
}

Bucket ObjectStore::GetBucket(const std::string& name) {
  CheckBucketName(name);
  if (!BucketExists(name)) NoBucket(name);
  if (auto found = buckets_.Find(name)) return *found;
  Bucket bucket;  // made as a directory
  bucket.name = name;
  bucket.location = "US";
  bucket.storage_class = "STANDARD";
  struct stat status {};
  ::stat(BucketDirectory(name).c_str(), &status);
  bucket.time_created = bucket.updated = FormatTime(ModifiedNanoseconds(status) / 1000);
  return bucket;
}

std::vector<Bucket> ObjectStore::ListBuckets(const std::string& project) {
  std::vector<Bucket> buckets;
  for (const std::string& name : headrace::ListBuckets()) {
    Bucket bucket = GetBucket(name);
    if (project.empty() || bucket.project.empty() || bucket.project == project) buckets.push_back(std::move(bucket));
  }
  return buckets;
}

Bucket ObjectStore::PatchBucket(const std::string& name, const Labels& labels) {
  const Bucket bucket = GetBucket(name);
  context_.store.Transaction([&] {
    if (!buckets_.Find(name)) buckets_.Insert(name, bucket);
  });
  return buckets_.Modify(name, [&](Bucket& b) {
    b.labels = labels;
    b.updated = Now();
    ++b.metageneration;
  });
}

void ObjectStore::DeleteBucket(const std::string& name) {
  GetBucket(name);
  std::lock_guard lock(commit_);
  for (const auto& entry : fs::recursive_directory_iterator(BucketDirectory(name))) {
    if (!entry.is_directory()) throw http::StatusError(409, "The bucket you tried to delete is not empty: " + name);
  }
  fs::remove_all(BucketDirectory(name));
  if (buckets_.Find(name)) buckets_.Remove(name);
}

std::string ObjectStore::PathOf(const std::string& bucket, const std::string& name) const {
  CheckBucketName(bucket);
  CheckObjectName(name);
  return BucketDirectory(bucket) + "/" + name;
}

Object ObjectStore::Describe(const std::string& bucket, const std::string& name) {
  struct stat status {};
  const std::string path = PathOf(bucket, name);
  const bool wants_folder = name.back() == '/';
  if (::stat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode) != wants_folder) {
    if (!BucketExists(bucket)) NoBucket(bucket);
    throw NotFound("No such object: ", bucket, "/", name);
  }
  const int64_t generation = ModifiedNanoseconds(status) / 1000;
  const auto recorded = objects_.Find(bucket + "/" + name);
  if (recorded && (wants_folder || recorded->generation == generation)) return *recorded;
  Object object;  // written as a file
  object.bucket = bucket;
  object.name = name;
  object.size = wants_folder ? 0 : status.st_size;
  object.generation = generation;
  object.attributes.content_type = ContentTypeOf(name);
  object.time_created = object.updated = FormatTime(generation);
  return object;
}

Object ObjectStore::Get(const std::string& bucket, const std::string& name, bool checksums) {
  Object object = Describe(bucket, name);
  if (!checksums || !object.crc32c.empty()) return object;
  Checksums sums;
  if (object.size > 0) ForEachPiece({PathOf(bucket, name), 0, object.size}, [&](auto piece) { sums.Add(piece); });
  sums.Finish(&object);
  context_.store.Transaction([&] {
    if (objects_.Find(bucket + "/" + name)) objects_.Remove(bucket + "/" + name);
    objects_.Insert(bucket + "/" + name, object);
  });
  return object;
}

// The names, and with a delimiter the common prefixes, that a query ranges over: sorted as bytes.
std::vector<std::string> ObjectStore::Names(const ObjectQuery& query) {
  const std::string root = BucketDirectory(query.bucket);
  const size_t slash = query.prefix.rfind('/');
  const std::string base = slash == query.prefix.npos ? "" : query.prefix.substr(0, slash + 1);
  if (!base.empty() && base != "/") CheckObjectName(base);
  std::vector<std::string> names;
  std::error_code failed;
  auto walk = fs::recursive_directory_iterator(root + "/" + base, failed);
  for (; !failed && walk != fs::recursive_directory_iterator(); walk.increment(failed)) {
    std::string name = walk->path().string().substr(root.size() + 1);
    if (walk->is_directory(failed)) {
      name += '/';
      const bool outside =
          name.compare(0, query.prefix.size(), query.prefix) != 0 && query.prefix.compare(0, name.size(), name) != 0;
      if (outside || (query.delimiter == "/" && name.size() > query.prefix.size())) walk.disable_recursion_pending();
      if (!outside && (query.delimiter == "/" || objects_.Find(query.bucket + "/" + name))) names.push_back(name);
    } else if (!IsTemporary(name)) {
      names.push_back(name);
    }
  }
  std::erase_if(names,
                [&](const std::string& name) { return name.compare(0, query.prefix.size(), query.prefix) != 0; });
  std::sort(names.begin(), names.end());
  return names;
}

ObjectPage ObjectStore::List(const ObjectQuery& query) {
  GetBucket(query.bucket);
  ObjectPage page;
  std::set<std::string> seen_prefixes;
  int64_t count = 0;
  std::string last;
  for (const std::string& name : Names(query)) {
    if ((!query.start_offset.empty() && name < query.start_offset) ||
        (!query.end_offset.empty() && name >= query.end_offset)) {
      continue;
    }
    const size_t cut = query.delimiter.empty() ? name.npos : name.find(query.delimiter, query.prefix.size());
    const std::string item = cut == name.npos ? name : name.substr(0, cut + query.delimiter.size());
    if ((!query.page_token.empty() && item <= query.page_token) || seen_prefixes.count(item) > 0) continue;
    if (count == query.max_results) {
      page.next_page_token = last;
      return page;
    }
    if (cut != name.npos) {
      seen_prefixes.insert(item);
      page.prefixes.push_back(item);
    } else {
      try {
        page.objects.push_back(Describe(query.bucket, name));
      } catch (const Error& error) {
        if (error.code() != Code::kNotFound) throw;
        continue;  // deleted meanwhile
      }
    }
    last = item;
    ++count;
  }
  return page;
}

void ObjectStore::Check(const Preconditions& preconditions, const std::string& bucket, const std::string& name) {
  int64_t generation = 0;
  int64_t metageneration = 0;
  try {
    const Object object = Describe(bucket, name);
    generation = object.generation;
    metageneration = object.metageneration;
  } catch (const Error& error) {
    if (error.code() != Code::kNotFound) throw;
  }
  const bool holds =
      (!preconditions.generation_match || *preconditions.generation_match == generation) &&
      (!preconditions.generation_not_match || *preconditions.generation_not_match != generation) &&
      (!preconditions.metageneration_match || *preconditions.metageneration_match == metageneration) &&
      (!preconditions.metageneration_not_match || *preconditions.metageneration_not_match != metageneration);
  if (!holds) throw http::StatusError(412, "At least one of the pre-conditions you specified did not hold.");
}

std::string ObjectStore::TemporaryPath() {
  static std::atomic<int64_t> counter{0};
  return context_.Home("tmp/object." + std::to_string(::getpid()) + "." + std::to_string(counter.fetch_add(1)));
}

Object ObjectStore::Write(const std::string& bucket, const std::string& name, const ObjectAttributes& attributes,
                          const std::vector<http::FileSlice>& content, const Preconditions& preconditions) {
  GetBucket(bucket);
  const std::string path = PathOf(bucket, name);
  Object object;
  object.bucket = bucket;
  object.name = name;
  object.attributes = attributes;
  if (object.attributes.content_type.empty()) object.attributes.content_type = ContentTypeOf(name);
  if (content.size() > 1) object.component_count = static_cast<int64_t>(content.size());

  const std::string temporary = TemporaryPath();
  Checksums sums;
  try {
    const std::string own = context_.Home("tmp/");
    if (content.size() == 1 && content[0].path.rfind(own, 0) == 0 && content[0].offset == 0 &&
        content[0].length == static_cast<int64_t>(fs::file_size(content[0].path))) {
      ForEachPiece(content[0], [&](auto piece) { sums.Add(piece); });
      fs::rename(content[0].path, temporary);
      SyncFile(temporary);
    } else {
      const OpenFile target(temporary, O_WRONLY | O_CREAT | O_TRUNC);
      for (const http::FileSlice& slice : content) {
        ForEachPiece(slice, [&](auto piece) {
          sums.Add(piece);
          target.Append(piece);
        });
      }
      target.Sync();
    }
    sums.Finish(&object);
    std::lock_guard lock(commit_);
    Check(preconditions, bucket, name);
    std::error_code failed;
    const bool folder = name.back() == '/';
    if (folder && object.size > 0)
      throw InvalidArgument("an object whose name ends with '/' can't have content: ", name);
    fs::create_directories(folder ? fs::path(path) : fs::path(path).parent_path(), failed);
    if (!failed && !folder) fs::rename(temporary, path, failed);
    if (failed) {
      throw FailedPrecondition("can't write object ", bucket, "/", name, ": ", failed.message(),
                               " (a bucket is a directory: no object can have another's name plus '/...')");
    }
    if (folder) fs::remove(temporary);
    SyncFile(fs::path(path).parent_path());
    struct stat status {};
    ::stat(path.c_str(), &status);
    object.generation = ModifiedNanoseconds(status) / 1000;
    object.time_created = object.updated = FormatTime(object.generation);
    context_.store.Transaction([&] {
      if (objects_.Find(bucket + "/" + name)) objects_.Remove(bucket + "/" + name);
      objects_.Insert(bucket + "/" + name, object);
    });
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  return object;
}

Object ObjectStore::Patch(const std::string& bucket, const std::string& name, const Json& change,
                          const Preconditions& preconditions) {
  if (!change.is_object()) throw InvalidArgument("expected an object of fields to change");
  Get(bucket, name, true);  // so that it is recorded
  std::lock_guard lock(commit_);
  Check(preconditions, bucket, name);
  return objects_.Modify(bucket + "/" + name, [&](Object& object) {
    Json attributes = ToJson(object.attributes);
    for (const char* field :
         {"contentType", "contentEncoding", "contentDisposition", "contentLanguage", "cacheControl", "metadata"}) {
      if (change.contains(field)) attributes.merge_patch({{field, change[field]}});
    }
    object.attributes = FromJson<ObjectAttributes>(attributes);
    object.updated = Now();
    ++object.metageneration;
  });
}

void ObjectStore::Delete(const std::string& bucket, const std::string& name, const Preconditions& preconditions) {
  const std::string path = PathOf(bucket, name);
  std::lock_guard lock(commit_);
  Describe(bucket, name);
  Check(preconditions, bucket, name);
  std::error_code failed;
  fs::remove(path, failed);  // a folder that isn't empty loses its placeholder only
  if (objects_.Find(bucket + "/" + name)) objects_.Remove(bucket + "/" + name);
  // Folders exist as long as there is something in them.
  fs::path parent = fs::path(name).parent_path();
  for (; !parent.empty(); parent = parent.parent_path()) {
    if (objects_.Find(bucket + "/" + parent.string() + "/")) break;
    if (::rmdir((BucketDirectory(bucket) + "/" + parent.string()).c_str()) != 0) break;
  }
}

}  // namespace headrace::engine
