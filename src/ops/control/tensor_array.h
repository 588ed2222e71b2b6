// TensorArrays: arrays of tensors that ops of one run write and read, in the order that their flow edges give.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "headrace/tensor.h"

namespace headrace {

class TensorArray final : public Object, public std::enable_shared_from_this<TensorArray> {
 public:
  struct Options {
    std::string name;
    DType dtype = DType::kInvalid;
    PartialShape element_shape;
    int64_t size = 0;
    bool dynamic_size = false;
    bool clear_after_read = true;
    bool identical_element_shapes = false;
  };
  explicit TensorArray(Options options);
  std::string DebugString() const override { return "TensorArray(" + options_.name + ")"; }
  const Options& options() const { return options_; }

  // All of these throw InvalidArgument, in TensorFlow's words, on indices, dtypes and shapes that don't fit, on
  // elements written twice or cleared, and once the array is closed. Any thread.
  int64_t size();
  void Write(int64_t index, const Tensor& value);
  // What was written; of a gradient's array, or where the element's shape is known, zeros if nothing was.
  Tensor Read(int64_t index, DType dtype);
  void Resize(int64_t size);  // if the array may grow and is shorter
  void Close();
  // The array of gradients of this one that belongs to one call of tf.gradients: values written twice add up.
  // `prepended` is put before the shapes of elements.
  std::shared_ptr<TensorArray> Gradient(const std::string& source, const PartialShape& prepended = Shape());

 private:
  struct Element {
    Tensor value;
    PartialShape shape;
    bool written = false, read = false, cleared = false;
  };
  void CheckOpen() const;
  Tensor ZerosAt(int64_t index);

  Options options_;
  std::mutex mutex_;
  std::vector<Element> elements_;
  bool closed_ = false;
  bool adds_ = false;  // of a gradient
  std::map<std::string, std::shared_ptr<TensorArray>> gradients_;
};

}  // namespace headrace
