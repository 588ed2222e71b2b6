// The asynchronous client. An exchange owns its connection from taking it out of the pool of idle ones until the answer
// is whole, then puts it back.
#include <boost/asio/dispatch.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <mutex>

#include "http/client.h"
#include "http/io.h"

namespace headrace::http {
namespace {

struct Link {
  explicit Link(const asio::any_io_executor& executor) : socket(executor), timer(executor) {}
  Socket socket;
  asio::steady_timer timer;
  beast::flat_buffer buffer;
};

}  // namespace

struct AsyncClient::State {
  State(Io& i, Endpoint e) : io(i), endpoint(std::move(e)), address(Resolve(endpoint)) {}

  std::unique_ptr<Link> Take() {
    std::lock_guard lock(mutex);
    if (idle.empty()) return nullptr;
    auto link = std::move(idle.back());
    idle.pop_back();
    return link;
  }
  void PutBack(std::unique_ptr<Link> link) {
    std::lock_guard lock(mutex);
    idle.push_back(std::move(link));
  }

  Io& io;
  Endpoint endpoint;
  asio::generic::stream_protocol::endpoint address;
  std::mutex mutex;
  std::vector<std::unique_ptr<Link>> idle;
};

namespace {

template <class State>
class Exchange : public std::enable_shared_from_this<Exchange<State>> {
 public:
  Exchange(std::shared_ptr<State> state, Request request, std::chrono::milliseconds timeout,
           std::function<void(Response)> done)
      : state_(std::move(state)), request_(std::move(request)), timeout_(timeout), done_(std::move(done)) {
    head_ = WireHead(request_, state_->endpoint);
  }

  void Start() {
    link_ = state_->Take();
    reused_ = link_ != nullptr;
    if (!reused_) link_ = std::make_unique<Link>(state_->io.NewExecutor());
    asio::dispatch(link_->socket.get_executor(), [self = this->shared_from_this()] {
      self->ArmTimer();
      self->reused_ ? self->Write() : self->Connect();
    });
  }

 private:
  void ArmTimer() {
    link_->timer.expires_after(timeout_);
    link_->timer.async_wait([weak = this->weak_from_this()](ErrorCode failed) {
      auto self = weak.lock();
      if (failed || !self || !self->link_) return;
      self->timed_out_ = true;
      ErrorCode ignored;
      self->link_->socket.close(ignored);
    });
  }

  void Connect() {
    ErrorCode ignored;
    link_->socket.close(ignored);
    link_->buffer.clear();
    link_->socket.async_connect(state_->address, [self = this->shared_from_this()](ErrorCode failed) {
      if (failed) return self->Fail(failed);
      SetNoDelay(self->link_->socket);
      self->Write();
    });
  }

  void Write() {
    const std::array<asio::const_buffer, 2> buffers = {asio::buffer(head_), asio::buffer(request_.body)};
    asio::async_write(link_->socket, buffers, [self = this->shared_from_this()](ErrorCode failed, size_t) {
      failed ? self->Fail(failed) : self->Read();
    });
  }

  void Read() {
    parser_.emplace();
    parser_->body_limit(kNoLimit);
    beast::http::async_read(
        link_->socket, link_->buffer, *parser_,
        [self = this->shared_from_this()](ErrorCode failed, size_t) { failed ? self->Fail(failed) : self->Succeed(); });
  }

  void Succeed() {
    link_->timer.cancel();
    auto message = parser_->release();
    Response response;
    response.status = static_cast<int>(message.result_int());
    response.body = std::move(message.body());
    const auto type = message[beast::http::field::content_type];
    if (!type.empty()) response.headers.Add("Content-Type", {type.data(), type.size()});
    if (message.keep_alive()) {
      state_->PutBack(std::move(link_));
    } else {
      link_.reset();
    }
    done_(std::move(response));
  }

  void Fail(const ErrorCode& failed) {
    const bool untouched = !parser_ || !parser_->got_some();
    if (reused_ && untouched && !timed_out_) {
      reused_ = false;
      parser_.reset();
      return Connect();
    }
    link_->timer.cancel();
    link_.reset();
    done_(ErrorResponse(timed_out_ ? DeadlineExceeded("no answer within ", timeout_.count(), " ms")
                                   : Unavailable("can't reach ", state_->endpoint.ToString(), ": ", failed.message())));
  }

  std::shared_ptr<State> state_;
  Request request_;
  std::chrono::milliseconds timeout_;
  std::function<void(Response)> done_;
  std::string head_;
  std::unique_ptr<Link> link_;
  std::optional<beast::http::response_parser<beast::http::string_body>> parser_;
  bool reused_ = false;
  bool timed_out_ = false;
};

}  // namespace

AsyncClient::AsyncClient(Server& server, Endpoint endpoint)
    : state_(std::make_shared<State>(server.io(), std::move(endpoint))) {}
AsyncClient::~AsyncClient() = default;

void AsyncClient::Send(Request request, std::chrono::milliseconds timeout, std::function<void(Response)> done) {
  std::make_shared<Exchange<State>>(state_, std::move(request), timeout, std::move(done))->Start();
}

}  // namespace headrace::http
