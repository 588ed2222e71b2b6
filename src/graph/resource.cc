// Variables' state and the manager of named resources.
#include "headrace/resource.h"

namespace headrace {

const Tensor& VariableState::Read() const {
  if (!value.defined()) throw FailedPrecondition("Attempting to use uninitialized value ", name);
  return value;
}

Tensor& VariableState::Mutable() {
  Read();
  if (value.SharesBuffer()) {
    value = value.Clone();
  } else {
    // Readers let go of the buffer by an atomic decrement; this increment puts what they read before what is written.
    const std::shared_ptr<Buffer> last = value.buffer();
  }
  return value;
}

std::shared_ptr<Object> ResourceManager::LookupOrCreateObject(const std::string& container, const std::string& name,
                                                              const std::function<std::shared_ptr<Object>()>& create) {
  std::lock_guard lock(mutex_);
  auto& object = objects_[{container, name}];
  if (!object) object = create();
  return object;
}

std::shared_ptr<Object> ResourceManager::Lookup(const std::string& container, const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto found = objects_.find({container, name});
  return found == objects_.end() ? nullptr : found->second;
}

void ResourceManager::Remove(const std::string& container, const std::string& name) {
  std::lock_guard lock(mutex_);
  objects_.erase({container, name});
}

void ResourceManager::Clear() {
  decltype(objects_) objects;  // destroyed outside the lock: an iterator's destructor may wait for its thread
  std::lock_guard lock(mutex_);
  objects.swap(objects_);
}

}  // namespace headrace
