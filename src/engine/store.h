// The engine's records. A Store keeps JSON bodies under a table and a key; a Collection<T> is the typed view of one
// table. What a call has returned from is on disk and survives a crash at any later instant.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/fields.h"

namespace headrace::engine {

struct Record {
  std::string key, body;
  int64_t number = 0;  // grows with insertion, within and across tables
};

// Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  virtual std::optional<Record> Get(const std::string& table, const std::string& key) = 0;
  // Those whose key starts with `prefix`, in order of insertion.
  virtual std::vector<Record> List(const std::string& table, const std::string& prefix) = 0;
  // Throws AlreadyExists.
  virtual void Insert(const std::string& table, const std::string& key, const std::string& body) = 0;
  // Throws NotFound.
  virtual void Update(const std::string& table, const std::string& key, const std::string& body) = 0;
  virtual void Remove(const std::string& table, const std::string& key) = 0;
  // Runs `body` so that all it changes becomes durable together, or nothing if it throws. Transactions exclude each
  // other; they nest into the outermost.
  virtual void Transaction(const std::function<void()>& body) = 0;
};

// SQLite in WAL mode with full synchronisation. Brings an older schema up to date; throws FailedPrecondition for a
// newer one than this program knows.
std::unique_ptr<Store> OpenSqliteStore(const std::string& path);

// The table kTable of messages T (which list their Fields, see fields.h). `kind` is the word errors use: "job".
template <class T>
class Collection {
 public:
  Collection(Store& store, std::string table, std::string kind)
      : store_(store), table_(std::move(table)), kind_(std::move(kind)) {}

  std::optional<T> Find(const std::string& key) {
    const auto record = store_.Get(table_, key);
    if (!record) return std::nullopt;
    return Parse(*record);
  }

  T Get(const std::string& key) {
    auto found = Find(key);
    if (!found) throw NotFound("The ", kind_, " resource \"", key, "\" was not found.");
    return *std::move(found);
  }

  std::vector<T> List(const std::string& prefix) {
    std::vector<T> items;
    for (const Record& record : store_.List(table_, prefix)) items.push_back(Parse(record));
    return items;
  }

  void Insert(const std::string& key, const T& item) {
    try {
      store_.Insert(table_, key, ToJson(item).dump());
    } catch (const Error& error) {
      if (error.code() != Code::kAlreadyExists) throw;
      throw AlreadyExists("The ", kind_, " resource \"", key, "\" already exists.");
    }
  }

  // Reads, changes and writes back as one transaction; returns the new state. Throws NotFound; what `change` throws
  // leaves the record as it was.
  T Modify(const std::string& key, const std::function<void(T&)>& change) {
    T result;
    store_.Transaction([&] {
      result = Get(key);
      change(result);
      store_.Update(table_, key, ToJson(result).dump());
    });
    return result;
  }

  void Remove(const std::string& key) {
    store_.Transaction([&] {
      Get(key);
      store_.Remove(table_, key);
    });
  }

 private:
  static T Parse(const Record& record) { return FromJson<T>(Json::parse(record.body)); }

  Store& store_;
  std::string table_, kind_;
};

}  // namespace headrace::engine
