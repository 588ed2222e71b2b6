// TensorLists: immutable lists of tensors that variants hold. Lists that grow out of one another share their elements:
// adding to the longest of them, or taking from any, costs the same however long it is.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "headrace/tensor.h"

namespace headrace {

class TensorList final : public Object {
 public:
  TensorList(DType dtype, PartialShape element_shape, std::vector<Tensor> elements, int64_t most = -1);
  std::string DebugString() const override;
  DType dtype() const { return dtype_; }
  const PartialShape& element_shape() const { return element_shape_; }
  int64_t size() const { return size_; }
  int64_t most() const { return most_; }  // elements it may have; -1: any number
  const Tensor& at(int64_t i) const { return storage_->elements[static_cast<size_t>(i)]; }  // undefined if never set
  std::vector<Tensor> elements() const;
  // As this one, with an element more, or the last one less.
  std::shared_ptr<TensorList> PushBack(Tensor element) const;
  std::shared_ptr<TensorList> PopBack() const;
  // As this one, of these elements.
  std::shared_ptr<TensorList> With(std::vector<Tensor> elements) const;
  // Changes an element in place. Only if nobody else holds the list.
  void Set(int64_t i, Tensor element) { storage_->elements[static_cast<size_t>(i)] = std::move(element); }
  bool SharesElements() const { return storage_.use_count() > 1; }

 private:
  // The elements of the longest list; the others are beginnings of it. Elements up to a list's size never change while
  // another list shares them.
  struct Storage {
    std::mutex mutex;
    std::vector<Tensor> elements;
  };
  TensorList(const TensorList& other, std::shared_ptr<Storage> storage, int64_t size);

  DType dtype_;
  PartialShape element_shape_;
  int64_t most_;
  std::shared_ptr<Storage> storage_;
  int64_t size_;
};

// The list in a scalar variant. Errors: InvalidArgument.
const TensorList& TensorListOf(const Tensor& tensor);
// A list of zeros like those of this one, and one of the sums of two lists' elements: what gradients make of lists.
Tensor ZerosLikeList(const TensorList& list);
Tensor AddLists(const TensorList& a, const TensorList& b);

}  // namespace headrace
