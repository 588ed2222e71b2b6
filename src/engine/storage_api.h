// The storage v1 JSON API on an ObjectStore, with its three ways to upload: simple, multipart and resumable.
#pragma once

#include <string>

#include "engine/object_store.h"
#include "http/router.h"

namespace headrace::engine {

class StorageApi {
 public:
  explicit StorageApi(Context& context) : context_(context), objects_(context) {}

  void AddRoutes(http::Router* router);
  // Where links in answers lead; known once the engine listens.
  void SetBaseUrl(std::string url) { base_url_ = std::move(url); }

 private:
  http::Response InsertBucket(http::Request& request);
  http::Response ListBuckets(http::Request& request);
  http::Response GetBucket(http::Request& request);
  http::Response PatchBucket(http::Request& request);
  http::Response DeleteBucket(http::Request& request);
  http::Response ListObjects(http::Request& request);
  http::Response GetObject(http::Request& request);
  http::Response PatchObject(http::Request& request);
  http::Response DeleteObject(http::Request& request);
  http::Response CopyObject(http::Request& request);
  http::Response RewriteObject(http::Request& request);
  http::Response ComposeObject(http::Request& request);
  http::Response Upload(http::Request& request);
  http::Response ContinueUpload(http::Request& request);

  http::Response Download(const http::Request& request, const Object& object);
  http::Response MultipartUpload(http::Request& request);
  http::Response StartResumable(http::Request& request);
  Object CopyFrom(http::Request& request);
  Json BucketJson(const Bucket& bucket) const;
  Json ObjectJson(const Object& object) const;

  Context& context_;
  ObjectStore objects_;
  std::string base_url_;
};

}  // namespace headrace::engine
