// Seeds of random ops, by TensorFlow's rules (tf.random.get_seed).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "headrace/graph.h"

namespace headrace {

// The seed that stands in for a missing graph seed.
inline constexpr int64_t kDefaultGraphSeed = 87654321;

// The attributes (seed, seed2) of a random op. With a graph seed alone, seed2 counts the ops seeded this way in the
// graph, as TensorFlow 2.15 counts them; with neither seed the op draws its own, (0, 0).
std::pair<int64_t, int64_t> GetSeed(std::optional<int64_t> op_seed = {}, Graph& graph = Graph::Current());

}  // namespace headrace
