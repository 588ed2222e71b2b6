// gs:// buckets: each is the directory $HEADRACE_HOME/buckets/NAME (HEADRACE_HOME is ~/.headrace unless set), and
// gs://NAME/a/b is the file a/b in it. Bucket names follow Cloud Storage's rules.
#pragma once

#include <string>
#include <vector>

#include "files/posix_file_system.h"

namespace headrace {

// $HEADRACE_HOME, or ~/.headrace. Read anew at each call.
std::string HeadraceHome();

bool BucketExists(const std::string& bucket);
// AlreadyExists if it does; InvalidArgument for a name that Cloud Storage would refuse.
void CreateBucket(const std::string& bucket);
// NotFound if there is none; FailedPrecondition unless empty.
void DeleteBucket(const std::string& bucket);
std::vector<std::string> ListBuckets();
// The directory a bucket lies in, whether or not it exists.
std::string BucketDirectory(const std::string& bucket);

class BucketFileSystem : public PosixFileSystem {
 public:
  // List("gs://") gives the buckets; MakeDirs("gs://NAME") does not create one.
  std::vector<std::string> List(const std::string& path) override;
  bool Exists(const std::string& path) override;
  bool makes_parents() const override { return true; }

 protected:
  std::string Resolve(const std::string& path) const override;
};

}  // namespace headrace
