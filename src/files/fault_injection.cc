// Counting and failing, around the base file system, and a record of what a power loss would leave: a tree of nodes
// that mirrors the part of the base file system that was touched.
#include "files/fault_injection.h"

#include <algorithm>

#include "headrace/error.h"

namespace headrace {

namespace {

// A hash whose low bits depend on all of a name and of the number.
uint64_t Fingerprint(const std::string& name, unsigned number) {
  uint64_t hash = number * 0x9E3779B97F4A7C15ull;
  for (const unsigned char c : name) hash = (hash ^ c) * 0xD6E8FEB86659FD93ull;
  return hash ^ hash >> 32;
}

}  // namespace

struct FaultInjectingFileSystem::Node {
  bool is_directory = false;
  std::string synced;  // of a file: the bytes on the device
  // Of a directory: the entries that are known, as they are and as the device has them; nullptr: there is none.
  std::map<std::string, NodePtr> entries, synced_entries;
};

class FaultInjectedFile : public WritableFile {
 public:
  FaultInjectedFile(FaultInjectingFileSystem& owner, std::string path, std::unique_ptr<WritableFile> base,
                    FaultInjectingFileSystem::NodePtr node, std::string contents)
      : owner_(owner),
        path_(std::move(path)),
        base_(std::move(base)),
        node_(std::move(node)),
        contents_(std::move(contents)) {}

  void Append(std::string_view bytes) override {
    if (owner_.CountCall("write " + path_, /*is_write=*/true)) {
      base_->Append(bytes.substr(0, bytes.size() / 2));
      base_->Flush();
      throw ResourceExhausted("cannot write ", path_, ": injected torn write");
    }
    base_->Append(bytes);
    contents_ += bytes;
  }
  void Flush() override {
    owner_.CountCall("flush " + path_);
    base_->Flush();
  }
  void Sync() override {
    owner_.CountCall("sync " + path_);
    base_->Sync();
    std::lock_guard lock(owner_.mutex_);
    node_->synced = contents_;
  }
  void Close() override {
    owner_.CountCall("close " + path_);
    base_->Close();
  }

