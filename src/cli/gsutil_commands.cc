// gsutil: the same buckets and objects under gsutil's words and letters.
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "cli/transfer.h"
#include "headrace/error.h"

namespace headrace::cli {
namespace {

std::string Project(const Invocation& call) {
  return call.Has("p") ? call.Flag("p") : ProjectOf(call);
}

int MakeBuckets(Invocation& call) {
  StorageClient storage;
  for (const std::string& text : call.Arguments("URL")) {
    const Url url = Url::Parse(text);
    if (!url.cloud || !url.object.empty()) throw InvalidArgument("expected a bucket as gs://NAME, got ", text);
    Note(absl::StrCat("Creating gs://", url.bucket, "/..."));
    storage.CreateBucket(Project(call), {{"name", url.bucket},
                                         {"location", absl::AsciiStrToUpper(call.Flag("l", "US"))},
                                         {"storageClass", absl::AsciiStrToUpper(call.Flag("c", "STANDARD"))}});
  }
  return 0;
}

int RemoveBuckets(Invocation& call) {
  StorageClient storage;
  for (const std::string& text : call.Arguments("URL")) {
    Note(absl::StrCat("Removing ", text, "..."));
    storage.DeleteBucket(Url::Parse(text).bucket);
  }
  return 0;
}

TransferOptions Options(const Invocation& call) {
  TransferOptions options;
  options.recursive = call.Switch("r");
  options.no_clobber = call.Switch("n");
  options.continue_on_error = call.Switch("c");
  options.quiet = call.Switch("q");
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
  options.recursive = call.Switch("r");
  options.force = options.continue_on_error = call.Switch("f");
  options.quiet = call.Switch("q");
  return RemoveAll(call.Arguments("URL"), options);
}

int List(Invocation& call) {
  ListOptions options;
  options.recursive = call.Switch("r");
  options.details = call.Switch("l");
  options.human = call.Switch("human");
  options.directory_itself = call.Switch("d");
  const std::vector<std::string> urls = call.Arguments("URL");
  const bool buckets = urls.empty() || (urls.size() == 1 && urls[0] == "gs://");
  return ListAll(urls, buckets ? Project(call) : "", options);
}

int Cat(Invocation& call) {
  return CatAll(call.Arguments("URL"), call.Flag("r"));
}

int Usage(Invocation& call) {
  UsageOptions options;
  options.summarize = call.Switch("s");
  options.human = call.Switch("human");
  options.total = call.Switch("c");
  return DiskUsage(call.Arguments("URL"), options);
}

int Rsync(Invocation& call) {
  SyncOptions options;
  options.recursive = call.Switch("r");
  options.delete_extra = call.Switch("d");
  options.dry_run = call.Switch("n");
  options.quiet = call.Switch("q");
  return Synchronise(call.Argument("SOURCE"), call.Argument("DESTINATION"), options);
}

int Stat(Invocation& call) {
  StorageClient storage;
  for (const std::string& text : call.Arguments("URL")) {
    for (const Object& object : FindObjects(storage, Url::Parse(text), false)) {
      std::cout << object.url().ToString() << ":\n";
      auto line = [](const char* label, const std::string& value) {
        if (!value.empty()) std::cout << absl::StrFormat("    %-20s%s\n", absl::StrCat(label, ":"), value);
      };
      line("Creation time", object.resource.value("timeCreated", ""));
      line("Update time", object.updated);
      line("Content-Length", absl::StrCat(object.size));
      line("Content-Type", object.content_type);
      line("Hash (crc32c)", object.resource.value("crc32c", ""));
      line("Hash (md5)", object.md5);
      line("Generation", object.resource.contains("generation") ? ScalarText(object.resource["generation"]) : "");
    }
  }
  return 0;
}

int Version(Invocation& call) {
  std::cout << "gsutil of Headrace\n";
  return 0;
}

}  // namespace

const Front& GsutilFront() {
  static const Front front{
      "gsutil",
      "gsutil, as far as Headrace's engine answers for it.",
      "-m -q -D -h=HEADER:VALUE -o=OPTION",
      {
          {"mb URL... -l=LOCATION -c=CLASS -p=PROJECT", "Makes buckets", MakeBuckets},
          {"rb URL... -f", "Removes empty buckets", RemoveBuckets},
          {"cp SOURCE... DESTINATION -R|-r -n -c", "Copies files and objects", Copy},
          {"mv SOURCE... DESTINATION -n -c", "Moves files and objects", Move},
          {"rm URL... -R|-r -f", "Removes objects; with -r also prefixes and buckets", Remove},
          {"ls [URL...] -R|-r -l -h|--human -d -p=PROJECT", "Lists buckets and objects", List},
          {"cat URL... -r=RANGE", "Prints objects", Cat},
          {"du URL... -s -h|--human -c", "Shows how much space objects take", Usage},
          {"stat URL...", "Shows objects' metadata", Stat},
          {"rsync SOURCE DESTINATION -R|-r -d -n -c", "Makes a directory or prefix equal to another", Rsync},
          {"version", "Prints the version", Version},
      }};
  return front;
}

}  // namespace headrace::cli
