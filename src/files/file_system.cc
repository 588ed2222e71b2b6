// The registry of schemes, and the operations made of the backends' elementary ones.
#include "headrace/file_system.h"

#include <fnmatch.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>

#include "files/buckets.h"
#include "files/posix_file_system.h"
#include "headrace/error.h"

namespace headrace {
namespace {

// Backends are never destroyed: files may outlive main().
struct Registry {
  std::mutex mutex;
  std::map<std::string, std::unique_ptr<FileSystem>, std::less<>> backends;
  std::vector<std::unique_ptr<FileSystem>> replaced;  // callers may still hold references

  Registry() {
    backends[""] = std::make_unique<PosixFileSystem>();
    backends["file"] = std::make_unique<PosixFileSystem>();
    backends["gs"] = std::make_unique<BucketFileSystem>();
  }
};

Registry& GetRegistry() {
  static auto* registry = new Registry;
  return *registry;
}

std::string_view SchemeOf(std::string_view path) {
  size_t end = path.find("://");
  if (end == std::string_view::npos) return {};
  std::string_view scheme = path.substr(0, end);
  bool valid = !scheme.empty() && std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '+' || c == '-' || c == '.';
  });
  return valid ? scheme : std::string_view{};
}

// Where the part behind "scheme://" starts; 0 for plain paths.
size_t SchemeEnd(std::string_view path) {
  std::string_view scheme = SchemeOf(path);
  return scheme.empty() ? 0 : scheme.size() + 3;
}

bool HasWildcard(std::string_view text) {
  return text.find_first_of("*?[\\") != std::string_view::npos;
}

// Splits a pattern into its components, each with the '/' before it.
std::vector<std::string> PatternComponents(std::string_view pattern) {
  std::vector<std::string> components;
  size_t start = 0;
  while (start < pattern.size()) {
    size_t end = pattern.find('/', start + 1);
    components.emplace_back(pattern.substr(start, end - start));
    if (end == std::string_view::npos) break;
    start = end;
  }
  return components;
}

void AppendTree(FileSystem& file_system, const std::string& path, std::vector<std::string>& files) {
  for (const std::string& name : file_system.List(path)) {
    std::string child = JoinPath(path, name);
    if (file_system.Stat(child).is_directory) {
      AppendTree(file_system, child, files);
    } else {
      files.push_back(child);
    }
  }
}

// A name beside `path` that nobody else uses.
std::string TemporaryName(const std::string& path) {
  static std::atomic<int> counter{0};
  return path + ".tmp" + std::to_string(getpid()) + "_" + std::to_string(counter++);
}

}  // namespace

FileSystem& FileSystemFor(std::string_view path) {
  Registry& registry = GetRegistry();
  std::lock_guard lock(registry.mutex);
  std::string_view scheme = SchemeOf(path);
  auto found = registry.backends.find(scheme);
  if (found != registry.backends.end()) return *found->second;
  std::string known;
  for (const auto& [name, backend] : registry.backends) {
    if (!name.empty()) known += (known.empty() ? "" : ", ") + name + "://";
  }
  throw Unimplemented("no file system for ", scheme, ":// (in ", path, "); known: plain paths, ", known);
}

void RegisterFileSystem(const std::string& scheme, std::unique_ptr<FileSystem> backend) {
  Registry& registry = GetRegistry();
  std::lock_guard lock(registry.mutex);
  auto& slot = registry.backends[scheme];
  if (slot) registry.replaced.push_back(std::move(slot));
  slot = std::move(backend);
}

std::string ReadFile(const std::string& path) {
  auto file = FileSystemFor(path).OpenForReading(path);
  std::string bytes(static_cast<size_t>(file->Size()), '\0');
  bytes.resize(file->Read(0, bytes.data(), bytes.size()));
  // Files of /proc and the like say size 0 and still have contents.
  char more[4096];
  while (size_t got = file->Read(static_cast<int64_t>(bytes.size()), more, sizeof more)) bytes.append(more, got);
  return bytes;
}

void WriteFile(const std::string& path, std::string_view bytes) {
  auto file = FileSystemFor(path).OpenForWriting(path);
  file->Append(bytes);
  file->Close();
}

void WriteFileAtomically(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.Append(bytes);
  file.Commit();
}

bool FileExists(const std::string& path) {
  return FileSystemFor(path).Exists(path);
}

bool IsDirectory(const std::string& path) {
  FileSystem& file_system = FileSystemFor(path);
  return file_system.Exists(path) && file_system.Stat(path).is_directory;
}

