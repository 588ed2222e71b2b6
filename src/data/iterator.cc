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

// A run without a token can't be cancelled.
const Cancellation& Given(const Cancellation* cancellation) {
  static const Cancellation never;
  return cancellation ? *cancellation : never;
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
  Pipeline(DatasetPtr dataset, ResourceManager& resources, std::shared_ptr<FunctionRunner> functions,
           const Needed& needed)
      : dataset_(std::move(dataset)), context_(resources, std::move(functions), Vectorise()), needed_(needed) {
    if (!dataset_->may_run_ahead()) return;
    context_.set_cancellation(&stop_);
    thread_ = std::thread([this] { RunAhead(); });
  }

  ~Pipeline() {
    stop_.Cancel();
    if (thread_.joinable()) thread_.join();
  }

  Item Next(const Cancellation& cancellation) {
    if (!thread_.joinable()) {
      context_.set_cancellation(&cancellation);
      return Step();
    }
    std::unique_lock lock(mutex_);
    if (!cancellation.WaitFor(lock, changed_, [&] { return !queue_.empty(); })) cancellation.Throw();
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
        stop_.WaitFor(lock, changed_, [&] { return queue_.size() <= kElementsAhead / 2; });
      }
      if (stop_.cancelled()) return;
      queue_.push_back(std::move(item));
      const bool consumer_waits = queue_.size() == 1;
      lock.unlock();
      if (consumer_waits) changed_.notify_all();
      if (end) return;
    }
  }

  Cancellation stop_;  // of the thread
  DatasetPtr dataset_;
  IteratorContext context_;
  Needed needed_;
  std::unique_ptr<ElementIterator> iterator_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;
  std::thread thread_;
};

class IteratorResource::Turn {
 public:
  Turn(IteratorResource* iterator, const Cancellation& cancellation) : iterator_(*iterator) {
    std::unique_lock lock(iterator_.mutex_);
    if (!cancellation.WaitFor(lock, iterator_.free_, [&] { return !iterator_.taken_; })) cancellation.Throw();
    iterator_.taken_ = true;
  }
  ~Turn() {
    {
      const std::lock_guard lock(iterator_.mutex_);
      iterator_.taken_ = false;
    }
    iterator_.free_.notify_one();
  }
  Turn(const Turn&) = delete;

 private:
  IteratorResource& iterator_;
};

IteratorResource::IteratorResource(std::string container, std::string name, std::vector<DType> dtypes,
                                   std::vector<PartialShape> shapes)
    : container_(std::move(container)),
      name_(std::move(name)),
      dtypes_(std::move(dtypes)),
      shapes_(std::move(shapes)) {}
IteratorResource::~IteratorResource() = default;

void IteratorResource::SetDataset(DatasetPtr dataset, ResourceManager& resources,
                                  std::shared_ptr<FunctionRunner> functions, const Cancellation* cancellation) {
  if (dataset->dtypes() != dtypes_) {
    throw InvalidArgument("iterator '", name_, "' and the dataset given to it have elements of different types");
  }
  for (size_t i = 0; i < shapes_.size(); ++i) {
    if (!dataset->shapes()[i].IsCompatibleWith(shapes_[i])) {
      throw InvalidArgument("component ", i, " of iterator '", name_, "' has shape ", shapes_[i],
                            ", the dataset given to it has ", dataset->shapes()[i]);
    }
  }
  const Turn turn(this, Given(cancellation));
  pipeline_.reset();
  resources_ = &resources;
  functions_ = std::move(functions);
  handed_out_ = 0;
  const std::lock_guard lock(mutex_);
  dataset_ = std::move(dataset);
}

bool IteratorResource::has_dataset() const {
  const std::lock_guard lock(mutex_);
  return dataset_ != nullptr;
}

void IteratorResource::Start(const Needed& needed, const Cancellation& cancellation) {
  if (dataset_->pure()) {
    needed_ = pipeline_ ? needed_ : Needed(dtypes_.size(), false);
    for (size_t i = 0; i < needed_.size(); ++i) needed_[i] = needed_[i] || needed[i];
  } else {
    needed_ = Needed(dtypes_.size(), true);
  }
  pipeline_ = std::make_unique<Pipeline>(dataset_, *resources_, functions_, needed_);
  for (int64_t i = 0; i < handed_out_; ++i) pipeline_->Next(cancellation);
}

Element IteratorResource::GetNext(const Needed& needed, const Cancellation* given) {
  const Cancellation& cancellation = Given(given);
  const Turn turn(this, cancellation);
  if (!dataset_) {
    throw FailedPrecondition(
        "GetNext() failed because the iterator has not been initialized. Ensure that you have run the initializer "
        "operation for this iterator before getting the next element.");
  }
  bool covered = pipeline_ != nullptr;
  for (size_t i = 0; covered && i < needed.size(); ++i) covered = !needed[i] || needed_[i];
  if (!covered) Start(needed, cancellation);
  Item item = pipeline_->Next(cancellation);
  if (!item.end) ++handed_out_;
  if (item.error) std::rethrow_exception(item.error);
  if (item.end) throw OutOfRange("End of sequence");
  return std::move(item.element);
}

}  // namespace headrace::data
