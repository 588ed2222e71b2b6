// Elements with what has happened to them.
#include "ops/control/tensor_array.h"

#include "ops/control/elements.h"

namespace headrace {

TensorArray::TensorArray(Options options) : options_(std::move(options)) {
  if (options_.size < 0) throw InvalidArgument("Size should be >= 0, got ", options_.size);
  elements_.resize(static_cast<size_t>(options_.size));
}

void TensorArray::CheckOpen() const {
  if (closed_) throw InvalidArgument("TensorArray ", options_.name, " has already been closed.");
}

int64_t TensorArray::size() {
  const std::lock_guard lock(mutex_);
  CheckOpen();
  return static_cast<int64_t>(elements_.size());
}

void TensorArray::Close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  elements_.clear();
}

void TensorArray::Resize(int64_t size) {
  const std::lock_guard lock(mutex_);
  CheckOpen();
  if (size > static_cast<int64_t>(elements_.size())) elements_.resize(static_cast<size_t>(size));
}

void TensorArray::Write(int64_t index, const Tensor& value) {
  const std::lock_guard lock(mutex_);
  CheckOpen();
  const auto size = static_cast<int64_t>(elements_.size());
  if (index < 0 || (!options_.dynamic_size && index >= size)) {
    throw InvalidArgument("TensorArray ", options_.name, ": Tried to write to index ", index,
                          " but array is not resizeable and size is: ", size);
  }
  if (value.dtype() != options_.dtype) {
    throw InvalidArgument("TensorArray ", options_.name, ": Could not write to TensorArray index ", index,
                          " because the value dtype is ", value.dtype(), " but TensorArray dtype is ", options_.dtype,
                          ".");
  }
  if (!options_.element_shape.IsCompatibleWith(value.shape())) {
    throw InvalidArgument(
        "TensorArray ", options_.name, ": Could not write to TensorArray index ", index, " because the value shape is ",
        value.shape(), " which is incompatible with the TensorArray's inferred element shape: ", options_.element_shape,
        " (consider setting infer_shape=False).");
  }
  if (index >= size) elements_.resize(static_cast<size_t>(index) + 1);
  if (options_.identical_element_shapes) options_.element_shape = value.shape();
  Element& element = elements_[static_cast<size_t>(index)];
  if (element.read) {
    throw InvalidArgument("TensorArray ", options_.name, ": Could not write to TensorArray index ", index,
                          " because it has already been read.");
  }
  if (element.written && !adds_) {
    throw InvalidArgument("TensorArray ", options_.name, ": Could not write to TensorArray index ", index,
                          " because it has already been written to.");
  }
  if (element.written && !(element.value.shape() == value.shape())) {
    throw InvalidArgument("TensorArray ", options_.name, ": Could not aggregate to TensorArray index ", index,
                          " because the existing shape is ", element.value.shape(), " but the new input shape is ",
                          value.shape(), ".");
  }
  element.value = element.written ? AddElements(element.value, value) : value;
  element.shape = value.shape();
  element.written = true;
}

Tensor TensorArray::ZerosAt(int64_t index) {
  const PartialShape shape = elements_[static_cast<size_t>(index)].shape.MergeWith(options_.element_shape);
  if (!shape.IsFullyDefined()) {
    throw InvalidArgument("TensorArray ", options_.name, ": Could not read from TensorArray index ", index,
                          ".  Furthermore, the element shape is not fully defined: ", shape,
                          ".  It is possible you are working with a resizeable TensorArray and stop_gradients is not "
                          "allowing the gradients to be written.  If you set the full element_shape property on the "
                          "forward TensorArray, the proper all-zeros tensor will be returned instead of incurring "
                          "this error.");
  }
  return Tensor::Zeros(options_.dtype, shape.ToShape());
}

Tensor TensorArray::Read(int64_t index, DType dtype) {
  const std::lock_guard lock(mutex_);
  CheckOpen();
  if (dtype != options_.dtype) {
    throw InvalidArgument("TensorArray ", options_.name, ": Tried to read from index ", index,
                          ": TensorArray dtype is ", options_.dtype, " but Op requested dtype ", dtype, ".");
  }
  if (index < 0 || index >= static_cast<int64_t>(elements_.size())) {
    throw InvalidArgument("TensorArray ", options_.name, ": Tried to read from index ", index,
                          " but array size is: ", elements_.size());
  }
  Element& element = elements_[static_cast<size_t>(index)];
  if (element.cleared) {
    throw InvalidArgument("TensorArray ", options_.name, ": Could not read index ", index,
                          " twice because it was cleared after a previous read (perhaps try setting clear_after_read "
                          "= false?).");
  }
  Tensor value = element.written ? element.value : ZerosAt(index);
  element.read = true;
  if (options_.clear_after_read) {
    element.value = Tensor();
    element.cleared = true;
  }
  return value;
}

std::shared_ptr<TensorArray> TensorArray::Gradient(const std::string& source, const PartialShape& prepended) {
  const std::lock_guard lock(mutex_);
  CheckOpen();
  auto& gradient = gradients_[source];
  if (gradient) return gradient;
  const auto prepend = [&](const PartialShape& shape) {
    if (!shape.has_rank() || !prepended.has_rank()) return PartialShape();
    PartialShape longer = prepended;
    for (int axis = 0; axis < shape.rank(); ++axis) longer.Append(shape[axis]);
    return longer;
  };
  Options options = options_;
  options.name += "@" + source;
  options.size = static_cast<int64_t>(elements_.size());
  options.element_shape = prepend(options_.element_shape);
  options.dynamic_size = false;
  options.clear_after_read = false;
  gradient = std::make_shared<TensorArray>(std::move(options));
  gradient->adds_ = true;
  for (size_t i = 0; i < elements_.size(); ++i) gradient->elements_[i].shape = prepend(elements_[i].shape);
  return gradient;
}

}  // namespace headrace
