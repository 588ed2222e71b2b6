// A connection is a chain of asynchronous steps on its own executor: read the head, admit and route, read the body (to
// memory or to a spool file), call the handler, write the answer, and from the start again.
#include "http/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "http/io.h"

namespace headrace::http {
namespace {

constexpr size_t kPiece = 256 << 10;                // of a file body read or written at once
constexpr int64_t kDrainLimit = int64_t{64} << 20;  // of a refused request's body read before the connection closes

using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

}  // namespace

class Connection;

struct Server::State : std::enable_shared_from_this<Server::State> {
  State(Router r, ServerOptions o)
      : router(std::move(r)), options(std::move(o)), io(options.io_threads), workers(options.worker_threads) {}

  Router router;
  ServerOptions options;
  Io io;
  asio::thread_pool workers;
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::vector<std::string> socket_files;
  std::vector<std::thread> threads;
  std::atomic<bool> stopping{false};
  std::atomic<int64_t> spooled{0};
  bool stopped = false;

  std::mutex mutex;
  std::condition_variable quiet;  // signalled when `busy` falls to 0
  std::unordered_set<std::shared_ptr<Connection>> connections;
  int busy = 0;  // requests between their head and the end of their answer

  void Accept(Acceptor& acceptor);
  void BeginRequest() {
    std::lock_guard lock(mutex);
    ++busy;
  }
  void EndRequest() {
    std::lock_guard lock(mutex);
    if (--busy == 0) quiet.notify_all();
  }
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Server::State> server, Socket socket)
      : server_(std::move(server)), socket_(std::move(socket)) {}

  void ReadHead() {
    head_.emplace();
    head_->header_limit(64 << 10);
    head_->body_limit(kNoLimit);
    beast::http::async_read_header(socket_, buffer_, *head_,
                                   [self = shared_from_this()](ErrorCode failed, size_t) { self->OnHead(failed); });
  }

  // From any thread.
  void CloseWhenIdle() {
    asio::dispatch(socket_.get_executor(), [self = shared_from_this()] {
      if (!self->in_request_) self->Close();
    });
  }
  void CloseNow() {
    asio::dispatch(socket_.get_executor(), [self = shared_from_this()] { self->Close(); });
  }

 private:
  void OnHead(const ErrorCode& failed) {
    if (failed) {
      if (failed == beast::http::error::end_of_stream || !buffer_.size() || !socket_.is_open()) return Close();
      keep_alive_ = false;
      Begin();
      return Answer(ErrorResponse(InvalidArgument("malformed HTTP request: ", failed.message())));
    }
    Begin();
    const auto& message = head_->get();
    keep_alive_ = message.keep_alive();
    request_ = {};
    request_.method.assign(message.method_string().data(), message.method_string().size());
    request_.target.assign(message.target().data(), message.target().size());
    request_.headers = FromFields(message);
    is_head_ = request_.method == "HEAD";
    const auto length = head_->content_length();
    const bool has_body = head_->chunked() || (length && *length > 0);
    try {
      if (server_->options.admit) server_->options.admit(request_);
      route_ = &server_->router.Match(request_);
    } catch (const Error& error) {
      return Refuse(ErrorResponse(error), has_body);
    }
    if (!has_body && route_->body == Body::kMemory) {
      return Call();
    }
    if (route_->body == Body::kMemory && length && static_cast<int64_t>(*length) > server_->options.max_body_bytes) {
      return Refuse(TooLarge(), true);
    }
    if (beast::iequals(message[beast::http::field::expect], "100-continue")) {
      static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(socket_, asio::buffer(kContinue), [self = shared_from_this()](ErrorCode broken, size_t) {
        broken ? self->Finish(false) : self->ReadBody();
      });
    } else {
      ReadBody();
    }
  }

  void ReadBody() {
    if (route_->body == Body::kMemory) {
      body_.emplace(std::move(*head_));
      body_->body_limit(static_cast<uint64_t>(server_->options.max_body_bytes));
      beast::http::async_read(socket_, buffer_, *body_, [self = shared_from_this()](ErrorCode failed, size_t) {
        if (failed == beast::http::error::body_limit) return self->Refuse(self->TooLarge(), true);
        if (failed) return self->Finish(false);
        self->request_.body = std::move(self->body_->get().body());
        self->body_.reset();
        self->Call();
      });
      return;
    }
    spool_ = server_->options.spool_dir + "/upload." + std::to_string(::getpid()) + "." +
             std::to_string(server_->spooled.fetch_add(1));
    file_body_.emplace(std::move(*head_));
    ErrorCode failed;
    file_body_->get().body().open(spool_.c_str(), beast::file_mode::write, failed);
    if (failed) return Refuse(ErrorResponse(Internal("can't write ", spool_, ": ", failed.message())), true);
    beast::http::async_read(socket_, buffer_, *file_body_, [self = shared_from_this()](ErrorCode broken, size_t) {
      self->file_body_->get().body().close();
      if (broken && broken.category() == boost::system::system_category() &&
          broken == boost::system::errc::no_space_on_device) {
        return self->Refuse(ErrorResponse(ResourceExhausted("no space left for the upload in ", self->spool_)), true);
      }
      if (broken) return self->Finish(false);
      struct stat status {};
      ::stat(self->spool_.c_str(), &status);
      self->request_.body_file = FileSlice{self->spool_, 0, status.st_size};
      self->file_body_.reset();
      self->Call();
    });
  }

