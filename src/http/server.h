// An HTTP/1.1 server over TCP and unix sockets, asynchronous, with keep-alive. I/O threads read requests and write
// answers; handlers of Run::kInline are called there, the others on a pool of worker threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"
#include "http/router.h"
#include "http/url.h"

namespace headrace::http {

class Io;

struct ServerOptions {
  int io_threads = 1;
  int worker_threads = 8;
  int64_t max_body_bytes = 256 << 20;  // of a body held in memory; above it the answer is 413
  std::string spool_dir = "/tmp";      // where uploads (Body::kFile) are written
  // Called before the route's handler, on the I/O thread; throws to refuse (authorisation).
  std::function<void(const Request&)> admit;
};

class Server {
 public:
  Server(Router router, ServerOptions options);
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds and listens; port 0 takes a free one. A stale unix socket file is replaced. Returns the bound endpoint.
  // Throws Unavailable when the address is taken. May be called more than once, before Start.
  Endpoint Listen(const Endpoint& endpoint);

  // Serves on threads of its own until Stop.
  void Start();

  // Stops accepting, lets requests in progress finish for at most `grace`, then closes everything. Idempotent.
  void Stop(std::chrono::milliseconds grace = std::chrono::seconds(5));

  // Runs `task` on a worker thread after `delay`; dropped if the server has stopped by then (with Stop's grace over).
  void RunAfter(std::chrono::milliseconds delay, std::function<void()> task);

 private:
  friend class AsyncClient;
  friend class Connection;
  struct State;
  Io& io();
  std::shared_ptr<State> state_;
};

}  // namespace headrace::http
