// Random numbers, TensorFlow's: Philox under the op's seeds. A kernel's generator lives in the session's resources and
// moves on with every run, by as much as TensorFlow moves it.
#include "headrace/ops/random.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "declare/declare.h"
#include "kernels/convert.h"
#include "kernels/copy.h"
#include "kernels/dispatch.h"
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

// Finds a kernel's generator among the resources that the kernel runs with: kernels made apart (of two iterators, say)
// have generators of their own.
class RandomSource {
 public:
  explicit RandomSource(const Node& node)
      : seed_(node.attr<int64_t>("seed")),
        seed2_(node.attr<int64_t>("seed2")),
        name_(internal::Concat(node.name(), ":", node.type(), ":", made_++)) {}
  Philox Reserve(KernelContext& context, uint64_t groups) const {
    return context.resources()
        .LookupOrCreate<RandomState>("random", name_, [this] { return std::make_shared<RandomState>(seed_, seed2_); })
        ->Reserve(groups);
  }

 private:
  static inline std::atomic<int64_t> made_ = 0;
  int64_t seed_, seed2_;
  std::string name_;
};

// ------------------------------------------------------------------------------------------------------- distributions
// A distribution turns a group of four words into kCount numbers; a loop over groups runs in vectors. One that may turn
// some down gives those groups once more to Redraw, with all the bits that are reserved for them.

struct UniformFloats {
  using Number = float;
  static constexpr int kCount = 4;
  HEADRACE_LANE std::array<float, kCount> operator()(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) const {
    return {UniformFloat(w0), UniformFloat(w1), UniformFloat(w2), UniformFloat(w3)};
  }
};
struct UniformDoubles {
  using Number = double;
  static constexpr int kCount = 2;
  HEADRACE_LANE std::array<double, kCount> operator()(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) const {
    return {UniformDouble(w0, w1), UniformDouble(w2, w3)};
  }
};
struct Normals4 {
  using Number = float;
  static constexpr int kCount = 4;
  HEADRACE_LANE std::array<float, kCount> operator()(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) const {
    float a, b, c, d;
    NormalFloats(w0, w1, &a, &b);
    NormalFloats(w2, w3, &c, &d);
    return {a, b, c, d};
  }
};
struct Normals2 {
  using Number = double;
  static constexpr int kCount = 2;
  HEADRACE_LANE std::array<double, kCount> operator()(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) const {
    double a, b;
    NormalDoubles(w0, w1, w2, w3, &a, &b);
    return {a, b};
  }
};
// 16-bit types take the low mantissa bits of each word.
template <class Narrow, uint32_t kSteps>
struct UniformNarrow {
  using Number = Narrow;
  static constexpr int kCount = 4;
  HEADRACE_LANE std::array<Narrow, kCount> operator()(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) const {
    auto number = [](uint32_t word) { return Narrow(static_cast<float>(word % kSteps) / static_cast<float>(kSteps)); };
    return {number(w0), number(w1), number(w2), number(w3)};
  }
};
using UniformHalves = UniformNarrow<Half, 1024>;
using UniformBFloats = UniformNarrow<BFloat16, 128>;

