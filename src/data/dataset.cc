// Datasets in variant tensors.
#include "data/dataset.h"

#include <atomic>

#include "data/rows.h"

namespace headrace::data {
namespace {

// Variant tensors hold mutable objects; a dataset is immutable, so the const is put back when it is taken out.
std::shared_ptr<Object> Unconst(DatasetPtr dataset) {
  return std::const_pointer_cast<DatasetObject>(std::move(dataset));
}

std::atomic<uint64_t> next_id{1};

}  // namespace

DatasetObject::DatasetObject(std::vector<DType> dtypes, std::vector<PartialShape> shapes)
    : dtypes_(std::move(dtypes)), shapes_(std::move(shapes)), id_(next_id++) {}

DatasetPtr DatasetOf(const Tensor& variant) {
  if (variant.dtype() != DType::kVariant) throw InvalidArgument("expected a dataset, got ", variant.dtype());
  auto dataset = std::dynamic_pointer_cast<DatasetObject>(variant.object());
  if (!dataset) throw InvalidArgument("expected a dataset, got a ", variant.object()->DebugString());
  return dataset;
}

Tensor VariantOf(DatasetPtr dataset) {
  return Tensor::Variant(Unconst(std::move(dataset)));
}

std::unique_ptr<RowSource> DatasetObject::MakeRowSource(IteratorContext&, const RowOptions&) const {
  return nullptr;
}

}  // namespace headrace::data
