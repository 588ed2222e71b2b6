// The SQLite store: what is committed stays, what throws leaves nothing, also across a process that dies.
#include "engine/store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace headrace::engine {
namespace {

struct Item {
  std::string name;
  int64_t count = 0;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("count", count);
  }
};

class StoreTest : public testing::Test {
 protected:
  StoreTest() { std::filesystem::create_directories(directory_); }
  ~StoreTest() override { std::filesystem::remove_all(directory_); }

  std::string directory_ = testing::TempDir() + "store." + std::to_string(::getpid());
  std::string path_ = directory_ + "/store.db";
};

TEST_F(StoreTest, KeepsRecordsOverReopening) {
  {
    auto store = OpenSqliteStore(path_);
    store->Insert("jobs", "a", "1");
    store->Update("jobs", "a", "2");
    store->Insert("models", "a", "3");
  }
  auto store = OpenSqliteStore(path_);
  EXPECT_EQ(store->Get("jobs", "a")->body, "2");
  EXPECT_EQ(store->Get("models", "a")->body, "3");
  EXPECT_FALSE(store->Get("jobs", "b"));
}

TEST_F(StoreTest, ListsByPrefixInOrderOfInsertion) {
  auto store = OpenSqliteStore(path_);
  for (const char* key : {"p/2", "p/1", "q/1", "p_/1", "p%"}) store->Insert("t", key, "{}");
  store->Update("t", "p/2", "[]");
  std::vector<std::string> keys;
  for (const Record& record : store->List("t", "p/")) keys.push_back(record.key);
  EXPECT_EQ(keys, (std::vector<std::string>{"p/2", "p/1"}));
  EXPECT_EQ(store->List("t", "").size(), 5u);
  EXPECT_EQ(store->List("t", "p%").size(), 1u);
}

TEST_F(StoreTest, NamesTheResourceInErrors) {
  auto store = OpenSqliteStore(path_);
  Collection<Item> items(*store, "items", "item");
  items.Insert("a", {"x", 1});
  const auto code_of = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("item resource"), std::string::npos) << error.what();
      return error.code();
    }
    return Code::kOk;
  };
  EXPECT_EQ(code_of([&] { items.Insert("a", {}); }), Code::kAlreadyExists);
  EXPECT_EQ(code_of([&] { items.Get("b"); }), Code::kNotFound);
  EXPECT_EQ(code_of([&] { items.Remove("b"); }), Code::kNotFound);
  EXPECT_EQ(code_of([&] { items.Modify("b", [](Item&) {}); }), Code::kNotFound);
}

TEST_F(StoreTest, ATransactionThatThrowsLeavesNothing) {
  auto store = OpenSqliteStore(path_);
  Collection<Item> items(*store, "items", "item");
  items.Insert("a", {"x", 1});
  EXPECT_THROW(store->Transaction([&] {
    items.Insert("b", {"y", 2});
    items.Modify("a", [](Item& item) { item.count = 5; });
    throw Internal("on purpose");
  }),
               Error);
  EXPECT_FALSE(items.Find("b"));
  EXPECT_EQ(items.Get("a").count, 1);
  items.Insert("b", {"z", 3});  // the store is still usable
  EXPECT_EQ(items.Get("b").name, "z");
}

TEST_F(StoreTest, ConcurrentModificationsAllCount) {
  auto store = OpenSqliteStore(path_);
  Collection<Item> items(*store, "items", "item");
  items.Insert("a", {"x", 0});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) items.Modify("a", [](Item& item) { ++item.count; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(items.Get("a").count, 100);
}

TEST_F(StoreTest, AKilledWriterLosesNothingAcknowledged) {
  for (int round = 0; round < 5; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = OpenSqliteStore(path_);
      for (int i = 0;; ++i) {
        store->Insert("t", std::to_string(round) + "/" + std::to_string(i), "{}");
        (void)!::write(acknowledged[1], "x", 1);
      }
    }
    ::close(acknowledged[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(30 + 7 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    size_t count = 0;
    for (char byte; ::read(acknowledged[0], &byte, 1) == 1;) ++count;
    ::close(acknowledged[0]);
    auto store = OpenSqliteStore(path_);
    EXPECT_GE(store->List("t", std::to_string(round) + "/").size(), count);
  }
}

TEST_F(StoreTest, RefusesANewerSchema) {
  OpenSqliteStore(path_);
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
  sqlite3_exec(database, "PRAGMA user_version = 1000", nullptr, nullptr, nullptr);
  sqlite3_close(database);
  try {
    OpenSqliteStore(path_);
    FAIL() << "expected FailedPrecondition";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kFailedPrecondition);
    EXPECT_NE(std::string(error.what()).find("1000"), std::string::npos);
  }
}

}  // namespace
}  // namespace headrace::engine
