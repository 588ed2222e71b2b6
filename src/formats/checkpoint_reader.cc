// The index is read whole when the reader is made; each Read takes a tensor's bytes from its data file and checks them.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "formats/checkpoint.h"
#include "formats/coding.h"
#include "formats/crc32c.h"
#include "formats/slice_key.h"
#include "formats/table.h"
#include "formats/tensor_box.h"
#include "formats/tensor_proto.h"
#include "headrace/error.h"
#include "headrace/file_system.h"
#include "wire/checkpoint.pb.h"

namespace headrace {

using wire::BundleEntryProto;

struct CheckpointReader::State {
  std::string prefix;
  int shards = 0;
  std::map<std::string, std::string> index;
  std::map<std::string, VariableInfo> variables;
  mutable std::mutex mutex;
  mutable std::map<int, std::unique_ptr<RandomAccessFile>> files;

  explicit State(const std::string& prefix_in) : prefix(prefix_in) {
    std::string path = prefix + ".index";
    if (!FileExists(path)) throw NotFound("no checkpoint ", prefix, ": there is no ", path);
    index = ReadTable(ReadFile(path), path);
    wire::BundleHeaderProto header;
    auto header_entry = index.find("");
    if (header_entry == index.end() || !header.ParseFromString(header_entry->second)) {
      throw DataLoss("cannot read ", path, ": it has no header");
    }
    if (header.endianness() != wire::BundleHeaderProto::LITTLE) {
      throw Unimplemented("checkpoint ", prefix, " was written on a big-endian machine");
    }
    shards = header.num_shards();
    for (const auto& [key, value] : index) {
      if (key.empty() || key.front() == '\0') continue;  // the header, and the parts of partitioned variables
      BundleEntryProto entry = Entry(key);
      // Types that Headrace lacks are left out here; reading one says which.
      if (entry.dtype() >= 1 && entry.dtype() <= 23) {
        variables[key] = {static_cast<DType>(entry.dtype()), ShapeFromProto(entry.shape()).ToShape()};
      }
    }
  }

  BundleEntryProto Entry(const std::string& key) const {
    BundleEntryProto entry;
    auto found = index.find(key);
    if (found == index.end()) throw NotFound("no variable '", key, "' in checkpoint ", prefix);
    if (!entry.ParseFromString(found->second)) {
      throw DataLoss("cannot read ", prefix, ".index: the entry of '", key, "' is damaged");
    }
    return entry;
  }

  RandomAccessFile& File(int shard) const {
    std::lock_guard lock(mutex);
    auto& file = files[shard];
    if (!file) {
      char suffix[64];
      std::snprintf(suffix, sizeof suffix, ".data-%05d-of-%05d", shard, shards);
      file = FileSystemFor(prefix).OpenForReading(prefix + suffix);
    }
    return *file;
  }

  [[noreturn]] void FailDamaged(const std::string& name, const char* what) const {
    throw DataLoss("variable '", name, "' of checkpoint ", prefix, " is damaged: ", what);
  }

  Tensor ReadWhole(const std::string& name, const BundleEntryProto& entry) const {
    RandomAccessFile& file = File(entry.shard_id());
    Shape shape = ShapeFromProto(entry.shape()).ToShape();
    DType dtype = DTypeFromProto(entry.dtype());
    if (entry.size() < 0 || entry.offset() < 0 || entry.offset() > file.Size() - entry.size()) {
      FailDamaged(name, "its bytes lie beyond the end of the data file");
    }
    if (dtype == DType::kString) return ReadStrings(name, entry, shape, file);
    if (SizeOf(dtype) == 0) throw Unimplemented("cannot read '", name, "' of type ", dtype, " from a checkpoint");
    if (shape.num_elements() != entry.size() / static_cast<int64_t>(SizeOf(dtype))) {
      FailDamaged(name, "its size does not fit its shape");
    }
    Tensor value(dtype, shape);
    auto* bytes = static_cast<char*>(value.raw());
    if (file.Read(entry.offset(), bytes, value.bytes()) != value.bytes()) FailDamaged(name, "the data file is cut off");
    if (UnmaskCrc(entry.crc32c()) != Crc32c({bytes, value.bytes()})) FailDamaged(name, "its checksum does not match");
    return value;
  }

