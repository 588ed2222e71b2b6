// Datasets of values at hand: one element (TensorDataset), the rows of tensors (TensorSliceDataset), integers
// (RangeDataset).
#include <algorithm>

#include "data/dataset.h"
#include "data/rows.h"

namespace headrace::data {
namespace {

std::vector<DType> DTypesOf(const Element& components) {
  std::vector<DType> dtypes;
  for (const Tensor& component : components) dtypes.push_back(component.dtype());
  return dtypes;
}

std::vector<PartialShape> ShapesOf(const Element& components, size_t from_axis) {
  std::vector<PartialShape> shapes;
  for (const Tensor& component : components) {
    if (component.rank() < static_cast<int>(from_axis)) {
      throw InvalidArgument("Unbatching a scalar tensor is not supported: a component of TensorSliceDataset is ",
                            component.ToString());
    }
    shapes.push_back(Shape(component.shape().dims().subspan(from_axis)));
  }
  return shapes;
}

class TensorDataset final : public DatasetObject {
 public:
  explicit TensorDataset(Element components)
      : DatasetObject(DTypesOf(components), ShapesOf(components, 0)), components_(std::move(components)) {}
  std::string DebugString() const override { return "TensorDataset"; }
  bool pure() const override { return true; }
  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext&, const Needed&) const override {
    struct Iterator final : ElementIterator {
      explicit Iterator(const Element& element) : element(element) {}
      bool Next(Element* out) override {
        if (done) return false;
        *out = element;
        return done = true;
      }
      Element element;
      bool done = false;
    };
    return std::make_unique<Iterator>(components_);
  }

 private:
  Element components_;
};

class TensorSliceDataset final : public DatasetObject {
 public:
  explicit TensorSliceDataset(Element components)
      : DatasetObject(DTypesOf(components), ShapesOf(components, 1)), components_(std::move(components)) {
    rows_ = components_.at(0).dim(0);
    for (const Tensor& component : components_) {
      if (component.dim(0) != rows_) {
        throw InvalidArgument("All components of TensorSliceDataset must have the same size in dimension 0, got ",
                              rows_, " and ", component.dim(0));
      }
    }
  }
  std::string DebugString() const override { return "TensorSliceDataset"; }
  bool pure() const override { return true; }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext&, const Needed&) const override {
    struct Iterator final : ElementIterator {
      explicit Iterator(const TensorSliceDataset& dataset) : components(dataset.components_), rows(dataset.rows_) {}
      bool Next(Element* out) override {
        if (row == rows) return false;
        out->clear();
        for (const Tensor& component : components) {
          out->push_back(component.Slice(row, row + 1).Reshaped(Shape(component.shape().dims().subspan(1))));
        }
        ++row;
        return true;
      }
      Element components;
      int64_t rows, row = 0;
    };
    return std::make_unique<Iterator>(*this);
  }

  std::unique_ptr<RowSource> MakeRowSource(IteratorContext&, const RowOptions&) const override {
    struct Source final : RowSource {
      explicit Source(const TensorSliceDataset& dataset) : block(new Block), rows(dataset.rows_) {
        block->columns = dataset.components_;
        block->rows = rows;
        block->Finish();
        Pin(block);
      }
      ~Source() override { Release(block); }
      bool Fill(std::vector<Row>* out, int64_t wanted) override {
        const int64_t end = std::min(rows, at + wanted);
        if (at == end) return false;
        Pin(block, end - at);
        for (; at < end; ++at) out->push_back({block, at});
        return true;
      }
      Block* block;
      int64_t rows, at = 0;
    };
    return std::make_unique<Source>(*this);
  }

 private:
  Element components_;
  int64_t rows_ = 0;
};

class RangeDataset final : public DatasetObject {
 public:
  RangeDataset(int64_t start, int64_t stop, int64_t step, DType dtype)
      : DatasetObject({dtype}, {Shape()}), start_(start), step_(step) {
    if (step == 0) throw InvalidArgument("step must be a non-zero integer.");
    if (step > 0 ? stop <= start : stop >= start) return;
    // Unsigned: the distance between two int64s may be more than the largest.
    const auto first = static_cast<uint64_t>(start), last = static_cast<uint64_t>(stop);
    const uint64_t span = step > 0 ? last - first : first - last;
    const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    count_ = static_cast<int64_t>(std::min<uint64_t>(span / stride + (span % stride != 0), INT64_MAX));
  }
  std::string DebugString() const override { return "RangeDataset"; }
  bool pure() const override { return true; }

  // Element i; it lies between start and stop, whatever the product overflows to on the way.
  int64_t At(int64_t i) const {
    return static_cast<int64_t>(static_cast<uint64_t>(start_) +
                                static_cast<uint64_t>(i) * static_cast<uint64_t>(step_));
  }
  Tensor Values(int64_t begin, int64_t end) const {
    Tensor values(dtypes_[0], Shape{end - begin});
    VisitNumeric(dtypes_[0], "RangeDataset", [&]<class T>(T) {
      for (int64_t i = begin; i < end; ++i) values.data<T>()[i - begin] = static_cast<T>(At(i));
    });
    return values;
  }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext&, const Needed&) const override {
    struct Iterator final : ElementIterator {
      explicit Iterator(const RangeDataset& dataset) : dataset(dataset) {}
      bool Next(Element* out) override {
        if (at == dataset.count_) return false;
        *out = {dataset.Values(at, at + 1).Reshaped({})};
        ++at;
        return true;
      }
      const RangeDataset& dataset;
      int64_t at = 0;
    };
    return std::make_unique<Iterator>(*this);
  }

  std::unique_ptr<RowSource> MakeRowSource(IteratorContext&, const RowOptions&) const override {
    struct Source final : RowSource {
      explicit Source(const RangeDataset& dataset) : dataset(dataset) {}
      bool Fill(std::vector<Row>* out, int64_t wanted) override {
        const int64_t n = std::min(wanted, dataset.count_ - at);
        if (n == 0) return false;
        auto* block = new Block;
        block->columns = {dataset.Values(at, at + n)};
        block->rows = block->live = n;
        block->Finish();
        for (int64_t i = 0; i < n; ++i) out->push_back({block, i});
        at += n;
        return true;
      }
      const RangeDataset& dataset;
      int64_t at = 0;
    };
    return std::make_unique<Source>(*this);
  }

 private:
  int64_t start_, step_, count_ = 0;
};

}  // namespace

DatasetPtr MakeTensorDataset(Element components) {
  return std::make_shared<TensorDataset>(std::move(components));
}
DatasetPtr MakeTensorSliceDataset(Element components) {
  return std::make_shared<TensorSliceDataset>(std::move(components));
}
DatasetPtr MakeRangeDataset(int64_t start, int64_t stop, int64_t step, DType dtype) {
  return std::make_shared<RangeDataset>(start, stop, step, dtype);
}

}  // namespace headrace::data
