// BatchDataset and PaddedBatchDataset. Batch asks its input for rows and gathers them; where the input has no
// vectorised form it stacks elements.
#include <algorithm>
#include <cstring>

#include "data/dataset.h"
#include "data/rows.h"

namespace headrace::data {
namespace {

std::vector<PartialShape> BatchedShapes(const std::vector<PartialShape>& shapes, int64_t batch_size,
                                        bool drop_remainder) {
  std::vector<PartialShape> batched;
  for (const PartialShape& shape : shapes) {
    if (!shape.has_rank()) {
      batched.emplace_back();
      continue;
    }
    PartialShape with_rows{drop_remainder ? batch_size : -1};
    for (const int64_t size : shape.dims()) with_rows.Append(size);
    batched.push_back(with_rows);
  }
  return batched;
}

// Component c of the elements as one tensor with a new first axis.
Tensor StackComponent(const std::vector<Element>& elements, size_t c) {
  const Tensor& first = elements[0][c];
  if (!first.defined()) return {};
  Shape shape{static_cast<int64_t>(elements.size())};
  for (const int64_t size : first.shape().dims()) shape.Append(size);
  Tensor out(first.dtype(), shape);
  for (size_t i = 0; i < elements.size(); ++i) {
    const Tensor& part = elements[i][c];
    if (!(part.shape() == first.shape())) {
      throw InvalidArgument("Cannot batch tensors with different shapes in component ", c, ". First element had shape ",
                            first.shape(), " and element ", i, " had shape ", part.shape(), ".");
    }
    const int64_t n = part.num_elements();
    if (first.dtype() == DType::kString) {
      std::copy_n(part.data<std::string>(), n, out.data<std::string>() + static_cast<int64_t>(i) * n);
    } else if (part.bytes() > 0) {
      std::memcpy(static_cast<char*>(out.raw()) + i * part.bytes(), part.raw(), part.bytes());
    }
  }
  return out;
}

Element Stack(const std::vector<Element>& elements) {
  Element batch;
  for (size_t c = 0; c < elements[0].size(); ++c) batch.push_back(StackComponent(elements, c));
  return batch;
}

class StackingIterator final : public ElementIterator {
 public:
  StackingIterator(std::unique_ptr<ElementIterator> input, int64_t size, bool drop_remainder)
      : input_(std::move(input)), size_(static_cast<size_t>(size)), drop_remainder_(drop_remainder) {}
  bool Next(Element* out) override {
    std::vector<Element> elements;  // an error loses those before it in the batch, as in TensorFlow
    Element element;
    while (elements.size() < size_ && input_->Next(&element)) elements.push_back(std::move(element));
    if (elements.empty() || (drop_remainder_ && elements.size() < size_)) return false;
    *out = Stack(elements);
    return true;
  }

 private:
  std::unique_ptr<ElementIterator> input_;
  size_t size_;
  bool drop_remainder_;
};

class GatheringIterator final : public ElementIterator {
 public:
  GatheringIterator(std::unique_ptr<RowSource> input, int64_t size, bool drop_remainder, Needed needed)
      : input_(std::move(input)),
        size_(static_cast<size_t>(size)),
        drop_remainder_(drop_remainder),
        needed_(std::move(needed)) {}

  bool Next(Element* out) override {
    struct Held {  // released whatever happens
      std::vector<Row> rows;
      ~Held() {
        for (const Row& row : rows) Release(row.block);
      }
    } held;
    held.rows.reserve(std::min<size_t>(size_, 1 << 16));
    Row row;
    while (held.rows.size() < size_ && input_.Next(&row)) held.rows.push_back(row);
    if (held.rows.empty() || (drop_remainder_ && held.rows.size() < size_)) return false;
    out->assign(needed_.size(), Tensor());
    for (size_t c = 0; c < needed_.size(); ++c) {
      if (needed_[c]) (*out)[c] = GatherColumn(held.rows, c);
    }
    return true;
  }

 private:
  RowReader input_;
  size_t size_;
  bool drop_remainder_;
  Needed needed_;
};

class BatchDataset final : public DatasetObject {
 public:
  BatchDataset(DatasetPtr input, int64_t size, bool drop_remainder)
      : DatasetObject(input->dtypes(), BatchedShapes(input->shapes(), size, drop_remainder)),
        input_(std::move(input)),
        size_(size),
        drop_remainder_(drop_remainder) {
    if (size < 1) throw InvalidArgument("Batch size must be greater than zero, got ", size);
  }
  std::string DebugString() const override { return "BatchDataset"; }
  bool pure() const override { return input_->pure(); }
  bool may_run_ahead() const override { return input_->may_run_ahead(); }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const override {
    if (context.vectorise()) {
      if (auto rows = input_->MakeRowSource(context, {.needed = needed})) {
        return std::make_unique<GatheringIterator>(std::move(rows), size_, drop_remainder_, needed);
      }
    }
    return std::make_unique<StackingIterator>(input_->MakeIterator(context, needed), size_, drop_remainder_);
  }

