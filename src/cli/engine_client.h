// The engine as commands see it: started when it isn't running, and spoken to over REST with the bearer token.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "cli/output.h"
#include "engine/engine.h"
#include "http/client.h"

namespace headrace::cli {

// The engine of HEADRACE_HOME; starts one in the background and waits until it answers when none runs.
// Throws Unavailable with the end of its log when it won't start.
engine::RunningEngine EnsureEngine();

// Stops the engine of HEADRACE_HOME and waits for its end; false when none ran.
bool StopEngine();

// One connection to the engine, which is started by the first call that needs it; for one thread.
class EngineClient {
 public:
  // `target` is a path with its query: "/v1/projects/p/jobs". A status >= 400 is thrown as the error it carries.
  Json Get(const std::string& target) { return Call("GET", target, nullptr); }
  Json Post(const std::string& target, const Json& body) { return Call("POST", target, body); }
  Json Patch(const std::string& target, const Json& body) { return Call("PATCH", target, body); }
  Json Delete(const std::string& target) { return Call("DELETE", target, nullptr); }

  // All pages of a list method: the items under `field`, joined.
  Json List(const std::string& target, const std::string& field);

  // Uploads a file as an object, streaming; returns the object resource.
  Json Upload(const std::string& target, const std::string& path, int64_t size, const std::string& content_type);
  // Streams the answer's body to `sink`. `range` as in the Range header ("bytes=0-99"), or empty.
  void Download(const std::string& target, const std::string& range, const std::function<void(std::string_view)>& sink);

 private:
  struct Connection {
    engine::RunningEngine engine;
    http::Client client;
  };
  Json Call(const std::string& method, const std::string& target, const Json& body);
  // Connects when that hasn't been done, and makes a request with the bearer token.
  http::Request Prepare(const std::string& method, const std::string& target);

  std::optional<Connection> connection_;
};

}  // namespace headrace::cli