void MakeDirs(const std::string& path) {
  FileSystem& file_system = FileSystemFor(path);
  std::vector<std::string> changed;  // directories that get an entry, the outermost last
  for (std::string at = path; !at.empty() && !file_system.Exists(at);) {
    std::string parent = DirectoryOf(at);
    if (parent == at) break;
    if (!at.ends_with('/')) changed.push_back(parent);  // "a/b/" is "a/b"
    at = std::move(parent);
  }
  file_system.MakeDirs(path);
  for (auto directory = changed.rbegin(); directory != changed.rend(); ++directory) {
    file_system.SyncDirectory(*directory);
  }
}

void CopyFile(const std::string& from, const std::string& to) {
  auto source = FileSystemFor(from).OpenForReading(from);
  AtomicFile target(to);
  std::string block(1 << 20, '\0');
  int64_t offset = 0;
  while (size_t got = source->Read(offset, block.data(), block.size())) {
    target.Append({block.data(), got});
    offset += static_cast<int64_t>(got);
  }
  target.Commit();
}

void ShareFile(const std::string& from, const std::string& to) {
  FileSystem& file_system = FileSystemFor(to);
  const std::string temporary = TemporaryName(to);
  if (!file_system.Link(from, temporary)) return CopyFile(from, to);
  file_system.Rename(temporary, to);
  file_system.SyncDirectory(DirectoryOf(to));
}

void RemoveTree(const std::string& path) {
  FileSystem& file_system = FileSystemFor(path);
  try {
    return file_system.Remove(path);  // of a symbolic link, the link alone
  } catch (const Error& error) {
    if (error.code() != Code::kFailedPrecondition) throw;  // else a directory that is not empty
  }
  for (const std::string& name : file_system.List(path)) RemoveTree(JoinPath(path, name));
  file_system.Remove(path);
}

std::vector<std::string> ListTree(const std::string& path) {
  std::vector<std::string> files;
  AppendTree(FileSystemFor(path), path, files);
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> MatchFiles(const std::string& pattern) {
  FileSystem& file_system = FileSystemFor(pattern);
  if (!HasWildcard(pattern)) {
    return file_system.Exists(pattern) ? std::vector<std::string>{pattern} : std::vector<std::string>{};
  }
  size_t scheme_end = SchemeEnd(pattern);
  std::vector<std::string> paths{pattern.substr(0, scheme_end)};
  for (const std::string& component : PatternComponents(std::string_view(pattern).substr(scheme_end))) {
    std::string separator = component.starts_with('/') ? "/" : "";
    std::string name_pattern = component.substr(separator.size());
    std::vector<std::string> next;
    for (const std::string& path : paths) {
      if (!HasWildcard(name_pattern)) {
        next.push_back(path + component);
        continue;
      }
      std::string directory = path.empty() && !separator.empty() ? "/" : path;
      if (!directory.empty() && !IsDirectory(directory) && directory.size() != scheme_end) continue;
      for (const std::string& name : file_system.List(directory)) {
        if (fnmatch(name_pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0) next.push_back(path + separator + name);
      }
    }
    paths = std::move(next);
  }
  std::erase_if(paths, [&](const std::string& path) { return !file_system.Exists(path); });
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool IsAbsolutePath(std::string_view path) {
  return path.starts_with('/') || !SchemeOf(path).empty();
}

std::string JoinPath(std::string_view first, std::string_view second) {
  if (first.empty() || IsAbsolutePath(second)) return std::string(second);
  if (second.empty()) return std::string(first);
  return std::string(first) + (first.ends_with('/') ? "" : "/") + std::string(second);
}

std::string DirectoryOf(std::string_view path) {
  size_t scheme_end = SchemeEnd(path);
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash < scheme_end) return std::string(path.substr(0, scheme_end));
  return std::string(path.substr(0, std::max<size_t>(slash, scheme_end == 0 ? 1 : scheme_end)));
}

std::string FileNameOf(std::string_view path) {
  size_t slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? path : path.substr(slash + 1));
}

AtomicFile::AtomicFile(const std::string& path)
    : file_system_(FileSystemFor(path)), path_(path), temporary_(TemporaryName(path)) {
  if (file_system_.makes_parents()) MakeDirs(DirectoryOf(path));
  file_ = file_system_.OpenForWriting(temporary_);
}

AtomicFile::~AtomicFile() {
  if (published_) return;
  file_.reset();
  try {
    file_system_.Remove(temporary_);
  } catch (const Error&) {
    // Nothing to undo: the temporary file never came to be, or the disk is gone with it.
  }
}

void AtomicFile::Finish() {
  file_->Sync();
  file_->Close();
}

void AtomicFile::Publish() {
  file_system_.Rename(temporary_, path_);
  published_ = true;
  file_system_.SyncDirectory(DirectoryOf(path_));
}

}  // namespace headrace
