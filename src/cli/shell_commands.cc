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

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kVersion[] = "0.1.0";

std::string Quoted(const std::string& text) {
  return "'" + absl::StrReplaceAll(text, {{"'", "'\\''"}}) + "'";
}

void Link(const fs::path& target, const fs::path& link) {
  std::error_code error;
  if (fs::read_symlink(link, error) == target) return;
  fs::remove(link, error);
  fs::create_symlink(target, link, error);
  if (error && fs::read_symlink(link) != target) {
    throw Unavailable("cannot link ", link.string(), ": ", error.message());
  }
}

void WriteIfChanged(const fs::path& path, const std::string& text) {
  std::error_code error;
  if (fs::exists(path, error) && ReadTextFile(path) == text) return;
  WriteTextFile(path, text);
}

// A `python` that imports our tensorflow whatever PYTHONPATH the user gives: with a virtual environment of ours a .pth
// file in it says where, otherwise a wrapper appends to PYTHONPATH.
void PreparePython(const Installation& installation) {
  if (!installation.venv.empty()) {
    std::error_code error;
    for (const char* name : {"python", "python3"}) fs::remove(installation.commands / name, error);  // older wrappers
    for (const fs::directory_entry& entry : fs::directory_iterator(installation.venv / "lib")) {
      if (!fs::is_directory(entry.path() / "site-packages")) continue;
      std::string lines;
      for (const fs::path& path : installation.python_path) lines += path.string() + "\n";
      WriteIfChanged(entry.path() / "site-packages/headrace.pth", lines);
    }
    return;
  }
  for (const char* name : {"python", "python3"}) {
    const fs::path wrapper = installation.commands / name;
    WriteIfChanged(wrapper, absl::StrCat("#!/bin/sh\nPYTHONPATH=\"${PYTHONPATH:+$PYTHONPATH:}\"",
                                         Quoted(installation.PythonPath()), " exec ",
                                         Quoted(installation.python.string()), " \"$@\"\n"));
    fs::permissions(wrapper, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                 fs::perms::others_read | fs::perms::others_exec);
  }
}

// Makes the directory of links; falls back to one under HEADRACE_HOME when the installation is read-only.
Installation Prepare() {
  Installation installation = Installation::Find();
  std::error_code error;
  fs::create_directories(installation.commands, error);
  if (access(installation.commands.c_str(), W_OK) != 0 && !fs::exists(installation.commands / "gcloud")) {
    installation.commands = HomeDirectory() / "commands";
    fs::create_directories(installation.commands);
  }
  if (access(installation.commands.c_str(), W_OK) == 0) {
    for (const char* name : {"headrace", "gcloud", "gsutil"}) {
      Link(installation.executable, installation.commands / name);
    }
    PreparePython(installation);
  }
  return installation;
}

int Env(Invocation& call) {
  const Installation installation = Prepare();
  std::string path = installation.commands.string();
  if (!installation.venv.empty()) path += ":" + (installation.venv / "bin").string();
  std::cout << "export PATH=" << Quoted(path) << ":\"$PATH\"\n"
            << "export HEADRACE_HOME=" << Quoted(HomeDirectory().string()) << "\n"
            << "export HEADRACE_PYTHON=" << Quoted(installation.python.string()) << "\n"
            << "export HEADRACE_PYTHONPATH=" << Quoted(installation.PythonPath()) << "\n";
  return 0;
}

int Version(Invocation& call) {
  std::cout << "Headrace " << kVersion << "\n";
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
