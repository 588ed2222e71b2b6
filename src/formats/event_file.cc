// An event file is a TFRecord file; the first event names the version.
#include "formats/event_file.h"

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>

#include "formats/graph_def.h"
#include "formats/tensor_proto.h"
#include "headrace/error.h"
#include "wire/event.pb.h"

namespace headrace {
namespace {

constexpr std::chrono::seconds kFlushInterval{120};

double WallTime() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && name[0] ? name : "localhost";
}

wire::Event NewEvent(int64_t step = 0) {
  wire::Event event;
  event.set_wall_time(WallTime());
  event.set_step(step);
  return event;
}

// The scalars of a summary: simple values, and scalar float tensors as TensorFlow 2 writes them.
std::vector<std::pair<std::string, float>> ScalarsOf(const wire::Summary& summary) {
  std::vector<std::pair<std::string, float>> scalars;
  for (const auto& value : summary.value()) {
    if (value.has_simple_value()) {
      scalars.emplace_back(value.tag(), value.simple_value());
    } else if (value.has_tensor() && value.tensor().dtype() == wire::DT_FLOAT) {
      Tensor tensor = TensorFromProto(value.tensor());
      if (tensor.num_elements() == 1) scalars.emplace_back(value.tag(), tensor.scalar<float>());
    }
  }
  return scalars;
}

}  // namespace

EventWriter::EventWriter(const std::string& directory, const std::string& suffix)
    : last_flush_(std::chrono::steady_clock::now()) {
  static std::atomic<int> counter{0};
  MakeDirs(directory);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%010lld", static_cast<long long>(WallTime()));
  std::string stem = JoinPath(directory, std::string("events.out.tfevents.") + seconds + "." + HostName());
  path_ = stem + suffix;
  // Two writers that start in one second must not share a file.
  while (FileExists(path_)) {
    path_ = stem + "." + std::to_string(getpid()) + "." + std::to_string(counter++) + suffix;
  }
  writer_ = std::make_unique<RecordWriter>(path_);
  wire::Event version = NewEvent();
  version.set_file_version("brain.Event:2");
  AddEvent(version.SerializeAsString());
  Flush();
}

EventWriter::~EventWriter() {
  try {
    Close();
  } catch (const Error&) {
    // A destructor has nobody to tell; whoever must know calls Close().
  }
}

void EventWriter::AddScalar(const std::string& tag, float value, int64_t step) {
  AddScalars({{tag, value}}, step);
}

void EventWriter::AddScalars(const std::map<std::string, float>& values, int64_t step) {
  wire::Event event = NewEvent(step);
  for (const auto& [tag, value] : values) {
    auto* entry = event.mutable_summary()->add_value();
    entry->set_tag(tag);
    entry->set_simple_value(value);
  }
  AddEvent(event.SerializeAsString());
}

void EventWriter::AddSummary(std::string_view serialized_summary, int64_t step) {
  wire::Event event = NewEvent(step);
  if (!event.mutable_summary()->ParseFromArray(serialized_summary.data(),
                                               static_cast<int>(serialized_summary.size()))) {
    throw InvalidArgument("expected a serialized Summary for ", path_);
  }
  AddEvent(event.SerializeAsString());
}

void EventWriter::AddGraph(const Graph& graph) {
  AddGraphDef(SerializeGraph(graph, {.add_shapes = true}));
}

void EventWriter::AddGraphDef(std::string_view serialized_graph_def) {
  wire::Event event = NewEvent();
  event.set_graph_def(std::string(serialized_graph_def));
  AddEvent(event.SerializeAsString());
}

void EventWriter::AddMetaGraph(std::string_view serialized_meta_graph_def) {
  wire::Event event = NewEvent();
  event.set_meta_graph_def(std::string(serialized_meta_graph_def));
  AddEvent(event.SerializeAsString());
}

void EventWriter::AddSessionLog(SessionStatus status, int64_t step, const std::string& checkpoint_path) {
  wire::Event event = NewEvent(step);
  auto* log = event.mutable_session_log();
  log->set_status(static_cast<wire::SessionLog::SessionStatus>(status));
  log->set_checkpoint_path(checkpoint_path);
  AddEvent(event.SerializeAsString());
}

void EventWriter::AddEvent(std::string_view serialized_event) {
  std::lock_guard lock(mutex_);
  if (!writer_) throw FailedPrecondition("cannot add to ", path_, ": it is closed");
  writer_->Write(serialized_event);
  auto now = std::chrono::steady_clock::now();
  if (now - last_flush_ < kFlushInterval) return;
  writer_->Flush();
  last_flush_ = now;
}

void EventWriter::Flush() {
  std::lock_guard lock(mutex_);
  if (writer_) writer_->Flush();
  last_flush_ = std::chrono::steady_clock::now();
}

void EventWriter::Close() {
  std::lock_guard lock(mutex_);
  if (auto writer = std::move(writer_)) writer->Close();
}

std::vector<EventRecord> ReadEvents(const std::string& path) {
  RecordReader reader(path);
  std::vector<EventRecord> records;
  std::string bytes;
  while (reader.NextComplete(bytes)) {
    wire::Event event;
    if (!event.ParseFromString(bytes)) {
      throw DataLoss("a record before byte ", reader.offset(), " of ", path, " is not an Event");
    }
    EventRecord record{.wall_time = event.wall_time(), .step = event.step()};
    record.file_version = event.file_version();
    record.graph_def = event.graph_def();
    record.meta_graph_def = event.meta_graph_def();
    if (event.has_summary()) {
      record.summary = event.summary().SerializeAsString();
      record.scalars = ScalarsOf(event.summary());
    }
    if (event.has_session_log()) {
      record.session_status = static_cast<SessionStatus>(event.session_log().status());
      record.checkpoint_path = event.session_log().checkpoint_path();
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace headrace
