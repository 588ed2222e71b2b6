// Tensors, shapes and element types.
#include "headrace/tensor.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

namespace headrace {
namespace {

TEST(Tensor, CopyShares_CloneDoesNot) {
  Tensor a = Tensor::Vector<float>(std::vector<float>{1, 2, 3});
  const Tensor shared = a;
  const Tensor clone = a.Clone();
  a.data<float>()[0] = 9;
  EXPECT_EQ(shared.data<float>()[0], 9);
  EXPECT_EQ(clone.data<float>()[0], 1);
  EXPECT_TRUE(a.SharesBuffer());
  EXPECT_FALSE(clone.SharesBuffer());
}

TEST(Tensor, NumericMemoryIsAligned) {
  for (int64_t n : {1, 3, 17, 1000, 10'000'000}) {
    const Tensor t(DType::kFloat, {n});
    EXPECT_EQ(reinterpret_cast<uintptr_t>(t.raw()) % 64, 0u) << n;
  }
}

TEST(Tensor, SliceOfRowsSharesTheBuffer) {
  const Tensor t = Tensor::Of<int32_t>({3, 2}, std::vector<int32_t>{1, 2, 3, 4, 5, 6});
  const Tensor rows = t.Slice(1, 3);
  EXPECT_EQ(rows.shape(), (Shape{2, 2}));
  EXPECT_EQ(rows.data<int32_t>()[0], 3);
  EXPECT_EQ(rows.buffer(), t.buffer());
  EXPECT_THROW(t.Slice(1, 4), Error);
}

TEST(Tensor, SliceOfStrings) {
  const Tensor t = Tensor::Vector<std::string>(std::vector<std::string>{"a", "b", "c"});
  EXPECT_EQ(t.Slice(1, 2).string(), "b");
}

TEST(Tensor, WrongTypeSaysBoth) {
  const Tensor t = Tensor::Scalar(1.0f);
  try {
    t.data<int32_t>();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_STREQ(error.what(), "expected a tensor of int32, got float32[]");
  }
}

TEST(Tensor, ValuesBehindTheLast_AreErrors) {
  const Tensor none(DType::kInt32, {0}), two = Tensor::Vector(std::vector<float>{1, 2});
  EXPECT_THROW(none.AsInt64(), Error);
  EXPECT_EQ(two.AsDouble(1), 2);
  EXPECT_THROW(two.AsDouble(2), Error);
  EXPECT_THROW(two.AsInt64(-1), Error);
}

TEST(Tensor, ReshapeKeepsTheNumberOfElements) {
  const Tensor t = Tensor::Zeros(DType::kInt64, {6});
  EXPECT_EQ(t.Reshaped({2, 3}).shape(), (Shape{2, 3}));
  EXPECT_THROW(t.Reshaped({4}), Error);
}

// The byte counts of these do not fit 64 bits: they must not come out small.
TEST(Tensor, SizesBeyondAllMemoryAreRefused) {
  for (const DType dtype : {DType::kDouble, DType::kComplex128, DType::kString, DType::kVariant}) {
    try {
      const Tensor t(dtype, {(int64_t{1} << 61) + 1});
      FAIL() << dtype;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kResourceExhausted) << dtype;
    }
  }
}

TEST(Tensor, MemoryFreedOnAnotherThreadIsSafe) {
  Tensor t = Tensor::Zeros(DType::kFloat, {1000});
  std::thread([moved = std::move(t)]() mutable { moved = Tensor(); }).join();
  EXPECT_EQ(Tensor::Zeros(DType::kFloat, {1000}).data<float>()[999], 0);
}

TEST(DType, NamesRoundTrip) {
  for (int i = 1; i < 24; ++i) {
    const auto dtype = static_cast<DType>(i);
    if (std::string(Name(dtype)) == "invalid") continue;
    EXPECT_EQ(ParseDType(Name(dtype)), dtype);
  }
  EXPECT_EQ(ParseDType("DT_FLOAT"), DType::kFloat);
  EXPECT_THROW(ParseDType("float33"), Error);
}

TEST(DType, BFloat16RoundsToNearestEven) {
  EXPECT_EQ(static_cast<float>(BFloat16(1.0f)), 1.0f);
  EXPECT_EQ(BFloat16(1.00390625f).bits, 0x3f80);  // a tie: to even
  EXPECT_EQ(BFloat16(1.01171875f).bits, 0x3f82);  // a tie: to even, upwards
}

TEST(DType, HalfRoundsToNearestEven) {
  const auto bits = [](float value) { return Half(value).bits; };
  EXPECT_EQ(bits(1.0f), 0x3c00);
  EXPECT_EQ(bits(-2.5f), 0xc100);
  EXPECT_EQ(bits(2049.0f), 0x6800);       // a tie: to even
  EXPECT_EQ(bits(2051.0f), 0x6802);       // a tie: to even, upwards
  EXPECT_EQ(bits(65519.0f), 0x7bff);      // the largest
  EXPECT_EQ(bits(65520.0f), 0x7c00);      // rounded to infinity
  EXPECT_EQ(bits(0x1p-24f), 0x0001);      // the smallest
  EXPECT_EQ(bits(0x1p-25f), 0x0000);      // a tie: to even
  EXPECT_EQ(bits(0x1.8p-24f), 0x0002);    // a tie: to even, upwards
  EXPECT_EQ(bits(0x1.ffep-15f), 0x0400);  // rounded to the smallest that is normal
  EXPECT_EQ(bits(-0.0f), 0x8000);
  EXPECT_EQ(bits(-std::numeric_limits<float>::infinity()), 0xfc00);
  EXPECT_TRUE(std::isnan(static_cast<float>(Half(std::numeric_limits<float>::quiet_NaN()))));
}

TEST(DType, EveryHalfIsAFloat) {
  for (uint32_t bits = 0; bits < 1 << 16; ++bits) {
    Half half;
    half.bits = static_cast<uint16_t>(bits);
    const auto value = static_cast<float>(half);
    if (std::isnan(value)) continue;
    ASSERT_EQ(Half(value).bits, bits);
    const float exponent = static_cast<float>((bits >> 10) & 31), fraction = static_cast<float>(bits & 1023);
    const float magnitude = exponent == 0    ? std::ldexp(fraction, -24)
                            : exponent == 31 ? std::numeric_limits<float>::infinity()
                                             : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
    ASSERT_EQ(std::fabs(value), magnitude) << bits;
  }
}

TEST(Shape, BroadcastFollowsNumPy) {
  EXPECT_EQ(BroadcastShapes(Shape{3, 1}, Shape{4}), (Shape{3, 4}));
  EXPECT_EQ(BroadcastShapes(Shape{0, 2}, Shape{1, 2}), (Shape{0, 2}));
  EXPECT_EQ(BroadcastShapes(PartialShape{-1, 5}, PartialShape{1, 5}), (PartialShape{-1, 5}));
  EXPECT_THROW(BroadcastShapes(Shape{2}, Shape{3}), Error);
}

TEST(Shape, NumberOfElementsDoesNotOverflowSilently) {
  EXPECT_THROW((Shape{1LL << 40, 1LL << 40}).num_elements(), Error);
  EXPECT_THROW((Shape{-2}), Error);
}

TEST(Tensor, MoreBytesThanANumberHoldsAreNoSmallBuffer) {
  EXPECT_THROW(Tensor(DType::kFloat, {1LL << 62}), Error);
}

TEST(PartialShape, Merge) {
  EXPECT_EQ((PartialShape{-1, 3}).MergeWith(PartialShape{2, -1}), (PartialShape{2, 3}));
  EXPECT_EQ(PartialShape().MergeWith(PartialShape{2}), (PartialShape{2}));
  EXPECT_THROW((PartialShape{2}).MergeWith(PartialShape{3}), Error);
  EXPECT_EQ(PartialShape().ToString(), "<unknown>");
  EXPECT_EQ((PartialShape{-1, 3}).ToString(), "[?,3]");
}

}  // namespace
}  // namespace headrace
