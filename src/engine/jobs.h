// Jobs of the ml v1 API: the REST methods, and the runner that brings queued jobs under supervisors and follows them.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/context.h"
#include "engine/job_files.h"
#include "engine/resources.h"
#include "http/router.h"

namespace headrace::engine {

// One thread that owns every change of state from QUEUED on, except that an ended job never changes. It keeps nothing
// that isn't in the store or in the jobs' directories, so a new engine's runner goes on where a killed one's was.
class JobRunner {
 public:
  explicit JobRunner(Context& context);
  ~JobRunner();  // stops; the jobs run on
  JobRunner(const JobRunner&) = delete;
  JobRunner& operator=(const JobRunner&) = delete;

  void Start();
  // A job was created or is to be cancelled.
  void Wake();

 private:
  void Loop();
  // Looks at every job that hasn't ended; returns how many are active.
  size_t Step();
  void Follow(const std::string& key);
  void FollowCancelling(const std::string& key);
  bool Launch(const std::string& key);
  void Fail(const std::string& key, const std::string& message);
  JobSpec SpecOf(const std::string& key, const Job& job) const;

  Context& context_;
  Collection<Job> jobs_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = true, stopping_ = false;
  std::vector<std::string> open_;  // keys of jobs that haven't ended, oldest first
  std::thread thread_;
};

struct CreateJobRequest {
  std::string parent;
  Job job;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("parent", parent);
    v("job", job);
  }
};

struct PatchJobRequest {
  std::string name, update_mask;
  Job job;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("updateMask", update_mask);
    v("job", job);
  }
};

class JobService {
 public:
  JobService(Context& context, JobRunner& runner);

  Job Create(const CreateJobRequest& request);
  Job Get(const NamedRequest& request);
  std::vector<Job> List(const ParentRequest& request);  // newest first
  Job Patch(const PatchJobRequest& request);            // labels
  Empty Cancel(const NamedRequest& request);

  void AddRoutes(http::Router* router);

 private:
  // GET …/jobs/J/logs: answers when there is something behind `after`, the job has ended, or the wait is over.
  void Logs(const http::Request& request, const http::Reply& reply);

  Context& context_;
  JobRunner& runner_;
  Collection<Job> jobs_;
};

// Where a job's files are: HOME/jobs/PROJECT/JOB for "projects/PROJECT/jobs/JOB".
std::string JobDirectory(const Context& context, const std::string& key);

}  // namespace headrace::engine
