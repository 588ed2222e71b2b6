// What a dataset is at run time. A dataset op makes a DatasetObject, which a variant tensor carries; an iterator asks
// it for its elements. There are two ways through a dataset:
//  - element by element (ElementIterator): works for every dataset, follows TensorFlow's iterators step by step;
//  - by rows (RowSource, see data/rows.h): the vectorised form, for datasets whose elements all have one shape. Batch
//    takes its input this way if it can.
// Both give the same elements, the same order and the same errors at the same places; tests compare them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/bound_function.h"
#include "headrace/graph.h"
#include "headrace/resource.h"
#include "headrace/tensor.h"

namespace headrace::data {

using Element = std::vector<Tensor>;  // its components, flattened; one that nobody needs may be undefined
using Needed = std::vector<bool>;     // which components somebody needs

// What belongs to one iterator and is shared by the stages of its pipeline.
class IteratorContext {
 public:
  // `functions` is of the iterator alone: its kernels' state (random generators) lasts as long as the iterator.
  IteratorContext(ResourceManager& resources, std::shared_ptr<FunctionRunner> functions, bool vectorise)
      : resources_(resources), functions_(std::move(functions)), vectorise_(vectorise) {}
  ResourceManager& resources() const { return resources_; }
  FunctionRunner& functions() const { return *functions_; }
  bool vectorise() const { return vectorise_; }
  // Of the step that is being made: the iterator's own where it runs ahead, else that of the run that asks.
  const Cancellation* cancellation() const { return cancellation_; }
  void set_cancellation(const Cancellation* cancellation) { cancellation_ = cancellation; }
  // Every source calls this before it reads on, so that no pipeline runs on for ever. Errors: Cancelled.
  void CheckCancelled() const {
    if (cancellation_) cancellation_->Check();
  }
  // State that a dataset keeps from one of its iterations to the next (random seeds, decoded files), by dataset id.
  template <class T>
  std::shared_ptr<T> State(uint64_t dataset, const std::function<std::shared_ptr<T>()>& make) {
    auto& slot = states_[dataset];
    if (!slot) slot = make();
    return std::static_pointer_cast<T>(slot);
  }

 private:
  ResourceManager& resources_;
  const std::shared_ptr<FunctionRunner> functions_;
  const bool vectorise_;
  const Cancellation* cancellation_ = nullptr;
  std::map<uint64_t, std::shared_ptr<void>> states_;
};

class ElementIterator {
 public:
  virtual ~ElementIterator() = default;
  // The next element; false at the end. An error takes the place of one element: the next call goes on behind it.
  virtual bool Next(Element* element) = 0;
  // Where the last element, or the error, came from, for messages: "taxi.csv line 17"; "" if unknown.
  virtual std::string Position() const { return ""; }
};

class RowSource;
struct RowOptions {
  Needed needed;
  bool lines = false;    // the caller takes lines of text as views (Block::lines) instead of a string tensor
  bool repeats = false;  // the source will be made again, so keeping what was decoded pays
};

class DatasetObject : public Object {
 public:
  const std::vector<DType>& dtypes() const { return dtypes_; }
  const std::vector<PartialShape>& shapes() const { return shapes_; }
  uint64_t id() const { return id_; }  // never reused in a process

  virtual std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const = 0;
  // nullptr if this dataset has no vectorised form.
  virtual std::unique_ptr<RowSource> MakeRowSource(IteratorContext& context, const RowOptions& options) const;

  // The files that all elements come from, if the dataset is nothing but a choice of their lines, in order; else empty.
  virtual std::vector<std::string> files() const { return {}; }
  // The row source takes RowOptions::lines.
  virtual bool gives_lines() const { return false; }

  // Iterating again gives the same elements, and nobody can tell that elements are made ahead of time.
  virtual bool pure() const = 0;
  // Making elements ahead of time is allowed: pure, or the program asks for it.
  virtual bool may_run_ahead() const { return pure(); }

 protected:
  DatasetObject(std::vector<DType> dtypes, std::vector<PartialShape> shapes);
  std::vector<DType> dtypes_;
  std::vector<PartialShape> shapes_;

 private:
  const uint64_t id_;
};
using DatasetPtr = std::shared_ptr<const DatasetObject>;

// The dataset that a variant tensor carries. Errors: InvalidArgument.
DatasetPtr DatasetOf(const Tensor& variant);
Tensor VariantOf(DatasetPtr dataset);

// --- the datasets (one factory each; see the file of that name) ---
// tensor_datasets.cc
DatasetPtr MakeTensorDataset(Element components);
DatasetPtr MakeTensorSliceDataset(Element components);  // errors: InvalidArgument on unequal first dimensions
DatasetPtr MakeRangeDataset(int64_t start, int64_t stop, int64_t step, DType dtype);
// text_line.cc, tf_record.cc. compression: "", "GZIP" or "ZLIB".
DatasetPtr MakeTextLineDataset(std::vector<std::string> files, std::string compression, int64_t buffer_size);
DatasetPtr MakeTfRecordDataset(std::vector<std::string> files, std::string compression);
// map.cc, flat_map.cc
DatasetPtr MakeMapDataset(DatasetPtr input, BoundFunction f, std::vector<DType> dtypes,
                          std::vector<PartialShape> shapes);
DatasetPtr MakeFilterDataset(DatasetPtr input, BoundFunction predicate);
DatasetPtr MakeFlatMapDataset(DatasetPtr input, BoundFunction f, std::vector<DType> dtypes,
                              std::vector<PartialShape> shapes);
DatasetPtr MakeInterleaveDataset(DatasetPtr input, BoundFunction f, int64_t cycle_length, int64_t block_length,
                                 std::vector<DType> dtypes, std::vector<PartialShape> shapes);
// sequence.cc
DatasetPtr MakeRepeatDataset(DatasetPtr input, int64_t count);  // -1: for ever
DatasetPtr MakeTakeDataset(DatasetPtr input, int64_t count);    // -1: all
DatasetPtr MakeSkipDataset(DatasetPtr input, int64_t count);    // -1: all
DatasetPtr MakeShardDataset(DatasetPtr input, int64_t num_shards, int64_t index);
DatasetPtr MakeConcatenateDataset(DatasetPtr first, DatasetPtr second, std::vector<PartialShape> shapes);
DatasetPtr MakeZipDataset(std::vector<DatasetPtr> inputs);
DatasetPtr MakePrefetchDataset(DatasetPtr input);
DatasetPtr MakeCacheDataset(DatasetPtr input);
// shuffle.cc. Seeds 0, 0: drawn once for this dataset.
DatasetPtr MakeShuffleDataset(DatasetPtr input, int64_t buffer_size, int64_t seed, int64_t seed2, bool reshuffle);
// batch.cc
DatasetPtr MakeBatchDataset(DatasetPtr input, int64_t batch_size, bool drop_remainder);
DatasetPtr MakePaddedBatchDataset(DatasetPtr input, int64_t batch_size, bool drop_remainder,
                                  std::vector<PartialShape> padded_shapes, std::vector<Tensor> padding_values,
                                  std::vector<PartialShape> shapes);

}  // namespace headrace::data
