// rsync: two sets of names, compared by size and MD5; what differs is copied, what is extra is removed on request.
#include <openssl/evp.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "cli/transfer.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;

struct Entry {
  int64_t size = 0;
  std::string md5;  // base64; of a local file computed when needed
};

// The base64 of a file's MD5, as an object's md5Hash has it.
std::string FileMd5(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw NotFound("cannot read ", path);
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr);
  std::vector<char> buffer(1 << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(file.gcount()));
  }
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_DigestFinal_ex(context.get(), digest, &size);
  unsigned char text[64];
  EVP_EncodeBlock(text, digest, static_cast<int>(size));
  return reinterpret_cast<const char*>(text);
}

std::map<std::string, Entry> Entries(StorageClient& storage, const Url& place, bool recursive) {
  std::map<std::string, Entry> entries;
  auto wanted = [&](const std::string& name) {
    return !name.empty() && name.back() != '/' && (recursive || name.find('/') == std::string::npos);
  };
  if (place.cloud) {
    const std::string prefix = place.object.empty() ? "" : place.Child("").object;
    for (const Object& object : storage.List(place.bucket, prefix, false).objects) {
      const std::string name = object.name.substr(prefix.size());
      if (wanted(name)) entries[name] = {object.size, object.md5};
    }
  } else if (fs::exists(place.object)) {
    for (const std::string& name : FilesBelow(place.object)) {
      if (wanted(name)) entries[name] = {static_cast<int64_t>(fs::file_size(place.Child(name).object)), ""};
    }
  }
  return entries;
}

bool Same(const Entry& a, const Url& from, const Entry& b, const Url& to) {
  if (a.size != b.size) return false;
  const std::string left = from.cloud ? a.md5 : FileMd5(from.object), right = to.cloud ? b.md5 : FileMd5(to.object);
  return !left.empty() && left == right;
}

}  // namespace

int Synchronise(const std::string& source, const std::string& destination, const SyncOptions& options) {
  StorageClient storage;
  const Url from = Url::Parse(source), to = Url::Parse(destination);
  if (!from.cloud && !fs::is_directory(from.object)) throw NotFound("expected a directory at ", from.object);
  const auto sources = Entries(storage, from, options.recursive);
  const auto present = Entries(storage, to, options.recursive);
  TransferOptions copy;
  copy.quiet = options.quiet;
  for (const auto& [name, entry] : sources) {
    const Url one = from.Child(name), other = to.Child(name);
    const auto found = present.find(name);
    if (found != present.end() && Same(entry, one, found->second, other)) continue;
    if (options.dry_run) {
      std::cout << "Would copy " << one.ToString() << " to " << other.ToString() << "\n";
    } else {
      CopyAll({one.ToString()}, other.ToString(), copy);
    }
  }
  for (const auto& [name, entry] : present) {
    if (!options.delete_extra || sources.count(name)) continue;
    const Url extra = to.Child(name);
    if (options.dry_run) {
      std::cout << "Would remove " << extra.ToString() << "\n";
    } else if (extra.cloud) {
      storage.Delete(extra);
    } else {
      fs::remove(extra.object);
    }
  }
  return 0;
}

}  // namespace headrace::cli