  // The lengths as varints, a checksum of them, then the strings' bytes. The entry's checksum covers the lengths as
  // fixed-size integers, the stored checksum, and the bytes.
  Tensor ReadStrings(const std::string& name, const BundleEntryProto& entry, const Shape& shape,
                     const RandomAccessFile& file) const {
    std::string bytes(static_cast<size_t>(entry.size()), '\0');
    if (file.Read(entry.offset(), bytes.data(), bytes.size()) != bytes.size()) {
      FailDamaged(name, "the data file is cut off");
    }
    std::string_view in = bytes;
    if (shape.num_elements() > static_cast<int64_t>(in.size())) FailDamaged(name, "its size does not fit its shape");
    std::vector<uint64_t> lengths(static_cast<size_t>(shape.num_elements()));
    std::string fixed;
    for (uint64_t& length : lengths) {
      if (!coding::GetVarint(in, length)) FailDamaged(name, "bad string lengths");
      length <= UINT32_MAX ? coding::PutFixed32(fixed, static_cast<uint32_t>(length))
                           : coding::PutFixed64(fixed, length);
    }
    uint32_t crc = Crc32c(fixed);
    if (in.size() < 4 || coding::GetFixed32(in.data()) != MaskCrc(crc)) FailDamaged(name, "bad string lengths");
    if (UnmaskCrc(entry.crc32c()) != Crc32c(in, crc)) FailDamaged(name, "its checksum does not match");
    in.remove_prefix(4);
    Tensor value(DType::kString, shape);
    auto* out = value.data<std::string>();
    for (size_t i = 0; i < lengths.size(); ++i) {
      if (lengths[i] > in.size()) FailDamaged(name, "bad string lengths");
      out[i].assign(in.substr(0, lengths[i]));
      in.remove_prefix(lengths[i]);
    }
    return value;
  }

  Tensor ReadParts(const std::string& name, const BundleEntryProto& entry) const {
    Shape full = ShapeFromProto(entry.shape()).ToShape();
    // An element takes a byte at least, so what the parts hold is bounded by the files; the whole must not exceed it.
    int64_t elements = 0;
    for (const auto& slice : entry.slices()) {
      BundleEntryProto part = Entry(SliceKey(name, slice));
      elements += std::min(ShapeFromProto(part.shape()).ToShape().num_elements(), File(part.shard_id()).Size());
    }
    if (elements != full.num_elements()) FailDamaged(name, "its parts do not make up the whole");
    Tensor whole(DTypeFromProto(entry.dtype()), full);
    for (const auto& slice : entry.slices()) {
      Tensor part = ReadWhole(name, Entry(SliceKey(name, slice)));
      std::vector<int64_t> begin;
      for (const auto& extent : slice.extent()) begin.push_back(extent.start());
      PasteBox(part, begin, whole);
    }
    return whole;
  }
};

CheckpointReader::CheckpointReader(const std::string& prefix) : state_(std::make_unique<State>(prefix)) {}
CheckpointReader::~CheckpointReader() = default;
CheckpointReader::CheckpointReader(CheckpointReader&&) noexcept = default;

int CheckpointReader::num_shards() const {
  return state_->shards;
}

bool CheckpointReader::Has(const std::string& name) const {
  return state_->variables.contains(name);
}

const std::map<std::string, VariableInfo>& CheckpointReader::Variables() const {
  return state_->variables;
}

Tensor CheckpointReader::Read(const std::string& name) const {
  BundleEntryProto entry = state_->Entry(name);
  return entry.slices().empty() ? state_->ReadWhole(name, entry) : state_->ReadParts(name, entry);
}

Tensor CheckpointReader::ReadSlice(const std::string& name, const std::vector<int64_t>& begin,
                                   const Shape& size) const {
  return CopyBox(Read(name), begin, size);
}

}  // namespace headrace
