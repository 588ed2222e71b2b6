// Random numbers, TensorFlow's: Philox under the op's seeds. A node's generator lives in the session's resources and
// moves on with every run, by as much as TensorFlow moves it.
#include "headrace/ops/random.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "kernels/copy.h"
#include "kernels/philox.h"

namespace headrace {
namespace {

constexpr uint64_t kGroupsReserved = 256;  // for each output number

// The generator of one node.
class RandomState : public Object {
 public:
  RandomState(int64_t seed, int64_t seed2) {
    if (seed == 0 && seed2 == 0) {
      std::random_device device;
      auto word = [&device] { return static_cast<uint64_t>(device()) << 32 | device(); };
      generator_ = Philox(word(), word());
    } else {
      generator_ = Philox(static_cast<uint64_t>(seed), static_cast<uint64_t>(seed2));
    }
  }
  // The generator for this run; the next one begins `groups` groups later.
  Philox Reserve(uint64_t groups) {
    std::lock_guard lock(mutex_);
    const Philox mine = generator_;
    generator_.Skip(groups);
    return mine;
  }
  std::string DebugString() const override { return "RandomState"; }

 private:
  std::mutex mutex_;
  Philox generator_;
};

// Finds a node's generator. Seeds are part of its name: in eager mode all nodes of an op have one name.
class RandomSource {
 public:
  explicit RandomSource(const Node& node)
      : seed_(node.attr<int64_t>("seed")),
        seed2_(node.attr<int64_t>("seed2")),
        name_(internal::Concat(node.name(), ":", node.type(), ":", seed_, ":", seed2_)) {}
  Philox Reserve(KernelContext& context, uint64_t groups) const {
    return context.resources()
        .LookupOrCreate<RandomState>("random", name_, [this] { return std::make_shared<RandomState>(seed_, seed2_); })
        ->Reserve(groups);
  }

