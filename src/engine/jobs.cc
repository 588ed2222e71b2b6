// The REST methods on jobs.
#include "engine/jobs.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "engine/method.h"
#include "engine/names.h"

namespace headrace::engine {
namespace {

constexpr auto kLogPoll = std::chrono::milliseconds(100);
constexpr int64_t kLongestWait = 60;  // seconds

void CheckTrainingInput(const Job& job) {
  if (!job.prediction_input.is_null()) throw Unimplemented("predictionInput: batch prediction is not offered yet");
  if (!job.training_input) throw InvalidArgument("Field: job.training_input Error: a training input is required.");
  const TrainingInput& input = *job.training_input;
  if (input.python_module.empty()) {
    throw InvalidArgument("Field: job.training_input.python_module Error: a python module to run is required.");
  }
  const bool many = input.worker_count > 0 || input.parameter_server_count > 0 || input.evaluator_count > 0;
  if (input.scale_tier == "STANDARD_1" || input.scale_tier == "PREMIUM_1" || many) {
    throw Unimplemented("Field: job.training_input.scale_tier Error: a job of several tasks (",
                        many ? "workerCount, parameterServerCount or evaluatorCount above 0" : input.scale_tier,
                        ") is not offered yet; use BASIC.");
  }
  if (!input.hyperparameters.is_null()) throw Unimplemented("hyperparameters: tuning is not offered yet");
  for (const std::string& uri : input.package_uris) {
    if (uri.rfind("gs://", 0) != 0) {
      throw InvalidArgument("Field: job.training_input.package_uris Error: expected gs://BUCKET/OBJECT, got '", uri,
                            "'");
    }
  }
}

int64_t IntegerQuery(const http::Request& request, const std::string& name, int64_t otherwise) {
  const std::string text = request.Query(name);
  if (text.empty()) return otherwise;
  int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || value < 0) {
    throw InvalidArgument("expected a number of at least 0 for ", name, ", got '", text, "'");
  }
  return value;
}

}  // namespace

JobService::JobService(Context& context, JobRunner& runner)
    : context_(context), runner_(runner), jobs_(context.store, "jobs", "job") {}

Job JobService::Create(const CreateJobRequest& request) {
  CheckProjectId(ParseName(request.parent, "projects/*")[0]);
  CheckMlName("job", request.job.job_id);
  CheckTrainingInput(request.job);
  Job job = request.job;
  if (job.training_input->scale_tier.empty()) job.training_input->scale_tier = "BASIC";
  job.state = "QUEUED";
  job.create_time = Now();
  job.start_time = job.end_time = job.error_message = "";
  const std::string key = request.parent + "/jobs/" + job.job_id;
  std::filesystem::create_directories(JobDirectory(context_, key));
  jobs_.Insert(key, job);
  runner_.Wake();
  return job;
}

Job JobService::Get(const NamedRequest& request) {
  return jobs_.Get(request.name);
}

std::vector<Job> JobService::List(const ParentRequest& request) {
  std::vector<Job> jobs = jobs_.List(request.parent + "/jobs/");
  std::reverse(jobs.begin(), jobs.end());
  return jobs;
}

Job JobService::Patch(const PatchJobRequest& request) {
  if (request.update_mask != "labels") {
    throw InvalidArgument("Field: update_mask Error: only 'labels' of a job can be changed, got '", request.update_mask,
                          "'");
  }
  return jobs_.Modify(request.name, [&](Job& job) { job.labels = request.job.labels; });
}

Empty JobService::Cancel(const NamedRequest& request) {
  jobs_.Modify(request.name, [](Job& job) {
    if (job.state == "QUEUED") {
      job.state = "CANCELLED";
      job.end_time = Now();
    } else if (job.state == "PREPARING" || job.state == "RUNNING") {
      job.state = "CANCELLING";
    } else if (job.state != "CANCELLING" && job.state != "CANCELLED") {
      throw FailedPrecondition("Cannot cancel a job that has already completed: ", job.job_id, " is ", job.state, ".");
    }
  });
  runner_.Wake();
  return {};
}

void JobService::Logs(const http::Request& request, const http::Reply& reply) {
  const std::string key = request.path_params.at("name");
  const std::string directory = JobDirectory(context_, key);
  const int64_t after = IntegerQuery(request, "after", 0);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(std::min(IntegerQuery(request, "wait", 0), kLongestWait));
  // Holds itself alive through the task that is waiting.
  auto look = std::make_shared<std::function<void()>>();
  *look = [=, this, weak = std::weak_ptr(look)] {
    try {
      const Job job = jobs_.Get(key);  // before the log: an ended job's log is whole
      const bool ended = job.state == "SUCCEEDED" || job.state == "FAILED" || job.state == "CANCELLED";
      int64_t offset = after;
      const std::vector<LogEntry> entries = ReadLog(directory, &offset);
      if (entries.empty() && !ended && !context_.stopping && std::chrono::steady_clock::now() < deadline) {
        return context_.later(kLogPoll, [again = weak.lock()] { (*again)(); });
      }
      Json items = Json::array();
      for (const LogEntry& entry : entries) items.push_back(ToJson(entry));
      reply(http::Response::Json(Json({{"entries", std::move(items)},
                                       {"next", std::to_string(offset)},
                                       {"done", ended && entries.empty()},
                                       {"state", job.state}})
                                     .dump()));
    } catch (const Error& error) {
      reply(http::ErrorResponse(error));
    }
  };
  (*look)();
}

void JobService::AddRoutes(http::Router* router) {
  router->Add({"GET", "/v1/{name=projects/*/jobs/*}/logs",
               [this](const http::Request& request, const http::Reply& reply) { Logs(request, reply); }});
  router->Add(Method("POST", "/v1/{parent=projects/*}/jobs", this, &JobService::Create, "job"));
  router->Add(ListMethod("/v1/{parent=projects/*}/jobs", "jobs", this, &JobService::List));
  router->Add(Method("POST", "/v1/{name=projects/*/jobs/*}:cancel", this, &JobService::Cancel, "*"));
  router->Add(Method("GET", "/v1/{name=projects/*/jobs/*}", this, &JobService::Get));
  router->Add(Method("PATCH", "/v1/{name=projects/*/jobs/*}", this, &JobService::Patch, "job"));
}

}  // namespace headrace::engine
