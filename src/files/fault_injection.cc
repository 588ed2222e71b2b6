// Counting and failing, around the base file system.
#include "files/fault_injection.h"

#include "headrace/error.h"

namespace headrace {

class FaultInjectedFile : public WritableFile {
 public:
  FaultInjectedFile(FaultInjectingFileSystem& owner, std::string path, std::unique_ptr<WritableFile> base)
      : owner_(owner), path_(std::move(path)), base_(std::move(base)) {}

  void Append(std::string_view bytes) override {
    if (owner_.CountCall("write " + path_, /*is_write=*/true)) {
      base_->Append(bytes.substr(0, bytes.size() / 2));
      base_->Flush();
      throw ResourceExhausted("cannot write ", path_, ": injected torn write");
    }
    base_->Append(bytes);
  }
  void Flush() override {
    owner_.CountCall("flush " + path_);
    base_->Flush();
  }
  void Sync() override {
    owner_.CountCall("sync " + path_);
    base_->Sync();
  }
  void Close() override {
    owner_.CountCall("close " + path_);
    base_->Close();
  }

 private:
  FaultInjectingFileSystem& owner_;
  std::string path_;
  std::unique_ptr<WritableFile> base_;
};

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

std::unique_ptr<RandomAccessFile> FaultInjectingFileSystem::OpenForReading(const std::string& path) {
  return base_.OpenForReading(Base(path));
}

std::unique_ptr<ReadOnlyRegion> FaultInjectingFileSystem::Map(const std::string& path) {
  return base_.Map(Base(path));
}

std::unique_ptr<WritableFile> FaultInjectingFileSystem::OpenForWriting(const std::string& path, bool append) {
  CountCall("create " + path);
  return std::make_unique<FaultInjectedFile>(*this, path, base_.OpenForWriting(Base(path), append));
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
  base_.MakeDirs(Base(path));
}

void FaultInjectingFileSystem::Remove(const std::string& path) {
  CountCall("remove " + path);
  base_.Remove(Base(path));
}

void FaultInjectingFileSystem::Rename(const std::string& from, const std::string& to) {
  CountCall("rename " + from);
  base_.Rename(Base(from), Base(to));
}

void FaultInjectingFileSystem::SyncDirectory(const std::string& path) {
  CountCall("sync directory " + path);
  base_.SyncDirectory(Base(path));
}

}  // namespace headrace
