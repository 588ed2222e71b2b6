// The methods on buckets and objects; uploads are in storage_uploads.cc.
#include "engine/storage_api.h"

#include <charconv>

#include "engine/names.h"
#include "engine/storage_requests.h"
#include "http/url.h"

namespace headrace::engine {

Preconditions PreconditionsOf(const http::Request& request) {
  const auto number = [&](const char* name) -> std::optional<int64_t> {
    const std::string text = request.Query(name);
    if (text.empty()) return std::nullopt;
    return ParseInteger(text, name);
  };
  return {number("ifGenerationMatch"), number("ifGenerationNotMatch"), number("ifMetagenerationMatch"),
          number("ifMetagenerationNotMatch")};
}

int64_t ParseInteger(std::string_view text, std::string_view what) {
  int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < 0) {
    throw InvalidArgument("expected a number of at least 0 for ", what, ", got '", text, "'");
  }
  return value;
}

Json BodyOf(const http::Request& request) {
  if (request.body.empty()) return Json::object();
  Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) throw InvalidArgument("expected a JSON object as the request's body");
  return body;
}

std::string StringField(const Json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return "";
  if (!found->is_string()) throw InvalidArgument("expected a string for field '", name, "', got ", found->dump());
  return found->get<std::string>();
}

ObjectAttributes AttributesOf(const Json& body) {
  Json known = Json::object();
  for (const char* name :
       {"contentType", "contentEncoding", "contentDisposition", "contentLanguage", "cacheControl", "metadata"}) {
    if (body.contains(name)) known[name] = body[name];
  }
  return FromJson<ObjectAttributes>(known);
}

Json StorageApi::BucketJson(const Bucket& bucket) const {
  Json json = {{"kind", "storage#bucket"},
               {"id", bucket.name},
               {"selfLink", base_url_ + "/storage/v1/b/" + bucket.name},
               {"name", bucket.name},
               {"projectNumber", ProjectNumber(bucket.project)},
               {"metageneration", std::to_string(bucket.metageneration)},
               {"location", bucket.location},
               {"locationType", bucket.location.find('-') == std::string::npos ? "multi-region" : "region"},
               {"storageClass", bucket.storage_class},
               {"timeCreated", bucket.time_created},
               {"updated", bucket.updated},
               {"etag", "CAE="},
               {"iamConfiguration", {{"uniformBucketLevelAccess", {{"enabled", true}}}}}};
  if (!bucket.labels.empty()) json["labels"] = bucket.labels;
  return json;
}

Json StorageApi::ObjectJson(const Object& object) const {
  const std::string generation = std::to_string(object.generation);
  const std::string path = object.bucket + "/o/" + http::PercentEncode(object.name);
  Json json = ToJson(object.attributes);
  json.update({{"kind", "storage#object"},
               {"id", object.bucket + "/" + object.name + "/" + generation},
               {"selfLink", base_url_ + "/storage/v1/b/" + path},
               {"mediaLink", base_url_ + "/download/storage/v1/b/" + path + "?generation=" + generation + "&alt=media"},
               {"name", object.name},
               {"bucket", object.bucket},
               {"generation", generation},
               {"metageneration", std::to_string(object.metageneration)},
               {"storageClass", "STANDARD"},
               {"size", std::to_string(object.size)},
               {"timeCreated", object.time_created},
               {"updated", object.updated},
               {"timeStorageClassUpdated", object.time_created},
               {"etag", generation + "/" + std::to_string(object.metageneration)}});
  if (!object.crc32c.empty()) json["crc32c"] = object.crc32c;
  if (object.component_count > 0) {
    json["componentCount"] = object.component_count;
  } else if (!object.md5.empty()) {
    json["md5Hash"] = object.md5;  // Cloud Storage gives none for composed objects
  }
  return json;
}

http::Response StorageApi::InsertBucket(http::Request& request) {
  const Json body = BodyOf(request);
  Bucket bucket;
  bucket.name = StringField(body, "name");
  bucket.location = StringField(body, "location");
  bucket.storage_class = StringField(body, "storageClass");
  bucket.project = request.Query("project");
  if (body.contains("labels")) bucket.labels = FromJson<Bucket>({{"labels", body["labels"]}}).labels;
  return http::Response::Json(BucketJson(objects_.CreateBucket(bucket)).dump());
}

http::Response StorageApi::ListBuckets(http::Request& request) {
  const std::string prefix = request.Query("prefix");
  Json items = Json::array();
  for (const Bucket& bucket : objects_.ListBuckets(request.Query("project"))) {
    if (bucket.name.compare(0, prefix.size(), prefix) == 0) items.push_back(BucketJson(bucket));
  }
  return http::Response::Json(Json({{"kind", "storage#buckets"}, {"items", std::move(items)}}).dump());
}

