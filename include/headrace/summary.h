// Summaries: ops that give serialized Summary messages for event files (tf.summary of 1.x).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/graph.h"

namespace headrace {

// A scalar or a histogram under this name in the current name scope, which is its tag; added to `collections`.
// Characters that node names can't have become "_".
Output SummarizeScalar(std::string_view name, Output value,
                       const std::vector<std::string>& collections = {keys::kSummaries});
Output SummarizeHistogram(std::string_view name, Output values,
                          const std::vector<std::string>& collections = {keys::kSummaries});
// One summary of several, or of all in a collection; absent if there are none.
Output MergeSummaries(const std::vector<Output>& summaries, std::string_view name = "Merge");
Output MergeAllSummaries(const std::string& collection = keys::kSummaries);

}  // namespace headrace
