// The rule for (seed, seed2): the graph's seed and the op's seed, with stand-ins where one of them is missing.
#include "headrace/random_seed.h"

namespace headrace {
namespace {

struct SeededOps {
  int64_t count = 0;
};

}  // namespace

std::pair<int64_t, int64_t> GetSeed(std::optional<int64_t> op_seed, Graph& graph) {
  constexpr int64_t kMaxSeed = 2147483647;
  if (!graph.seed && !op_seed) return {0, 0};
  std::pair<int64_t, int64_t> seeds;
  if (graph.seed) {
    seeds = {*graph.seed, op_seed ? *op_seed : graph.Extension<SeededOps>().count++};
  } else {
    seeds = {kDefaultGraphSeed, *op_seed};
  }
  seeds.first %= kMaxSeed;
  seeds.second %= kMaxSeed;
  if (seeds.first < 0) seeds.first += kMaxSeed;  // as Python's remainder
  if (seeds.second < 0) seeds.second += kMaxSeed;
  if (seeds.first == 0 && seeds.second == 0) seeds.second = kMaxSeed;  // (0, 0) would mean no seed at all
  return seeds;
}

}  // namespace headrace
