// The right to train in a model directory: one process at a time holds it, until it ends, however it ends.
#pragma once

#include <string>

namespace headrace {

class ModelLock {
 public:
  // Makes the directory. Errors: FailedPrecondition if someone else holds it.
  explicit ModelLock(const std::string& model_dir);
  ~ModelLock();
  ModelLock(const ModelLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace headrace
