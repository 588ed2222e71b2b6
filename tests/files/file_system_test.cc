// Files on the local backend: contents, listing, patterns, atomic replacement under injected faults.
#include "headrace/file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "files/buckets.h"
#include "files/fault_injection.h"
#include "headrace/error.h"

namespace headrace {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Code CodeOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return Code::kOk;
}

std::string MessageOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class FileSystemTest : public testing::Test {
 protected:
  FileSystemTest() {
    char name[] = "/tmp/headrace_files_XXXXXX";
    directory_ = mkdtemp(name);
    setenv("HEADRACE_HOME", (directory_ + "/home").c_str(), 1);
  }
  ~FileSystemTest() override {
    RemoveTree(directory_);
    unsetenv("HEADRACE_HOME");
  }
  std::string Path(const std::string& name) const { return JoinPath(directory_, name); }

  std::string directory_;
};

TEST_F(FileSystemTest, WriteThenRead_GivesTheSameBytes) {
  std::string bytes("a\0b\nc", 5);
  for (int i = 0; i < 16; ++i) bytes += bytes;
  WriteFile(Path("f"), bytes);
  EXPECT_EQ(ReadFile(Path("f")), bytes);
  EXPECT_EQ(FileSystemFor(directory_).Map(Path("f"))->bytes(), bytes);
  EXPECT_EQ(ReadFile("file://" + Path("f")), bytes);
}

TEST_F(FileSystemTest, Read_StopsAtTheEnd) {
  WriteFile(Path("f"), "0123456789");
  auto file = FileSystemFor(directory_).OpenForReading(Path("f"));
  char buffer[8];
  EXPECT_EQ(file->Read(6, buffer, 8), 4u);
  EXPECT_EQ(std::string(buffer, 4), "6789");
  EXPECT_EQ(file->Read(10, buffer, 8), 0u);
}

TEST_F(FileSystemTest, Append_GoesBehindWhatIsThere) {
  WriteFile(Path("f"), "one ");
  auto file = FileSystemFor(directory_).OpenForWriting(Path("f"), /*append=*/true);
  file->Append("two");
  file->Flush();
  EXPECT_EQ(ReadFile(Path("f")), "one two");
  file->Close();
  EXPECT_EQ(CodeOf([&] { file->Append("x"); }), Code::kFailedPrecondition);
}

TEST_F(FileSystemTest, Errors_SayWhichKindAndWhichPath) {
  EXPECT_EQ(CodeOf([&] { ReadFile(Path("none")); }), Code::kNotFound);
  EXPECT_THAT(MessageOf([&] { ReadFile(Path("none")); }), HasSubstr(Path("none")));
  EXPECT_EQ(CodeOf([&] { ReadFile(directory_); }), Code::kFailedPrecondition);
  EXPECT_EQ(CodeOf([&] { WriteFile(Path("no/dir/f"), ""); }), Code::kNotFound);
  EXPECT_EQ(CodeOf([&] { ReadFile("s3://b/x"); }), Code::kUnimplemented);
  EXPECT_THAT(MessageOf([&] { ReadFile("s3://b/x"); }), HasSubstr("gs://"));
}

TEST_F(FileSystemTest, AFullDisk_IsResourceExhausted) {
  EXPECT_EQ(CodeOf([&] { WriteFile("/dev/full", "x"); }), Code::kResourceExhausted);
}

TEST_F(FileSystemTest, MatchFiles_IsSortedAndStaysInOneDirectory) {
  MakeDirs(Path("data/sub"));
  for (const char* name : {"data/b.csv", "data/a.csv", "data/a.txt", "data/sub/c.csv", "data/.hidden.csv"}) {
    WriteFile(Path(name), "");
  }
  EXPECT_THAT(MatchFiles(Path("data/*.csv")),
              ElementsAre(Path("data/.hidden.csv"), Path("data/a.csv"), Path("data/b.csv")));
  EXPECT_THAT(MatchFiles(Path("da*/[ab].?sv")), ElementsAre(Path("data/a.csv"), Path("data/b.csv")));
  EXPECT_THAT(MatchFiles(Path("*/sub/*")), ElementsAre(Path("data/sub/c.csv")));
  EXPECT_THAT(MatchFiles(Path("data/a.txt")), ElementsAre(Path("data/a.txt")));
  EXPECT_THAT(MatchFiles(Path("none/*")), IsEmpty());
  EXPECT_THAT(MatchFiles(Path("none")), IsEmpty());
}

