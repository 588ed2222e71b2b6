// State that outlives a run: variables, iterators, tables. A session (or a process) keeps it in a ResourceManager.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

#include "headrace/tensor.h"

namespace headrace {

// The value of a variable. The runtime takes `mutex` around the kernels that read (shared) or write (exclusive) it;
// kernels only touch `value`. A value that was read is shared: who writes while others hold it writes a copy. An
// undefined value means not initialised.
class VariableState final : public Object {
 public:
  VariableState(std::string name, DType dtype, PartialShape shape)
      : name(std::move(name)), dtype(dtype), shape(shape) {}
  std::string DebugString() const override { return "Variable(" + name + ")"; }
  // The value. Errors: FailedPrecondition "Attempting to use uninitialized value NAME".
  const Tensor& Read() const;
  // The value, for writing in place: copied first if somebody else still holds the buffer.
  Tensor& Mutable();

  const std::string name;
  const DType dtype;
  const PartialShape shape;
  std::shared_mutex mutex;
  Tensor value;
};

// Objects by container and name. Thread-safe.
class ResourceManager {
 public:
  // The object of this name, made by `create` if absent. Errors: InvalidArgument if it is of another class.
  template <class T>
  std::shared_ptr<T> LookupOrCreate(const std::string& container, const std::string& name,
                                    const std::function<std::shared_ptr<T>()>& create) {
    auto object = LookupOrCreateObject(container, name, [&]() -> std::shared_ptr<Object> { return create(); });
    auto typed = std::dynamic_pointer_cast<T>(object);
    if (!typed) throw InvalidArgument("resource '", name, "' is a ", object->DebugString(), ", of another class");
    return typed;
  }
  std::shared_ptr<Object> Lookup(const std::string& container, const std::string& name) const;  // nullptr if absent
  void Remove(const std::string& container, const std::string& name);
  void Clear();

 private:
  std::shared_ptr<Object> LookupOrCreateObject(const std::string& container, const std::string& name,
                                               const std::function<std::shared_ptr<Object>()>& create);
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Object>> objects_;
};

}  // namespace headrace
