// headrace env, version, sample-data: what needs no engine.
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "cli/sample_data.h"
#include "headrace/error.h"
#include "headrace/version.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

std::string Quoted(const std::string& text) {
  return "'" + absl::StrReplaceAll(text, {{"'", "'\\''"}}) + "'";
}

// What `make install` and the build lay beside the executable; nothing is written here when it is used.
// Errors: FailedPrecondition if it is not all there.
std::string CommandPath(const Installation& installation) {
  for (const char* name : {"headrace", "gcloud", "gsutil"}) {
    const fs::path command = installation.commands / name;
    if (access(command.c_str(), X_OK) != 0) {
      throw FailedPrecondition("the installation of ", installation.executable.string(),
                               " is not complete: ", command.string(), " is absent; run `make install` again");
    }
  }
  // Without a virtual environment of ours, `python` is a script that leads to the interpreter chosen.
  const fs::path python = installation.venv.empty() ? installation.commands / "python" : installation.venv / "bin";
  return installation.commands.string() + ":" + python.string();
}

int Env(Invocation& call) {
  try {
    const Installation installation = Installation::Find();
    const std::string path = CommandPath(installation);
    std::cout << "export PATH=" << Quoted(path) << ":\"$PATH\"\n"
              << "export HEADRACE_HOME=" << Quoted(HomeDirectory().string()) << "\n"
              << "export HEADRACE_PYTHON=" << Quoted(installation.python.string()) << "\n"
              << "export HEADRACE_PYTHONPATH=" << Quoted(installation.PythonPath()) << "\n";
  } catch (...) {
    std::cout << "false\n";  // so that eval "$(headrace env)" fails too, and a script stops before it calls gcloud
    throw;
  }
  return 0;
}

int Version(Invocation& call) {
  std::cout << "Headrace " << HEADRACE_VERSION << "\n";
  return 0;
}

int SampleData(Invocation& call) {
  const std::string kind = call.Argument("DATASET");
  if (kind != "taxifare") throw InvalidArgument("expected the data set taxifare, got ", kind);
  TaxiOptions options;
  options.directory = call.Argument("DIR");
  options.rows = call.Integer("rows", options.rows);
  options.seed = static_cast<uint64_t>(call.Integer("seed", 1));
  for (const WrittenFile& file : WriteTaxiFare(options)) {
    if (!call.Switch("quiet")) std::cerr << file.path << ": " << file.rows << " rows\n";
  }
  return 0;
}

}  // namespace

std::vector<Command> ShellCommands() {
  return {
      {"env", "Prints the exports that prepare a shell: eval \"$(headrace env)\"", Env},
      {"version", "Prints the version", Version},
      {"sample-data DATASET DIR --rows=N --seed=S",
       "Writes synthetic CSVs into DIR: the data set taxifare (taxi-train, taxi-valid, taxi-test)", SampleData},
  };
}

}  // namespace headrace::cli
