// Summary ops: the tag is the op's full name, kept in a constant below it.
#include "headrace/summary.h"

#include <algorithm>
#include <cctype>

namespace headrace {
namespace {

std::string CleanTag(std::string_view name) {
  std::string tag(name);
  std::ranges::replace_if(
      tag, [](unsigned char c) { return !std::isalnum(c) && c != '-' && c != '/' && c != '_' && c != '.'; }, '_');
  tag.erase(0, tag.find_first_not_of('/'));
  return tag;
}

Output Summarize(const char* op, const char* tag_name, std::string_view name, Output value,
                 const std::vector<std::string>& collections) {
  NameScope scope(CleanTag(name));
  const std::string tag = scope.name().substr(0, scope.name().size() - 1);
  const Output summary = ApplyOp(op, {{Constant(Tensor::Scalar(tag), tag_name)}, {value}}, {}, scope.name());
  for (const std::string& key : collections) Graph::Current().collection(key).emplace_back(summary);
  return summary;
}

}  // namespace

Output SummarizeScalar(std::string_view name, Output value, const std::vector<std::string>& collections) {
  return Summarize("ScalarSummary", "tags", name, value, collections);
}

Output SummarizeHistogram(std::string_view name, Output values, const std::vector<std::string>& collections) {
  return Summarize("HistogramSummary", "tag", name, values, collections);
}

Output MergeSummaries(const std::vector<Output>& summaries, std::string_view name) {
  if (summaries.empty()) return {};
  NameScope scope(name);
  return ApplyOp("MergeSummary", {summaries});
}

Output MergeAllSummaries(const std::string& collection) {
  std::vector<Output> summaries;
  for (const CollectionItem& item : Graph::Current().collection(collection)) {
    summaries.push_back(std::get<Output>(item));
  }
  return MergeSummaries(summaries);
}

}  // namespace headrace
