// Where things are: the installation this executable belongs to, HEADRACE_HOME, and the properties that
// `gcloud config` keeps there.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"

namespace headrace::cli {

// The files beside the running executable, in a build tree or under an install prefix.
struct Installation {
  std::filesystem::path executable;                // …/bin/headrace
  std::filesystem::path commands;                  // directory of the links headrace, gcloud, gsutil
  std::vector<std::filesystem::path> python_path;  // where `import tensorflow` and `import headrace` are found
  std::filesystem::path python;                    // the interpreter of HEADRACE_PYTHON, the venv's, or python3's
  std::filesystem::path venv;                      // empty when there is none

  static Installation Find();
  std::string PythonPath() const;  // joined by colons
};

// $HEADRACE_HOME or ~/.headrace.
std::filesystem::path HomeDirectory();

// A property as section/name ("project" is core/project). Throws InvalidArgument on an unknown one.
std::string CanonicalProperty(const std::string& name);
// The environment (CLOUDSDK_CORE_PROJECT) before the file.
std::optional<std::string> ReadProperty(const std::string& canonical);
std::map<std::string, std::string> ReadProperties();
void WriteProperty(const std::string& canonical, const std::optional<std::string>& value);

// --project or the property. Throws InvalidArgument that says how to set it.
std::string ProjectOf(const Invocation& call);
// --region or ai_platform/region or compute/region; "us-central1" when nothing says otherwise.
std::string RegionOf(const Invocation& call);

std::string ReadTextFile(const std::filesystem::path& path);  // throws NotFound
// Written whole beside the path and renamed over it.
void WriteTextFile(const std::filesystem::path& path, const std::string& text);

}  // namespace headrace::cli
