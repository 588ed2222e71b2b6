// Header look-up, status codes and Google's error bodies.
#include "http/message.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace headrace::http {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](unsigned char x, unsigned char y) {
           return std::tolower(x) == std::tolower(y);
         });
}

struct StatusRow {
  Code code;
  int status;
};

// google.rpc.Code's own table; of the codes that share a status the first is what the status reads back as.
constexpr StatusRow kStatuses[] = {
    {Code::kOk, 200},
    {Code::kInvalidArgument, 400},
    {Code::kFailedPrecondition, 400},
    {Code::kOutOfRange, 400},
    {Code::kUnauthenticated, 401},
    {Code::kPermissionDenied, 403},
    {Code::kNotFound, 404},
    {Code::kAlreadyExists, 409},
    {Code::kAborted, 409},
    {Code::kResourceExhausted, 429},
    {Code::kCancelled, 499},
    {Code::kInternal, 500},
    {Code::kUnknown, 500},
    {Code::kDataLoss, 500},
    {Code::kUnimplemented, 501},
    {Code::kUnavailable, 503},
    {Code::kDeadlineExceeded, 504},
};

}  // namespace

std::string_view Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (SameName(key, name)) return value;
  }
  return {};
}

bool Headers::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const auto& field) { return SameName(field.first, name); });
}

void Headers::Set(std::string_view name, std::string_view value) {
  std::erase_if(fields_, [&](const auto& field) { return SameName(field.first, name); });
  Add(name, value);
}

std::string Request::Query(const std::string& name, const std::string& otherwise) const {
  auto found = query.find(name);
  return found == query.end() ? otherwise : found->second;
}

Response Response::Json(std::string body, int status) {
  Response response;
  response.status = status;
  response.headers.Add("Content-Type", "application/json; charset=UTF-8");
  response.body = std::move(body);
  return response;
}

int StatusOf(Code code) {
  for (const StatusRow& row : kStatuses) {
    if (row.code == code) return row.status;
  }
  return 500;
}

Code CodeOf(int status) {
  if (status < 300) return Code::kOk;
  for (const StatusRow& row : kStatuses) {
    if (row.status == status) return row.code;
  }
  if (status == 405) return Code::kUnimplemented;
  if (status == 412) return Code::kFailedPrecondition;
  if (status == 416) return Code::kOutOfRange;
  return status < 500 ? Code::kInvalidArgument : Code::kInternal;
}

Response ErrorResponse(const Error& error) {
  const auto* with_status = dynamic_cast<const StatusError*>(&error);
  const int status = with_status ? with_status->status() : StatusOf(error.code());
  // Messages may quote a caller's bytes: invalid UTF-8 is replaced, never a reason to fail again.
  const nlohmann::json body = {
      {"error", {{"code", status}, {"message", error.what()}, {"status", CodeName(error.code())}}}};
  return Response::Json(body.dump(2, ' ', false, nlohmann::json::error_handler_t::replace), status);
}

Error ErrorOf(const Response& response) {
  Code code = CodeOf(response.status);
  std::string message = response.body;
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  if (body.is_object() && body.contains("error") && body["error"].is_object()) {
    const auto& error = body["error"];
    if (error.contains("message") && error["message"].is_string()) message = error["message"];
    if (error.contains("status") && error["status"].is_string()) {
      for (const StatusRow& row : kStatuses) {
        if (error["status"] == CodeName(row.code)) code = row.code;
      }
    }
  }
  if (message.empty()) message = "HTTP status " + std::to_string(response.status);
  return {code, message};
}

const char* ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 308:
      return "Resume Incomplete";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Payload Too Large";
    case 416:
      return "Range Not Satisfiable";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

}  // namespace headrace::http