 private:
  int64_t seed_, seed2_;
  std::string name_;
};

// ------------------------------------------------------------------------------------------------------- distributions
// A distribution turns one group of bits into kCount numbers.

struct UniformFloats {
  using Number = float;
  static constexpr int kCount = 4;
  void operator()(Philox& generator, float* out) const {
    const Philox::Group bits = generator();
    for (size_t i = 0; i < 4; ++i) out[i] = UniformFloat(bits[i]);
  }
};
struct UniformDoubles {
  using Number = double;
  static constexpr int kCount = 2;
  void operator()(Philox& generator, double* out) const {
    const Philox::Group bits = generator();
    for (size_t i = 0; i < 2; ++i) out[i] = UniformDouble(bits[2 * i], bits[2 * i + 1]);
  }
};
struct Normals4 {
  using Number = float;
  static constexpr int kCount = 4;
  void operator()(Philox& generator, float* out) const {
    const Philox::Group bits = generator();
    NormalFloats(bits[0], bits[1], out, out + 1);
    NormalFloats(bits[2], bits[3], out + 2, out + 3);
  }
};
struct Normals2 {
  using Number = double;
  static constexpr int kCount = 2;
  void operator()(Philox& generator, double* out) const {
    const Philox::Group bits = generator();
    NormalDoubles(bits[0], bits[1], bits[2], bits[3], out, out + 1);
  }
};
// 16-bit types take the low mantissa bits of each word.
struct UniformHalves {
  using Number = Half;
  static constexpr int kCount = 4;
  void operator()(Philox& generator, Half* out) const {
    const Philox::Group bits = generator();
    for (size_t i = 0; i < 4; ++i) out[i] = Half(static_cast<float>(bits[i] & 0x3ff) / 1024.0f);
  }
};
struct UniformBFloats {
  using Number = BFloat16;
  static constexpr int kCount = 4;
  void operator()(Philox& generator, BFloat16* out) const {
    const Philox::Group bits = generator();
    for (size_t i = 0; i < 4; ++i) out[i] = BFloat16(static_cast<float>(bits[i] & 0x7f) / 128.0f);
  }
};
// Numbers that are made as floats and rounded.
template <class Narrow, class Base>
struct Rounded {
  using Number = Narrow;
  static constexpr int kCount = Base::kCount;
  void operator()(Philox& generator, Narrow* out) const {
    float wide[Base::kCount];
    Base()(generator, wide);
    for (int i = 0; i < kCount; ++i) out[i] = Narrow(wide[i]);
  }
};
// Normal numbers within two deviations: others are drawn again, so each group of numbers has bits of its own reserved.
struct TruncatedNormals4 {
  using Number = float;
  static constexpr int kCount = 4;
  void operator()(Philox& generator, float* out) const {
    SinglePhilox bits(generator);
    for (int filled = 0; filled < kCount;) {
      const uint32_t x0 = bits(), x1 = bits();
      float pair[2];
      NormalFloats(x0, x1, &pair[0], &pair[1]);
      for (float value : pair) {
        if (std::fabs(value) < 2.0f && filled < kCount) out[filled++] = value;
      }
    }
  }
};
struct TruncatedNormals2 {
  using Number = double;
  static constexpr int kCount = 2;
  void operator()(Philox& generator, double* out) const {
    SinglePhilox bits(generator);
    for (int filled = 0; filled < kCount;) {
      const uint32_t x0 = bits(), x1 = bits(), x2 = bits(), x3 = bits();
      double pair[2];
      NormalDoubles(x0, x1, x2, x3, &pair[0], &pair[1]);
      for (double value : pair) {
        if (std::fabs(value) < 2.0 && filled < kCount) out[filled++] = value;
      }
    }
  }
};

// Fills n numbers, group after group; each group begins `stride` groups of bits behind the one before.
template <class Distribution>
void Fill(KernelContext& context, Philox base, uint64_t stride, Distribution distribution, void* output, int64_t n) {
  using Number = typename Distribution::Number;
  constexpr int64_t kCount = Distribution::kCount;
  Number* out = static_cast<Number*>(output);
  context.pool().ParallelFor((n + kCount - 1) / kCount, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t group = begin; group < end; ++group) {
      Philox generator = base;
      generator.Skip(static_cast<uint64_t>(group) * stride);
      if ((group + 1) * kCount <= n) {
        distribution(generator, out + group * kCount);
      } else {
        Number last[kCount];
        distribution(generator, last);
        std::copy_n(last, n - group * kCount, out + group * kCount);
      }
    }
  });
}

Shape ShapeInput(const Tensor& shape) {
  if (shape.rank() > 1) throw InvalidArgument("shape must be a vector of {int32,int64}, got shape ", shape.shape());
  return Shape(shape.AsInt64s());
}

enum class Numbers { kUniform, kNormal, kTruncatedNormal };

void FillNumbers(KernelContext& context, Numbers numbers, Philox base, Tensor& output) {
  void* const out = output.raw();
  const int64_t n = output.num_elements();
  const DType dtype = output.dtype();
  auto fill = [&](auto floats, auto doubles, auto halves, auto bfloats, uint64_t stride4, uint64_t stride2) {
    if (dtype == DType::kFloat) return Fill(context, base, stride4, floats, out, n);
    if (dtype == DType::kDouble) return Fill(context, base, stride2, doubles, out, n);
    if (dtype == DType::kHalf) return Fill(context, base, stride4, halves, out, n);
    return Fill(context, base, stride4, bfloats, out, n);
  };
  switch (numbers) {
    case Numbers::kUniform:
      return fill(UniformFloats(), UniformDoubles(), UniformHalves(), UniformBFloats(), 1, 1);
    case Numbers::kNormal:
      return fill(Normals4(), Normals2(), Rounded<Half, Normals4>(), Rounded<BFloat16, Normals4>(), 1, 1);
    default:
      return fill(TruncatedNormals4(), TruncatedNormals2(), Rounded<Half, TruncatedNormals4>(),
                  Rounded<BFloat16, TruncatedNormals4>(), kGroupsReserved, kGroupsReserved / 2);
  }
}

