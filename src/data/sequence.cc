// Datasets that choose from the sequence of their input's elements: repeat, take, skip, shard, concatenate, prefetch;
// and zip and cache, which only go element by element.
#include <algorithm>

#include "data/stage.h"

namespace headrace::data {
namespace {

// -------------------------------------------------------------------------------------------------------------- repeat

template <class T>
class Repeater {
 public:
  Repeater(DatasetPtr input, int64_t count, IteratorContext& context, RowOptions options)
      : dataset_(std::move(input)), count_(count), context_(&context), options_(std::move(options)) {}
  void Start(std::unique_ptr<typename Flow<T>::Input> first) { input_ = std::move(first); }

  bool Next(T* out) {
    while (count_ < 0 || epoch_ < count_) {
      if (!input_) input_ = Flow<T>::Open(*dataset_, *context_, options_);
      if (input_->Next(out)) {
        epoch_is_empty_ = false;
        return true;
      }
      input_.reset();
      ++epoch_;
      if (count_ < 0 && std::exchange(epoch_is_empty_, true)) return false;  // for ever nothing
    }
    return false;
  }
  std::string Position() const {
    if constexpr (std::is_same_v<T, Element>) {
      if (input_) return input_->Position();
    }
    return "";
  }

 private:
  DatasetPtr dataset_;
  int64_t count_, epoch_ = 0;
  IteratorContext* context_;
  RowOptions options_;
  std::unique_ptr<typename Flow<T>::Input> input_;
  bool epoch_is_empty_ = true;
};

class RepeatDataset final : public StageDataset<RepeatDataset> {
 public:
  RepeatDataset(DatasetPtr input, int64_t count) : StageDataset(std::move(input)), count_(count) {}
  std::string DebugString() const override { return "RepeatDataset"; }
  RowOptions InputOptions(RowOptions options) const {
    options.repeats = options.repeats || count_ != 1;
    return options;
  }
  template <class T>
  Repeater<T> MakeStage(std::unique_ptr<typename Flow<T>::Input> input, IteratorContext& context,
                        const RowOptions& options) const {
    Repeater<T> repeater(input_, count_, context, options);
    repeater.Start(std::move(input));
    return repeater;
  }

 private:
  int64_t count_;
};

// -------------------------------------------------------------------------------------------------- take, skip, shard

// Elements `first`, `first + stride`, ... of the input, below `end` (-1: all).
template <class T>
class Slicer {
 public:
  Slicer(std::unique_ptr<typename Flow<T>::Input> input, int64_t first, int64_t end, int64_t stride)
      : input_(std::move(input)), next_(first), end_(end), stride_(stride) {}

  bool Next(T* out) {
    if (end_ >= 0 && next_ >= end_) return false;
    while (input_->Next(out)) {
      if (at_++ == next_) {
        if (__builtin_add_overflow(next_, stride_, &next_)) end_ = 0;  // there is none behind
        return true;
      }
      Flow<T>::Discard(out);
    }
    return false;
  }
  std::string Position() const {
    if constexpr (std::is_same_v<T, Element>) return input_->Position();
    return "";
  }

 private:
  std::unique_ptr<typename Flow<T>::Input> input_;
  int64_t at_ = 0, next_, end_, stride_;
};

class SliceDataset final : public StageDataset<SliceDataset> {
 public:
  SliceDataset(std::string name, DatasetPtr input, int64_t first, int64_t end, int64_t stride)
      : StageDataset(std::move(input)), name_(std::move(name)), first_(first), end_(end), stride_(stride) {}
  std::string DebugString() const override { return name_; }
  std::vector<std::string> files() const override { return input_->files(); }
  template <class T>
  Slicer<T> MakeStage(std::unique_ptr<typename Flow<T>::Input> input, IteratorContext&, const RowOptions&) const {
    return {std::move(input), first_, end_, stride_};
  }

