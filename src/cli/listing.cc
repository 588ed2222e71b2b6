// ls, cat and du: looking at buckets and objects.
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "cli/transfer.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

class Lister {
 public:
  explicit Lister(const ListOptions& options) : options_(options) {}

  void Buckets(const std::string& project) {
    for (const Json& bucket : storage_.ListBuckets(project)) {
      std::cout << "gs://" << bucket.value("name", "") << "/\n";
    }
  }

  void Show(const Url& url) {
    if (!url.cloud) throw InvalidArgument("expected a gs:// URL, got ", url.ToString());
    if (url.HasWildcard()) return Wildcard(url);
    if (options_.directory_itself && url.object.empty()) {
      std::cout << "gs://" << storage_.GetBucket(url.bucket).value("name", "") << "/\n";
      return;
    }
    const bool may_be_object = !url.object.empty() && url.object.back() != '/';
    if (may_be_object && storage_.Exists(url)) return Line(storage_.Get(url));
    const std::string prefix = url.object.empty() ? "" : url.Child("").object;
    if (options_.directory_itself) {
      std::cout << "gs://" << url.bucket << "/" << prefix << "\n";
      return;
    }
    const Listing listing = storage_.List(url.bucket, prefix, true);
    if (listing.objects.empty() && listing.prefixes.empty() && !url.object.empty()) {
      throw NotFound("One or more URLs matched no objects: ", url.ToString());
    }
    Directory(url.bucket, prefix, listing, options_.recursive);
  }

  void Total() const {
    if (options_.details || options_.total) {
      std::cout << "TOTAL: " << count_ << " objects, " << bytes_ << " bytes (" << HumanSize(bytes_) << ")\n";
    }
  }

 private:
  void Directory(const std::string& bucket, const std::string& prefix, const Listing& listing, bool titled) {
    if (titled) std::cout << "gs://" << bucket << "/" << prefix << ":\n";
    for (const Object& object : listing.objects) Line(object);
    for (const std::string& directory : listing.prefixes) {
      if (!options_.recursive) {
        std::cout << std::string(options_.details ? 33 : 0, ' ') << "gs://" << bucket << "/" << directory << "\n";
        continue;
      }
      std::cout << "\n";
      Directory(bucket, directory, storage_.List(bucket, directory, true), true);
    }
  }

  // Objects and directories whose name matches; directories are shown with what they hold.
  void Wildcard(const Url& url) {
    const std::string fixed = url.object.substr(0, url.object.find_first_of("*?["));
    const bool anything = absl::StrContains(url.object, "**");
    std::vector<Object> objects;
    std::set<std::string> directories;
    for (const Object& object : storage_.List(url.bucket, fixed, false).objects) {
      if (MatchesWildcard(object.name, url.object)) {
        objects.push_back(object);
      } else if (!anything) {
        for (size_t slash = object.name.find('/'); slash != std::string::npos;
             slash = object.name.find('/', slash + 1)) {
          const std::string directory = object.name.substr(0, slash);
          if (MatchesWildcard(directory, url.object) || MatchesWildcard(directory + "/", url.object)) {
            directories.insert(directory + "/");
          }
        }
      }
    }
    if (objects.empty() && directories.empty()) throw NotFound("One or more URLs matched no objects: ", url.ToString());
    for (const Object& object : objects) Line(object);
    for (const std::string& directory : directories) {
      if (options_.directory_itself) {
        std::cout << "gs://" << url.bucket << "/" << directory << "\n";
        continue;
      }
      if (!objects.empty() || directory != *directories.begin()) std::cout << "\n";
      Directory(url.bucket, directory, storage_.List(url.bucket, directory, true),
                directories.size() > 1 || !objects.empty() || options_.recursive);
    }
  }

  void Line(const Object& object) {
    ++count_;
    bytes_ += object.size;
    if (options_.details) {
      std::string time = object.updated.substr(0, 19);
      if (!time.empty()) time += "Z";
      const std::string size = options_.human ? HumanSize(object.size) : absl::StrCat(object.size);
      std::cout << absl::StrFormat("%10s  %s  ", size, time);
    }
    std::cout << object.url().ToString() << "\n";
  }

  ListOptions options_;
  StorageClient storage_;
  int64_t count_ = 0, bytes_ = 0;
};

// "0-99", "100-", "-50" to a Range header.
std::string RangeHeader(const std::string& range) {
  if (range.empty()) return "";
  const size_t dash = range.find('-');
  if (dash == std::string::npos || range.find_first_not_of("0123456789-") != std::string::npos ||
      range.find('-', dash + 1) != std::string::npos || range.size() < 2) {
    throw InvalidArgument("expected a range of bytes START-END, START- or -COUNT, got ", range);
  }
  return "bytes=" + range;
}

}  // namespace

int ListAll(const std::vector<std::string>& urls, const std::string& project, const ListOptions& options) {
  Lister lister(options);
  for (size_t i = 0; i < urls.size(); ++i) {
    const Url url = Url::Parse(urls[i]);
    if (url.cloud && url.bucket.empty()) {
      lister.Buckets(project);
    } else {
      lister.Show(url);
    }
  }
  if (urls.empty()) {
    lister.Buckets(project);
  } else {
    lister.Total();
  }
  return 0;
}

int CatAll(const std::vector<std::string>& urls, const std::string& range) {
  StorageClient storage;
  const std::string header = RangeHeader(range);
  for (const std::string& url : urls) {
    for (const Object& object : FindObjects(storage, Url::Parse(url), false)) {
      storage.Read(object.url(), header, [](std::string_view piece) {
        if (std::fwrite(piece.data(), 1, piece.size(), stdout) != piece.size()) {
          throw Unavailable("cannot write to standard output");
        }
      });
    }
  }
  std::fflush(stdout);
  return 0;
}

int DiskUsage(const std::vector<std::string>& urls, const UsageOptions& options) {
  StorageClient storage;
  int64_t total = 0;
  auto line = [&](int64_t bytes, const std::string& name) {
    std::cout << absl::StrFormat("%-11s  %s\n", options.human ? HumanSize(bytes) : absl::StrCat(bytes), name);
  };
  for (const std::string& text : urls) {
    const Url url = Url::Parse(text);
    std::map<std::string, int64_t> directories;
    int64_t sum = 0;
    for (const Object& object : FindObjects(storage, url, true)) {
      sum += object.size;
      if (!options.summarize) line(object.size, object.url().ToString());
      for (size_t slash = object.name.find('/', url.object.size()); slash != std::string::npos;
           slash = object.name.find('/', slash + 1)) {
        directories[object.name.substr(0, slash + 1)] += object.size;
      }
    }
    if (options.summarize) {
      line(sum, url.ToString());
    } else {
      for (const auto& [directory, bytes] : directories) line(bytes, absl::StrCat("gs://", url.bucket, "/", directory));
    }
    total += sum;
  }
  if (options.total) line(total, "total");
  return 0;
}

}  // namespace headrace::cli
