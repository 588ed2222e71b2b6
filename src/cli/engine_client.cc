// Starting and stopping the engine's process, and JSON over HTTP.
#include "cli/engine_client.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/home.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPollInterval = std::chrono::milliseconds(5);
constexpr auto kTimeout = std::chrono::seconds(120);  // of starting and of stopping; far more than either takes

// Whether something else already listens where the engine would by default.
bool DefaultPortTaken() {
  const engine::EngineOptions defaults;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(defaults.port));
  inet_pton(AF_INET, defaults.host.c_str(), &address.sin_addr);
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool taken = connect(probe, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return taken;
}

// Starts `headrace engine` in a session of its own with its output in the log; returns its process id.
pid_t Spawn(const Installation& installation, const std::filesystem::path& log) {
  std::filesystem::create_directories(log.parent_path());
  // Prepared before the fork: between fork and exec only async-signal-safe calls are allowed.
  const std::string executable = installation.executable.string(), log_path = log.string();
  std::vector<std::string> settings;
  for (char** variable = environ; *variable; ++variable) settings.emplace_back(*variable);
  auto set_default = [&](const char* name, const std::string& value) {
    if (!std::getenv(name)) settings.push_back(absl::StrCat(name, "=", value));
  };
  set_default("HEADRACE_HOME", HomeDirectory().string());
  // The engine of another home may have the port; `headrace status` says which one it became.
  if (!std::getenv("HEADRACE_PORT") && DefaultPortTaken()) set_default("HEADRACE_PORT", "0");
  set_default("HEADRACE_PYTHON", installation.python.string());
  set_default("HEADRACE_PYTHONPATH", installation.PythonPath());
  std::vector<char*> environment;
  for (std::string& setting : settings) environment.push_back(setting.data());
  environment.push_back(nullptr);
  const char* arguments[] = {executable.c_str(), "engine", nullptr};
  const pid_t child = fork();
  if (child < 0) throw Unavailable("cannot start the engine: fork failed");
  if (child > 0) return child;
  setsid();
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (in < 0 || out < 0) _exit(127);
  dup2(in, 0);
  dup2(out, 1);
  dup2(out, 2);
  // A pipe of the calling shell must not stay open for as long as the engine runs.
  for (int fd = 3; fd < 256; ++fd) close(fd);
  execve(executable.c_str(), const_cast<char**>(arguments), environment.data());
  _exit(127);
}

std::string LogTail(const std::filesystem::path& log) {
  try {
    const std::string text = ReadTextFile(log);
    return text.substr(text.size() > 2000 ? text.size() - 2000 : 0);
  } catch (const Error&) {
    return "";
  }
}

}  // namespace

engine::RunningEngine EnsureEngine() {
  const std::string home = HomeDirectory().string();
  const std::filesystem::path log = HomeDirectory() / "engine.log";
  const auto deadline = Clock::now() + kTimeout;
  std::optional<pid_t> child;
  for (; Clock::now() < deadline; std::this_thread::sleep_for(kPollInterval)) {
    if (const auto running = engine::FindEngine(home)) return *running;
    if (engine::HomeInUse(home)) continue;  // one that stops, or that another command starts
    if (!child) {
      child = Spawn(Installation::Find(), log);
    } else if (waitpid(*child, nullptr, WNOHANG) != 0) {
      break;
    }
  }
  throw Unavailable("the engine did not start; the end of its log ", log.string(), ":\n", LogTail(log));
}

bool StopEngine() {
  const auto running = engine::FindEngine(HomeDirectory().string());
  if (!running) return false;
  if (kill(running->pid, SIGTERM) != 0) throw PermissionDenied("cannot stop the engine's process ", running->pid);
  const auto deadline = Clock::now() + kTimeout;
  while (engine::HomeInUse(HomeDirectory().string())) {
    if (Clock::now() > deadline) throw DeadlineExceeded("the engine, process ", running->pid, ", does not stop");
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

http::Request EngineClient::Prepare(const std::string& method, const std::string& target) {
  if (!connection_) {
    engine::RunningEngine engine = EnsureEngine();
    http::Client client(http::Endpoint::Parse(engine.base_url));
    connection_.emplace(Connection{std::move(engine), std::move(client)});
  }
  http::Request request;
  request.method = method;
  request.target = target;
  request.headers.Set("Authorization", "Bearer " + connection_->engine.token);
  return request;
}

Json EngineClient::Call(const std::string& method, const std::string& target, const Json& body) {
  http::Request request = Prepare(method, target);
  if (!body.is_null()) {
    request.headers.Set("Content-Type", "application/json");
    request.body = body.dump();
  }
  const http::Response response = connection_->client.Send(request);
  if (response.status >= 400) throw http::ErrorOf(response);
  if (absl::StripAsciiWhitespace(response.body).empty()) return Json::object();
  try {
    return Json::parse(response.body);
  } catch (const nlohmann::json::exception& error) {
    throw DataLoss("the engine answered ", method, " ", target, " with something that isn't JSON: ", error.what());
  }
}

Json EngineClient::List(const std::string& target, const std::string& field) {
  Json items = Json::array();
  std::string token;
  do {
    const char* joint = target.find('?') == std::string::npos ? "?" : "&";
    const Json page =
        Get(token.empty() ? target : absl::StrCat(target, joint, "pageToken=", http::PercentEncode(token)));
    if (page.contains(field)) {
      for (const Json& item : page[field]) items.push_back(item);
    }
    token = page.value("nextPageToken", "");
  } while (!token.empty());
  return items;
}

Json EngineClient::Upload(const std::string& target, const std::string& path, int64_t size,
                          const std::string& content_type) {
  http::Request request = Prepare("POST", target);
  request.headers.Set("Content-Type", content_type);
  if (size > 0) request.body_file = http::FileSlice{path, 0, size};
  const http::Response response = connection_->client.Send(request);
  if (response.status >= 400) throw http::ErrorOf(response);
  return Json::parse(response.body);
}

void EngineClient::Download(const std::string& target, const std::string& range,
                            const std::function<void(std::string_view)>& sink) {
  http::Request request = Prepare("GET", target);
  if (!range.empty()) request.headers.Set("Range", range);
  const http::Response response = connection_->client.Send(request, sink);
  if (response.status >= 400) throw http::ErrorOf(response);
}

}  // namespace headrace::cli
