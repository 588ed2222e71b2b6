// Lists that share their elements, and arithmetic on them.
#include "ops/control/tensor_list.h"

#include "headrace/error.h"

namespace headrace {

TensorList::TensorList(DType dtype, PartialShape element_shape, std::vector<Tensor> elements, int64_t most)
    : dtype_(dtype),
      element_shape_(element_shape),
      most_(most),
      storage_(std::make_shared<Storage>()),
      size_(static_cast<int64_t>(elements.size())) {
  storage_->elements = std::move(elements);
}

TensorList::TensorList(const TensorList& other, std::shared_ptr<Storage> storage, int64_t size)
    : dtype_(other.dtype_),
      element_shape_(other.element_shape_),
      most_(other.most_),
      storage_(std::move(storage)),
      size_(size) {}

std::string TensorList::DebugString() const {
  return internal::Concat("TensorList(", size_, " of ", dtype_, element_shape_, ")");
}

std::vector<Tensor> TensorList::elements() const {
  const std::lock_guard lock(storage_->mutex);
  return {storage_->elements.begin(), storage_->elements.begin() + size_};
}

std::shared_ptr<TensorList> TensorList::PushBack(Tensor element) const {
  {
    const std::lock_guard lock(storage_->mutex);
    auto& elements = storage_->elements;
    // A vector that grows moves its elements, which readers of the shorter lists may be looking at: reserve anew then.
    if (static_cast<int64_t>(elements.size()) == size_ && elements.size() < elements.capacity()) {
      elements.push_back(std::move(element));
      return std::shared_ptr<TensorList>(new TensorList(*this, storage_, size_ + 1));
    }
  }
  auto storage = std::make_shared<Storage>();
  storage->elements.reserve(static_cast<size_t>(std::max<int64_t>(8, 2 * size_)));
  storage->elements = [&] {
    std::vector<Tensor> copy;
    copy.reserve(static_cast<size_t>(std::max<int64_t>(8, 2 * size_)));
    const std::lock_guard lock(storage_->mutex);
    copy.assign(storage_->elements.begin(), storage_->elements.begin() + size_);
    copy.push_back(std::move(element));
    return copy;
  }();
  return std::shared_ptr<TensorList>(new TensorList(*this, std::move(storage), size_ + 1));
}

std::shared_ptr<TensorList> TensorList::PopBack() const {
  return std::shared_ptr<TensorList>(new TensorList(*this, storage_, size_ - 1));
}

std::shared_ptr<TensorList> TensorList::With(std::vector<Tensor> elements) const {
  return std::make_shared<TensorList>(dtype_, element_shape_, std::move(elements), most_);
}

const TensorList& TensorListOf(const Tensor& tensor) {
  const auto* list = dynamic_cast<const TensorList*>(tensor.object().get());
  if (!list) throw InvalidArgument("Input handle is not a list. Saw: '", tensor.object()->DebugString(), "'");
  return *list;
}

}  // namespace headrace
