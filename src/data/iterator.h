// An iterator as a resource of a session. Where the dataset allows it, a thread of the iterator's own makes elements
// ahead of their being asked for and hands them over through a bounded queue; errors keep their places.
// Components that no caller has asked for are not made. When a caller asks for more, a pure pipeline is started again
// with more components and passes over what was already handed out; other pipelines make all components always.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "data/dataset.h"

namespace headrace::data {

class IteratorResource final : public Object {
 public:
  IteratorResource(std::string container, std::string name, std::vector<DType> dtypes,
                   std::vector<PartialShape> shapes);
  ~IteratorResource() override;
  std::string DebugString() const override { return "Iterator(" + name_ + ")"; }
  const std::string& container() const { return container_; }
  const std::string& name() const { return name_; }
  const std::vector<DType>& dtypes() const { return dtypes_; }
  const std::vector<PartialShape>& shapes() const { return shapes_; }

  // Starts over with this dataset, whose functions `functions` runs. Errors: InvalidArgument if its elements are not
  // what the iterator was made for.
  void SetDataset(DatasetPtr dataset, ResourceManager& resources, std::shared_ptr<FunctionRunner> functions,
                  const Cancellation* cancellation);
  bool has_dataset() const;

  // The next element; components not `needed` may be undefined. Thread-safe. Errors: FailedPrecondition without a
  // dataset; OutOfRange "End of sequence"; Cancelled; whatever the pipeline throws.
  Element GetNext(const Needed& needed, const Cancellation* cancellation);

 private:
  class Pipeline;
  // The right to use the pipeline: one thread at a time has it, others wait for it and can be woken. RAII.
  class Turn;
  void Start(const Needed& needed, const Cancellation& cancellation);

  const std::string container_, name_;  // under which the session's resources have it
  const std::vector<DType> dtypes_;
  const std::vector<PartialShape> shapes_;
  mutable std::mutex mutex_;  // of dataset_ and taken_
  std::condition_variable free_;
  bool taken_ = false;  // somebody has the turn
  DatasetPtr dataset_;
  ResourceManager* resources_ = nullptr;
  std::shared_ptr<FunctionRunner> functions_;
  Needed needed_;           // what the running pipeline makes
  int64_t handed_out_ = 0;  // calls answered by it, errors too
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace headrace::data