 private:
  FaultInjectingFileSystem& owner_;
  std::string path_;
  std::unique_ptr<WritableFile> base_;
  FaultInjectingFileSystem::NodePtr node_;
  std::string contents_;
};

FaultInjectingFileSystem::FaultInjectingFileSystem(const std::string& scheme, FileSystem& base)
    : prefix_(scheme + "://"), base_(base), root_(std::make_shared<Node>()) {
  root_->is_directory = true;
}
FaultInjectingFileSystem::~FaultInjectingFileSystem() = default;

void FaultInjectingFileSystem::FailAt(int64_t call, FaultKind kind) {
  kind_ = kind;
  calls_ = 0;
  fail_at_ = call;
}

void FaultInjectingFileSystem::Disarm() {
  FailAt(-1, FaultKind::kDiskFull);
}

bool FaultInjectingFileSystem::CountCall(const std::string& what, bool is_write) {
  int64_t call = calls_++, fail_at = fail_at_;
  FaultKind kind = kind_;
  if (fail_at < 0 || call < fail_at || (call > fail_at && kind != FaultKind::kPowerLoss)) return false;
  if (kind == FaultKind::kTornWrite && is_write) return true;
  throw ResourceExhausted("cannot ", what, ": injected fault at call ", call);
}

std::string FaultInjectingFileSystem::Base(const std::string& path) const {
  return path.starts_with(prefix_) ? path.substr(prefix_.size()) : path;
}

// ------------------------------------------------------------------------------------------- what a power loss leaves

FaultInjectingFileSystem::NodePtr FaultInjectingFileSystem::Load(const std::string& base_path) {
  if (!base_.Exists(base_path)) return nullptr;
  auto node = std::make_shared<Node>();
  node->is_directory = base_.Stat(base_path).is_directory;
  if (!node->is_directory) node->synced = ReadFile(base_path);
  return node;
}

FaultInjectingFileSystem::NodePtr FaultInjectingFileSystem::Find(const std::string& base_path) {
  if (base_path.empty() || base_path == "/") return root_;
  const NodePtr parent = Find(DirectoryOf(base_path));
  if (!parent || !parent->is_directory) return nullptr;
  const std::string name = FileNameOf(base_path);
  if (const auto known = parent->entries.find(name); known != parent->entries.end()) return known->second;
  return parent->entries[name] = parent->synced_entries[name] = Load(base_path);
}

void FaultInjectingFileSystem::SetEntry(const std::string& base_path, NodePtr node) {
  Find(base_path);  // so that what was there is known
  if (const NodePtr parent = Find(DirectoryOf(base_path))) parent->entries[FileNameOf(base_path)] = std::move(node);
}

// Gives the base file system, below a directory that is there, what the device has of it.
void FaultInjectingFileSystem::Restore(const std::string& base_path, Node& directory, unsigned luck) {
  for (const auto& [name, entry] : directory.entries) {
    NodePtr& synced = directory.synced_entries[name];
    if (luck != 0 && (Fingerprint(name, luck) & 1) != 0) synced = entry;
    const std::string path = JoinPath(base_path, name);
    const bool same_kind = entry && synced && entry->is_directory == synced->is_directory;
    if (base_.Exists(path) && !same_kind) RemoveTree(path);
    if (!synced) continue;
    if (synced->is_directory) {
      base_.MakeDirs(path);
      Restore(path, *synced, luck);
    } else if (!base_.Exists(path) || ReadFile(path) != synced->synced) {
      if (base_.Exists(path)) base_.Remove(path);  // it may be another's second name
      WriteFile(path, synced->synced);
    }
  }
  directory.entries = directory.synced_entries;
}

void FaultInjectingFileSystem::LosePower(unsigned luck) {
  std::lock_guard lock(mutex_);
  Restore("/", *root_, luck);
  Disarm();
}

// ------------------------------------------------------------------------------------------------------- the interface

std::unique_ptr<RandomAccessFile> FaultInjectingFileSystem::OpenForReading(const std::string& path) {
  return base_.OpenForReading(Base(path));
}

std::unique_ptr<ReadOnlyRegion> FaultInjectingFileSystem::Map(const std::string& path) {
  return base_.Map(Base(path));
}

std::unique_ptr<WritableFile> FaultInjectingFileSystem::OpenForWriting(const std::string& path, bool append) {
  CountCall("create " + path);
  const std::string local = Base(path);
  std::lock_guard lock(mutex_);
  NodePtr node = Find(local);
  const std::string contents = append && node ? ReadFile(local) : "";
  auto file = base_.OpenForWriting(local, append);
  if (!node) {
    node = std::make_shared<Node>();
    SetEntry(local, node);
  }
  return std::make_unique<FaultInjectedFile>(*this, path, std::move(file), std::move(node), contents);
}

FileStat FaultInjectingFileSystem::Stat(const std::string& path) {
  return base_.Stat(Base(path));
}

bool FaultInjectingFileSystem::Exists(const std::string& path) {
  return base_.Exists(Base(path));
}

std::vector<std::string> FaultInjectingFileSystem::List(const std::string& path) {
  return base_.List(Base(path));
}

void FaultInjectingFileSystem::MakeDirs(const std::string& path) {
  CountCall("make directory " + path);
  std::lock_guard lock(mutex_);
  std::vector<std::string> fresh;
  for (std::string at = Base(path); !Find(at); at = DirectoryOf(at)) fresh.push_back(at);
  base_.MakeDirs(Base(path));
  for (auto at = fresh.rbegin(); at != fresh.rend(); ++at) {
    auto node = std::make_shared<Node>();
    node->is_directory = true;
    SetEntry(*at, std::move(node));
  }
}

void FaultInjectingFileSystem::Remove(const std::string& path) {
  CountCall("remove " + path);
  std::lock_guard lock(mutex_);
  Find(Base(path));
  base_.Remove(Base(path));
  SetEntry(Base(path), nullptr);
}

void FaultInjectingFileSystem::Rename(const std::string& from, const std::string& to) {
  CountCall("rename " + from);
  const std::string local = Base(from), target = Base(to);
  std::lock_guard lock(mutex_);
  NodePtr node = Find(local);
  Find(target);
  if (node && node->is_directory) {  // its contents are known before they move
    for (const std::string& file : ListTree(local)) Find(file);
  }
  base_.Rename(local, target);
  SetEntry(local, nullptr);
  SetEntry(target, std::move(node));
}

bool FaultInjectingFileSystem::Link(const std::string& from, const std::string& to) {
  CountCall("link " + from);
  std::lock_guard lock(mutex_);
  NodePtr node = Find(Base(from));
  Find(Base(to));
  if (!base_.Link(Base(from), Base(to))) return false;
  SetEntry(Base(to), std::move(node));
  return true;
}

void FaultInjectingFileSystem::SyncDirectory(const std::string& path) {
  CountCall("sync directory " + path);
  base_.SyncDirectory(Base(path));
  std::lock_guard lock(mutex_);
  if (const NodePtr directory = Find(Base(path))) directory->synced_entries = directory->entries;
}

}  // namespace headrace