http::Response StorageApi::GetBucket(http::Request& request) {
  return http::Response::Json(BucketJson(objects_.GetBucket(request.path_params.at("bucket"))).dump());
}

http::Response StorageApi::PatchBucket(http::Request& request) {
  const Json body = BodyOf(request);
  Bucket bucket = objects_.GetBucket(request.path_params.at("bucket"));
  if (body.contains("labels")) {
    Json labels = bucket.labels;
    labels.merge_patch(body["labels"]);
    bucket = objects_.PatchBucket(bucket.name, FromJson<Bucket>({{"labels", labels}}).labels);
  }
  return http::Response::Json(BucketJson(bucket).dump());
}

http::Response StorageApi::DeleteBucket(http::Request& request) {
  objects_.DeleteBucket(request.path_params.at("bucket"));
  return http::Response{.status = 204};
}

http::Response StorageApi::ListObjects(http::Request& request) {
  ObjectQuery query;
  query.bucket = request.path_params.at("bucket");
  query.prefix = request.Query("prefix");
  query.delimiter = request.Query("delimiter");
  query.start_offset = request.Query("startOffset");
  query.end_offset = request.Query("endOffset");
  query.page_token = request.Query("pageToken");
  const int64_t wanted = ParseInteger(request.Query("maxResults", "0"), "maxResults");
  if (wanted > 0) query.max_results = std::min<int64_t>(wanted, query.max_results);
  const ObjectPage page = objects_.List(query);
  Json json = {{"kind", "storage#objects"}};
  for (const Object& object : page.objects) json["items"].push_back(ObjectJson(object));
  if (!page.prefixes.empty()) json["prefixes"] = page.prefixes;
  if (!page.next_page_token.empty()) json["nextPageToken"] = page.next_page_token;
  return http::Response::Json(json.dump());
}

http::Response StorageApi::GetObject(http::Request& request) {
  const bool media = request.Query("alt") == "media" || request.target.rfind("/download/", 0) == 0;
  const Object object =
      objects_.Get(request.path_params.at("bucket"), request.path_params.at("object"), /*checksums=*/!media);
  const std::string generation = request.Query("generation");
  if (!generation.empty() && generation != std::to_string(object.generation)) {
    throw NotFound("No such object: ", object.bucket, "/", object.name, "#", generation);
  }
  if (media) return Download(request, object);
  return http::Response::Json(ObjectJson(object).dump());
}

// Bytes A-B, A- or the last N, as the Range field asks for them.
http::Response StorageApi::Download(const http::Request& request, const Object& object) {
  http::Response response;
  int64_t begin = 0;
  int64_t end = object.size;
  std::string_view range = request.headers.Get("Range");
  if (range.rfind("bytes=", 0) == 0 && range.find(',') == range.npos) {
    range.remove_prefix(6);
    const size_t dash = range.find('-');
    if (dash == range.npos) throw InvalidArgument("malformed Range: ", range);
    const std::string_view first = range.substr(0, dash);
    const std::string_view last = range.substr(dash + 1);
    if (first.empty()) {
      begin = std::max<int64_t>(0, object.size - ParseInteger(last, "Range"));
    } else {
      begin = ParseInteger(first, "Range");
      if (!last.empty()) end = std::min(object.size, ParseInteger(last, "Range") + 1);
    }
    if (begin >= object.size || begin >= end) {
      http::Response refused = http::ErrorResponse(http::StatusError(
          416, "The requested range cannot be satisfied: the object has " + std::to_string(object.size) + " bytes."));
      refused.headers.Add("Content-Range", "bytes */" + std::to_string(object.size));
      return refused;
    }
    response.status = 206;
    response.headers.Add("Content-Range", "bytes " + std::to_string(begin) + "-" + std::to_string(end - 1) + "/" +
                                              std::to_string(object.size));
  }
  const ObjectAttributes& attributes = object.attributes;
  response.headers.Add("Content-Type", attributes.content_type);
  if (!attributes.content_encoding.empty()) response.headers.Add("Content-Encoding", attributes.content_encoding);
  if (!attributes.cache_control.empty()) response.headers.Add("Cache-Control", attributes.cache_control);
  if (!attributes.content_disposition.empty()) {
    response.headers.Add("Content-Disposition", attributes.content_disposition);
  }
  response.headers.Add("X-Goog-Generation", std::to_string(object.generation));
  response.headers.Add("X-Goog-Metageneration", std::to_string(object.metageneration));
  response.headers.Add("X-Goog-Storage-Class", "STANDARD");
  if (!object.crc32c.empty()) response.headers.Add("X-Goog-Hash", "crc32c=" + object.crc32c);
  if (!object.md5.empty()) response.headers.Add("X-Goog-Hash", "md5=" + object.md5);
  response.headers.Add("Accept-Ranges", "bytes");
  if (end > begin)
    response.body_file = http::FileSlice{objects_.PathOf(object.bucket, object.name), begin, end - begin};
  return response;
}

