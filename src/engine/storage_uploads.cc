// Uploads. Bodies have been spooled to a file when a method here begins. A resumable upload's session is two files in
// HOME/uploads, ID.json (what is to be made) and ID.data (the bytes so far), so it outlives the engine.
#include <fcntl.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "engine/storage_api.h"
#include "engine/storage_requests.h"
#include "headrace/file_system.h"
#include "http/url.h"

namespace headrace::engine {
namespace {

namespace fs = std::filesystem;

std::string ReadSlice(const std::string& path, int64_t offset, int64_t length) {
  const auto file = FileSystemFor(path).OpenForReading(path);
  std::string bytes(static_cast<size_t>(length), '\0');
  bytes.resize(file->Read(offset, bytes.data(), bytes.size()));
  return bytes;
}

// The value of boundary= in a Content-Type.
std::string BoundaryOf(std::string_view content_type) {
  const size_t at = content_type.find("boundary=");
  if (at == content_type.npos) throw InvalidArgument("no boundary in Content-Type: ", content_type);
  std::string_view boundary = content_type.substr(at + 9);
  boundary = boundary.substr(0, boundary.find(';'));
  while (!boundary.empty() && (boundary.front() == '"' || boundary.front() == '\'')) boundary.remove_prefix(1);
  while (!boundary.empty() && (boundary.back() == '"' || boundary.back() == '\'')) boundary.remove_suffix(1);
  return std::string(boundary);
}

struct Multipart {
  std::string metadata, content_type;
  http::FileSlice content;
};

// A multipart/related body: a JSON part, then the content, which is left where it is.
Multipart SplitMultipart(const http::FileSlice& body, const std::string& boundary) {
  constexpr int64_t kMostMetadata = 1 << 20;
  const std::string delimiter = "--" + boundary;
  const std::string head = ReadSlice(body.path, 0, std::min(body.length, kMostMetadata));
  const auto malformed = [](const char* what) { return InvalidArgument("malformed multipart upload: ", what); };
  const size_t first = head.find(delimiter);
  const size_t second = first == head.npos ? head.npos : head.find("\n" + delimiter, first + delimiter.size());
  if (second == head.npos) throw malformed("expected two parts");
  // The blank line behind a part's fields, with either line ending.
  const auto content_begin = [&](size_t from) {
    const size_t unix_end = head.find("\n\n", from);
    const size_t wire_end = head.find("\r\n\r\n", from);
    if (unix_end == head.npos && wire_end == head.npos) throw malformed("no end of a part's header");
    return wire_end < unix_end ? wire_end + 4 : unix_end + 2;
  };
  Multipart parts;
  const size_t metadata = content_begin(first);
  if (metadata > second) throw malformed("no end of the first part's header");
  parts.metadata = head.substr(metadata, second - metadata);
  const size_t content = content_begin(second + 1);
  const std::string fields = head.substr(second + 1, content - second - 1);
  for (size_t at = 0; at < fields.size();) {
    const size_t end = std::min(fields.find('\n', at), fields.size());
    const std::string line = fields.substr(at, end - at);
    if (::strncasecmp(line.c_str(), "content-type:", 13) == 0) {
      const size_t value = line.find_first_not_of(' ', 13);
      if (value != line.npos) parts.content_type = line.substr(value, line.find_last_not_of("\r ") + 1 - value);
    }
    at = end + 1;
  }
  const int64_t tail_length = std::min<int64_t>(body.length, static_cast<int64_t>(delimiter.size()) + 64);
  const std::string tail = ReadSlice(body.path, body.length - tail_length, tail_length);
  const size_t closing = tail.rfind("\n" + delimiter + "--");
  if (closing == tail.npos) throw malformed("no closing boundary");
  int64_t end = body.length - tail_length + static_cast<int64_t>(closing);
  if (closing > 0 && tail[closing - 1] == '\r') --end;
  if (end < static_cast<int64_t>(content)) throw malformed("its parts overlap");
  parts.content = {body.path, static_cast<int64_t>(content), end - static_cast<int64_t>(content)};
  return parts;
}

// What a resumable upload is to make.
struct Session {
  std::string bucket, name;
  ObjectAttributes attributes;
  Json preconditions;  // query parameters
  template <class Visitor>
  void Fields(Visitor& v) {
    v("bucket", bucket);
    v("name", name);
    v("attributes", attributes);
    v("preconditions", preconditions);
  }
};

std::string NewUploadId() {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) throw Internal("no random bytes");
  static constexpr char kHex[] = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) {
    id += kHex[byte >> 4];
    id += kHex[byte & 15];
  }
  return id;
}

struct ContentRange {
  std::optional<int64_t> begin, end, total;  // end is inclusive
};

// "bytes 0-99/200", "bytes 0-99/*", "bytes */200", "bytes */*".
ContentRange ParseContentRange(std::string_view text) {
  const std::string_view whole = text;
  const size_t slash = text.find('/');
  if (text.rfind("bytes ", 0) != 0 || slash == text.npos) throw InvalidArgument("malformed Content-Range: ", whole);
  ContentRange range;
  const std::string_view total = text.substr(slash + 1);
  if (total != "*") range.total = ParseInteger(total, "Content-Range");
  const std::string_view span = text.substr(6, slash - 6);
  if (span == "*") return range;
  const size_t dash = span.find('-');
  if (dash == span.npos) throw InvalidArgument("malformed Content-Range: ", whole);
  range.begin = ParseInteger(span.substr(0, dash), "Content-Range");
  range.end = ParseInteger(span.substr(dash + 1), "Content-Range");
  return range;
}

