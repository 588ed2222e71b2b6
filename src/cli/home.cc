// Finding the installation, and a small JSON file of properties.
#include "cli/home.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "files/buckets.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// The first of `names` on PATH, leaving out the directory of our own wrappers.
fs::path FindOnPath(const std::vector<std::string>& names, const fs::path& except) {
  for (const std::string& name : names) {
    for (absl::string_view directory : absl::StrSplit(Environment("PATH"), ':', absl::SkipEmpty())) {
      fs::path candidate = fs::path(std::string(directory)) / name;
      if (fs::path(std::string(directory)) != except && access(candidate.c_str(), X_OK) == 0) return candidate;
    }
  }
  return "python3";
}

fs::path PropertiesFile() {
  return HomeDirectory() / "properties.json";
}

}  // namespace

Installation Installation::Find() {
  Installation found;
  std::error_code error;
  found.executable = fs::read_symlink("/proc/self/exe", error);
  const fs::path bin = found.executable.parent_path(), prefix = bin.parent_path();
  const bool built = fs::exists(prefix / "CMakeCache.txt", error);
  if (built) {
    found.commands = prefix / "commands";
    found.python_path.push_back(prefix / "python");  // links to the sources, beside the compiled module
    if (fs::exists(prefix / "venv/bin/python", error)) found.venv = prefix / "venv";
  } else {
    found.commands = prefix / "libexec/headrace";
    found.python_path.push_back(prefix / "lib/headrace/python");
    if (fs::exists(prefix / "lib/headrace/venv/bin/python", error)) found.venv = prefix / "lib/headrace/venv";
  }
  const std::string chosen = Environment("HEADRACE_PYTHON");
  if (!chosen.empty()) {
    found.python = chosen;
  } else if (!found.venv.empty()) {
    found.python = found.venv / "bin/python";
  } else {
    found.python = FindOnPath({"python3.11", "python3", "python"}, found.commands);
  }
  return found;
}

std::string Installation::PythonPath() const {
  return absl::StrJoin(python_path, ":", [](std::string* out, const fs::path& path) { *out += path.string(); });
}

fs::path HomeDirectory() {
  return fs::absolute(HeadraceHome());
}

std::string ReadTextFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || fs::is_directory(path)) throw NotFound("expected a readable file at ", path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void WriteTextFile(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  const fs::path part = path.string() + ".part" + std::to_string(getpid());
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) {
    fs::remove(part, error);
    throw Unavailable("cannot write ", path.string());
  }
  fs::rename(part, path, error);
  if (error) throw Unavailable("cannot write ", path.string(), ": ", error.message());
}

std::string CanonicalProperty(const std::string& name) {
  static const std::vector<std::string> kKnown = {"core/project",
                                                  "core/account",
                                                  "core/verbosity",
                                                  "core/disable_prompts",
                                                  "core/format",
                                                  "compute/region",
                                                  "compute/zone",
                                                  "ai_platform/region",
                                                  "ml_engine/local_python",
                                                  "storage/parallel_composite_upload_enabled",
                                                  "core/disable_usage_reporting"};
  std::string full = name.find('/') == std::string::npos ? "core/" + name : name;
  for (const std::string& known : kKnown) {
    if (known == full) return full;
  }
  const std::string nearest = Nearest(full, kKnown);
  throw InvalidArgument(
      "unknown property [", name, "]",
      nearest.empty() ? "; known: " + absl::StrJoin(kKnown, ", ") : "; did you mean [" + nearest + "]?");
}

std::map<std::string, std::string> ReadProperties() {
  std::error_code error;
  if (!fs::exists(PropertiesFile(), error)) return {};
  try {
    return nlohmann::json::parse(ReadTextFile(PropertiesFile())).get<std::map<std::string, std::string>>();
  } catch (const nlohmann::json::exception& broken) {
    throw DataLoss("expected a JSON object of strings in ", PropertiesFile().string(), ": ", broken.what());
  }
}

std::optional<std::string> ReadProperty(const std::string& canonical) {
  const std::string variable = "CLOUDSDK_" + absl::AsciiStrToUpper(absl::StrReplaceAll(canonical, {{"/", "_"}}));
  const std::string from_environment = Environment(variable.c_str());
  if (!from_environment.empty()) return from_environment;
  const auto properties = ReadProperties();
  const auto found = properties.find(canonical);
  if (found == properties.end()) return std::nullopt;
  return found->second;
}

void WriteProperty(const std::string& canonical, const std::optional<std::string>& value) {
  auto properties = ReadProperties();
  properties.erase(canonical);
  if (value) properties[canonical] = *value;
  WriteTextFile(PropertiesFile(), nlohmann::json(properties).dump(2) + "\n");
}

std::string ProjectOf(const Invocation& call) {
  if (const auto project = call.MaybeFlag("project")) return *project;
  if (const auto project = ReadProperty("core/project")) return *project;
  throw InvalidArgument(
      "The required property [project] is not currently set.\n"
      "You may set it for your current workspace by running:\n\n  $ gcloud config set project VALUE\n\n"
      "or give it with --project or the environment variable CLOUDSDK_CORE_PROJECT");
}

std::string RegionOf(const Invocation& call) {
  if (const auto region = call.MaybeFlag("region")) return *region;
  if (const auto region = ReadProperty("ai_platform/region")) return *region;
  return ReadProperty("compute/region").value_or("us-central1");
}

}  // namespace headrace::cli
