// Iterators: the pipeline of a dataset, and the thread that runs it ahead.
#include "data/iterator.h"

#include <cstdlib>
#include <string_view>

namespace headrace::data {
namespace {

constexpr size_t kElementsAhead = 8;

// HEADRACE_VECTORISE=0 turns the vectorised form off, to find out whether it is to blame.
bool Vectorise() {
  const char* value = std::getenv("HEADRACE_VECTORISE");
  return !value || std::string_view(value) != "0";
}

// What one step of a pipeline gave.
struct Item {
  Element element;
  std::exception_ptr error;
  bool end = false;
};

}  // namespace

// Runs a dataset's iterator, on the caller's thread or ahead on its own.
class IteratorResource::Pipeline {
 public:
  Pipeline(DatasetPtr dataset, ResourceManager& resources, const Needed& needed)
      : dataset_(std::move(dataset)), context_(resources, Vectorise()), needed_(needed) {
    if (dataset_->may_run_ahead()) thread_ = std::thread([this] { RunAhead(); });
  }

  ~Pipeline() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  Item Next() {
    if (!thread_.joinable()) return Step();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !queue_.empty(); });
    Item item = std::move(queue_.front());
    if (!item.end) queue_.pop_front();  // the end stays
    const bool producer_waits = queue_.size() == kElementsAhead / 2;
    lock.unlock();
    if (producer_waits) changed_.notify_all();
    return item;
  }

 private:
  Item Step() {
    Item item;
    try {
      if (!iterator_) iterator_ = dataset_->MakeIterator(context_, needed_);
      item.end = !iterator_->Next(&item.element);
    } catch (...) {
      item.error = std::current_exception();
    }
    return item;
  }

  // A producer that found the queue full sleeps until it is half empty, so that threads switch seldom.
  void RunAhead() {
    for (;;) {
      Item item = Step();
      const bool end = item.end;
      std::unique_lock lock(mutex_);
      if (queue_.size() >= kElementsAhead) {
        changed_.wait(lock, [&] { return stop_ || queue_.size() <= kElementsAhead / 2; });
      }
      if (stop_) return;
      queue_.push_back(std::move(item));
      const bool consumer_waits = queue_.size() == 1;
      lock.unlock();
      if (consumer_waits) changed_.notify_all();
      if (end) return;
    }
  }

  DatasetPtr dataset_;
  IteratorContext context_;
  Needed needed_;
  std::unique_ptr<ElementIterator> iterator_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;
  bool stop_ = false;
  std::thread thread_;
};

IteratorResource::IteratorResource(std::string container, std::string name, std::vector<DType> dtypes,
                                   std::vector<PartialShape> shapes)
    : container_(std::move(container)),
      name_(std::move(name)),
      dtypes_(std::move(dtypes)),
      shapes_(std::move(shapes)) {}
IteratorResource::~IteratorResource() = default;

void IteratorResource::SetDataset(DatasetPtr dataset, ResourceManager& resources) {
  if (dataset->dtypes() != dtypes_) {
    throw InvalidArgument("iterator '", name_, "' and the dataset given to it have elements of different types");
  }
  for (size_t i = 0; i < shapes_.size(); ++i) {
    if (!dataset->shapes()[i].IsCompatibleWith(shapes_[i])) {
      throw InvalidArgument("component ", i, " of iterator '", name_, "' has shape ", shapes_[i],
                            ", the dataset given to it has ", dataset->shapes()[i]);
    }
  }
  const std::lock_guard lock(mutex_);
  pipeline_.reset();
  dataset_ = std::move(dataset);
  resources_ = &resources;
  handed_out_ = 0;
}

bool IteratorResource::has_dataset() const {
  const std::lock_guard lock(mutex_);
  return dataset_ != nullptr;
}

void IteratorResource::Start(const Needed& needed) {
  if (dataset_->pure()) {
    needed_ = pipeline_ ? needed_ : Needed(dtypes_.size(), false);
    for (size_t i = 0; i < needed_.size(); ++i) needed_[i] = needed_[i] || needed[i];
  } else {
    needed_ = Needed(dtypes_.size(), true);
  }
  pipeline_ = std::make_unique<Pipeline>(dataset_, *resources_, needed_);
  for (int64_t i = 0; i < handed_out_; ++i) pipeline_->Next();
}

Element IteratorResource::GetNext(const Needed& needed) {
  const std::lock_guard lock(mutex_);
  if (!dataset_) {
    throw FailedPrecondition(
        "GetNext() failed because the iterator has not been initialized. Ensure that you have run the initializer "
        "operation for this iterator before getting the next element.");
  }
  bool covered = pipeline_ != nullptr;
  for (size_t i = 0; covered && i < needed.size(); ++i) covered = !needed[i] || needed_[i];
  if (!covered) Start(needed);
  Item item = pipeline_->Next();
  if (!item.end) ++handed_out_;
  if (item.error) std::rethrow_exception(item.error);
  if (item.end) throw OutOfRange("End of sequence");
  return std::move(item.element);
}

}  // namespace headrace::data