 private:
  std::string name_;
  int64_t first_, end_, stride_;
};

// --------------------------------------------------------------------------------------------------------- concatenate

template <class T>
class Concatenator {
 public:
  using Input = std::unique_ptr<typename Flow<T>::Input>;
  Concatenator(Input first, Input second) : first_(std::move(first)), second_(std::move(second)) {}
  bool Next(T* out) {
    if (first_) {
      if (first_->Next(out)) return true;
      first_.reset();
    }
    return second_->Next(out);
  }
  std::string Position() const {
    if constexpr (std::is_same_v<T, Element>) return first_ ? first_->Position() : second_->Position();
    return "";
  }

 private:
  Input first_, second_;
};

class ConcatenateDataset final : public DatasetObject {
 public:
  ConcatenateDataset(DatasetPtr first, DatasetPtr second, std::vector<PartialShape> shapes)
      : DatasetObject(first->dtypes(), std::move(shapes)), first_(std::move(first)), second_(std::move(second)) {
    if (first_->dtypes() != second_->dtypes()) {
      throw InvalidArgument("datasets to concatenate have elements of different types");
    }
  }
  std::string DebugString() const override { return "ConcatenateDataset"; }
  bool pure() const override { return first_->pure() && second_->pure(); }
  bool may_run_ahead() const override { return first_->may_run_ahead() && second_->may_run_ahead(); }
  bool gives_lines() const override { return first_->gives_lines() && second_->gives_lines(); }
  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const override {
    return std::make_unique<StageIterator<Concatenator<Element>>>(
        Concatenator<Element>(first_->MakeIterator(context, needed), second_->MakeIterator(context, needed)));
  }
  std::unique_ptr<RowSource> MakeRowSource(IteratorContext& context, const RowOptions& options) const override {
    auto first = Flow<Row>::Open(*first_, context, options);
    auto second = Flow<Row>::Open(*second_, context, options);
    if (!first || !second) return nullptr;
    return std::make_unique<StageSource<Concatenator<Row>>>(Concatenator<Row>(std::move(first), std::move(second)));
  }

 private:
  DatasetPtr first_, second_;
};

// ------------------------------------------------------------------------------------------------------------ prefetch

// Iterators make elements ahead of time on a thread of their own anyway; prefetch says that it is welcome.
class PrefetchDataset final : public DatasetObject {
 public:
  explicit PrefetchDataset(DatasetPtr input)
      : DatasetObject(input->dtypes(), input->shapes()), input_(std::move(input)) {}
  std::string DebugString() const override { return "PrefetchDataset"; }
  bool pure() const override { return input_->pure(); }
  bool may_run_ahead() const override { return true; }
  bool gives_lines() const override { return input_->gives_lines(); }
  std::vector<std::string> files() const override { return input_->files(); }
  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const override {
    return input_->MakeIterator(context, needed);
  }
  std::unique_ptr<RowSource> MakeRowSource(IteratorContext& context, const RowOptions& options) const override {
    return input_->MakeRowSource(context, options);
  }

 private:
  DatasetPtr input_;
};

// ----------------------------------------------------------------------------------------------------------------- zip

class ZipDataset final : public DatasetObject {
 public:
  explicit ZipDataset(std::vector<DatasetPtr> inputs) : DatasetObject({}, {}), inputs_(std::move(inputs)) {
    for (const DatasetPtr& input : inputs_) {
      dtypes_.insert(dtypes_.end(), input->dtypes().begin(), input->dtypes().end());
      shapes_.insert(shapes_.end(), input->shapes().begin(), input->shapes().end());
    }
  }
  std::string DebugString() const override { return "ZipDataset"; }
  bool pure() const override {
    return std::all_of(inputs_.begin(), inputs_.end(), [](const DatasetPtr& input) { return input->pure(); });
  }
  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const override {
    struct Iterator final : ElementIterator {
      bool Next(Element* out) override {
        out->clear();
        if (inputs.empty() || ended) return false;
        for (const auto& input : inputs) {
          Element part;
          if (!input->Next(&part)) {
            ended = true;
            return false;
          }
          out->insert(out->end(), part.begin(), part.end());
        }
        return true;
      }
      std::vector<std::unique_ptr<ElementIterator>> inputs;
      bool ended = false;
    };
    auto iterator = std::make_unique<Iterator>();
    size_t at = 0;
    for (const DatasetPtr& input : inputs_) {
      const size_t end = at + input->dtypes().size();
      iterator->inputs.push_back(input->MakeIterator(
          context,
          Needed(needed.begin() + static_cast<std::ptrdiff_t>(at), needed.begin() + static_cast<std::ptrdiff_t>(end))));
      at = end;
    }
    return iterator;
  }

