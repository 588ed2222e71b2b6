// Copying: the sources become a list of (source, name below the destination), then each is moved over the wire.
#include "cli/transfer.h"

#include <glob.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

// One file or object to copy, and its name relative to the destination directory.
struct Item {
  Url from;
  Object object;  // when `from` is cloud
  std::string relative;
};

std::string BaseName(std::string name) {
  while (!name.empty() && name.back() == '/') name.pop_back();
  return name.substr(name.rfind('/') + 1);
}

std::vector<std::string> ExpandLocal(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos || fs::exists(pattern)) return {pattern};
  glob_t found;
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  return paths;
}

void AddLocalTree(const fs::path& root, const std::string& relative, std::vector<Item>* items) {
  for (const std::string& below : FilesBelow(root)) {
    items->push_back({Url{false, "", root / below}, {}, relative.empty() ? below : relative + "/" + below});
  }
}

[[noreturn]] void NothingMatched(const Url& url) {
  throw NotFound("The following URLs matched no objects or files:\n", url.ToString());
}

// What of `source` is to be copied. `tree_name`: whether a copied directory keeps its own name in front.
void AddLocal(const Url& source, const TransferOptions& options, bool tree_name, std::vector<Item>* items) {
  const std::vector<std::string> paths = ExpandLocal(source.object);
  if (paths.empty()) NothingMatched(source);
  for (const std::string& path : paths) {
    if (!fs::exists(path)) NothingMatched(Url::Parse(path));
    if (!fs::is_directory(path)) {
      items->push_back({Url{false, "", path}, {}, BaseName(path)});
    } else if (options.recursive) {
      const std::string name = fs::weakly_canonical(path).filename().string();
      AddLocalTree(path, tree_name || source.HasWildcard() ? name : "", items);
    } else if (paths.size() == 1) {
      throw InvalidArgument(path, " is a directory: copy it with --recursive (-r)");
    }
  }
}

// Objects of one wildcard or prefix, named from the level at which the pattern matched.
void AddCloud(StorageClient& storage, const Url& source, const TransferOptions& options, bool tree_name,
              std::vector<Item>* items) {
  const size_t before = items->size();
  if (!source.HasWildcard()) {
    const bool names_object = !source.object.empty() && source.object.back() != '/';
    if (names_object && storage.Exists(source)) {
      items->push_back({source, storage.Get(source), BaseName(source.object)});
      return;
    }
    if (!options.recursive) {
      if (!source.object.empty() && storage.List(source.bucket, source.Child("").object, true).objects.empty() &&
          storage.List(source.bucket, source.Child("").object, true).prefixes.empty()) {
        NothingMatched(source);
      }
      throw InvalidArgument(source.ToString(), " is a directory: copy it with --recursive (-r)");
    }
    const std::string prefix = source.object.empty() ? "" : source.Child("").object;
    const std::string own = source.object.empty() ? source.bucket : BaseName(source.object);
    for (const Object& object : storage.List(source.bucket, prefix, false).objects) {
      const std::string below = object.name.substr(prefix.size());
      if (below.empty() || below.back() == '/') continue;  // a directory's marker
      items->push_back({object.url(), object, tree_name ? own + "/" + below : below});
    }
  } else {
    const size_t wildcard = source.object.find_first_of("*?[");
    const std::string fixed = source.object.substr(0, wildcard);
    for (const Object& object : storage.List(source.bucket, fixed, false).objects) {
      if (object.name.back() == '/') continue;
      if (MatchesWildcard(object.name, source.object)) {
        const std::string kept =
            source.object.find("**") == std::string::npos
                ? BaseName(object.name)
                : object.name.substr(fixed.rfind('/') == std::string::npos ? 0 : fixed.rfind('/') + 1);
        items->push_back({object.url(), object, kept});
        continue;
      }
      if (!options.recursive) continue;
      // A matched directory is copied with its name.
      for (size_t slash = object.name.find('/', fixed.size()); slash != std::string::npos;
           slash = object.name.find('/', slash + 1)) {
        const std::string directory = object.name.substr(0, slash);
        if (!MatchesWildcard(directory, source.object)) continue;
        const size_t start = directory.rfind('/') == std::string::npos ? 0 : directory.rfind('/') + 1;
        items->push_back({object.url(), object, object.name.substr(start)});
        break;
      }
    }
  }
  if (items->size() == before) NothingMatched(source);
}

