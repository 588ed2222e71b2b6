// The storage v1 calls, one function each.
#include "cli/storage_client.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "headrace/error.h"
#include "http/url.h"
#include "re2/re2.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

std::string BucketTarget(const std::string& bucket) {
  return "/storage/v1/b/" + http::PercentEncode(bucket);
}

std::string ObjectTarget(const Url& url) {
  return absl::StrCat(BucketTarget(url.bucket), "/o/", http::PercentEncode(url.object));
}

Object FromResource(const Json& resource) {
  Object object;
  object.bucket = resource.value("bucket", "");
  object.name = resource.value("name", "");
  if (resource.contains("size") && !absl::SimpleAtoi(ScalarText(resource["size"]), &object.size)) {
    throw DataLoss("the size of ", object.url().ToString(), " is not a number: ", resource["size"].dump());
  }
  object.updated = resource.value("updated", "");
  object.content_type = resource.value("contentType", "");
  object.md5 = resource.value("md5Hash", "");
  object.resource = resource;
  return object;
}

}  // namespace

Url Url::Parse(const std::string& text) {
  Url url;
  if (!absl::StartsWith(text, "gs://")) {
    if (absl::StartsWith(text, "file://")) {
      url.object = text.substr(7);
      return url;
    }
    const size_t scheme = text.find("://");
    if (scheme != std::string::npos) throw InvalidArgument("expected gs://BUCKET/OBJECT or a local path, got ", text);
    url.object = text;
    return url;
  }
  url.cloud = true;
  const std::string rest = text.substr(5);
  const size_t slash = rest.find('/');
  url.bucket = rest.substr(0, slash);
  if (slash != std::string::npos) url.object = rest.substr(slash + 1);
  if (url.bucket.empty() && !rest.empty()) throw InvalidArgument("expected a bucket's name behind gs:// in ", text);
  return url;
}

std::string Url::ToString() const {
  if (!cloud) return object;
  return absl::StrCat("gs://", bucket, object.empty() ? "" : "/", object);
}

Url Url::Child(const std::string& name) const {
  Url child = *this;
  if (!child.object.empty() && child.object.back() != '/') child.object += '/';
  child.object += name;
  return child;
}

Json StorageClient::CreateBucket(const std::string& project, const Json& bucket) {
  return client_.Post("/storage/v1/b?project=" + http::PercentEncode(project), bucket);
}

Json StorageClient::ListBuckets(const std::string& project) {
  return client_.List("/storage/v1/b?project=" + http::PercentEncode(project), "items");
}

Json StorageClient::GetBucket(const std::string& bucket) {
  return client_.Get(BucketTarget(bucket));
}

void StorageClient::DeleteBucket(const std::string& bucket) {
  client_.Delete(BucketTarget(bucket));
}

Object StorageClient::Get(const Url& url) {
  return FromResource(client_.Get(ObjectTarget(url)));
}

bool StorageClient::Exists(const Url& url) {
  try {
    Get(url);
    return true;
  } catch (const Error& error) {
    if (error.code() == Code::kNotFound) return false;
    throw;
  }
}

Listing StorageClient::List(const std::string& bucket, const std::string& prefix, bool by_directory) {
  Listing listing;
  std::string token;
  do {
    std::multimap<std::string, std::string> query = {{"prefix", prefix}};
    if (by_directory) query.emplace("delimiter", "/");
    if (!token.empty()) query.emplace("pageToken", token);
    const Json page = client_.Get(absl::StrCat(BucketTarget(bucket), "/o?", http::FormatQuery(query)));
    if (page.contains("items")) {
      for (const Json& item : page["items"]) listing.objects.push_back(FromResource(item));
    }
    if (page.contains("prefixes")) {
      for (const Json& item : page["prefixes"]) listing.prefixes.push_back(item.get<std::string>());
    }
    token = page.value("nextPageToken", "");
  } while (!token.empty());
  return listing;
}

void StorageClient::Delete(const Url& url) {
  client_.Delete(ObjectTarget(url));
}