void AppendFile(const std::string& from, int64_t skip, const std::string& to) {
  const auto source = FileSystemFor(from).OpenForReading(from);
  const auto target = FileSystemFor(to).OpenForWriting(to, /*append=*/true);
  std::string block(1 << 20, '\0');
  for (int64_t offset = skip;;) {
    const size_t got = source->Read(offset, block.data(), block.size());
    if (got == 0) break;
    target->Append({block.data(), got});
    offset += static_cast<int64_t>(got);
  }
  target->Sync();
  target->Close();
}

http::Response ResumeIncomplete(int64_t received) {
  http::Response response;
  response.status = 308;
  if (received > 0) response.headers.Add("Range", "bytes=0-" + std::to_string(received - 1));
  return response;
}

}  // namespace

http::Response StorageApi::Upload(http::Request& request) {
  const std::string type = request.Query("uploadType", "media");
  if (type == "resumable") return StartResumable(request);
  if (type == "multipart") return MultipartUpload(request);
  if (type != "media") throw InvalidArgument("expected uploadType media, multipart or resumable, got '", type, "'");
  ObjectAttributes attributes;
  attributes.content_type = request.headers.Get("Content-Type");
  attributes.content_encoding = request.Query("contentEncoding");
  return http::Response::Json(ObjectJson(objects_.Write(request.path_params.at("bucket"), request.Query("name"),
                                                        attributes, {*request.body_file}, PreconditionsOf(request)))
                                  .dump());
}

http::Response StorageApi::MultipartUpload(http::Request& request) {
  const Multipart parts = SplitMultipart(*request.body_file, BoundaryOf(request.headers.Get("Content-Type")));
  const Json metadata = Json::parse(parts.metadata, nullptr, false);
  if (!metadata.is_object()) throw InvalidArgument("expected a JSON object as the first part of a multipart upload");
  ObjectAttributes attributes = AttributesOf(metadata);
  if (attributes.content_type.empty()) attributes.content_type = parts.content_type;
  std::string name = StringField(metadata, "name");
  if (name.empty()) name = request.Query("name");
  return http::Response::Json(ObjectJson(objects_.Write(request.path_params.at("bucket"), name, attributes,
                                                        {parts.content}, PreconditionsOf(request)))
                                  .dump());
}

http::Response StorageApi::StartResumable(http::Request& request) {
  Session session;
  session.bucket = request.path_params.at("bucket");
  objects_.GetBucket(session.bucket);
  const std::string text = ReadSlice(request.body_file->path, 0, std::min<int64_t>(request.body_file->length, 1 << 20));
  const Json metadata = text.empty() ? Json::object() : Json::parse(text, nullptr, false);
  if (!metadata.is_object()) throw InvalidArgument("expected a JSON object as the body of a resumable upload's start");
  session.name = StringField(metadata, "name");
  if (session.name.empty()) session.name = request.Query("name");
  objects_.PathOf(session.bucket, session.name);  // checks the name
  session.attributes = AttributesOf(metadata);
  if (session.attributes.content_type.empty()) {
    session.attributes.content_type = request.headers.Get("X-Upload-Content-Type");
  }
  session.preconditions = Json::object();
  for (const auto& [name, value] : request.query) {
    if (name.rfind("if", 0) == 0) session.preconditions[name] = value;
  }
  const std::string id = NewUploadId();
  const std::string base = context_.Home("uploads/" + id);
  WriteFile(base + ".data", "");
  WriteFileAtomically(base + ".json", ToJson(session).dump());
  http::Response response;
  response.headers.Add("Location", base_url_ + "/upload/storage/v1/b/" + http::PercentEncode(session.bucket) +
                                       "/o?uploadType=resumable&upload_id=" + id);
  response.headers.Add("X-GUploader-UploadID", id);
  return response;
}

http::Response StorageApi::ContinueUpload(http::Request& request) {
  const std::string id = request.Query("upload_id");
  const std::string base = context_.Home("uploads/" + id);
  if (id.empty() || id.find_first_not_of("0123456789abcdef") != id.npos || !FileExists(base + ".json")) {
    throw NotFound("No such upload session: '", id, "'");
  }
  const Session session = FromJson<Session>(Json::parse(ReadFile(base + ".json")));
  const std::string data = base + ".data";
  const auto received = [&] { return static_cast<int64_t>(fs::file_size(data)); };
  ContentRange range;
  const std::string_view field = request.headers.Get("Content-Range");
  const int64_t length = request.body_file->length;
  if (field.empty()) {  // all in one piece
    range = {.begin = 0, .end = length - 1, .total = length};
  } else {
    range = ParseContentRange(field);
  }
  if (range.begin) {
    if (*range.end - *range.begin + 1 != length) {
      throw InvalidArgument("the body has ", length, " bytes, Content-Range says ", field);
    }
    // What came before an interruption may be sent again.
    if (*range.begin > received()) return ResumeIncomplete(received());
    const int64_t skip = received() - *range.begin;
    if (skip < length) AppendFile(request.body_file->path, skip, data);
  }
  if (!range.total || received() < *range.total) return ResumeIncomplete(received());
  http::Request start;
  for (const auto& [name, value] : session.preconditions.items()) start.query.emplace(name, value);
  const Object object =
      objects_.Write(session.bucket, session.name, session.attributes, {{data, 0, received()}}, PreconditionsOf(start));
  fs::remove(base + ".json");
  fs::remove(data);
  return http::Response::Json(ObjectJson(object).dump());
}

}  // namespace headrace::engine
