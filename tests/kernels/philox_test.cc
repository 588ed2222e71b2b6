// The generator: a published sequence, and groups found ahead of their time.
#include "kernels/philox.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

// Random123's known answer for a counter and a key of zeros.
TEST(Philox, GivesThePublishedNumbers) {
  Philox generator(0, 0);
  EXPECT_EQ(generator(), (Philox::Group{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
}

TEST(Philox, AGroupAheadIsTheOneThatComes) {
  Philox steps(0x123456789abcdef0, 0xfedcba9876543210);
  steps.Skip(0xfffffffffffffff0);  // the count's lower half wraps on the way
  const Philox start = steps;
  for (uint64_t i = 0; i < 40; ++i) EXPECT_EQ(start.At(i), steps()) << i;
}

}  // namespace
}  // namespace headrace
