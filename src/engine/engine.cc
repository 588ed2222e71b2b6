// The engine's process: one engine a home (a lock sees to it), its services put together, and its end on a signal.
#include "engine/engine.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "engine/jobs.h"
#include "engine/method.h"
#include "engine/models.h"
#include "engine/names.h"
#include "engine/process.h"
#include "engine/sandbox.h"
#include "engine/storage_api.h"
#include "files/buckets.h"
#include "headrace/file_system.h"
#include "http/server.h"
#include "spdlog/spdlog.h"

namespace headrace::engine {
namespace {

namespace fs = std::filesystem;
constexpr char kDefaultAccount[] = "default@headrace";

std::string EngineLock(const std::string& home) {
  return home + "/engine.lock";
}
std::string EngineFile(const std::string& home) {
  return home + "/engine.json";
}
std::string CredentialsFile(const std::string& home) {
  return home + "/credentials.json";
}

std::string Environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::string NewToken() {
  unsigned char bytes[24];
  if (RAND_bytes(bytes, sizeof(bytes)) != 1) throw Internal("no random bytes for a token");
  static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string token = "hr.";
  for (const unsigned char byte : bytes) token += kLetters[byte & 63];
  return token;
}

// {"account": ..., "token": ...}, made when first needed, readable by the owner only.
Json LoadCredentials(const std::string& home) {
  const std::string path = CredentialsFile(home);
  if (FileExists(path)) return Json::parse(ReadFile(path));
  Json credentials = {{"account", kDefaultAccount}, {"token", NewToken()}};
  const mode_t before = ::umask(0077);
  WriteFileAtomically(path, credentials.dump(2) + "\n");
  ::umask(before);
  return credentials;
}

// Compares without telling by its time how much of a guess was right.
bool SameSecret(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void Admit(const http::Request& request, const std::string& token) {
  if (request.target == "/healthz") return;
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view given = request.headers.Get("Authorization");
  if (given.substr(0, kScheme.size()) == kScheme && SameSecret(given.substr(kScheme.size()), token)) return;
  throw Unauthenticated(given.empty()
                            ? "Request is missing required authentication credential. Expected header "
                              "'Authorization: Bearer TOKEN'; `gcloud auth print-access-token` gives the token."
                            : "Request had invalid authentication credentials: the bearer token is unknown.");
}

class ConfigService {
 public:
  Json GetConfig(const std::string& name) const {
    const std::string project = ParseName(name, "projects/*")[0];
    CheckProjectId(project);
    return {{"serviceAccount", kDefaultAccount}, {"serviceAccountProject", ProjectNumber(project)}};
  }
};

class Engine {
 public:
  explicit Engine(const EngineOptions& options)
      : store_(OpenSqliteStore(options.home + "/store.db")),
        context_{.options = options, .store = *store_},
        runner_(context_),
        jobs_(context_, runner_),
        storage_(context_),
        credentials_(LoadCredentials(options.home)),
        server_(MakeRouter(), ServerOptionsOf(options)),
        replicas_(context_, server_),
        models_(context_, replicas_) {
    context_.later = [this](std::chrono::milliseconds delay, std::function<void()> task) {
      server_.RunAfter(delay, std::move(task));
    };
  }

  void Start() {
    std::string why_not;
    context_.sandbox = SandboxWorks(&why_not);
    if (!context_.sandbox) spdlog::warn("jobs run without a sandbox: bubblewrap does not work here ({})", why_not);
    const EngineOptions& options = context_.options;
    const http::Endpoint bound = server_.Listen({.host = options.host, .port = options.port});
    storage_.SetBaseUrl(bound.ToString());
    models_.Resume();
    server_.Start();
    runner_.Start();
    replicas_.Start();
    WriteFileAtomically(
        EngineFile(options.home),
        Json({{"pid", ::getpid()}, {"port", bound.port}, {"baseUrl", bound.ToString()}}).dump(2) + "\n");
    spdlog::info("the engine serves {} from {}", bound.ToString(), options.home);
  }

  void Stop() {
    context_.stopping = true;
    fs::remove(EngineFile(context_.options.home));
    server_.Stop();
    replicas_.StopAll();
  }

 private:
  http::ServerOptions ServerOptionsOf(const EngineOptions& options) const {
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    return {.io_threads = static_cast<int>(std::min(4u, (cores + 1) / 2)),
            .worker_threads = 16,
            .spool_dir = options.home + "/tmp",
            .admit = [token = credentials_.at("token").get<std::string>()](const http::Request& request) {
              Admit(request, token);
            }};
  }

  http::Router MakeRouter() {
    http::Router router;
    // First, since it is asked most.
    http::Route predict{"POST", "/v1/{name=projects/**}:predict",
                        [this](http::Request request, http::Reply reply) {
                          replicas_.Predict(request.path_params.at("name"), std::move(request.body), std::move(reply));
                        },
                        http::Run::kInline};
    router.Add(std::move(predict));
    router.Add(http::Route::Sync("GET", "/healthz", [](http::Request&) { return http::Response::Json("{}"); }));
    router.Add(http::Route::Sync("GET", "/v1/{name=projects/*}:getConfig", [this](http::Request& request) {
      return http::Response::Json(config_.GetConfig(request.path_params.at("name")).dump());
    }));
    jobs_.AddRoutes(&router);
    storage_.AddRoutes(&router);
    models_.AddRoutes(&router);
    return router;
  }

  std::unique_ptr<Store> store_;
  Context context_;
  JobRunner runner_;
  JobService jobs_;
  StorageApi storage_;
  ConfigService config_;
  Json credentials_;
  http::Server server_;
  Replicas replicas_;
  ModelService models_;
};

// Held for the life of the process, whose id the file tells.
void LockHome(const std::string& home) {
  const int fd = ::open(EngineLock(home).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) throw Unavailable("can't open ", EngineLock(home), ": ", std::strerror(errno));
  // A process that a killed engine was just starting holds a copy of the lock until its exec.
  constexpr int kTries = 50;
  for (int i = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++i) {
    if (i == kTries) throw FailedPrecondition("another engine runs on ", home, "; stop it with `headrace stop`");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    throw ResourceExhausted("can't write ", EngineLock(home), ": ", std::strerror(errno));
  }
}

EngineOptions Completed(EngineOptions options) {
  if (options.home.empty()) options.home = DefaultHome();
  fs::create_directories(options.home);
  options.home = fs::canonical(options.home);
  if (options.executable.empty()) options.executable = fs::read_symlink("/proc/self/exe");
  if (options.max_running_jobs <= 0) {
    options.max_running_jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }
  return options;
}

}  // namespace

EngineOptions EngineOptions::FromEnvironment() {
  EngineOptions options;
  options.home = DefaultHome();
  options.host = Environment("HEADRACE_HOST", options.host);
  options.python = Environment("HEADRACE_PYTHON", options.python);
  options.python_path = Environment("HEADRACE_PYTHONPATH", "");
  const std::string port = Environment("HEADRACE_PORT", std::to_string(options.port));
  char* end = nullptr;
  const int64_t number = std::strtol(port.c_str(), &end, 10);
  if (*end != '\0' || number < 0 || number > 65535) {
    throw InvalidArgument("expected a port number in HEADRACE_PORT, got '", port, "'");
  }
  options.port = static_cast<int>(number);
  return options;
}

std::string DefaultHome() {
  return HeadraceHome();
}

int RunEngine(const EngineOptions& given) {
  const EngineOptions options = Completed(given);
  ::setenv("HEADRACE_HOME", options.home.c_str(), 1);  // files/ finds the buckets by it
  LockHome(options.home);
  for (const char* directory : {"buckets", "jobs", "logs", "models", "run", "tmp", "uploads"}) {
    fs::create_directories(options.home + "/" + directory);
  }
  // What an engine that was killed had in the making.
  for (const auto& entry : fs::directory_iterator(options.home + "/tmp")) fs::remove_all(entry.path());

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);  // in every thread to come
  ::signal(SIGPIPE, SIG_IGN);
  Engine engine(options);
  engine.Start();
  int signal = 0;
  ::sigwait(&ends, &signal);
  spdlog::info("the engine stops on {}", ::strsignal(signal));
  engine.Stop();
  return 0;
}

bool HomeInUse(const std::string& home) {
  return IsLocked(EngineLock(home));
}

std::optional<RunningEngine> FindEngine(const std::string& home) {
  const auto owner = LockHolder(EngineLock(home));
  if (!owner || !FileExists(EngineFile(home)) || !FileExists(CredentialsFile(home))) return std::nullopt;
  const Json engine = Json::parse(ReadFile(EngineFile(home)), nullptr, false);
  const Json credentials = Json::parse(ReadFile(CredentialsFile(home)), nullptr, false);
  if (!engine.is_object() || !credentials.is_object()) return std::nullopt;
  RunningEngine running;
  running.pid = engine.value("pid", 0);
  if (running.pid != *owner) return std::nullopt;  // left by one that was killed, while the next one starts
  running.port = engine.value("port", 0);
  running.base_url = engine.value("baseUrl", "");
  running.account = credentials.value("account", "");
  running.token = credentials.value("token", "");
  return running;
}

}  // namespace headrace::engine
