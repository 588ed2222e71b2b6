// The Store on SQLite: one connection, one lock, one table of records; the number of the schema is user_version.
#include <sqlite3.h>

#include <mutex>

#include "engine/store.h"

namespace headrace::engine {
namespace {

// Step i brings schema version i to i + 1.
constexpr const char* kMigrations[] = {
    "CREATE TABLE records (number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL,"
    " body TEXT NOT NULL);"
    "CREATE UNIQUE INDEX records_by_key ON records (kind, key);",
};
constexpr int kSchemaVersion = std::size(kMigrations);

class Statement {
 public:
  Statement(sqlite3* database, const char* sql) : database_(database) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) Fail();
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& Bind(int index, const std::string& text) {
    sqlite3_bind_text64(statement_, index, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
  }
  // Whether there is a row.
  bool Step() {
    const int result = sqlite3_step(statement_);
    if (result != SQLITE_ROW && result != SQLITE_DONE) Fail();
    return result == SQLITE_ROW;
  }
  std::string Text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return {bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }
  int64_t Integer(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  [[noreturn]] void Fail() const {
    const std::string message = sqlite3_errmsg(database_);
    switch (sqlite3_errcode(database_)) {
      case SQLITE_CONSTRAINT:
        throw AlreadyExists("store: ", message);
      case SQLITE_FULL:
        throw ResourceExhausted("store: ", message);
      default:
        throw Internal("store: ", message);
    }
  }

  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

class SqliteStore : public Store {
 public:
  explicit SqliteStore(const std::string& path) {
    if (sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        nullptr) != SQLITE_OK) {
      const std::string message = sqlite3_errmsg(database_);
      sqlite3_close(database_);
      throw Unavailable("can't open the store ", path, ": ", message);
    }
    sqlite3_busy_timeout(database_, 10000);
    try {
      Statement(database_, "PRAGMA journal_mode = WAL").Step();
      Statement(database_, "PRAGMA synchronous = FULL").Step();
      Migrate(path);
    } catch (...) {
      sqlite3_close(database_);
      throw;
    }
  }
  ~SqliteStore() override { sqlite3_close(database_); }
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  std::optional<Record> Get(const std::string& table, const std::string& key) override {
    std::lock_guard lock(mutex_);
    Statement select(database_, "SELECT body, number FROM records WHERE kind = ?1 AND key = ?2");
    if (!select.Bind(1, table).Bind(2, key).Step()) return std::nullopt;
    return Record{key, select.Text(0), select.Integer(1)};
  }

  std::vector<Record> List(const std::string& table, const std::string& prefix) override {
    std::lock_guard lock(mutex_);
    Statement select(database_,
                     "SELECT key, body, number FROM records WHERE kind = ?1 AND substr(key, 1, length(?2)) = ?2"
                     " ORDER BY number");
    select.Bind(1, table).Bind(2, prefix);
    std::vector<Record> records;
    while (select.Step()) records.push_back({select.Text(0), select.Text(1), select.Integer(2)});
    return records;
  }

  void Insert(const std::string& table, const std::string& key, const std::string& body) override {
    std::lock_guard lock(mutex_);
    Statement insert(database_, "INSERT INTO records (kind, key, body) VALUES (?1, ?2, ?3)");
    insert.Bind(1, table).Bind(2, key).Bind(3, body).Step();
  }

  void Update(const std::string& table, const std::string& key, const std::string& body) override {
    std::lock_guard lock(mutex_);
    Statement update(database_, "UPDATE records SET body = ?3 WHERE kind = ?1 AND key = ?2");
    update.Bind(1, table).Bind(2, key).Bind(3, body).Step();
    CheckChanged(table, key);
  }

  void Remove(const std::string& table, const std::string& key) override {
    std::lock_guard lock(mutex_);
    Statement remove(database_, "DELETE FROM records WHERE kind = ?1 AND key = ?2");
    remove.Bind(1, table).Bind(2, key).Step();
    CheckChanged(table, key);
  }

  void Transaction(const std::function<void()>& body) override {
    std::lock_guard lock(mutex_);
    if (depth_ > 0) return body();
    Statement(database_, "BEGIN IMMEDIATE").Step();
    ++depth_;
    try {
      body();
      --depth_;
      Statement(database_, "COMMIT").Step();
    } catch (...) {
      depth_ = 0;
      if (sqlite3_get_autocommit(database_) == 0) sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
  }

 private:
  void CheckChanged(const std::string& table, const std::string& key) {
    if (sqlite3_changes(database_) == 0) throw NotFound("store: no record ", key, " in ", table);
  }

  void Migrate(const std::string& path) {
    Transaction([&] {
      int64_t version = 0;
      {
        Statement select(database_, "PRAGMA user_version");
        select.Step();
        version = select.Integer(0);
      }
      if (version > kSchemaVersion) {
        throw FailedPrecondition("the store ", path, " has schema version ", version,
                                 ", written by a newer Headrace; this one knows versions up to ", kSchemaVersion);
      }
      for (; version < kSchemaVersion; ++version) {
        const std::string script =
            std::string(kMigrations[version]) + "PRAGMA user_version = " + std::to_string(version + 1) + ";";
        char* message = nullptr;
        if (sqlite3_exec(database_, script.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
          const std::string text = message ? message : "";
          sqlite3_free(message);
          throw Internal("can't bring the store ", path, " to schema version ", version + 1, ": ", text);
        }
      }
    });
  }

  std::recursive_mutex mutex_;
  sqlite3* database_ = nullptr;
  int depth_ = 0;
};

}  // namespace

std::unique_ptr<Store> OpenSqliteStore(const std::string& path) {
  return std::make_unique<SqliteStore>(path);
}

}  // namespace headrace::engine