http::Response StorageApi::PatchObject(http::Request& request) {
  return http::Response::Json(
      ObjectJson(objects_.Patch(request.path_params.at("bucket"), request.path_params.at("object"), BodyOf(request),
                                PreconditionsOf(request)))
          .dump());
}

http::Response StorageApi::DeleteObject(http::Request& request) {
  objects_.Delete(request.path_params.at("bucket"), request.path_params.at("object"), PreconditionsOf(request));
  return http::Response{.status = 204};
}

Object StorageApi::CopyFrom(http::Request& request) {
  const auto& params = request.path_params;
  const Object source = objects_.Get(params.at("sourceBucket"), params.at("sourceObject"));
  const Json body = BodyOf(request);
  ObjectAttributes attributes = source.attributes;
  if (body.contains("contentType") || body.contains("metadata")) attributes = AttributesOf(body);
  return objects_.Write(params.at("destinationBucket"), params.at("destinationObject"), attributes,
                        {{objects_.PathOf(source.bucket, source.name), 0, source.size}}, PreconditionsOf(request));
}

http::Response StorageApi::CopyObject(http::Request& request) {
  return http::Response::Json(ObjectJson(CopyFrom(request)).dump());
}

http::Response StorageApi::RewriteObject(http::Request& request) {
  const Object object = CopyFrom(request);
  return http::Response::Json(Json({{"kind", "storage#rewriteResponse"},
                                    {"totalBytesRewritten", std::to_string(object.size)},
                                    {"objectSize", std::to_string(object.size)},
                                    {"done", true},
                                    {"resource", ObjectJson(object)}})
                                  .dump());
}

http::Response StorageApi::ComposeObject(http::Request& request) {
  const std::string bucket = request.path_params.at("bucket");
  const Json body = BodyOf(request);
  const Json sources = body.value("sourceObjects", Json::array());
  constexpr size_t kMostSources = 32;
  if (!sources.is_array() || sources.empty() || sources.size() > kMostSources) {
    throw InvalidArgument("expected 1 to ", kMostSources, " sourceObjects");
  }
  std::vector<http::FileSlice> slices;
  for (const Json& source : sources) {
    if (!source.is_object()) throw InvalidArgument("expected objects in sourceObjects");
    const Object object = objects_.Get(bucket, StringField(source, "name"));
    slices.push_back({objects_.PathOf(bucket, object.name), 0, object.size});
  }
  const ObjectAttributes attributes = AttributesOf(body.value("destination", Json::object()));
  return http::Response::Json(
      ObjectJson(objects_.Write(bucket, request.path_params.at("object"), attributes, slices, PreconditionsOf(request)))
          .dump());
}

void StorageApi::AddRoutes(http::Router* router) {
  using Member = http::Response (StorageApi::*)(http::Request&);
  const auto add = [&](const char* verb, const std::string& path, Member member,
                       http::Body body = http::Body::kMemory) {
    router->Add(http::Route::Sync(
        verb, path, [this, member](http::Request& r) { return (this->*member)(r); }, body));
  };
  const std::string buckets = "/storage/v1/b";
  const std::string bucket = buckets + "/{bucket}";
  const std::string object = bucket + "/o/{object}";
  add("POST", buckets, &StorageApi::InsertBucket);
  add("GET", buckets, &StorageApi::ListBuckets);
  add("GET", bucket, &StorageApi::GetBucket);
  add("PATCH", bucket, &StorageApi::PatchBucket);
  add("DELETE", bucket, &StorageApi::DeleteBucket);
  add("GET", bucket + "/o", &StorageApi::ListObjects);
  add("GET", object, &StorageApi::GetObject);
  add("GET", "/download" + object, &StorageApi::GetObject);
  add("PATCH", object, &StorageApi::PatchObject);
  add("DELETE", object, &StorageApi::DeleteObject);
  const std::string source = buckets + "/{sourceBucket}/o/{sourceObject}/";
  const std::string destination = "/b/{destinationBucket}/o/{destinationObject}";
  add("POST", source + "copyTo" + destination, &StorageApi::CopyObject);
  add("POST", source + "rewriteTo" + destination, &StorageApi::RewriteObject);
  add("POST", object + "/compose", &StorageApi::ComposeObject);
  for (const char* root : {"/upload", "/resumable/upload"}) {
    add("POST", root + bucket + "/o", &StorageApi::Upload, http::Body::kFile);
    add("PUT", root + bucket + "/o", &StorageApi::ContinueUpload, http::Body::kFile);
  }
}

}  // namespace headrace::engine
