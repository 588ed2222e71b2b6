// HTTP/1.1 clients with kept-alive connections: a blocking one for commands and tests, and an asynchronous one that
// shares a server's I/O threads (the engine proxies predictions through it).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"
#include "http/server.h"
#include "http/url.h"

namespace headrace::http {

// One connection, opened when first needed and reopened when the server closed it. For one thread at a time.
class Client {
 public:
  explicit Client(Endpoint endpoint, std::chrono::milliseconds timeout = std::chrono::minutes(5));
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  // Any status is a response; throws Unavailable when the server can't be reached or breaks off, DeadlineExceeded when
  // it is silent for longer than the timeout. The Host, Content-Length and Connection fields are added.
  Response Send(const Request& request);

  // As Send, but a body of status < 300 is passed to `sink` piece by piece and left out of the response.
  Response Send(const Request& request, const std::function<void(std::string_view)>& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A pool of connections to one endpoint on the I/O threads of `server`, which must outlive it. Thread-safe.
class AsyncClient {
 public:
  AsyncClient(Server& server, Endpoint endpoint);
  ~AsyncClient();

  // Calls `done` once on an I/O thread: with the response, or with status 503 and Google's error body when the endpoint
  // can't be reached or breaks off, 504 after `timeout`. A request that failed on a reused connection before any byte
  // of an answer is sent again on a new one.
  void Send(Request request, std::chrono::milliseconds timeout, std::function<void(Response)> done);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headrace::http
