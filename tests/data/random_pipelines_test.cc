// Random pipelines through the vectorised form and element by element: the same elements, order and errors.
#include <unistd.h>

#include <fstream>
#include <random>

#include "data/elements.h"
#include "headrace/operators.h"

namespace headrace {
namespace {

class RandomPipeline {
 public:
  explicit RandomPipeline(uint32_t seed) : random_(seed) {
    path_ = ::testing::TempDir() + "random_" + std::to_string(::getpid()) + "_" + std::to_string(seed) + ".csv";
    std::ofstream file(path_, std::ios::binary);
    const int lines = Pick(40);
    for (int i = 0; i < lines; ++i) file << Line(i) << (i + 1 == lines && Pick(2) ? "" : Pick(5) ? "\n" : "\r\n");
  }

  Dataset Build() const {
    Dataset dataset = Dataset::TextLines({path_});
    if (stages_seed_ % 3 == 0) dataset = dataset.Skip(2);
    dataset = dataset.Map([](Output line) {
      Features f = DecodeCsv(line, {{"x", 0.5f}, {"n", 3}, {"s", "none"}, {"needed", DType::kInt64}});
      const Output x = f.Pop("x");
      return std::pair(f, x);
    });
    std::mt19937 random(stages_seed_);
    const int stages = 1 + static_cast<int>(random() % 5);
    for (int i = 0; i < stages; ++i) dataset = Stage(dataset, random);
    return dataset.Batch(1 + random() % 9, random() % 4 == 0);
  }
  const std::string& path() const { return path_; }

 private:
  int Pick(int n) { return static_cast<int>(random_() % n); }

  std::string Line(int i) {
    switch (Pick(16)) {
      case 0:
        return "bad" + std::to_string(i) + ",1,a,1";
      case 1:
        return "1.5,2";
      case 2:
        return ",,,7";
      case 3:
        return "1,2,a,";
      case 4:
        return "\"2.5\",\"4\",\"q,\"\"q\"\"\",\"9\"";
      case 5:
        return " 1e2 , 5 ,b c, 6 ";
      case 6:
        return "";
      default:
        return std::to_string(i) + ".25," + std::to_string(i) + ",s" + std::to_string(i) + "," +
               std::to_string(i * 1000);
    }
  }

  static Dataset Stage(const Dataset& d, std::mt19937& random) {
    const auto n = static_cast<int64_t>(random() % 7);
    switch (random() % 9) {
      case 0:
        return d.Shuffle(1 + n * 3, 17 + n, n % 2 == 0);
      case 1:
        return d.Repeat(1 + n % 3);
      case 2:
        return d.Take(n * 6);
      case 3:
        return d.Skip(n);
      case 4:
        return d.Shard(2, n % 2);
      case 5:
        return d.Filter([](Features f, Output x) {
          return ApplyOp("Greater", {{x + 1.0}, {ApplyOp("Cast", {{f.at("n")}}, {{"DstT", DType::kFloat}})}});
        });
      case 6:
        return d.Map([](Features f, Output x) {
          const Output count = ApplyOp("Cast", {{f.at("n")}}, {{"DstT", DType::kFloat}});
          f.Set("pair", ApplyOp("Pack", {{x, count}}, {{"axis", 0}}));
          return std::pair(f, x * 2.0 + count);
        });
      case 7:
        return d.Concatenate(d.Take(3));
      default:
        return d.Prefetch(2);
    }
  }

  std::mt19937 random_;
  std::string path_;
  uint32_t stages_seed_ = random_();
};

TEST(RandomPipelines, BothFormsAgree) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    const RandomPipeline pipeline(seed);
    const auto build = [&] { return pipeline.Build(); };
    EXPECT_EQ(Steps(build, true), Steps(build, false)) << "seed " << seed << ", file " << pipeline.path();
  }
}

}  // namespace
}  // namespace headrace
