// Tensors go to the data file as they come; the index is a map until Finish() lays it out. Both files have temporary
// names until they are on the device. The index says of how many files the data consists, and with that how they are
// called; so data that replaces a checkpoint first gets a name of which the old index knows nothing.
#include <algorithm>
#include <set>

#include "absl/strings/str_format.h"
#include "formats/checkpoint.h"
#include "formats/coding.h"
#include "formats/crc32c.h"
#include "formats/slice_key.h"
#include "formats/table.h"
#include "formats/tensor_proto.h"
#include "headrace/error.h"
#include "headrace/file_system.h"
#include "wire/checkpoint.pb.h"

namespace headrace {

using wire::BundleEntryProto;

struct CheckpointWriter::State {
  std::string prefix;
  AtomicFile data;
  int64_t offset = 0;
  std::map<std::string, BundleEntryProto> entries;
  bool finished = false;

  int num_shards;  // as the index will have it; there is one file of data, the first

  explicit State(const std::string& prefix_in)
      : prefix(prefix_in),
        data(DataPath(prefix_in, OtherThanThere(prefix_in))),
        num_shards(OtherThanThere(prefix_in)) {}

  static std::string DataPath(const std::string& prefix, int num_shards) {
    return absl::StrFormat("%s.data-00000-of-%05d", prefix, num_shards);
  }

  // 1, unless that is what a checkpoint of this prefix has.
  static int OtherThanThere(const std::string& prefix) {
    if (!CheckpointExists(prefix)) return 1;
    try {
      return CheckpointReader(prefix).num_shards() == 1 ? 2 : 1;
    } catch (const Error&) {
      return 2;  // of no use any more, but nothing is known of it
    }
  }

  std::string Index(int shards) const {
    wire::BundleHeaderProto header;
    header.set_num_shards(shards);
    header.mutable_version()->set_producer(1);
    std::map<std::string, std::string> table;
    table[""] = header.SerializeAsString();
    for (const auto& [key, entry] : entries) table[key] = entry.SerializeAsString();
    return BuildTable(table);
  }

  void Append(std::string_view bytes) {
    data.Append(bytes);
    offset += static_cast<int64_t>(bytes.size());
  }

  BundleEntryProto& NewEntry(const std::string& key, const std::string& name, DType dtype, const Shape& shape) {
    if (key.empty()) throw InvalidArgument("a variable in checkpoint ", prefix, " needs a name");
    auto [entry, added] = entries.try_emplace(key);
    if (!added) throw AlreadyExists("variable '", name, "' was added to checkpoint ", prefix, " twice");
    entry->second.set_dtype(static_cast<wire::DataType>(dtype));
    ShapeToProto(shape, entry->second.mutable_shape());
    return entry->second;
  }

  void Write(const Tensor& value, BundleEntryProto& entry) {
    entry.set_offset(offset);
    uint32_t crc;
    if (value.dtype() == DType::kString) {
      crc = WriteStrings(value);
    } else {
      std::string_view bytes(static_cast<const char*>(value.raw()), value.bytes());
      crc = Crc32c(bytes);
      Append(bytes);
    }
    entry.set_size(offset - entry.offset());
    entry.set_crc32c(MaskCrc(crc));
  }