// Normal numbers within two deviations: others are drawn again, so each group of numbers has bits of its own reserved.
struct TruncatedNormals4 : Normals4 {
  void Redraw(Philox generator, float* out) const {
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
struct TruncatedNormals2 : Normals2 {
  void Redraw(Philox generator, double* out) const {
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

constexpr int64_t kBlock = 256;  // groups that are drawn at once

// Groups [first, first + groups) of at most kBlock, whose bits begin `stride` groups behind one another.
template <class Distribution>
void DrawBlock(Philox base, uint64_t first, uint64_t stride, int64_t groups, Distribution distribution,
               typename Distribution::Number* out) {
  uint32_t w0[kBlock], w1[kBlock], w2[kBlock], w3[kBlock];
  for (int64_t i = 0; i < groups; ++i) {
    const Philox::Group group = base.At((first + static_cast<uint64_t>(i)) * stride);
    w0[i] = group[0];
    w1[i] = group[1];
    w2[i] = group[2];
    w3[i] = group[3];
  }
  constexpr int kCount = Distribution::kCount;
  typename Distribution::Number numbers[kCount][kBlock];  // side by side first: what is interleaved stays scalar
#pragma GCC ivdep
  for (int64_t i = 0; i < groups; ++i) {
    const auto made = distribution(w0[i], w1[i], w2[i], w3[i]);
    for (int k = 0; k < kCount; ++k) numbers[k][i] = made[k];
  }
  for (int64_t i = 0; i < groups; ++i) {
    for (int k = 0; k < kCount; ++k) out[i * kCount + k] = numbers[k][i];
  }
}

template <class Distribution>
void RedrawFarOnes(Philox base, uint64_t first, uint64_t stride, int64_t groups, Distribution distribution,
                   typename Distribution::Number* out) {
  for (int64_t i = 0; i < groups; ++i, out += Distribution::kCount) {
    bool far = false;
    for (int k = 0; k < Distribution::kCount; ++k) far |= !(std::fabs(out[k]) < 2);
    if (!far) continue;
    Philox generator = base;
    generator.Skip((first + static_cast<uint64_t>(i)) * stride);
    distribution.Redraw(generator, out);
  }
}

// Fills n numbers, group after group; each group begins `stride` groups of bits behind the one before.
template <class Distribution>
void Fill(KernelContext& context, Philox base, uint64_t stride, Distribution distribution, void* output, int64_t n) {
  using Number = typename Distribution::Number;
  constexpr int64_t kCount = Distribution::kCount;
  Number* const numbers = static_cast<Number*>(output);
  const int64_t blocks = (n + kBlock * kCount - 1) / (kBlock * kCount);
  context.pool().ParallelFor(blocks, 16, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const int64_t at = block * kBlock * kCount, count = std::min(n - at, kBlock * kCount);
      Number last[kBlock * kCount];  // the last group may be cut
      Number* const out = count % kCount == 0 ? numbers + at : last;
      const auto first = static_cast<uint64_t>(block * kBlock);
      const int64_t groups = (count + kCount - 1) / kCount;
      Vectorised([](auto... a) { DrawBlock(a...); }, base, first, stride, groups, distribution, out);
      if constexpr (requires { distribution.Redraw(base, out); }) {
        RedrawFarOnes(base, first, stride, groups, distribution, out);
      }
      if (out == last) std::copy_n(last, count, numbers + at);
    }
  });
}

// 16-bit numbers are made as floats and rounded.
template <class Distribution>
void FillRounded(KernelContext& context, Philox base, uint64_t stride, Distribution distribution, Tensor& output) {
  Tensor wide = context.Scratch(DType::kFloat, output.shape());
  Fill(context, base, stride, distribution, wide.raw(), output.num_elements());
  FindConversion(DType::kFloat, output.dtype())(wide.raw(), output.raw(), output.num_elements());
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
  if (numbers == Numbers::kUniform) {
    if (dtype == DType::kFloat) return Fill(context, base, 1, UniformFloats(), out, n);
    if (dtype == DType::kDouble) return Fill(context, base, 1, UniformDoubles(), out, n);
    if (dtype == DType::kHalf) return Fill(context, base, 1, UniformHalves(), out, n);
    return Fill(context, base, 1, UniformBFloats(), out, n);
  }
  auto fill = [&](auto floats, auto doubles, uint64_t stride4, uint64_t stride2) {
    if (dtype == DType::kFloat) return Fill(context, base, stride4, floats, out, n);
    if (dtype == DType::kDouble) return Fill(context, base, stride2, doubles, out, n);
    return FillRounded(context, base, stride4, floats, output);
  };
  numbers == Numbers::kNormal ? fill(Normals4(), Normals2(), 1, 1)
                              : fill(TruncatedNormals4(), TruncatedNormals2(), kGroupsReserved, kGroupsReserved / 2);
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
  HEADRACE_LANE std::array<int32_t, kCount> operator()(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) const {
    auto number = [this](uint32_t word) { return static_cast<int32_t>(low + word % range); };
    return {number(w0), number(w1), number(w2), number(w3)};
  }
};
struct UniformInt64s {
  using Number = int64_t;
  static constexpr int kCount = 2;
  uint64_t low, range;
  HEADRACE_LANE std::array<int64_t, kCount> operator()(uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3) const {
    auto number = [this](uint64_t word) { return static_cast<int64_t>(low + word % range); };
    return {number(w0 | static_cast<uint64_t>(w1) << 32), number(w2 | static_cast<uint64_t>(w3) << 32)};
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
