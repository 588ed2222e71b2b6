// The blocking client: asynchronous steps on a private event loop, each waited for with the timeout.
#include "http/client.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "http/io.h"

namespace headrace::http {
namespace {

constexpr size_t kPiece = 256 << 10;

// The server went away before a byte of its answer: on a kept-alive connection the request may be sent again.
struct Stale {};

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw NotFound("can't read ", path, ": ", std::strerror(errno));
  }
  ~OpenFile() { ::close(fd_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

struct Client::State {
  State(Endpoint e, std::chrono::milliseconds t) : endpoint(std::move(e)), timeout(t), socket(io) {}

  Endpoint endpoint;
  std::chrono::milliseconds timeout;
  asio::io_context io;
  Socket socket;
  beast::flat_buffer buffer;

  // Starts an asynchronous step with `start(handler)` and waits for its end.
  template <class Start>
  ErrorCode Await(const Start& start) {
    std::optional<ErrorCode> result;
    start([&result](const ErrorCode& failed, auto...) { result = failed; });
    io.restart();
    io.run_for(timeout);
    if (!result) {
      ErrorCode ignored;
      socket.close(ignored);
      io.restart();
      io.run();
      throw DeadlineExceeded(endpoint.ToString(), " was silent for ", timeout.count(), " ms");
    }
    return *result;
  }

  void Connect() {
    const auto address = Resolve(endpoint);
    ErrorCode ignored;
    socket.close(ignored);
    buffer.clear();
    const ErrorCode failed = Await([&](auto done) { socket.async_connect(address, done); });
    if (failed) throw Unavailable("can't connect to ", endpoint.ToString(), ": ", failed.message());
    SetNoDelay(socket);
  }

  ErrorCode WriteAll(asio::const_buffer bytes) {
    return Await([&](auto done) { asio::async_write(socket, bytes, done); });
  }

  ErrorCode Write(const Request& request) {
    const std::string head = WireHead(request, endpoint);
    if (!request.body_file) {
      const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head), asio::buffer(request.body)};
      return Await([&](auto done) { asio::async_write(socket, buffers, done); });
    }
    ErrorCode failed = WriteAll(asio::buffer(head));
    const OpenFile file(request.body_file->path);
    std::string piece(kPiece, '\0');
    int64_t offset = request.body_file->offset;
    for (int64_t left = request.body_file->length; left > 0 && !failed;) {
      const ssize_t got = ::pread(file.get(), piece.data(), std::min<int64_t>(kPiece, left), offset);
      if (got <= 0) {
        ErrorCode ignored;
        socket.close(ignored);
        throw DataLoss("file ", request.body_file->path, " ended ", left, " bytes before the length to be sent");
      }
      failed = WriteAll(asio::buffer(piece.data(), static_cast<size_t>(got)));
      offset += got;
      left -= got;
    }
    return failed;
  }

  Response Read(const Request& request, const std::function<void(std::string_view)>& sink) {
    beast::http::response_parser<beast::http::buffer_body> parser;
    parser.body_limit(kNoLimit);
    if (request.method == "HEAD") parser.skip(true);
    ErrorCode failed = Await([&](auto done) { beast::http::async_read_header(socket, buffer, parser, done); });
    if (failed) {
      if (!parser.got_some()) throw Stale();
      throw Unavailable(endpoint.ToString(), " broke off inside its answer: ", failed.message());
    }
    Response response;
    response.status = parser.get().result_int();
    response.headers = FromFields(parser.get());
    const bool to_sink = sink && response.status < 300;
    std::string piece(to_sink ? kPiece : 16 << 10, '\0');
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      failed = Await([&](auto done) { beast::http::async_read(socket, buffer, parser, done); });
      if (failed && failed != beast::http::error::need_buffer) {
        throw Unavailable(endpoint.ToString(), " broke off inside its answer: ", failed.message());
      }
      const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
      if (to_sink) {
        sink(got);
      } else {
        response.body += got;
      }
    }
    if (!parser.keep_alive()) {
      ErrorCode ignored;
      socket.close(ignored);
    }
    return response;
  }
};

Client::Client(Endpoint endpoint, std::chrono::milliseconds timeout)
    : state_(std::make_unique<State>(std::move(endpoint), timeout)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Response Client::Send(const Request& request) {
  return Send(request, nullptr);
}

Response Client::Send(const Request& request, const std::function<void(std::string_view)>& sink) {
  const bool reused = state_->socket.is_open();
  if (!reused) state_->Connect();
  for (bool again = reused;; again = false) {
    try {
      // A server that refuses answers without reading the body: its answer is worth more than our failed write.
      const ErrorCode write_failed = state_->Write(request);
      if (write_failed && request.body.empty() && !request.body_file) throw Stale();
      return state_->Read(request, sink);
    } catch (const Stale&) {
      if (!again) {
        ErrorCode ignored;
        state_->socket.close(ignored);
        throw Unavailable(state_->endpoint.ToString(), " closed the connection without an answer");
      }
      state_->Connect();
    } catch (...) {
      ErrorCode ignored;
      state_->socket.close(ignored);
      throw;
    }
  }
}

}  // namespace headrace::http
