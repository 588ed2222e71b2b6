// Buckets and objects over the storage v1 REST API, and URLs: gs://BUCKET/OBJECT, with wildcards, beside local paths.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/engine_client.h"

namespace headrace::cli {

// gs://bucket/object, or a local path when `bucket` is empty and `cloud` is false. "gs://" alone is cloud without both.
struct Url {
  bool cloud = false;
  std::string bucket;
  std::string object;  // the object's name, or the local path

  // Throws InvalidArgument on another scheme or a malformed bucket.
  static Url Parse(const std::string& text);
  std::string ToString() const;
  bool HasWildcard() const { return object.find_first_of("*?[") != std::string::npos; }
  // The same place with `name` appended behind a slash.
  Url Child(const std::string& name) const;
};

struct Object {
  std::string bucket, name;
  int64_t size = 0;
  std::string updated;  // RFC 3339
  std::string content_type;
  std::string md5;  // base64
  Json resource;
  Url url() const { return {true, bucket, name}; }
};

// What `objects.list` with a delimiter gives.
struct Listing {
  std::vector<Object> objects;
  std::vector<std::string> prefixes;  // names with their closing slash
};

class StorageClient {
 public:
  Json CreateBucket(const std::string& project, const Json& bucket);
  Json ListBuckets(const std::string& project);
  Json GetBucket(const std::string& bucket);
  void DeleteBucket(const std::string& bucket);

  Object Get(const Url& url);
  bool Exists(const Url& url);
  // All objects whose name starts with `prefix`; with `by_directory` those below a further slash as prefixes.
  Listing List(const std::string& bucket, const std::string& prefix, bool by_directory);
  void Delete(const Url& url);
  Object Upload(const std::string& path, const Url& to);
  void Read(const Url& url, const std::string& range, const std::function<void(std::string_view)>& sink);
  // Into a file beside `path`, renamed over it when it is complete.
  void Download(const Object& from, const std::string& path);
  void Copy(const Url& from, const Url& to);

 private:
  EngineClient client_;
};

// Whether a name matches a pattern of `*` and `?` (within one path segment), `**` (anything), `[abc]`.
bool MatchesWildcard(const std::string& name, const std::string& pattern);

// The type a file's name suggests, as gsutil guesses it: "text/csv".
std::string GuessContentType(const std::string& name);

// "1.5 MiB"
std::string HumanSize(int64_t bytes);

}  // namespace headrace::cli
