// Event files, which TensorBoard reads: TFRecords of Event messages (docs/formats/events.md). EventWriter is
// thread-safe; what is added is on its way to disk after Flush(), by the destructor, or two minutes later.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/tf_record.h"

namespace headrace {

class Graph;

enum class SessionStatus { kStart = 1, kStop = 2, kCheckpoint = 3 };

class EventWriter {
 public:
  // Makes the directory if needed, and in it events.out.tfevents.SECONDS.HOST + suffix.
  explicit EventWriter(const std::string& directory, const std::string& suffix = "");
  ~EventWriter();

  void AddScalar(const std::string& tag, float value, int64_t step);
  // All in one Event, in the order of the names.
  void AddScalars(const std::map<std::string, float>& values, int64_t step);
  void AddSummary(std::string_view serialized_summary, int64_t step);
  void AddGraph(const Graph& graph);  // with shapes, as TensorBoard's graph view wants them
  void AddGraphDef(std::string_view serialized_graph_def);
  void AddMetaGraph(std::string_view serialized_meta_graph_def);
  void AddSessionLog(SessionStatus status, int64_t step, const std::string& checkpoint_path = "");
  void AddEvent(std::string_view serialized_event);
  void Flush();
  void Close();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::mutex mutex_;
  std::unique_ptr<RecordWriter> writer_;
  std::chrono::steady_clock::time_point last_flush_;
};

// One event, without protocol buffers. `summary` holds the serialized Summary, `scalars` its simple values (and scalar
// float tensors, as 2.x writes them) in order.
struct EventRecord {
  double wall_time = 0;
  int64_t step = 0;
  std::string file_version, graph_def, meta_graph_def, summary;
  std::vector<std::pair<std::string, float>> scalars;
  std::optional<SessionStatus> session_status;
  std::string checkpoint_path;
};
// The events of a file, in order. A last record that is still being written is left out.
std::vector<EventRecord> ReadEvents(const std::string& path);

// Serialized Summary messages, as the summary ops return them.
std::string ScalarSummary(const std::string& tag, float value);
// TensorFlow's exponential buckets. Errors: InvalidArgument for a value that is not finite.
std::string HistogramSummary(const std::string& tag, const double* values, int64_t n);
// The values of all in one. Errors: InvalidArgument for bytes that are no Summary or a tag that occurs twice.
std::string MergeSummaries(const std::vector<std::string>& summaries);

}  // namespace headrace
