// Routes: a method and a path template in the form of google.api.http, and what is to run for it.
//
// A template is segments between slashes. `*` matches one segment, `**` the rest of the path (at least one segment, at
// the end only), `{name}` one segment, `{name=projects/*/models/*}` the segments of its pattern; `:verb` may follow the
// last segment. Segments are matched as they came, then percent-decoded, so "a%2Fb" is one segment with a slash inside.
// Routes are tried in the order they were added.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace headrace::http {

// Answers a request; to be called once, from any thread.
using Reply = std::function<void(Response)>;

// May throw headrace::Error before it replies: the server answers with ErrorResponse.
using AsyncHandler = std::function<void(Request request, Reply reply)>;
using Handler = std::function<Response(Request& request)>;

// Where a handler runs: on a worker thread (it may block), or on the I/O thread that read the request (it must not).
enum class Run { kWorker, kInline };

// How the request's body arrives: in memory (bounded), or spooled to a file for uploads of any size.
enum class Body { kMemory, kFile };

struct Route {
  std::string method;
  std::string path;
  AsyncHandler handler;
  Run run = Run::kWorker;
  Body body = Body::kMemory;

  static Route Sync(std::string method, std::string path, Handler handler, Body body = Body::kMemory);
};

class Router {
 public:
  Router();
  ~Router();
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;

  // Throws InvalidArgument on a malformed template.
  void Add(Route route);

  // The first route that matches, with request.path_params and request.query filled. Throws NotFound when no route has
  // the path, Unimplemented (405 is not a canonical code) when one has it under another method only.
  const Route& Match(Request& request) const;

 private:
  struct Compiled;
  std::vector<std::unique_ptr<Compiled>> routes_;
};

}  // namespace headrace::http
