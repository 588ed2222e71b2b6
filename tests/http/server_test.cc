// The server and both clients against each other, and the server against raw bytes.
#include "http/server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "http/client.h"

namespace headrace::http {
namespace {

class ServerTest : public testing::Test {
 protected:
  ServerTest() { std::filesystem::create_directories(dir_); }
  ~ServerTest() override {
    server_.reset();
    std::filesystem::remove_all(dir_);
  }

  void Serve(Router router, ServerOptions options = {}) {
    options.spool_dir = dir_;
    server_ = std::make_unique<Server>(std::move(router), std::move(options));
    endpoint_ = server_->Listen({.host = "127.0.0.1", .port = 0});
    unix_ = server_->Listen({.unix_path = dir_ + "/s"});
    server_->Start();
  }

  static Router Echo() {
    Router router;
    router.Add(Route::Sync("POST", "/echo", [](Request& request) { return Response::Json(request.body); }));
    router.Add(Route::Sync("GET", "/fail", [](Request&) -> Response { throw NotFound("no \"such\" thing"); }));
    router.Add(Route::Sync(
        "POST", "/size",
        [](Request& request) {
          return Response::Json(std::to_string(request.body_file->length) + request.body_file->path);
        },
        Body::kFile));
    return router;
  }

  static Request Post(const std::string& target, std::string body) {
    Request request;
    request.method = "POST";
    request.target = target;
    request.body = std::move(body);
    return request;
  }

  static Request Get(const std::string& target) {
    Request request;
    request.target = target;
    return request;
  }

  // Writes `bytes` to a fresh connection and returns all that comes back until the server closes.
  std::string Raw(const std::string& bytes) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(static_cast<uint16_t>(endpoint_.port))};
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    std::string out;
    char piece[4096];
    for (ssize_t n; (n = ::read(fd, piece, sizeof(piece))) > 0;) out.append(piece, static_cast<size_t>(n));
    ::close(fd);
    return out;
  }

  std::string dir_ = testing::TempDir() + "http." + std::to_string(::getpid());
  std::unique_ptr<Server> server_;
  Endpoint endpoint_, unix_;
};

TEST_F(ServerTest, AnswersManyRequestsOnOneConnection) {
  Serve(Echo());
  Client client(endpoint_);
  for (int i = 0; i < 100; ++i) {
    const std::string body(static_cast<size_t>(i * 997), 'x');
    const Response response = client.Send(Post("/echo", body));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, body);
  }
}

TEST_F(ServerTest, ServesUnixSockets) {
  Serve(Echo());
  EXPECT_EQ(Client(unix_).Send(Post("/echo", "hello")).body, "hello");
}

TEST_F(ServerTest, AnswersErrorsInGooglesForm) {
  Serve(Echo());
  Client client(endpoint_);
  const Response response = client.Send(Get("/fail"));
  EXPECT_EQ(response.status, 404);
  const Error error = ErrorOf(response);
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_STREQ(error.what(), "no \"such\" thing");
  EXPECT_EQ(client.Send(Get("/nowhere")).status, 404);
  EXPECT_EQ(client.Send(Post("/fail", "x")).status, 501);
}

TEST_F(ServerTest, RefusesBeforeReadingTheBody) {
  ServerOptions options;
  options.admit = [](const Request& request) {
    if (request.headers.Get("authorization") != "Bearer t") throw Unauthenticated("no token");
  };
  Serve(Echo(), std::move(options));
  Client client(endpoint_);
  Request request = Post("/echo", std::string(8 << 20, 'x'));
  EXPECT_EQ(client.Send(request).status, 401);
  request.headers.Add("Authorization", "Bearer t");
  EXPECT_EQ(client.Send(request).body.size(), size_t{8} << 20);
}

TEST_F(ServerTest, BoundsBodiesInMemory) {
  ServerOptions options;
  options.max_body_bytes = 1000;
  Serve(Echo(), std::move(options));
  Client client(endpoint_);
  EXPECT_EQ(client.Send(Post("/echo", std::string(1001, 'x'))).status, 413);
  EXPECT_EQ(client.Send(Post("/echo", std::string(1000, 'x'))).status, 200);
}