  void Call() {
    Reply reply = [self = shared_from_this()](Response response) {
      asio::dispatch(self->socket_.get_executor(),
                     [self, response = std::move(response)]() mutable { self->Answer(std::move(response)); });
    };
    auto call = [route = route_, reply = std::move(reply)](Request request) {
      try {
        route->handler(std::move(request), reply);
      } catch (const Error& error) {
        reply(ErrorResponse(error));
      } catch (const std::exception& error) {
        reply(ErrorResponse(Internal(error.what())));
      }
    };
    if (route_->run == Run::kInline) {
      call(std::move(request_));
    } else {
      asio::post(server_->workers,
                 [call = std::move(call), request = std::move(request_)]() mutable { call(std::move(request)); });
    }
  }

  void Answer(Response response) {
    if (server_->stopping) keep_alive_ = false;
    response_ = std::move(response);
    try {
      wire_head_ = WireHead(response_, keep_alive_);
    } catch (const Error& error) {
      response_ = ErrorResponse(error);
      wire_head_ = WireHead(response_, keep_alive_);
    }
    std::array<asio::const_buffer, 2> buffers = {asio::buffer(wire_head_), asio::const_buffer()};
    const bool from_file = response_.body_file.has_value() && !is_head_;
    if (!from_file && !is_head_) buffers[1] = asio::buffer(response_.body);
    asio::async_write(socket_, buffers, [self = shared_from_this(), from_file](ErrorCode failed, size_t) {
      if (failed) return self->Finish(false);
      from_file ? self->StartFile() : self->Finish(self->keep_alive_);
    });
  }

  void StartFile() {
    file_ = ::open(response_.body_file->path.c_str(), O_RDONLY | O_CLOEXEC);
    // The length is already promised: all that is left is to break off.
    if (file_ < 0) return Finish(false);
    piece_.resize(kPiece);
    WritePiece();
  }

  void WritePiece() {
    FileSlice& slice = *response_.body_file;
    if (slice.length == 0) return Finish(keep_alive_);
    const ssize_t got = ::pread(file_, piece_.data(), std::min<int64_t>(kPiece, slice.length), slice.offset);
    if (got <= 0) return Finish(false);
    slice.offset += got;
    slice.length -= got;
    asio::async_write(
        socket_, asio::buffer(piece_.data(), static_cast<size_t>(got)),
        [self = shared_from_this()](ErrorCode failed, size_t) { failed ? self->Finish(false) : self->WritePiece(); });
  }

  // Answers without having read the body: what is on its way is read and dropped, or the client would see a reset
  // instead of the answer.
  void Refuse(Response response, bool has_body) {
    drain_ = has_body;
    if (has_body) keep_alive_ = false;
    Answer(std::move(response));
  }

  Response TooLarge() {
    return Response::Json("{\"error\": {\"code\": 413, \"message\": \"the request's body is larger than the limit of " +
                              std::to_string(server_->options.max_body_bytes) +
                              " bytes\", \"status\": \"INVALID_ARGUMENT\"}}",
                          413);
  }

  void Begin() {
    in_request_ = true;
    server_->BeginRequest();
  }

  void Finish(bool again) {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
    if (!spool_.empty()) ::unlink(spool_.c_str());
    spool_.clear();
    body_.reset();
    file_body_.reset();
    response_ = {};
    in_request_ = false;
    server_->EndRequest();
    if (again && !server_->stopping) return ReadHead();
    if (drain_ && socket_.is_open()) {
      ErrorCode ignored;
      socket_.shutdown(Socket::shutdown_send, ignored);
      piece_.resize(kPiece);
      return Drain(0);
    }
    Close();
  }

  void Drain(int64_t dropped) {
    socket_.async_read_some(asio::buffer(piece_), [self = shared_from_this(), dropped](ErrorCode failed, size_t n) {
      const int64_t total = dropped + static_cast<int64_t>(n);
      failed || total > kDrainLimit ? self->Close() : self->Drain(total);
    });
  }

  void Close() {
    ErrorCode ignored;
    socket_.close(ignored);
    std::lock_guard lock(server_->mutex);
    server_->connections.erase(shared_from_this());
  }