TEST_F(FileSystemTest, MatchFiles_TakesRelativePatterns) {
  WriteFile(Path("x1"), "");
  WriteFile(Path("x2"), "");
  const std::string before = std::filesystem::current_path();
  ASSERT_EQ(chdir(directory_.c_str()), 0);
  auto matches = MatchFiles("x*");
  auto dotted = MatchFiles("./x?");
  ASSERT_EQ(chdir(before.c_str()), 0);
  EXPECT_THAT(matches, ElementsAre("x1", "x2"));
  EXPECT_THAT(dotted, ElementsAre("./x1", "./x2"));
}

TEST_F(FileSystemTest, Trees_AreListedAndRemovedWhole) {
  MakeDirs(Path("t/a/b"));
  MakeDirs(Path("t/a/b"));
  WriteFile(Path("t/a/b/2"), "");
  WriteFile(Path("t/1"), "");
  EXPECT_THAT(ListTree(Path("t")), ElementsAre(Path("t/1"), Path("t/a/b/2")));
  RemoveTree(Path("t"));
  EXPECT_FALSE(FileExists(Path("t")));
  EXPECT_EQ(CodeOf([&] { RemoveTree(Path("t")); }), Code::kNotFound);
}

TEST_F(FileSystemTest, RemoveTree_LeavesWhatLinksPointTo) {
  MakeDirs(Path("kept"));
  MakeDirs(Path("t"));
  WriteFile(Path("kept/f"), "1");
  ASSERT_EQ(symlink(Path("kept").c_str(), Path("t/link").c_str()), 0);
  ASSERT_EQ(symlink("/nowhere", Path("t/dangling").c_str()), 0);
  RemoveTree(Path("t"));
  EXPECT_FALSE(FileExists(Path("t")));
  EXPECT_EQ(ReadFile(Path("kept/f")), "1");
}

TEST(Paths, JoinAndSplit) {
  EXPECT_EQ(JoinPath("a/b", "c"), "a/b/c");
  EXPECT_EQ(JoinPath("a/", "c"), "a/c");
  EXPECT_EQ(JoinPath("", "c"), "c");
  EXPECT_EQ(JoinPath("a", "/c"), "/c");
  EXPECT_EQ(JoinPath("a", "gs://b/c"), "gs://b/c");
  EXPECT_EQ(DirectoryOf("/a"), "/");
  EXPECT_EQ(DirectoryOf("a"), "");
  EXPECT_EQ(DirectoryOf("a/b/c"), "a/b");
  EXPECT_EQ(DirectoryOf("gs://b/a"), "gs://b");
  EXPECT_EQ(FileNameOf("gs://b/a"), "a");
  EXPECT_FALSE(IsAbsolutePath("a:b/c"));
}

TEST_F(FileSystemTest, Buckets_HoldObjectsUnderHeadraceHome) {
  EXPECT_EQ(CodeOf([] { WriteFile("gs://rides/x", "1"); }), Code::kNotFound);
  EXPECT_THAT(MessageOf([] { ReadFile("gs://rides/x"); }), HasSubstr("bucket gs://rides does not exist"));
  EXPECT_FALSE(FileExists("gs://rides/x"));
  CreateBucket("rides");
  EXPECT_EQ(CodeOf([] { CreateBucket("rides"); }), Code::kAlreadyExists);
  WriteFileAtomically("gs://rides/deep/er/x.csv", "1");
  EXPECT_EQ(ReadFile("gs://rides/deep/er/x.csv"), "1");
  EXPECT_EQ(ReadFile(Path("home/buckets/rides/deep/er/x.csv")), "1");
  EXPECT_THAT(MatchFiles("gs://rides/*/er/x*"), ElementsAre("gs://rides/deep/er/x.csv"));
  EXPECT_THAT(ListTree("gs://rides"), ElementsAre("gs://rides/deep/er/x.csv"));
  EXPECT_THAT(FileSystemFor("gs://").List("gs://"), ElementsAre("rides"));
  CopyFile("gs://rides/deep/er/x.csv", Path("copy"));
  EXPECT_EQ(ReadFile(Path("copy")), "1");
  EXPECT_EQ(CodeOf([] { DeleteBucket("rides"); }), Code::kFailedPrecondition);
  RemoveTree("gs://rides/deep");
  DeleteBucket("rides");
  EXPECT_THAT(ListBuckets(), IsEmpty());
}

