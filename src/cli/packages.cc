// Makes the sdist by headrace.jobs.package, and uploads.
#include "cli/packages.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/home.h"
#include "cli/process.h"
#include "cli/transfer.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

// A directory for the sdist, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "headrace-package-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw Unavailable("cannot make a temporary directory ", pattern);
    path_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string Sha256(const std::vector<std::string>& files) {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const std::string& path : files) {
    const std::string text = ReadTextFile(path);
    EVP_DigestUpdate(context.get(), text.data(), text.size());
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest, &size);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) absl::StrAppend(&hex, absl::Hex(digest[i], absl::kZeroPad2));
  return hex;
}

std::vector<std::string> BuildPackages(const std::string& package_path, const fs::path& output) {
  const Installation installation = Installation::Find();
  // Run as a file: the package headrace itself, with its native module, isn't needed for it.
  fs::path script;
  for (const fs::path& path : installation.python_path) {
    if (fs::exists(path / "headrace/jobs/package.py")) script = path / "headrace/jobs/package.py";
  }
  if (script.empty()) throw NotFound("expected headrace/jobs/package.py below ", installation.PythonPath());
  const ProcessResult result = RunProcess({installation.python.string(), script.string(), "--package-path",
                                           CheckPackage(package_path), "--output", output.string()},
                                          {});
  if (result.status != 0) {
    throw InvalidArgument("Packaging of user Python code failed with message:\n\n", result.output);
  }
  std::vector<std::string> built;
  for (const fs::directory_entry& entry : fs::directory_iterator(output)) built.push_back(entry.path().string());
  if (built.empty()) throw Internal("packaging ", package_path, " gave no archive");
  return built;
}

}  // namespace

std::string CheckPackage(const std::string& package_path) {
  std::string path = fs::absolute(package_path).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (!fs::is_directory(path)) {
    throw InvalidArgument("Source directory [", path, "] is not a directory (given with --package-path)");
  }
  if (!fs::exists(fs::path(path) / "__init__.py")) {
    throw InvalidArgument("[", path,
                          "] is not a valid Python package because it does not contain an `__init__.py` "
                          "file. Please create one and try again.");
  }
  return path;
}

std::vector<std::string> StagePackages(const Invocation& call, const StagingRequest& request) {
  std::vector<std::string> local, uris;
  TemporaryDirectory directory;
  if (!request.package_path.empty()) local = BuildPackages(request.package_path, directory.path());
  for (const std::string& package : request.packages) {
    if (absl::StartsWith(package, "gs://")) {
      uris.push_back(package);
    } else if (fs::is_regular_file(package)) {
      local.push_back(package);
    } else {
      throw NotFound("expected a package archive at ", package, " (given with --packages)");
    }
  }
  if (local.empty()) return uris;
  std::string bucket = request.staging_bucket;
  if (bucket.empty() && absl::StartsWith(request.job_dir, "gs://")) bucket = Url::Parse(request.job_dir).bucket;
  if (bucket.empty()) {
    throw UsageError(call.path,
                     "argument --staging-bucket: If local packages are provided, the `--staging-bucket` or `--job-dir` "
                     "flag must be given.");
  }
  Url place = Url::Parse(absl::StartsWith(bucket, "gs://") ? bucket : "gs://" + bucket);
  place = place.Child(request.job).Child(Sha256(local));
  StorageClient storage;
  std::vector<std::string> staged;
  for (const std::string& path : local) {
    const Url to = place.Child(fs::path(path).filename().string());
    storage.Upload(path, to);
    staged.push_back(to.ToString());
  }
  staged.insert(staged.end(), uris.begin(), uris.end());
  return staged;
}

std::string StageModel(const Invocation& call, const std::string& directory, const std::string& model,
                       const std::string& staging_bucket) {
  if (!fs::is_directory(directory)) throw NotFound("expected a directory with a SavedModel at ", directory);
  if (staging_bucket.empty()) {
    throw UsageError(call.path, "argument --staging-bucket: must be given when --origin is a local directory");
  }
  const Url place = Url::Parse(absl::StartsWith(staging_bucket, "gs://") ? staging_bucket : "gs://" + staging_bucket)
                        .Child(absl::StrCat(model, "-", call.Argument("VERSION")));
  TransferOptions options;
  options.recursive = options.quiet = true;
  CopyAll({directory}, place.Child("").ToString(), options);
  std::string name = fs::weakly_canonical(directory).filename().string();
  return place.Child(name).ToString();
}

}  // namespace headrace::cli
