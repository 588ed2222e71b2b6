// The I/O threads' event loop and the wire forms of messages; shared by the server and the clients, not by anyone else,
// since it brings Asio and Beast with it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/http/fields.hpp>
#include <string>

#include "http/message.h"
#include "http/url.h"

namespace headrace::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using Socket = asio::generic::stream_protocol::socket;  // TCP or unix
using ErrorCode = boost::system::error_code;

// For a parser's body_limit: Beast 1.74 takes boost::none there for a limit of zero.
constexpr uint64_t kNoLimit = UINT64_MAX;

class Io {
 public:
  explicit Io(int threads) : context(threads == 1 ? 1 : threads), threads_(threads) {}

  // The executor of one connection: its handlers never run side by side.
  asio::any_io_executor NewExecutor() {
    if (threads_ == 1) return context.get_executor();
    return asio::make_strand(context);
  }

  asio::io_context context;

 private:
  int threads_;
};

// The address of an endpoint; names are resolved, blocking. Throws Unavailable.
asio::generic::stream_protocol::endpoint Resolve(const Endpoint& endpoint);

// Disables Nagle's algorithm where there is one.
void SetNoDelay(Socket& socket);

// "POST /x HTTP/1.1\r\n..." up to and with the empty line; Content-Length is added.
std::string WireHead(const Request& request, const Endpoint& endpoint);
std::string WireHead(const Response& response, bool keep_alive);

int64_t BodyLength(const Request& request);
int64_t BodyLength(const Response& response);

Headers FromFields(const beast::http::fields& fields);

}  // namespace headrace::http