TEST_F(FileSystemTest, Buckets_CannotBeLeft) {
  CreateBucket("rides");
  WriteFile(Path("secret"), "s");
  EXPECT_EQ(CodeOf([] { ReadFile("gs://rides/../../../secret"); }), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf([] { ReadFile("gs://../../secret"); }), Code::kInvalidArgument);
  for (const char* name : {"ab", "Upper", "-x-", "a..b", "../x", "a/b"}) {
    EXPECT_EQ(CodeOf([&] { CreateBucket(name); }), Code::kInvalidArgument) << name;
  }
}

// Every changing call of an atomic write is made to fail in turn, in each way.
TEST_F(FileSystemTest, AtomicWrite_LeavesOldOrNewWhateverFails) {
  auto owned = std::make_unique<FaultInjectingFileSystem>("faulty", FileSystemFor("/"));
  FaultInjectingFileSystem& faults = *owned;
  RegisterFileSystem("faulty", std::move(owned));
  std::string path = Path("state");
  for (FaultKind kind : {FaultKind::kDiskFull, FaultKind::kTornWrite, FaultKind::kPowerLoss}) {
    bool failed = true;
    int64_t call = 0;
    for (; failed; ++call) {
      ASSERT_LT(call, 100);
      WriteFile(path, "old contents");
      faults.FailAt(call, kind);
      failed = CodeOf([&] { WriteFileAtomically("faulty://" + path, "new contents"); }) != Code::kOk;
      faults.Disarm();
      EXPECT_THAT(ReadFile(path), testing::AnyOf("old contents", "new contents")) << call;
      if (kind != FaultKind::kPowerLoss) {
        EXPECT_THAT(FileSystemFor(path).List(directory_), ElementsAre("state")) << call;
      }
      for (const std::string& left : MatchFiles(path + ".tmp*")) RemoveTree(left);
    }
    EXPECT_EQ(ReadFile(path), "new contents");
    EXPECT_GE(call, 6);  // create, write, sync, close, rename, sync directory
  }
}

// What an acknowledged call promises, a power loss right behind it must not take.
TEST_F(FileSystemTest, PowerLoss_TakesWhatWasNotSynced) {
  auto owned = std::make_unique<FaultInjectingFileSystem>("power", FileSystemFor("/"));
  FaultInjectingFileSystem& disk = *owned;
  RegisterFileSystem("power", std::move(owned));
  WriteFile(Path("old"), "old");
  const std::string root = "power://" + directory_;
  WriteFileAtomically(root + "/atomic", "kept");
  MakeDirs(root + "/a/b");
  WriteFileAtomically(root + "/a/b/c", "kept");
  WriteFileAtomically(root + "/old", "new");
  WriteFile(root + "/plain", "not synced");
  disk.Rename(root + "/atomic", root + "/renamed");
  disk.Remove(root + "/a/b/c");
  disk.MakeDirs(root + "/unsynced/d");
  disk.LosePower();
  EXPECT_THAT(ListTree(directory_), ElementsAre(Path("a/b/c"), Path("atomic"), Path("old")));
  EXPECT_EQ(ReadFile(Path("atomic")), "kept");
  EXPECT_EQ(ReadFile(Path("a/b/c")), "kept");
  EXPECT_EQ(ReadFile(Path("old")), "new");
  EXPECT_FALSE(FileExists(Path("unsynced")));
}

TEST_F(FileSystemTest, ShareFile_ReplacesItsTarget) {
  WriteFile(Path("from"), "new");
  WriteFile(Path("to"), "old");
  ShareFile(Path("from"), Path("to"));
  EXPECT_EQ(ReadFile(Path("to")), "new");
  RemoveTree(Path("from"));
  EXPECT_EQ(ReadFile(Path("to")), "new");
  EXPECT_THAT(FileSystemFor(directory_).List(directory_), ElementsAre("to"));
}

}  // namespace
}  // namespace headrace
