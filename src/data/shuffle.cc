// ShuffleDataset. The buffer, the random numbers and their use are TensorFlow's, so that the same seeds give the same
// order: a full buffer gives out a random element, whose place the oldest takes, and the next input goes behind.
#include <functional>
#include <optional>
#include <random>

#include "data/stage.h"
#include "kernels/philox.h"

namespace headrace::data {
namespace {

using Sampler = SinglePhilox;

Sampler SamplerOf(int64_t seed, int64_t seed2) {
  return Sampler(Philox(static_cast<uint64_t>(seed), static_cast<uint64_t>(seed2)));
}

template <class T>
class Shuffler {
 public:
  // `seed` makes the random numbers when the first element is asked for: a pass that nobody reads draws no seeds.
  Shuffler(std::unique_ptr<typename Flow<T>::Input> input, int64_t buffer_size, std::function<Sampler()> seed)
      : input_(std::move(input)), capacity_(static_cast<size_t>(buffer_size)), seed_(std::move(seed)) {}
  ~Shuffler() {
    for (size_t i = 0; i < size_; ++i) Flow<T>::Discard(&buffer_[Wrapped(start_ + i)]);
  }
  Shuffler(Shuffler&& other) noexcept
      : input_(std::move(other.input_)),
        capacity_(other.capacity_),
        seed_(std::move(other.seed_)),
        random_(other.random_),
        buffer_(std::move(other.buffer_)),
        start_(other.start_),
        size_(std::exchange(other.size_, 0)) {}
  std::string Position() const { return ""; }

  bool Next(T* out) {
    if (!random_) random_ = seed_();
    while (input_ && size_ < capacity_) {
      T value;
      if (!input_->Next(&value)) {
        input_.reset();
        break;
      }
      const size_t slot = Wrapped(start_ + size_);
      if (slot == buffer_.size()) {
        buffer_.push_back(std::move(value));
      } else {
        buffer_[slot] = std::move(value);
      }
      ++size_;
    }
    if (size_ == 0) return false;
    const size_t slot = Wrapped(start_ + (*random_)() % size_);
    *out = std::move(buffer_[slot]);
    if (slot != start_) buffer_[slot] = std::move(buffer_[start_]);
    start_ = Wrapped(start_ + 1);
    --size_;
    return true;
  }

 private:
  size_t Wrapped(size_t i) const { return i >= capacity_ ? i - capacity_ : i; }
  std::unique_ptr<typename Flow<T>::Input> input_;
  size_t capacity_;
  std::function<Sampler()> seed_;
  std::optional<Sampler> random_;
  std::vector<T> buffer_;  // a ring; grows to the capacity with the first elements
  size_t start_ = 0, size_ = 0;
};

class ShuffleDataset final : public StageDataset<ShuffleDataset> {
 public:
  ShuffleDataset(DatasetPtr input, int64_t buffer_size, int64_t seed, int64_t seed2, bool reshuffle)
      : StageDataset(std::move(input)), buffer_size_(buffer_size), seed_(seed), seed2_(seed2), reshuffle_(reshuffle) {
    if (buffer_size < 1) throw InvalidArgument("buffer_size must be greater than zero, got ", buffer_size);
    if (seed == 0 && seed2 == 0) {
      std::random_device device;
      seed_ = static_cast<int64_t>((static_cast<uint64_t>(device()) << 32) | device());
      seed2_ = static_cast<int64_t>((static_cast<uint64_t>(device()) << 32) | device());
    }
  }
  std::string DebugString() const override { return "ShuffleDataset"; }
  template <class T>
  Shuffler<T> MakeStage(std::unique_ptr<typename Flow<T>::Input> input, IteratorContext& context,
                        const RowOptions&) const {
    return {std::move(input), buffer_size_, [this, &context] { return NextRandom(context); }};
  }

 private:
  // The numbers of the next pass: the same again, or from seeds that a generator draws for each pass.
  Sampler NextRandom(IteratorContext& context) const {
    if (!reshuffle_) return SamplerOf(seed_, seed2_);
    auto seeds = context.State<Sampler>(id(), [&] { return std::make_shared<Sampler>(SamplerOf(seed_, seed2_)); });
    const uint32_t first = (*seeds)();
    const uint32_t second = (*seeds)();
    return SamplerOf(first, second);
  }

  int64_t buffer_size_, seed_, seed2_;
  bool reshuffle_;
};

}  // namespace

DatasetPtr MakeShuffleDataset(DatasetPtr input, int64_t buffer_size, int64_t seed, int64_t seed2, bool reshuffle) {
  return std::make_shared<ShuffleDataset>(std::move(input), buffer_size, seed, seed2, reshuffle);
}

}  // namespace headrace::data
