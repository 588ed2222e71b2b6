// What a server reads from the wire: a connection's bytes, sent to a running server, and by themselves the parts that
// are our own code: targets and routes, queries, URLs, the errors in responses.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "fuzz.h"
#include "http/router.h"
#include "http/server.h"
#include "http/url.h"

namespace headrace::fuzz {
namespace {

http::Router Routes() {
  http::Router router;
  const auto echo = [](http::Request& request) {
    std::string text = request.body + request.Query("q");
    for (const auto& [name, value] : request.path_params) text += name + "=" + value;
    return http::Response::Json(text);
  };
  router.Add(http::Route::Sync("POST", "/v1/{name=projects/*/models/*}:predict", echo));
  router.Add(http::Route::Sync("GET", "/v1/{name=projects/*}/jobs/{job}", echo));
  router.Add(http::Route::Sync("GET", "/storage/{bucket}/{object=**}", echo));
  router.Add(http::Route::Sync("PUT", "/upload/{object=**}", echo, http::Body::kFile));
  return router;
}

// A server on a socket without a place in the file system that would outlive the process.
class LiveServer {
 public:
  LiveServer()
      : path_("/tmp/headrace_http_fuzz_" + std::to_string(::getpid())), server_(Routes(), {.worker_threads = 1}) {
    http::Endpoint endpoint;
    endpoint.unix_path = path_;
    server_.Listen(endpoint);
    server_.Start();
  }
  // The whole conversation, until the server closes.
  void Talk(std::string_view bytes) const {
    const int connection = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{.sun_family = AF_UNIX};
    std::strncpy(address.sun_path, path_.c_str(), sizeof(address.sun_path) - 1);
    if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) Fail("no connection");
    while (!bytes.empty()) {
      const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    ::shutdown(connection, SHUT_WR);
    char answer[4096];
    while (::read(connection, answer, sizeof(answer)) > 0) {
    }
    ::close(connection);
  }

 private:
  std::string path_;
  http::Server server_;
};

}  // namespace

std::vector<std::string> Seeds() {
  return {"POST /v1/projects/p/models/m:predict?q=a%20b&x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
          "GET /storage/b/a%2Fb/c?q=+ HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/projects/p/jobs/j HTTP/1.0\r\n\r\n",
          "PUT /upload/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          "http://host:80/path",
          "unix:/tmp/socket",
          R"({"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}})"};
}

}  // namespace headrace::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headrace;
  const std::string text(fuzz::View(data, size));
  static const http::Router router = fuzz::Routes();
  for (const char* method : {"GET", "POST", "PUT"}) {
    http::Request request{.method = method, .target = text};
    fuzz::Succeeds([&] { router.Match(request); });
  }
  fuzz::Succeeds([&] { http::Endpoint::Parse(text); });
  fuzz::Succeeds([&] { http::ErrorOf({.status = 404, .body = text}); });
  if (http::PercentDecode(http::PercentEncode(text)) != text) fuzz::Fail("percent-encoding is not undone");
  fuzz::Succeeds([&] {
    const auto query = http::ParseQuery(text);
    if (http::ParseQuery(http::FormatQuery(query)) != query) fuzz::Fail("a query changes when written and read");
  });
  static const auto* const server = new fuzz::LiveServer;
  server->Talk(text);
  return 0;
}
