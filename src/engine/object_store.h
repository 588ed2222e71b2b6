// Buckets and objects. A bucket is the directory HOME/buckets/NAME and an object a file in it, so that programs write
// objects as files too; what a file can't say (content type, metadata, checksums) is in the store, and holds as long as
// the file has the modification time it was recorded with. An object appears, and is replaced, in one instant.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/context.h"
#include "engine/resources.h"
#include "http/message.h"

namespace headrace::engine {

struct Bucket {
  std::string name, project, location, storage_class, time_created, updated;
  int64_t metageneration = 1;
  Labels labels;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("project", project);
    v("location", location);
    v("storageClass", storage_class);
    v("timeCreated", time_created);
    v("updated", updated);
    v("metageneration", metageneration);
    v("labels", labels);
  }
};

// The part of an object that a caller writes.
struct ObjectAttributes {
  std::string content_type, content_encoding, content_disposition, content_language, cache_control;
  std::map<std::string, std::string> metadata;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("contentType", content_type);
    v("contentEncoding", content_encoding);
    v("contentDisposition", content_disposition);
    v("contentLanguage", content_language);
    v("cacheControl", cache_control);
    v("metadata", metadata);
  }
};

struct Object {
  std::string bucket, name;
  ObjectAttributes attributes;
  int64_t size = 0, generation = 0, metageneration = 1, component_count = 0;
  std::string crc32c, md5, time_created, updated;  // checksums in base64; "" when not computed
  template <class Visitor>
  void Fields(Visitor& v) {
    v("bucket", bucket);
    v("name", name);
    v("attributes", attributes);
    v("size", size);
    v("generation", generation);
    v("metageneration", metageneration);
    v("componentCount", component_count);
    v("crc32c", crc32c);
    v("md5", md5);
    v("timeCreated", time_created);
    v("updated", updated);
  }
};

// What must hold for a change to be made; generation 0 means that there must be no such object.
struct Preconditions {
  std::optional<int64_t> generation_match, generation_not_match, metageneration_match, metageneration_not_match;
};

struct ObjectQuery {
  std::string bucket, prefix, delimiter, start_offset, end_offset, page_token;
  int64_t max_results = 1000;
};

struct ObjectPage {
  std::vector<Object> objects;
  std::vector<std::string> prefixes;
  std::string next_page_token;
};

class ObjectStore {
 public:
  explicit ObjectStore(Context& context);

  Bucket CreateBucket(Bucket bucket);  // AlreadyExists
  Bucket GetBucket(const std::string& name);
  std::vector<Bucket> ListBuckets(const std::string& project);
  Bucket PatchBucket(const std::string& name, const Labels& labels);
  void DeleteBucket(const std::string& name);  // StatusError 409 unless empty

  // NotFound. With `checksums`, those of a file that a program wrote are computed and kept.
  Object Get(const std::string& bucket, const std::string& name, bool checksums = false);
  std::string PathOf(const std::string& bucket, const std::string& name) const;
  ObjectPage List(const ObjectQuery& query);

  // Makes an object of these slices of files, in order. A single slice that is a whole file in the engine's own
  // temporary directory is moved, others are copied.
  Object Write(const std::string& bucket, const std::string& name, const ObjectAttributes& attributes,
               const std::vector<http::FileSlice>& content, const Preconditions& preconditions = {});
  Object Patch(const std::string& bucket, const std::string& name, const Json& change,
               const Preconditions& preconditions);
  void Delete(const std::string& bucket, const std::string& name, const Preconditions& preconditions);

  std::string TemporaryPath();

 private:
  void Check(const Preconditions& preconditions, const std::string& bucket, const std::string& name);
  Object Describe(const std::string& bucket, const std::string& name);
  std::vector<std::string> Names(const ObjectQuery& query);

  Context& context_;
  Collection<Bucket> buckets_;
  Collection<Object> objects_;
  std::mutex commit_;  // between a precondition's check and the rename it allows
};

}  // namespace headrace::engine