bool IsDirectory(StorageClient& storage, const Url& url) {
  if (!url.cloud) return url.object.back() == '/' || fs::is_directory(url.object);
  if (url.object.empty() || url.object.back() == '/') return true;
  const Listing below = storage.List(url.bucket, url.Child("").object, true);
  return !below.objects.empty() || !below.prefixes.empty();
}

class Copier {
 public:
  explicit Copier(const TransferOptions& options) : options_(options) {}

  int Run(const std::vector<std::string>& sources, const std::string& destination) {
    to_ = Url::Parse(destination);
    if (destination == "-") return ToStandardOutput(sources);
    const bool into = IsDirectory(storage_, to_);
    std::vector<Item> items;
    for (const std::string& source : sources) {
      Attempt([&] { Add(source, into, &items); });
    }
    const bool one_file = items.size() == 1 && sources.size() == 1 && !one_tree_;
    if (!into && !one_file && !options_.recursive && items.size() > 1) {
      throw InvalidArgument("the destination of several files must be a directory, a bucket or end in a slash; got ",
                            destination);
    }
    for (const Item& item : items) {
      const bool rename = one_file && !into;
      Attempt([&] { CopyOne(item, rename ? to_ : to_.object.empty() && !to_.cloud ? to_ : to_.Child(item.relative)); });
    }
    return failed_ ? 1 : 0;
  }

 private:
  // Runs one step; with continue_on_error its failure is told and the others go on.
  template <class Step>
  void Attempt(Step step) {
    if (!options_.continue_on_error) return step();
    try {
      step();
    } catch (const Error& error) {
      std::cerr << "ERROR: " << error.what() << "\n";
      failed_ = true;
    }
  }

  void Add(const std::string& text, bool into, std::vector<Item>* items) {
    if (text == "-") {
      if (into) throw InvalidArgument("expected an object's name as the destination of -, got ", to_.ToString());
      items->push_back({Url{false, "", SpoolStandardInput()}, {}, ""});
      return;
    }
    const Url source = Url::Parse(text);
    // As cp -r does: into an existing directory goes the tree with its name, otherwise its content under the new name.
    const bool tree_name = into && !source.HasWildcard();
    const size_t before = items->size();
    if (source.cloud) {
      AddCloud(storage_, source, options_, tree_name, items);
    } else {
      AddLocal(source, options_, tree_name, items);
    }
    if (items->size() == before + 1 && (*items)[before].from.object != source.object && !source.HasWildcard()) {
      one_tree_ = true;
    }
  }