  uint32_t WriteStrings(const Tensor& value) {
    std::string lengths, fixed;
    for (const std::string& element : value.flat<std::string>()) {
      coding::PutVarint(lengths, element.size());
      element.size() <= UINT32_MAX ? coding::PutFixed32(fixed, static_cast<uint32_t>(element.size()))
                                   : coding::PutFixed64(fixed, element.size());
    }
    uint32_t crc = Crc32c(fixed);
    std::string lengths_crc;
    coding::PutFixed32(lengths_crc, MaskCrc(crc));
    crc = Crc32c(lengths_crc, crc);
    Append(lengths + lengths_crc);
    for (const std::string& element : value.flat<std::string>()) {
      crc = Crc32c(element, crc);
      Append(element);
    }
    return crc;
  }
};

namespace {

// The files of a prefix's data, whatever their number.
std::vector<std::string> DataFiles(const std::string& prefix) {
  const std::string name = FileNameOf(prefix) + ".data-", directory = DirectoryOf(prefix);
  std::vector<std::string> paths;
  if (!directory.empty() && !IsDirectory(directory)) return paths;
  for (const std::string& file : FileSystemFor(prefix).List(directory)) {
    if (file.starts_with(name) && file.find(".tmp") == file.npos) paths.push_back(JoinPath(directory, file));
  }
  return paths;
}

// What an earlier checkpoint of this prefix left.
void RemoveDataFiles(const std::string& prefix, const std::string& except) {
  for (const std::string& path : DataFiles(prefix)) {
    if (path != except) FileSystemFor(prefix).Remove(path);
  }
}

void CheckWritable(const std::string& name, const Tensor& value) {
  if (!value.defined()) throw FailedPrecondition("variable '", name, "' has no value to save");
  if (value.dtype() != DType::kString && SizeOf(value.dtype()) == 0) {
    throw Unimplemented("cannot save '", name, "' of type ", value.dtype(), " in a checkpoint");
  }
}

}  // namespace

CheckpointWriter::CheckpointWriter(const std::string& prefix) : state_(std::make_unique<State>(prefix)) {}
CheckpointWriter::~CheckpointWriter() = default;

void CheckpointWriter::Add(const std::string& name, const Tensor& value) {
  CheckWritable(name, value);
  state_->Write(value, state_->NewEntry(name, name, value.dtype(), value.shape()));
}

void CheckpointWriter::AddSlice(const std::string& name, const Shape& full_shape, const std::vector<int64_t>& begin,
                                const Tensor& value) {
  CheckWritable(name, value);
  if (static_cast<int>(begin.size()) != full_shape.rank() || value.rank() != full_shape.rank()) {
    throw InvalidArgument("a part of '", name, "' has shape ", value.shape(), " and starts at ", PartialShape(begin),
                          ", expected the rank of ", full_shape);
  }
  if (value.shape() == full_shape) return Add(name, value);  // a single part is stored as the whole it is
  wire::TensorSliceProto slice;
  for (int axis = 0; axis < full_shape.rank(); ++axis) {
    auto* extent = slice.add_extent();
    bool whole = begin[axis] == 0 && value.dim(axis) == full_shape[axis];
    if (whole) continue;
    extent->set_start(begin[axis]);
    extent->set_length(value.dim(axis));
  }
  auto found = state_->entries.find(name);
  BundleEntryProto& full =
      found != state_->entries.end() ? found->second : state_->NewEntry(name, name, value.dtype(), full_shape);
  if (full.dtype() != static_cast<int>(value.dtype()) || ShapeFromProto(full.shape()) != PartialShape(full_shape)) {
    throw InvalidArgument("the parts of '", name, "' differ in type or full shape");
  }
  *full.add_slices() = slice;
  state_->Write(value, state_->NewEntry(SliceKey(name, slice), name, value.dtype(), value.shape()));
}

void CheckpointWriter::Finish() {
  if (state_->finished) throw FailedPrecondition("checkpoint ", state_->prefix, " is finished already");
  const std::string& prefix = state_->prefix;
  AtomicFile index(prefix + ".index");
  index.Append(state_->Index(state_->num_shards));
  state_->data.Finish();
  index.Finish();
  state_->data.Publish();
  index.Publish();
  if (state_->num_shards != 1) {
    // The old checkpoint is replaced. Programs know the data by the usual name: once more, under that.
    ShareFile(State::DataPath(prefix, state_->num_shards), State::DataPath(prefix, 1));
    WriteFileAtomically(prefix + ".index", state_->Index(1));
  }
  state_->finished = true;
  RemoveDataFiles(prefix, State::DataPath(prefix, 1));
}

void MergeCheckpoints(const std::vector<std::string>& prefixes, const std::string& destination, bool delete_old) {
  CheckpointWriter writer(destination);
  for (const std::string& prefix : prefixes) {
    CheckpointReader reader(prefix);
    for (const auto& [name, info] : reader.Variables()) writer.Add(name, reader.Read(name));
  }
  writer.Finish();
  if (!delete_old) return;
  for (const std::string& prefix : prefixes) {
    if (prefix != destination) RemoveCheckpoint(prefix);
  }
}

bool CheckpointExists(const std::string& prefix) {
  return FileExists(prefix + ".index");
}

void RemoveCheckpoint(const std::string& prefix) {
  // The index first: without it, the rest is no checkpoint.
  std::vector<std::string> paths = DataFiles(prefix);
  paths.insert(paths.begin(), {prefix + ".index", prefix + ".meta"});
  FileSystem& file_system = FileSystemFor(prefix);
  for (const std::string& path : paths) {
    if (file_system.Exists(path)) file_system.Remove(path);
  }
}

}  // namespace headrace
