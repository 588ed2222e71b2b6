// Addresses, and messages' heads as text: a head is composed by hand since that is the quick part of every answer.
#include "http/io.h"

#include <netinet/tcp.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace headrace::http {
namespace {

void AppendFields(const Headers& headers, std::string* out) {
  for (const auto& [name, value] : headers) {
    // A line break in a value would start a field of the caller's choice.
    if (value.find_first_of("\r\n") != value.npos) throw Internal("line break in the value of header ", name);
    *out += name;
    *out += ": ";
    *out += value;
    *out += "\r\n";
  }
}

}  // namespace

asio::generic::stream_protocol::endpoint Resolve(const Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) {
    if (endpoint.unix_path.size() > 107) {
      throw InvalidArgument("a unix socket's path has at most 107 bytes, got ", endpoint.unix_path.size(), ": ",
                            endpoint.unix_path);
    }
    return asio::local::stream_protocol::endpoint(endpoint.unix_path);
  }
  ErrorCode failed;
  const auto address = asio::ip::make_address(endpoint.host, failed);
  if (!failed) return asio::ip::tcp::endpoint(address, static_cast<uint16_t>(endpoint.port));
  asio::io_context context;
  asio::ip::tcp::resolver resolver(context);
  const auto found = resolver.resolve(endpoint.host, std::to_string(endpoint.port), failed);
  if (failed || found.empty()) throw Unavailable("can't resolve host '", endpoint.host, "': ", failed.message());
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

void SetNoDelay(Socket& socket) {
  const int one = 1;
  ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));  // refused by unix sockets
}

std::string WireHead(const Request& request, const Endpoint& endpoint) {
  std::string head;
  head.reserve(512);
  head += request.method;
  head += ' ';
  head += request.target;
  head += " HTTP/1.1\r\nHost: ";
  head += endpoint.unix_path.empty() ? endpoint.host + ":" + std::to_string(endpoint.port) : "localhost";
  head += "\r\n";
  AppendFields(request.headers, &head);
  const int64_t length = BodyLength(request);
  if (length > 0 || request.method != "GET") head += "Content-Length: " + std::to_string(length) + "\r\n";
  head += "\r\n";
  return head;
}

std::string WireHead(const Response& response, bool keep_alive) {
  std::string head;
  head.reserve(256);
  head += "HTTP/1.1 ";
  head += std::to_string(response.status);
  head += ' ';
  head += ReasonPhrase(response.status);
  head += "\r\n";
  AppendFields(response.headers, &head);
  if (response.status != 204 && response.status != 304) {
    head += "Content-Length: " + std::to_string(BodyLength(response)) + "\r\n";
  }
  head += keep_alive ? "\r\n" : "Connection: close\r\n\r\n";
  return head;
}

int64_t BodyLength(const Request& request) {
  return request.body_file ? request.body_file->length : static_cast<int64_t>(request.body.size());
}

int64_t BodyLength(const Response& response) {
  return response.body_file ? response.body_file->length : static_cast<int64_t>(response.body.size());
}

Headers FromFields(const beast::http::fields& fields) {
  Headers headers;
  for (const auto& field : fields) {
    headers.Add({field.name_string().data(), field.name_string().size()}, {field.value().data(), field.value().size()});
  }
  return headers;
}

}  // namespace headrace::http