  std::shared_ptr<Server::State> server_;
  Socket socket_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::empty_body>> head_;
  std::optional<beast::http::request_parser<beast::http::string_body>> body_;
  std::optional<beast::http::request_parser<beast::http::file_body>> file_body_;
  Request request_;
  const Route* route_ = nullptr;
  Response response_;
  std::string wire_head_;
  std::string spool_;
  std::string piece_;
  int file_ = -1;
  bool keep_alive_ = true;
  bool is_head_ = false;
  bool drain_ = false;
  bool in_request_ = false;
};

void Server::State::Accept(Acceptor& acceptor) {
  acceptor.async_accept(io.NewExecutor(), [self = shared_from_this(), &acceptor](ErrorCode failed, Socket socket) {
    if (self->stopping || failed == asio::error::operation_aborted || failed == asio::error::bad_descriptor) return;
    if (failed) {  // out of descriptors, most likely: leave the loop a breath
      auto timer = std::make_shared<asio::steady_timer>(self->io.context, std::chrono::milliseconds(50));
      return timer->async_wait([self, &acceptor, timer](ErrorCode) {
        if (!self->stopping) self->Accept(acceptor);
      });
    }
    SetNoDelay(socket);
    auto connection = std::make_shared<Connection>(self, std::move(socket));
    {
      std::lock_guard lock(self->mutex);
      self->connections.insert(connection);
    }
    connection->ReadHead();
    self->Accept(acceptor);
  });
}

Server::Server(Router router, ServerOptions options)
    : state_(std::make_shared<State>(std::move(router), std::move(options))) {}

Server::~Server() {
  Stop(std::chrono::milliseconds(0));
}

Io& Server::io() {
  return state_->io;
}

Endpoint Server::Listen(const Endpoint& endpoint) {
  const auto address = Resolve(endpoint);
  auto acceptor = std::make_unique<Acceptor>(state_->io.context);
  const auto check = [&](const ErrorCode& failed, const char* what) {
    if (failed) throw Unavailable("can't ", what, " ", endpoint.ToString(), ": ", failed.message());
  };
  ErrorCode failed;
  acceptor->open(address.protocol(), failed);
  check(failed, "open a socket for");
  if (endpoint.unix_path.empty()) {
    acceptor->set_option(asio::socket_base::reuse_address(true), failed);
  } else {
    ::unlink(endpoint.unix_path.c_str());
  }
  acceptor->bind(address, failed);
  check(failed, "listen on");
  acceptor->listen(asio::socket_base::max_listen_connections, failed);
  check(failed, "listen on");
  ::fcntl(acceptor->native_handle(), F_SETFD, FD_CLOEXEC);
  Endpoint bound = endpoint;
  if (endpoint.unix_path.empty()) {
    const auto local = acceptor->local_endpoint();
    asio::ip::tcp::endpoint tcp;
    std::memcpy(tcp.data(), local.data(), local.size());
    bound.port = tcp.port();
  } else {
    state_->socket_files.push_back(endpoint.unix_path);
  }
  state_->acceptors.push_back(std::move(acceptor));
  return bound;
}

void Server::Start() {
  for (auto& acceptor : state_->acceptors) state_->Accept(*acceptor);
  for (int i = 0; i < state_->options.io_threads; ++i) {
    state_->threads.emplace_back([io = &state_->io] {
      auto work = asio::make_work_guard(io->context);
      io->context.run();
    });
  }
}

void Server::Stop(std::chrono::milliseconds grace) {
  State& state = *state_;
  if (std::exchange(state.stopped, true)) return;
  state.stopping = true;
  asio::post(state.io.context, [self = state_] {
    for (auto& acceptor : self->acceptors) {
      ErrorCode ignored;
      acceptor->close(ignored);
    }
  });
  for (const std::string& path : state.socket_files) ::unlink(path.c_str());
  {
    std::unique_lock lock(state.mutex);
    for (const auto& connection : state.connections) connection->CloseWhenIdle();
    state.quiet.wait_for(lock, grace, [&] { return state.busy == 0; });
    for (const auto& connection : state.connections) connection->CloseNow();
  }
  state.workers.stop();
  state.workers.join();
  state.io.context.stop();
  for (std::thread& thread : state.threads) thread.join();
  // Cancelled steps still hold their connections, and those hold this state.
  state.io.context.restart();
  state.io.context.poll();
  std::unordered_set<std::shared_ptr<Connection>> connections;
  {
    std::lock_guard lock(state.mutex);
    connections.swap(state.connections);
  }
}

void Server::RunAfter(std::chrono::milliseconds delay, std::function<void()> task) {
  auto timer = std::make_shared<asio::steady_timer>(state_->io.context, delay);
  timer->async_wait([timer, task = std::move(task), state = state_.get()](ErrorCode failed) mutable {
    if (!failed) asio::post(state->workers, std::move(task));
  });
}

}  // namespace headrace::http
