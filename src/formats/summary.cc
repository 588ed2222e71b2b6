// Summaries: named values for TensorBoard.
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "formats/event_file.h"
#include "headrace/error.h"
#include "wire/event.pb.h"

namespace headrace {
namespace {

// Upper limits of the buckets: 1e-12 grown by a tenth up to 1e20, mirrored to negative values, ends open.
std::vector<double> MakeBucketLimits() {
  std::vector<double> positive;
  for (double limit = 1e-12; limit < 1e20; limit *= 1.1) positive.push_back(limit);
  positive.push_back(std::numeric_limits<double>::max());
  std::vector<double> limits;
  for (auto limit = positive.rbegin(); limit != positive.rend(); ++limit) limits.push_back(-*limit);
  limits.push_back(0);
  limits.insert(limits.end(), positive.begin(), positive.end());
  return limits;
}

}  // namespace

std::string ScalarSummary(const std::string& tag, float value) {
  wire::Summary summary;
  auto* entry = summary.add_value();
  entry->set_tag(tag);
  entry->set_simple_value(value);
  return summary.SerializeAsString();
}

std::string HistogramSummary(const std::string& tag, const double* values, int64_t n) {
  static const std::vector<double> kLimits = MakeBucketLimits();
  std::vector<double> counts(kLimits.size(), 0);
  double least = std::numeric_limits<double>::max(), most = -least, sum = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) {
    double value = values[i];
    if (!std::isfinite(value)) {
      throw InvalidArgument(std::isnan(value) ? "Nan" : "Infinity", " in summary histogram for: ", tag);
    }
    auto bucket = std::upper_bound(kLimits.begin(), kLimits.end(), value) - kLimits.begin();
    counts[std::min<size_t>(static_cast<size_t>(bucket), counts.size() - 1)] += 1;
    least = std::min(least, value);
    most = std::max(most, value);
    sum += value;
    squares += value * value;
  }
  wire::Summary summary;
  auto* entry = summary.add_value();
  entry->set_tag(tag);
  auto* histogram = entry->mutable_histo();
  histogram->set_min(least);
  histogram->set_max(most);
  histogram->set_num(static_cast<double>(n));
  histogram->set_sum(sum);
  histogram->set_sum_squares(squares);
  // A run of empty buckets is written as one.
  for (size_t i = 0; i < counts.size(); ++i) {
    if (i + 1 < counts.size() && counts[i] <= 0 && counts[i + 1] <= 0) continue;
    histogram->add_bucket_limit(kLimits[i]);
    histogram->add_bucket(counts[i]);
  }
  return summary.SerializeAsString();
}

std::string MergeSummaries(const std::vector<std::string>& summaries) {
  wire::Summary merged;
  std::set<std::string> tags;
  for (const std::string& bytes : summaries) {
    wire::Summary summary;
    if (!summary.ParseFromString(bytes)) throw InvalidArgument("expected a serialized Summary to merge");
    for (auto& value : *summary.mutable_value()) {
      if (!tags.insert(value.tag()).second) throw InvalidArgument("duplicate tag ", value.tag(), " found in summaries");
      *merged.add_value() = std::move(value);
    }
  }
  return merged.SerializeAsString();
}

}  // namespace headrace