  std::string SpoolStandardInput() {
    spool_ = fs::temp_directory_path() / absl::StrCat("headrace-stdin-", getpid());
    FILE* file = std::fopen(spool_.c_str(), "wb");
    if (!file) throw Unavailable("cannot write ", spool_.string());
    std::vector<char> buffer(1 << 20);
    for (size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), stdin)) > 0;) {
      if (std::fwrite(buffer.data(), 1, n, file) != n) throw Unavailable("cannot write ", spool_.string());
    }
    std::fclose(file);
    return spool_;
  }

  int ToStandardOutput(const std::vector<std::string>& sources) { return CatAll(sources, ""); }

  void CopyOne(const Item& item, const Url& to) {
    if (options_.no_clobber && (to.cloud ? storage_.Exists(to) : fs::exists(to.object))) {
      Tell(absl::StrCat("Skipping existing item: ", Shown(to)));
      return;
    }
    Tell(absl::StrCat(options_.move ? "Moving " : "Copying ", Shown(item.from), " to ", Shown(to)));
    if (item.from.cloud && to.cloud) {
      if (item.from.ToString() == to.ToString()) {
        throw InvalidArgument("the source and the destination are the same: ", to.ToString());
      }
      storage_.Copy(item.from, to);
    } else if (item.from.cloud) {
      storage_.Download(item.object, to.object);
    } else if (to.cloud) {
      storage_.Upload(item.from.object, to);
    } else {
      if (fs::path(to.object).has_parent_path()) fs::create_directories(fs::path(to.object).parent_path());
      fs::copy_file(item.from.object, to.object, fs::copy_options::overwrite_existing);
    }
    if (item.from.object == spool_) {
      fs::remove(spool_);
    } else if (options_.move) {
      if (item.from.cloud) {
        storage_.Delete(item.from);
      } else {
        fs::remove(item.from.object);
      }
    }
  }

  static std::string Shown(const Url& url) { return url.cloud ? url.ToString() : "file://" + url.object; }

  void Tell(const std::string& text) const {
    if (!options_.quiet && isatty(2)) Note(text);
  }

  TransferOptions options_;
  StorageClient storage_;
  Url to_;
  fs::path spool_;
  bool failed_ = false;
  bool one_tree_ = false;
};

}  // namespace

std::vector<std::string> FilesBelow(const std::string& directory) {
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(directory).string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

int CopyAll(const std::vector<std::string>& sources, const std::string& destination, const TransferOptions& options) {
  return Copier(options).Run(sources, destination);
}

std::vector<Object> FindObjects(StorageClient& storage, const Url& url, bool recursive) {
  if (!url.cloud) throw InvalidArgument("expected a gs:// URL, got ", url.ToString());
  std::vector<Object> found;
  const std::string fixed = url.object.substr(0, url.object.find_first_of("*?["));
  if (!url.HasWildcard() && !recursive) {
    if (url.object.empty()) throw InvalidArgument("expected an object, got the bucket ", url.ToString());
    try {
      return {storage.Get(url)};
    } catch (const Error& error) {
      if (error.code() != Code::kNotFound) throw;
      NothingMatched(url);
    }
  }
  for (const Object& object : storage.List(url.bucket, fixed, false).objects) {
    bool matches = MatchesWildcard(object.name, url.object) || (recursive && url.object.empty());
    for (size_t slash = object.name.find('/'); recursive && !matches && slash != std::string::npos;
         slash = object.name.find('/', slash + 1)) {
      const std::string directory = object.name.substr(0, slash);
      matches = MatchesWildcard(directory, url.object) || MatchesWildcard(directory + "/", url.object);
    }
    if (matches) found.push_back(object);
  }
  if (found.empty()) NothingMatched(url);
  return found;
}

int RemoveAll(const std::vector<std::string>& urls, const RemoveOptions& options) {
  StorageClient storage;
  int result = 0;
  for (const std::string& text : urls) {
    try {
      const Url url = Url::Parse(text);
      const bool whole_bucket = url.cloud && !url.bucket.empty() && url.object.empty();
      std::vector<Object> objects;
      try {
        objects = FindObjects(storage, url, options.recursive);
      } catch (const Error& error) {
        if (error.code() != Code::kNotFound || !whole_bucket) throw;
        storage.GetBucket(url.bucket);  // an empty bucket is still to be removed; a missing one is an error
      }
      for (const Object& object : objects) {
        if (!options.quiet && isatty(2)) Note(absl::StrCat("Removing ", object.url().ToString(), "..."));
        storage.Delete(object.url());
      }
      if (whole_bucket && options.recursive) storage.DeleteBucket(url.bucket);
    } catch (const Error& error) {
      if (options.force && error.code() == Code::kNotFound) continue;
      if (!options.continue_on_error) throw;
      std::cerr << "ERROR: " << error.what() << "\n";
      result = 1;
    }
  }
  return result;
}

}  // namespace headrace::cli
