// FlatMapDataset and InterleaveDataset: datasets made of the elements of datasets.
#include <deque>

#include "data/dataset.h"

namespace headrace::data {
namespace {

// The datasets that a function makes of an input's elements, as iterators.
class InnerIterators {
 public:
  InnerIterators(std::unique_ptr<ElementIterator> input, const BoundFunction& f, std::vector<DType> dtypes,
                 IteratorContext& context, Needed needed)
      : input_(std::move(input)),
        dtypes_(std::move(dtypes)),
        captures_(f.captures),
        evaluator_(f.function, f.library, context.resources()),
        context_(context),
        needed_(std::move(needed)) {}

  struct Inner {
    DatasetPtr dataset;
    std::unique_ptr<ElementIterator> iterator;
  };
  // False at the end of the input.
  bool Next(Inner* inner) {
    Element args;
    if (!input_->Next(&args)) return false;
    args.insert(args.end(), captures_.begin(), captures_.end());
    inner->iterator.reset();
    inner->dataset = DatasetOf(evaluator_.Call(args).at(0));
    if (inner->dataset->dtypes() != dtypes_) {
      throw InvalidArgument("the function makes datasets of elements of other types than the first: ",
                            inner->dataset->DebugString());
    }
    inner->iterator = inner->dataset->MakeIterator(context_, needed_);
    return true;
  }

 private:
  std::unique_ptr<ElementIterator> input_;
  std::vector<DType> dtypes_;  // of the elements of all datasets made
  std::vector<Tensor> captures_;
  FunctionEvaluator evaluator_;
  IteratorContext& context_;
  Needed needed_;
};

class InterleaveDataset final : public DatasetObject {
 public:
  InterleaveDataset(std::string name, DatasetPtr input, BoundFunction f, int64_t cycle_length, int64_t block_length,
                    std::vector<DType> dtypes, std::vector<PartialShape> shapes)
      : DatasetObject(std::move(dtypes), std::move(shapes)),
        name_(std::move(name)),
        input_(std::move(input)),
        f_(std::move(f)),
        cycle_length_(cycle_length),
        block_length_(block_length) {
    if (cycle_length < 1) throw InvalidArgument("cycle_length must be greater than zero, got ", cycle_length);
    if (block_length < 1) throw InvalidArgument("block_length must be greater than zero, got ", block_length);
    function_is_pure_ = IsPure(*f_.function, *f_.library);
  }
  std::string DebugString() const override { return name_; }
  bool pure() const override { return function_is_pure_ && input_->pure(); }

  std::unique_ptr<ElementIterator> MakeIterator(IteratorContext& context, const Needed& needed) const override {
    return std::make_unique<Iterator>(*this, context, needed);
  }

 private:
  // Takes block_length elements of each of cycle_length open datasets in turn. A place in the cycle whose dataset has
  // ended is filled when its turn comes again.
  class Iterator final : public ElementIterator {
   public:
    Iterator(const InterleaveDataset& dataset, IteratorContext& context, const Needed& needed)
        : block_length_(dataset.block_length_),
          inners_(dataset.input_->MakeIterator(context, Needed(dataset.input_->dtypes().size(), true)), dataset.f_,
                  dataset.dtypes_, context, needed),
          places_(static_cast<size_t>(dataset.cycle_length_)) {}

    bool Next(Element* out) override {
      while (!input_ended_ || open_ > 0) {
        auto& place = places_[at_];
        if (place.iterator) {
          if (place.iterator->Next(out)) {
            last_ = at_;
            if (++taken_ == block_length_) Advance();
            return true;
          }
          place = {};
          --open_;
          Advance();
        } else if (!input_ended_) {
          if (inners_.Next(&place)) {
            ++open_;
          } else {
            input_ended_ = true;
          }
        } else {
          Advance();
        }
      }
      return false;
    }
    std::string Position() const override { return places_[last_].iterator ? places_[last_].iterator->Position() : ""; }

   private:
    void Advance() {
      taken_ = 0;
      at_ = (at_ + 1) % places_.size();
    }
    int64_t block_length_, taken_ = 0;
    InnerIterators inners_;
    std::vector<InnerIterators::Inner> places_;
    size_t at_ = 0, last_ = 0, open_ = 0;
    bool input_ended_ = false;
  };

  std::string name_;
  DatasetPtr input_;
  BoundFunction f_;
  int64_t cycle_length_, block_length_;
  bool function_is_pure_ = false;
};

}  // namespace

DatasetPtr MakeFlatMapDataset(DatasetPtr input, BoundFunction f, std::vector<DType> dtypes,
                              std::vector<PartialShape> shapes) {
  return std::make_shared<InterleaveDataset>("FlatMapDataset", std::move(input), std::move(f), 1, 1, std::move(dtypes),
                                             std::move(shapes));
}
DatasetPtr MakeInterleaveDataset(DatasetPtr input, BoundFunction f, int64_t cycle_length, int64_t block_length,
                                 std::vector<DType> dtypes, std::vector<PartialShape> shapes) {
  return std::make_shared<InterleaveDataset>("InterleaveDataset", std::move(input), std::move(f), cycle_length,
                                             block_length, std::move(dtypes), std::move(shapes));
}

}  // namespace headrace::data
