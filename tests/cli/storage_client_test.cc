// URLs, wildcards, sizes: what of storage needs no engine.
#include "cli/storage_client.h"

#include <gtest/gtest.h>

#include "headrace/error.h"

namespace headrace::cli {
namespace {

TEST(Url, ReadsBucketsObjectsAndPaths) {
  const Url object = Url::Parse("gs://b/a/c d.csv");
  EXPECT_TRUE(object.cloud);
  EXPECT_EQ(object.bucket, "b");
  EXPECT_EQ(object.object, "a/c d.csv");
  EXPECT_EQ(object.ToString(), "gs://b/a/c d.csv");
  EXPECT_EQ(Url::Parse("gs://b").ToString(), "gs://b");
  EXPECT_FALSE(Url::Parse("a/b.csv").cloud);
  EXPECT_EQ(Url::Parse("file://a/b.csv").object, "a/b.csv");
  EXPECT_THROW(Url::Parse("s3://b/x"), Error);
  EXPECT_THROW(Url::Parse("gs:///x"), Error);
}

TEST(Url, ChildrenAreSeparatedByOneSlash) {
  EXPECT_EQ(Url::Parse("gs://b").Child("x").ToString(), "gs://b/x");
  EXPECT_EQ(Url::Parse("gs://b/d").Child("x").ToString(), "gs://b/d/x");
  EXPECT_EQ(Url::Parse("gs://b/d/").Child("x").ToString(), "gs://b/d/x");
}

TEST(Wildcard, StarStaysInItsSegmentAndTwoStarsDoNot) {
  EXPECT_TRUE(MatchesWildcard("data/taxi-train.csv", "data/taxi-*"));
  EXPECT_FALSE(MatchesWildcard("data/sub/taxi.csv", "data/*"));
  EXPECT_TRUE(MatchesWildcard("data/sub/taxi.csv", "data/**"));
  EXPECT_TRUE(MatchesWildcard("a1.csv", "a[0-9].csv"));
  EXPECT_FALSE(MatchesWildcard("ax.csv", "a[0-9].csv"));
  EXPECT_TRUE(MatchesWildcard("ax.csv", "a[!0-9].csv"));
  EXPECT_TRUE(MatchesWildcard("a.c", "?.c"));
  EXPECT_FALSE(MatchesWildcard("abc", "a.c"));
}

TEST(Sizes, ArePrintedWithBinaryUnits) {
  EXPECT_EQ(HumanSize(0), "0 B");
  EXPECT_EQ(HumanSize(1023), "1023 B");
  EXPECT_EQ(HumanSize(1536), "1.5 KiB");
  EXPECT_EQ(HumanSize(int64_t{3} << 40), "3 TiB");
}

}  // namespace
}  // namespace headrace::cli