 private:
  std::vector<DatasetPtr> inputs_;
};

// --------------------------------------------------------------------------------------------------------------- cache

// The elements of the first whole pass, kept in memory.
class CacheDataset final : public DatasetObject {
 public:
  explicit CacheDataset(DatasetPtr input) : DatasetObject(input->dtypes(), input->shapes()), input_(std::move(input)) {}
  std::string DebugString() const override { return "CacheDataset"; }
  bool pure() const override { return input_->pure(); }
  bool may_run_ahead() const override { return input_->may_run_ahead(); }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const override {
    struct Kept {
      std::vector<Element> elements;
      bool complete = false;
    };
    struct Iterator final : ElementIterator {
      bool Next(Element* out) override {
        if (!input) {
          if (at == kept->elements.size()) return false;
          *out = kept->elements[at++];
          return true;
        }
        if (input->Next(out)) {
          fresh.push_back(*out);
          return true;
        }
        if (!kept->complete) *kept = {std::move(fresh), true};
        input.reset();
        at = kept->elements.size();
        return false;
      }
      std::shared_ptr<Kept> kept;
      std::unique_ptr<ElementIterator> input;
      std::vector<Element> fresh;
      size_t at = 0;
    };
    auto iterator = std::make_unique<Iterator>();
    iterator->kept = context.State<Kept>(id(), [] { return std::make_shared<Kept>(); });
    if (!iterator->kept->complete) iterator->input = input_->MakeIterator(context, needed);
    return iterator;
  }

 private:
  DatasetPtr input_;
};

}  // namespace

DatasetPtr MakeRepeatDataset(DatasetPtr input, int64_t count) {
  return std::make_shared<RepeatDataset>(std::move(input), count);
}
DatasetPtr MakeTakeDataset(DatasetPtr input, int64_t count) {
  return std::make_shared<SliceDataset>("TakeDataset", std::move(input), 0, count, 1);
}
DatasetPtr MakeSkipDataset(DatasetPtr input, int64_t count) {
  if (count < 0) return std::make_shared<SliceDataset>("SkipDataset", std::move(input), 0, 0, 1);
  return std::make_shared<SliceDataset>("SkipDataset", std::move(input), count, -1, 1);
}
DatasetPtr MakeShardDataset(DatasetPtr input, int64_t num_shards, int64_t index) {
  if (num_shards < 1) throw InvalidArgument("Number of shards must be greater than zero (currently ", num_shards, ").");
  if (index < 0 || index >= num_shards) {
    throw InvalidArgument("Index must be between 0 and ", num_shards - 1, " (currently index = ", index, ").");
  }
  return std::make_shared<SliceDataset>("ShardDataset", std::move(input), index, -1, num_shards);
}
DatasetPtr MakeConcatenateDataset(DatasetPtr first, DatasetPtr second, std::vector<PartialShape> shapes) {
  return std::make_shared<ConcatenateDataset>(std::move(first), std::move(second), std::move(shapes));
}
DatasetPtr MakeZipDataset(std::vector<DatasetPtr> inputs) {
  return std::make_shared<ZipDataset>(std::move(inputs));
}
DatasetPtr MakePrefetchDataset(DatasetPtr input) {
  return std::make_shared<PrefetchDataset>(std::move(input));
}
DatasetPtr MakeCacheDataset(DatasetPtr input) {
  return std::make_shared<CacheDataset>(std::move(input));
}

}  // namespace headrace::data