 private:
  DatasetPtr input_;
  int64_t size_;
  bool drop_remainder_;
};

// ------------------------------------------------------------------------------------------------------ padded batches

// Copies `from` into the corner of row `i` of `to`, which has one axis more.
template <class T>
void CopyIntoCorner(const Tensor& from, int64_t i, Tensor* to) {
  const int rank = from.rank();
  const int64_t row = to->num_elements() / to->dim(0);
  std::vector<int64_t> index(rank, 0);
  for (int64_t element = 0; element < from.num_elements(); ++element) {
    int64_t offset = 0;
    for (int axis = 0; axis < rank; ++axis) offset = offset * to->dim(axis + 1) + index[axis];
    to->data<T>()[i * row + offset] = from.data<T>()[element];
    for (int axis = rank - 1; axis >= 0 && ++index[axis] == from.dim(axis); --axis) index[axis] = 0;
  }
}

class PaddedBatchDataset final : public DatasetObject {
 public:
  PaddedBatchDataset(DatasetPtr input, int64_t size, bool drop_remainder, std::vector<PartialShape> padded_shapes,
                     std::vector<Tensor> padding_values, std::vector<PartialShape> shapes)
      : DatasetObject(input->dtypes(), std::move(shapes)),
        input_(std::move(input)),
        size_(size),
        drop_remainder_(drop_remainder),
        padded_shapes_(std::move(padded_shapes)),
        padding_values_(std::move(padding_values)) {
    if (size < 1) throw InvalidArgument("Batch size must be greater than zero, got ", size);
  }
  std::string DebugString() const override { return "PaddedBatchDataset"; }
  bool pure() const override { return input_->pure(); }
  bool may_run_ahead() const override { return input_->may_run_ahead(); }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed&) const override {
    struct Iterator final : ElementIterator {
      bool Next(Element* out) override {
        std::vector<Element> elements;
        Element element;
        while (static_cast<int64_t>(elements.size()) < dataset->size_ && input->Next(&element)) {
          elements.push_back(std::move(element));
        }
        if (elements.empty()) return false;
        if (dataset->drop_remainder_ && static_cast<int64_t>(elements.size()) < dataset->size_) return false;
        out->clear();
        for (size_t c = 0; c < elements[0].size(); ++c) out->push_back(dataset->Pad(elements, c));
        return true;
      }
      const PaddedBatchDataset* dataset = nullptr;
      std::unique_ptr<ElementIterator> input;
    };
    auto iterator = std::make_unique<Iterator>();
    iterator->dataset = this;
    iterator->input = input_->MakeIterator(context, Needed(input_->dtypes().size(), true));
    return iterator;
  }

 private:
  Tensor Pad(const std::vector<Element>& elements, size_t c) const {
    const PartialShape& wanted = padded_shapes_[c];
    Shape shape{static_cast<int64_t>(elements.size())};
    for (int axis = 0; axis < wanted.rank(); ++axis) {
      int64_t size = wanted[axis];
      for (size_t i = 0; i < elements.size(); ++i) {
        const Tensor& part = elements[i][c];
        if (part.rank() != wanted.rank()) {
          throw InvalidArgument("All elements in a batch must have the same rank as the padded shape for component", c,
                                ": expected rank ", wanted.rank(), " but got element with rank ", part.rank());
        }
        if (wanted[axis] < 0) size = std::max(size, part.dim(axis));
        if (wanted[axis] >= 0 && part.dim(axis) > size) {
          throw DataLoss("Attempted to pad to a smaller size than the input element: element ", i, " of component ", c,
                         " has shape ", part.shape(), ", padded_shapes ask for ", wanted);
        }
      }
      shape.Append(std::max<int64_t>(size, 0));
    }
    Tensor out(dtypes_[c], shape);
    if (dtypes_[c] == DType::kString) {
      Fill<std::string>(elements, c, &out);
    } else {
      VisitNumeric(dtypes_[c], "PaddedBatchDataset", [&]<class T>(T) { Fill<T>(elements, c, &out); });
    }
    return out;
  }

  template <class T>
  void Fill(const std::vector<Element>& elements, size_t c, Tensor* out) const {
    std::fill_n(out->data<T>(), out->num_elements(), padding_values_[c].scalar<T>());
    for (size_t i = 0; i < elements.size(); ++i) CopyIntoCorner<T>(elements[i][c], static_cast<int64_t>(i), out);
  }

  DatasetPtr input_;
  int64_t size_;
  bool drop_remainder_;
  std::vector<PartialShape> padded_shapes_;
  std::vector<Tensor> padding_values_;
};

}  // namespace

DatasetPtr MakeBatchDataset(DatasetPtr input, int64_t batch_size, bool drop_remainder) {
  return std::make_shared<BatchDataset>(std::move(input), batch_size, drop_remainder);
}
DatasetPtr MakePaddedBatchDataset(DatasetPtr input, int64_t batch_size, bool drop_remainder,
                                  std::vector<PartialShape> padded_shapes, std::vector<Tensor> padding_values,
                                  std::vector<PartialShape> shapes) {
  return std::make_shared<PaddedBatchDataset>(std::move(input), batch_size, drop_remainder, std::move(padded_shapes),
                                              std::move(padding_values), std::move(shapes));
}

}  // namespace headrace::data
