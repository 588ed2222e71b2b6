// What `gcloud storage` and `gsutil` both do with files and objects: cp, mv, rm, ls, cat, du, rsync.
#pragma once

#include <string>
#include <vector>

#include "cli/storage_client.h"

namespace headrace::cli {

struct TransferOptions {
  bool recursive = false;
  bool move = false;               // remove the source behind the copy
  bool no_clobber = false;         // leave what is already at the destination
  bool continue_on_error = false;  // the other sources are still copied; the exit code is 1
  bool quiet = false;
};

// The exit code. Sources may hold wildcards; a directory or a prefix needs `recursive`. With more than one source the
// destination is a directory (a prefix). `-` is standard input or output.
int CopyAll(const std::vector<std::string>& sources, const std::string& destination, const TransferOptions& options);

struct RemoveOptions {
  bool recursive = false;
  bool force = false;  // nothing to remove is no error
  bool continue_on_error = false;
  bool quiet = false;
};
int RemoveAll(const std::vector<std::string>& urls, const RemoveOptions& options);

struct ListOptions {
  bool recursive = false;
  bool details = false;
  bool human = false;
  bool directory_itself = false;  // gsutil's -d
  bool total = false;             // a closing line of the number and size of all
};
int ListAll(const std::vector<std::string>& urls, const std::string& project, const ListOptions& options);

// `range` as gsutil's -r: "0-99", "100-", "-50".
int CatAll(const std::vector<std::string>& urls, const std::string& range);

struct UsageOptions {
  bool summarize = false;
  bool human = false;
  bool total = false;
};
int DiskUsage(const std::vector<std::string>& urls, const UsageOptions& options);

struct SyncOptions {
  bool recursive = false;
  bool delete_extra = false;
  bool dry_run = false;
  bool quiet = false;
};
// Copies what differs in size or MD5 from a directory or prefix to another.
int Synchronise(const std::string& source, const std::string& destination, const SyncOptions& options);

// The regular files below a directory, relative to it, in order.
std::vector<std::string> FilesBelow(const std::string& directory);

// The objects that a URL names: itself, those its wildcard matches, or with `recursive` all below the prefixes.
// Throws NotFound when there is none.
std::vector<Object> FindObjects(StorageClient& storage, const Url& url, bool recursive);

}  // namespace headrace::cli
