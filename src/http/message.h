// What travels over HTTP: header fields, a request and a response, as plain values without a trace of the wire library.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/error.h"

namespace headrace::http {

// Header fields in order of arrival; names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  // The first field of that name, or "" when there is none.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;
  // Replaces every field of that name by this one.
  void Set(std::string_view name, std::string_view value);
  void Add(std::string_view name, std::string_view value) { fields_.emplace_back(name, value); }

  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// Part of a file as a body; it is streamed, never read into memory as a whole.
struct FileSlice {
  std::string path;
  int64_t offset = 0;
  int64_t length = 0;
};

struct Request {
  std::string method = "GET";
  // The request target as on the wire, percent-encoded: "/v1/projects/p/jobs?pageSize=10".
  std::string target = "/";
  Headers headers;
  std::string body;
  // In a server: the file an upload was spooled to (routes with Body::kFile), with `body` empty. The handler may rename
  // it away; what is still there after the reply is removed. In a client: sent as the body when set.
  std::optional<FileSlice> body_file;

  // Filled by the server and the router: variables of the path template and the decoded query.
  std::map<std::string, std::string> path_params;
  std::multimap<std::string, std::string> query;

  // The first query parameter of that name, or `otherwise`.
  std::string Query(const std::string& name, const std::string& otherwise = "") const;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  std::optional<FileSlice> body_file;  // sent in place of `body` when set

  static Response Json(std::string body, int status = 200);
};

// The HTTP status that Google's APIs give a canonical code (NOT_FOUND -> 404), and the code nearest to a status.
int StatusOf(Code code);
Code CodeOf(int status);

// An error whose HTTP status is not the one of its code: 412, or 409 for a bucket that isn't empty.
class StatusError : public Error {
 public:
  StatusError(int status, const std::string& message) : Error(Code::kFailedPrecondition, message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

// {"error": {"code": 404, "message": "...", "status": "NOT_FOUND"}}
Response ErrorResponse(const Error& error);

// The error that a response of status >= 400 carries; its message is the body's error.message where there is one.
Error ErrorOf(const Response& response);

const char* ReasonPhrase(int status);

}  // namespace headrace::http