Object StorageClient::Upload(const std::string& path, const Url& to) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) throw NotFound("cannot read ", path, ": ", error.message());
  const std::string target =
      absl::StrCat("/upload", BucketTarget(to.bucket), "/o?uploadType=media&name=", http::PercentEncode(to.object));
  return FromResource(client_.Upload(target, path, static_cast<int64_t>(size), GuessContentType(to.object)));
}

void StorageClient::Read(const Url& url, const std::string& range, const std::function<void(std::string_view)>& sink) {
  client_.Download(ObjectTarget(url) + "?alt=media", range, sink);
}

void StorageClient::Download(const Object& from, const std::string& path) {
  std::error_code error;
  if (fs::path(path).has_parent_path()) fs::create_directories(fs::path(path).parent_path(), error);
  const std::string part = absl::StrCat(path, ".part", getpid());
  std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(part.c_str(), "wb"), std::fclose);
  if (!file) throw Unavailable("cannot write ", part, ": ", std::strerror(errno));
  int64_t written = 0;
  try {
    Read(from.url(), "", [&](std::string_view piece) {
      if (std::fwrite(piece.data(), 1, piece.size(), file.get()) != piece.size()) {
        throw Unavailable("cannot write ", part, ": ", std::strerror(errno));
      }
      written += static_cast<int64_t>(piece.size());
    });
    if (std::fclose(file.release()) != 0) throw Unavailable("cannot write ", part, ": ", std::strerror(errno));
    if (written != from.size) {
      throw DataLoss("expected ", from.size, " bytes of ", from.url().ToString(), ", got ", written);
    }
  } catch (...) {
    fs::remove(part, error);
    throw;
  }
  fs::rename(part, path, error);
  if (error) throw Unavailable("cannot write ", path, ": ", error.message());
}

void StorageClient::Copy(const Url& from, const Url& to) {
  const std::string start = absl::StrCat(ObjectTarget(from), "/rewriteTo/b/", http::PercentEncode(to.bucket), "/o/",
                                         http::PercentEncode(to.object));
  std::string token;
  do {
    const Json answer = client_.Post(
        token.empty() ? start : absl::StrCat(start, "?rewriteToken=", http::PercentEncode(token)), Json::object());
    token = answer.value("done", true) ? "" : answer.value("rewriteToken", "");
  } while (!token.empty());
}

bool MatchesWildcard(const std::string& name, const std::string& pattern) {
  std::string expression;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '*' && i + 1 < pattern.size() && pattern[i + 1] == '*') {
      expression += ".*";
      ++i;
    } else if (c == '*') {
      expression += "[^/]*";
    } else if (c == '?') {
      expression += "[^/]";
    } else if (c == '[' && pattern.find(']', i) != std::string::npos) {
      const size_t close = pattern.find(']', i);
      std::string set = pattern.substr(i, close - i + 1);
      if (set.size() > 1 && set[1] == '!') set[1] = '^';
      expression += set;
      i = close;
    } else {
      expression += RE2::QuoteMeta(std::string(1, c));
    }
  }
  const RE2 matcher("(?s)" + expression, RE2::Quiet);
  if (!matcher.ok()) throw InvalidArgument("expected a wildcard pattern, got ", pattern, ": ", matcher.error());
  return RE2::FullMatch(name, matcher);
}

std::string GuessContentType(const std::string& name) {
  static constexpr std::array<std::pair<const char*, const char*>, 16> kTypes = {{
      {".csv", "text/csv"},
      {".txt", "text/plain"},
      {".json", "application/json"},
      {".py", "text/x-python"},
      {".html", "text/html"},
      {".css", "text/css"},
      {".js", "text/javascript"},
      {".md", "text/markdown"},
      {".gz", "application/gzip"},
      {".tar", "application/x-tar"},
      {".zip", "application/zip"},
      {".pdf", "application/pdf"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".xml", "application/xml"},
  }};
  for (const auto& [suffix, type] : kTypes) {
    if (absl::EndsWithIgnoreCase(name, suffix)) return type;
  }
  return "application/octet-stream";
}

std::string HumanSize(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double size = static_cast<double>(bytes);
  int unit = 0;
  while (size >= 1024 && unit < 5) {
    size /= 1024;
    ++unit;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.4g %s", size, kUnits[unit]);
}

}  // namespace headrace::cli