KernelFactory NumbersKernel(Numbers numbers) {
  return [numbers](const Node& node) -> Kernel {
    return [numbers, source = RandomSource(node)](KernelContext& context) {
      Tensor& output = context.AllocateOutput(0, ShapeInput(context.input(0)));
      const uint64_t n = static_cast<uint64_t>(output.num_elements());
      FillNumbers(context, numbers, source.Reserve(context, n * kGroupsReserved), output);
    };
  };
}

void ShapeFromFirstInput(ShapeContext& context) {
  context.set_output(0, context.ShapeFromInput(0));
}

DEFINE_OP("RandomUniform")
    .Input("shape: T")
    .Output("output: dtype")
    .Attr("seed: int = 0")
    .Attr("seed2: int = 0")
    .Attr("dtype: {half, bfloat16, float, double}")
    .Attr("T: {int32, int64}")
    .Shape(ShapeFromFirstInput)
    .Kernel(NumbersKernel(Numbers::kUniform))
    .Random()
    .NoGradient();

DEFINE_OP("RandomStandardNormal")
    .SameSignatureAs("RandomUniform")
    .Kernel(NumbersKernel(Numbers::kNormal))
    .Random()
    .NoGradient();

DEFINE_OP("TruncatedNormal")
    .SameSignatureAs("RandomUniform")
    .Kernel(NumbersKernel(Numbers::kTruncatedNormal))
    .Random()
    .NoGradient();

// ------------------------------------------------------------------------------------------------------------ integers

struct UniformInt32s {
  using Number = int32_t;
  static constexpr int kCount = 4;
  uint32_t low, range;
  void operator()(Philox& generator, int32_t* out) const {
    const Philox::Group bits = generator();
    for (size_t i = 0; i < 4; ++i) out[i] = static_cast<int32_t>(low + bits[i] % range);
  }
};
struct UniformInt64s {
  using Number = int64_t;
  static constexpr int kCount = 2;
  uint64_t low, range;
  void operator()(Philox& generator, int64_t* out) const {
    const Philox::Group bits = generator();
    for (size_t i = 0; i < 2; ++i) {
      const uint64_t word = bits[2 * i] | static_cast<uint64_t>(bits[2 * i + 1]) << 32;
      out[i] = static_cast<int64_t>(low + word % range);
    }
  }
};

DEFINE_OP("RandomUniformInt")
    .Input("shape: T")
    .Input("minval: Tout")
    .Input("maxval: Tout")
    .Output("output: Tout")
    .Attr("seed: int = 0")
    .Attr("seed2: int = 0")
    .Attr("Tout: {int32, int64}")
    .Attr("T: {int32, int64}")
    .Shape(ShapeFromFirstInput)
    .Kernel([](const Node& node) -> Kernel {
      return [source = RandomSource(node)](KernelContext& context) {
        const Tensor &minimum = context.input(1), &maximum = context.input(2);
        if (minimum.rank() != 0) throw InvalidArgument("minval must be 0-D, got shape ", minimum.shape());
        if (maximum.rank() != 0) throw InvalidArgument("maxval must be 0-D, got shape ", maximum.shape());
        const int64_t low = minimum.AsInt64(), high = maximum.AsInt64();
        Tensor& output = context.AllocateOutput(0, ShapeInput(context.input(0)));
        const int64_t n = output.num_elements();
        if (n == 0) return;
        if (low >= high) throw InvalidArgument("Need minval < maxval, got ", low, " >= ", high);
        const Philox base = source.Reserve(context, static_cast<uint64_t>(n) * kGroupsReserved);
        const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
        if (output.dtype() == DType::kInt32) {
          Fill(context, base, 1, UniformInt32s{static_cast<uint32_t>(low), static_cast<uint32_t>(range)}, output.raw(),
               n);
        } else {
          Fill(context, base, 1, UniformInt64s{static_cast<uint64_t>(low), range}, output.raw(), n);
        }
      };
    })
    .Random()
    .NoGradient();

