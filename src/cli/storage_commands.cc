// gcloud storage: buckets and objects.
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "cli/transfer.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

std::string BucketName(const std::string& text) {
  const Url url = Url::Parse(text);
  if (!url.cloud || url.bucket.empty() || !url.object.empty()) {
    throw InvalidArgument("expected a bucket as gs://NAME, got ", text);
  }
  return url.bucket;
}

// The resource as `gcloud storage buckets describe` shows it, with its URL.
Json Shown(Json bucket) {
  bucket["storage_url"] = absl::StrCat("gs://", bucket.value("name", ""), "/");
  return bucket;
}

int CreateBuckets(Invocation& call) {
  StorageClient storage;
  for (const std::string& url : call.Arguments("URL")) {
    Json bucket = {{"name", BucketName(url)}};
    bucket["location"] = absl::AsciiStrToUpper(call.Flag("location", "US"));
    bucket["storageClass"] = absl::AsciiStrToUpper(call.Flag("default-storage-class", "STANDARD"));
    Note(absl::StrCat("Creating gs://", bucket["name"].get<std::string>(), "/..."));
    storage.CreateBucket(ProjectOf(call), bucket);
  }
  return 0;
}

int ListBuckets(Invocation& call) {
  StorageClient storage;
  Json buckets = Json::array();
  for (const Json& bucket : storage.ListBuckets(ProjectOf(call))) buckets.push_back(Shown(bucket));
  Print(call, buckets);
  return 0;
}

int DescribeBucket(Invocation& call) {
  Print(call, Shown(StorageClient().GetBucket(BucketName(call.Argument("URL")))));
  return 0;
}

int DeleteBuckets(Invocation& call) {
  StorageClient storage;
  for (const std::string& url : call.Arguments("URL")) {
    Note(absl::StrCat("Removing ", url, "..."));
    storage.DeleteBucket(BucketName(url));
  }
  return 0;
}

TransferOptions Options(const Invocation& call) {
  TransferOptions options;
  options.recursive = call.Switch("recursive");
  options.no_clobber = call.Switch("no-clobber");
  options.continue_on_error = call.Switch("continue-on-error");
  options.quiet = call.Switch("quiet");
  return options;
}

int Copy(Invocation& call) {
  return CopyAll(call.Arguments("SOURCE"), call.Argument("DESTINATION"), Options(call));
}

int Move(Invocation& call) {
  TransferOptions options = Options(call);
  options.move = options.recursive = true;
  return CopyAll(call.Arguments("SOURCE"), call.Argument("DESTINATION"), options);
}

int Remove(Invocation& call) {
  RemoveOptions options;
  options.recursive = call.Switch("recursive");
  options.continue_on_error = call.Switch("continue-on-error");
  options.quiet = call.Switch("quiet");
  return RemoveAll(call.Arguments("URL"), options);
}

int List(Invocation& call) {
  ListOptions options;
  options.recursive = call.Switch("recursive");
  options.details = call.Switch("long");
  options.human = call.Switch("readable-sizes");
  const std::vector<std::string> urls = call.Arguments("URL");
  const bool buckets = urls.empty() || (urls.size() == 1 && urls[0] == "gs://");
  return ListAll(urls, buckets ? ProjectOf(call) : "", options);
}

int Cat(Invocation& call) {
  return CatAll(call.Arguments("URL"), call.Flag("range"));
}

int Usage(Invocation& call) {
  UsageOptions options;
  options.summarize = call.Switch("summarize");
  options.human = call.Switch("readable-sizes");
  options.total = call.Switch("total");
  return DiskUsage(call.Arguments("URL"), options);
}

int Rsync(Invocation& call) {
  SyncOptions options;
  options.recursive = call.Switch("recursive");
  options.delete_extra = call.Switch("delete-unmatched-destination-objects");
  options.dry_run = call.Switch("dry-run");
  options.quiet = call.Switch("quiet");
  return Synchronise(call.Argument("SOURCE"), call.Argument("DESTINATION"), options);
}

int DescribeObject(Invocation& call) {
  const Url url = Url::Parse(call.Argument("URL"));
  if (!url.cloud || url.object.empty())
    throw InvalidArgument("expected an object as gs://BUCKET/NAME, got ", url.object);
  Print(call, StorageClient().Get(url).resource);
  return 0;
}

}  // namespace

std::vector<Command> StorageCommands() {
  return {
      {"storage buckets create URL... --location=LOCATION --default-storage-class=CLASS --uniform-bucket-level-access "
       "--public-access-prevention",
       "Creates buckets", CreateBuckets},
      {"storage buckets list", "Lists the project's buckets", ListBuckets},
      {"storage buckets describe URL", "Shows a bucket", DescribeBucket},
      {"storage buckets delete URL...", "Deletes empty buckets", DeleteBuckets},
      {"storage objects describe URL", "Shows an object's metadata", DescribeObject},
      {"storage cp SOURCE... DESTINATION -r|-R|--recursive -n|--no-clobber -c|--continue-on-error",
       "Copies files and objects", Copy},
      {"storage mv SOURCE... DESTINATION -n|--no-clobber -c|--continue-on-error", "Moves files and objects", Move},
      {"storage rm URL... -r|-R|--recursive -c|--continue-on-error", "Removes objects and buckets", Remove},
      {"storage ls [URL...] -r|-R|--recursive -l|--long --readable-sizes", "Lists buckets and objects", List},
      {"storage cat URL... -r|--range=RANGE", "Prints objects", Cat},
      {"storage du URL... -s|--summarize -r|--readable-sizes -c|--total", "Shows how much space objects take", Usage},
      {"storage rsync SOURCE DESTINATION -r|-R|--recursive --delete-unmatched-destination-objects --dry-run",
       "Makes a directory or prefix equal to another", Rsync},
  };
}

}  // namespace headrace::cli
