// A trainer's packages on their way into the staging bucket.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace headrace::cli {

struct StagingRequest {
  std::string job;
  std::string package_path;           // directory of the package; an sdist is made of it
  std::vector<std::string> packages;  // further archives: local files or gs:// URLs
  std::string staging_bucket;         // gs://BUCKET or BUCKET
  std::string job_dir;                // its bucket serves when there is no staging bucket
};

// The packages' gs:// URLs: gs://BUCKET/JOB/<sha256 of all>/NAME-VERSION.tar.gz. Throws UsageError when something is to
// be staged and there is no bucket, InvalidArgument when the directory is no package.
std::vector<std::string> StagePackages(const Invocation& call, const StagingRequest& request);

// Uploads a local SavedModel directory for a version and returns its gs:// URL. Throws UsageError without a bucket.
std::string StageModel(const Invocation& call, const std::string& directory, const std::string& model,
                       const std::string& staging_bucket);

// The package's own directory, absolute, checked to hold an __init__.py.
std::string CheckPackage(const std::string& package_path);

}  // namespace headrace::cli