DEFINE_OP("RandomShuffle")
    .Input("value: T")
    .Output("output: T")
    .Attr("seed: int = 0")
    .Attr("seed2: int = 0")
    .Attr("T: type")
    .Shape(SameAsInput(0))
    .Kernel([](const Node& node) -> Kernel {
      return [source = RandomSource(node)](KernelContext& context) {
        const Tensor& value = context.input(0);
        if (value.num_elements() <= 1 || value.dim(0) <= 1) return context.set_output(0, value);
        const int64_t rows = value.dim(0), inner = value.num_elements() / rows;
        SinglePhilox bits(source.Reserve(context, static_cast<uint64_t>(rows - 1 + 3) / 4));
        std::vector<int64_t> order(static_cast<size_t>(rows));
        std::iota(order.begin(), order.end(), 0);
        for (int64_t i = 0; i + 1 < rows; ++i) {
          std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(i + bits() % (rows - i))]);
        }
        Tensor& output = context.AllocateOutput(0, value.shape());
        for (int64_t i = 0; i < rows; ++i) {
          CopyElements(value.dtype(), ElementAt(value.dtype(), value.raw(), order[static_cast<size_t>(i)] * inner),
                       ElementAt(value.dtype(), output.raw(), i * inner), inner);
        }
      };
    })
    .Random()
    .NoGradient();

// Draws classes with the probabilities softmax(logits), by inverting the cumulative distribution.
template <class Number>
void DrawClasses(const Tensor& logits, int64_t samples, Philox base, Tensor& output) {
  SinglePhilox bits(base);
  const int64_t classes = logits.dim(1);
  std::vector<double> cumulative(static_cast<size_t>(classes));
  for (int64_t row = 0; row < logits.dim(0); ++row) {
    double maximum = std::numeric_limits<double>::lowest(), total = 0;
    for (int64_t i = 0; i < classes; ++i) {
      const double logit = logits.AsDouble(row * classes + i);
      if (std::isfinite(logit)) maximum = std::max(maximum, logit);
    }
    for (int64_t i = 0; i < classes; ++i) {
      const double logit = logits.AsDouble(row * classes + i);
      if (std::isfinite(logit)) total += std::exp(logit - maximum);
      cumulative[static_cast<size_t>(i)] = total;
    }
    for (int64_t i = 0; i < samples; ++i) {
      const uint32_t high = bits(), low = bits();
      const double wanted = UniformDouble(high, low) * total;
      output.data<Number>()[row * samples + i] =
          static_cast<Number>(std::upper_bound(cumulative.begin(), cumulative.end(), wanted) - cumulative.begin());
    }
  }
}

DEFINE_OP("Multinomial")
    .Input("logits: T")
    .Input("num_samples: int32")
    .Output("output: output_dtype")
    .Attr("seed: int = 0")
    .Attr("seed2: int = 0")
    .Attr("T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64}")
    .Attr("output_dtype: {int32, int64} = DT_INT64")
    .Shape([](ShapeContext& context) {
      const Tensor* samples = context.constant(1);
      context.set_output(0, PartialShape({context.WithRank(0, 2)[0], samples ? samples->AsInt64() : -1}));
    })
    .Kernel([](const Node& node) -> Kernel {
      return [source = RandomSource(node)](KernelContext& context) {
        const Tensor& logits = context.input(0);
        if (logits.rank() != 2) throw InvalidArgument("logits should be a matrix, got shape ", logits.shape());
        const int64_t samples = context.input(1).AsInt64();
        if (samples < 0) throw InvalidArgument("num_samples should be nonnegative, got ", samples);
        if (logits.dim(1) == 0) throw InvalidArgument("num_classes should be positive, got 0");
        Tensor& output = context.AllocateOutput(0, {logits.dim(0), samples});
        const uint64_t words = static_cast<uint64_t>((samples + 3) / 4 * 4 * 2 * logits.dim(0));
        const Philox base = source.Reserve(context, words * kGroupsReserved);
        output.dtype() == DType::kInt32 ? DrawClasses<int32_t>(logits, samples, base, output)
                                        : DrawClasses<int64_t>(logits, samples, base, output);
      };
    })
    .Random()
    .NoGradient();

}  // namespace
}  // namespace headrace
