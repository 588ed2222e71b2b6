// gcloud ai-platform jobs: packages are staged into the bucket, then everything is REST.
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/engine_client.h"
#include "cli/fronts.h"
#include "cli/home.h"
#include "cli/packages.h"
#include "cli/yaml.h"
#include "headrace/error.h"
#include "http/url.h"

namespace headrace::cli {
namespace {

std::string JobTarget(const Invocation& call, const std::string& job) {
  return absl::StrCat("/v1/projects/", ProjectOf(call), "/jobs/", http::PercentEncode(job));
}

// One line of a job's log as gcloud prints it: severity, time, task, trial (empty), message, between tabs.
void PrintLogEntry(const Json& entry) {
  std::string time = entry.value("timestamp", "");
  time = absl::StrReplaceAll(time.substr(0, 19), {{"T", " "}}) + " +0000";
  std::cout << entry.value("severity", "INFO") << "\t" << time << "\t" << entry.value("taskName", "master-replica-0")
            << "\t\t" << entry.value("message", "") << "\n";
}

// Prints the log as it grows until the job has ended; returns the exit code that its end deserves.
int StreamLogs(const Invocation& call, const std::string& job, const std::string& task, int64_t poll_seconds) {
  EngineClient client;
  const std::string target = JobTarget(call, job);
  std::string after = "0";
  bool done = false;
  while (!done) {
    const Json page = client.Get(absl::StrCat(target, "/logs?wait=", poll_seconds, "&after=", after));
    for (const Json& entry : page.value("entries", Json::array())) {
      if (task.empty() || entry.value("taskName", "") == task) PrintLogEntry(entry);
    }
    std::cout.flush();
    after = page.value("next", after);
    done = page.value("done", false);
  }
  const Json ended = client.Get(target);
  const std::string state = ended.value("state", "");
  if (state == "SUCCEEDED") return 0;
  std::cerr << "ERROR: (" << call.path << ") Job [" << job << "] " << absl::AsciiStrToLower(state)
            << (ended.contains("errorMessage") ? ": " + ended.value("errorMessage", "") : "") << "\n";
  return 1;
}

struct FlagField {
  const char* flag;
  const char* field;
};

Json TrainingInput(const Invocation& call) {
  Json input = Json::object();
  if (const auto config = call.MaybeFlag("config")) {
    const Json file = ReadYaml(*config);
    if (!file.is_object()) throw InvalidArgument("expected a mapping with trainingInput in ", *config);
    input = file.value("trainingInput", Json::object());
  }
  static constexpr FlagField kFields[] = {{"module-name", "pythonModule"},
                                          {"scale-tier", "scaleTier"},
                                          {"master-machine-type", "masterType"},
                                          {"worker-machine-type", "workerType"},
                                          {"worker-count", "workerCount"},
                                          {"parameter-server-machine-type", "parameterServerType"},
                                          {"parameter-server-count", "parameterServerCount"},
                                          {"job-dir", "jobDir"},
                                          {"runtime-version", "runtimeVersion"},
                                          {"python-version", "pythonVersion"},
                                          {"service-account", "serviceAccount"}};
  for (const FlagField& field : kFields) {
    if (const auto value = call.MaybeFlag(field.flag)) input[field.field] = *value;
  }
  if (input.contains("scaleTier")) {
    input["scaleTier"] =
        absl::StrReplaceAll(absl::AsciiStrToUpper(input["scaleTier"].get<std::string>()), {{"-", "_"}});
  }
  if (call.Has("region") || !input.contains("region")) input["region"] = RegionOf(call);
  if (const auto image = call.MaybeFlag("master-image-uri")) input["masterConfig"]["imageUri"] = *image;
  if (call.Has("master-accelerator")) {
    const auto accelerator = call.Pairs("master-accelerator");
    if (!accelerator.count("type")) {
      throw UsageError(call.path, "argument --master-accelerator: expected type=TYPE[,count=COUNT]");
    }
    Json& config = input["masterConfig"]["acceleratorConfig"];
    config["type"] = absl::StrReplaceAll(absl::AsciiStrToUpper(accelerator.at("type")), {{"-", "_"}});
    config["count"] = accelerator.count("count") ? accelerator.at("count") : "1";
  }
  if (!call.rest.empty()) input["args"] = call.rest;
  return input;
}

int SubmitTraining(Invocation& call) {
  const std::string job = call.Argument("JOB"), project = ProjectOf(call);
  Json input = TrainingInput(call);
  const bool container = input.contains("masterConfig") && input["masterConfig"].contains("imageUri");
  if (!input.contains("pythonModule") && !container) {
    throw UsageError(call.path, "argument --module-name: Must be specified.");
  }
  StagingRequest staging;
  staging.job = job;
  staging.package_path = call.Flag("package-path");
  staging.packages = call.List("packages");
  staging.staging_bucket = call.Flag("staging-bucket");
  staging.job_dir = input.value("jobDir", "");
  const std::vector<std::string> uris = StagePackages(call, staging);
  if (!uris.empty()) input["packageUris"] = uris;
  if (!container && !input.contains("packageUris")) {
    throw UsageError(call.path,
                     "argument --package-path: Must be specified, unless --packages or packageUris in --config names "
                     "the trainer's package.");
  }
  Json body = {{"jobId", job}, {"trainingInput", input}};
  for (const auto& [key, value] : call.Pairs("labels")) body["labels"][key] = value;
  const Json submitted = EngineClient().Post(absl::StrCat("/v1/projects/", project, "/jobs"), body);
  Note(absl::StrCat("Job [", job, "] submitted successfully."));
  if (call.Switch("stream-logs") && !call.Switch("async")) return StreamLogs(call, job, "", 60);
  Note(absl::StrCat("Your job is still active. You may view the status of your job with the command\n\n",
                    "  $ gcloud ai-platform jobs describe ", job,
                    "\n\nor continue streaming the logs with the command\n\n",
                    "  $ gcloud ai-platform jobs stream-logs ", job));
  Print(call, {{"jobId", job}, {"state", submitted.value("state", "QUEUED")}});
  return 0;
}

// --summarize: what matters at a glance.
Json Summary(const Json& job) {
  Json summary = Json::object();
  for (const char* key : {"jobId", "state", "createTime", "startTime", "endTime", "errorMessage"}) {
    if (job.contains(key)) summary[key] = job[key];
  }
  return summary;
}

int DescribeJob(Invocation& call) {
  const Json job = EngineClient().Get(JobTarget(call, call.Argument("JOB")));
  Print(call, call.Switch("summarize") ? Summary(job) : job);
  return 0;
}

int ListJobs(Invocation& call) {
  Print(call, EngineClient().List(absl::StrCat("/v1/projects/", ProjectOf(call), "/jobs"), "jobs"));
  return 0;
}

int CancelJob(Invocation& call) {
  EngineClient().Post(JobTarget(call, call.Argument("JOB")) + ":cancel", Json::object());
  return 0;
}

int JobLogs(Invocation& call) {
  return StreamLogs(call, call.Argument("JOB"), call.Flag("task-name"), call.Integer("polling-interval", 60));
}

int UpdateJob(Invocation& call) {
  EngineClient client;
  const std::string target = JobTarget(call, call.Argument("JOB"));
  Json labels = client.Get(target).value("labels", Json::object());
  if (call.Switch("clear-labels")) labels = Json::object();
  for (const std::string& key : call.List("remove-labels")) labels.erase(key);
  for (const auto& [key, value] : call.Pairs("update-labels")) labels[key] = value;
  Print(call, client.Patch(target + "?updateMask=labels", {{"labels", labels}}));
  return 0;
}

}  // namespace

std::vector<Command> JobCommands() {
  return {
      {"ai-platform jobs submit training JOB --region=REGION --module-name=MODULE --package-path=DIR "
       "--packages=PACKAGE,... --job-dir=DIR --staging-bucket=BUCKET --scale-tier=TIER --master-machine-type=TYPE "
       "--worker-count=N --worker-machine-type=TYPE --parameter-server-count=N --parameter-server-machine-type=TYPE "
       "--master-accelerator=KEY=VALUE,... --master-image-uri=IMAGE --runtime-version=VERSION "
       "--python-version=VERSION --service-account=ACCOUNT --config=FILE --labels=KEY=VALUE,... --stream-logs --async "
       "--",
       "Submits a training job", SubmitTraining, "yaml"},
      {"ai-platform jobs describe JOB --summarize", "Shows a job", DescribeJob},
      {"ai-platform jobs list", "Lists jobs", ListJobs,
       "table(jobId:label=JOB_ID, state:label=STATUS, createTime.date():label=CREATED)"},
      {"ai-platform jobs cancel JOB", "Cancels a job", CancelJob},
      {"ai-platform jobs stream-logs JOB --task-name=TASK --polling-interval=SECONDS --allow-multiline-logs",
       "Prints a job's log as it grows, until the job ends", JobLogs},
      {"ai-platform jobs update JOB --update-labels=KEY=VALUE,... --remove-labels=KEY,... --clear-labels",
       "Changes a job's labels", UpdateJob},
  };
}

}  // namespace headrace::cli