TEST_F(ServerTest, SpoolsUploadsAndRemovesTheFile) {
  Serve(Echo());
  Client client(endpoint_);
  const std::string body = client.Send(Post("/size", std::string(3000000, 'x'))).body;
  ASSERT_EQ(body.substr(0, 7), "3000000");
  for (int i = 0; i < 100 && std::filesystem::exists(body.substr(7)); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(std::filesystem::exists(body.substr(7)));
  EXPECT_EQ(client.Send(Post("/size", "")).body.substr(0, 2), "0/");
}

TEST_F(ServerTest, StreamsFilesBothWays) {
  const std::string path = dir_ + "/data";
  std::string content;
  for (int i = 0; i < 400000; ++i) content += std::to_string(i);
  std::ofstream(path) << content;
  Router router;
  router.Add(Route::Sync("GET", "/slice", [&](Request&) {
    Response response;
    response.body_file = FileSlice{path, 10, static_cast<int64_t>(content.size()) - 20};
    return response;
  }));
  router.Add(Route::Sync("POST", "/echo", [](Request& request) { return Response::Json(request.body); }));
  Serve(std::move(router));
  Client client(endpoint_);
  std::string got;
  const Response response = client.Send(Get("/slice"), [&](std::string_view piece) { got += piece; });
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(got, content.substr(10, content.size() - 20));
  Request upload = Post("/echo", "");
  upload.body_file = FileSlice{path, 5, 1000000};
  EXPECT_EQ(client.Send(upload).body, content.substr(5, 1000000));
  Request head = Get("/slice");
  head.method = "HEAD";
  const Response size = client.Send(head);
  EXPECT_EQ(size.headers.Get("content-length"), std::to_string(content.size() - 20));
  EXPECT_EQ(client.Send(Get("/slice")).body.size(), content.size() - 20);
}

TEST_F(ServerTest, ReconnectsWhenTheServerDroppedTheConnection) {
  Serve(Echo());
  const Endpoint fixed = endpoint_;
  Client client(fixed);
  EXPECT_EQ(client.Send(Post("/echo", "1")).body, "1");
  server_.reset();
  EXPECT_THROW(client.Send(Post("/echo", "2")), Error);
  server_ = std::make_unique<Server>(Echo(), ServerOptions{});
  server_->Listen(fixed);
  server_->Start();
  EXPECT_EQ(client.Send(Post("/echo", "3")).body, "3");
}

TEST_F(ServerTest, AnswersMalformedRequests) {
  Serve(Echo());
  EXPECT_EQ(Raw("nonsense\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(Raw("GET /fail HTTP/1.1\r\nX: " + std::string(100000, 'x') + "\r\n\r\n").substr(0, 12), "HTTP/1.1 400");
  EXPECT_EQ(Raw("POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi").substr(0, 12), "HTTP/1.1 200");
}

TEST_F(ServerTest, UnderstandsChunkedBodiesAndExpect) {
  Serve(Echo());
  const std::string chunked = Raw(
      "POST /echo HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(chunked.substr(chunked.size() - 5), "abcde");
  const std::string expect =
      Raw("POST /echo HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(expect.substr(0, 25), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_F(ServerTest, SlowHandlersDoNotHoldUpOthers) {
  Router router = Echo();
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  router.Add(Route::Sync("GET", "/slow", [released](Request&) {
    released.wait();
    return Response::Json("late");
  }));
  Serve(std::move(router));
  auto slow = std::async(std::launch::async, [&] { return Client(endpoint_).Send(Get("/slow")).body; });
  EXPECT_EQ(Client(endpoint_).Send(Post("/echo", "quick")).body, "quick");
  release.set_value();
  EXPECT_EQ(slow.get(), "late");
}

TEST_F(ServerTest, StopLetsARequestInProgressFinish) {
  Router router;
  std::promise<void> entered;
  router.Add(Route::Sync("GET", "/slow", [&](Request&) {
    entered.set_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return Response::Json("done");
  }));
  Serve(std::move(router));
  Client idle(endpoint_);
  auto slow = std::async(std::launch::async, [&] { return Client(endpoint_).Send(Get("/slow")).body; });
  entered.get_future().wait();
  server_->Stop();
  EXPECT_EQ(slow.get(), "done");
}

TEST_F(ServerTest, ProxiesThroughTheAsyncClient) {
  Serve(Echo());
  Router front;
  auto client = std::make_shared<std::unique_ptr<AsyncClient>>();
  front.Add({"POST", "/proxy",
             [client](Request request, Reply reply) {
               request.target = "/echo";
               Request forward;
               forward.method = "POST";
               forward.target = "/echo";
               forward.body = std::move(request.body);
               (*client)->Send(std::move(forward), std::chrono::seconds(5), std::move(reply));
             },
             Run::kInline});
  Server proxy(std::move(front), {.io_threads = 2});
  *client = std::make_unique<AsyncClient>(proxy, unix_);
  const Endpoint endpoint = proxy.Listen({.host = "127.0.0.1", .port = 0});
  proxy.Start();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Client caller(endpoint);
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(t * 1000 + i);
        if (caller.Send(Post("/proxy", body)).body == body) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 800);
  server_->Stop();
  EXPECT_EQ(Client(endpoint).Send(Post("/proxy", "x")).status, 503);
  proxy.Stop();
  client->reset();  // before the server whose threads it used
}

TEST_F(ServerTest, ClientGivesUpOnASilentServer) {
  Router router;
  router.Add({"GET", "/never", [](Request, const Reply& reply) {
                static std::vector<Reply> kept;
                kept.push_back(reply);
              }});
  Serve(std::move(router));
  Client client(endpoint_, std::chrono::milliseconds(100));
  try {
    client.Send(Get("/never"));
    FAIL() << "expected DeadlineExceeded";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kDeadlineExceeded);
  }
  server_->Stop(std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace headrace::http
