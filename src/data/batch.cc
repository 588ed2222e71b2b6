// BatchDataset and PaddedBatchDataset. Batch asks its input for rows and gathers them; where the input has no
// vectorised form it stacks elements.
#include <algorithm>

#include "data/dataset.h"
#include "data/rows.h"
#include "kernels/copy.h"

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
    if (part.dtype() != first.dtype()) {
      throw InvalidArgument("Cannot batch tensors of different types in component ", c, ": ", first.dtype(), " and ",
                            part.dtype());
    }
    if (!(part.shape() == first.shape())) {
      throw InvalidArgument("Cannot batch tensors with different shapes in component ", c, ". First element had shape ",
                            first.shape(), " and element ", i, " had shape ", part.shape(), ".");
    }
    const int64_t n = part.num_elements();
    CopyElements(part.dtype(), part.raw(), ElementAt(out.dtype(), out.raw(), static_cast<int64_t>(i) * n), n);
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

// Copies `from` into the corner of row `i` of `to`, which has one axis more and is at least as large along the others.
void CopyIntoCorner(const Tensor& from, int64_t i, Tensor* to) {
  int64_t from_strides[kMaxRank], to_strides[kMaxRank];
  DenseStrides(from.shape(), from_strides);
  DenseStrides(to->shape(), to_strides);
  CopyStrided(from.dtype(), from.shape(), from.raw(), {from_strides, kMaxRank},
              ElementAt(to->dtype(), to->raw(), i * to_strides[0]), std::span<const int64_t>(to_strides).subspan(1));
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
    if (padded_shapes_.size() != dtypes_.size() || padding_values_.size() != dtypes_.size()) {
      throw InvalidArgument("padded_batch needs a shape and a value for each of the ", dtypes_.size(),
                            " components, got ", padded_shapes_.size(), " padded_shapes and ", padding_values_.size(),
                            " padding_values");
    }
    for (size_t c = 0; c < dtypes_.size(); ++c) {
      const Tensor& value = padding_values_[c];
      if (!padded_shapes_[c].has_rank()) throw InvalidArgument("the rank of padded_shapes[", c, "] must be known");
      if (value.dtype() != dtypes_[c]) {
        throw InvalidArgument("padding_values[", c, "] is of ", value.dtype(), ", expected ", dtypes_[c],
                              " of the component");
      }
      if (value.rank() != 0) {
        throw InvalidArgument("padding_values[", c, "] must be a scalar, got shape ", value.shape());
      }
    }
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
    for (const Element& element : elements) {
      if (element[c].rank() != wanted.rank()) {
        throw InvalidArgument("All elements in a batch must have the same rank as the padded shape for component", c,
                              ": expected rank ", wanted.rank(), " but got element with rank ", element[c].rank());
      }
    }
    Shape shape{static_cast<int64_t>(elements.size())};
    for (int axis = 0; axis < wanted.rank(); ++axis) {
      int64_t size = wanted[axis];
      for (size_t i = 0; i < elements.size(); ++i) {
        const Tensor& part = elements[i][c];
        if (wanted[axis] < 0) size = std::max(size, part.dim(axis));
        if (wanted[axis] >= 0 && part.dim(axis) > size) {
          throw DataLoss("Attempted to pad to a smaller size than the input element: element ", i, " of component ", c,
                         " has shape ", part.shape(), ", padded_shapes ask for ", wanted);
        }
      }
      shape.Append(std::max<int64_t>(size, 0));
    }
    Tensor out(dtypes_[c], shape);
    FillElements(out.dtype(), padding_values_[c].raw(), out.raw(), out.num_elements());
    for (size_t i = 0; i < elements.size(); ++i) CopyIntoCorner(elements[i][c], static_cast<int64_t>(i), &out);
    return out;
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
