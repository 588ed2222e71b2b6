// Checkpoints in TensorFlow's V2 form: PREFIX.index, a sorted table of what is where, and PREFIX.data-SSSSS-of-NNNNN,
// the bytes (docs/formats/checkpoint.md); and the file `checkpoint` that lists the checkpoints of a directory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/tensor.h"

namespace headrace {

struct VariableInfo {
  DType dtype = DType::kInvalid;
  Shape shape;
};

// Many threads may read from one reader.
class CheckpointReader {
 public:
  // Errors: NotFound if there is no PREFIX.index; DataLoss if it is damaged.
  explicit CheckpointReader(const std::string& prefix);
  ~CheckpointReader();
  CheckpointReader(CheckpointReader&&) noexcept;

  int num_shards() const;  // of how many files the data consists
  bool Has(const std::string& name) const;
  // By name; a partitioned variable appears once, with its full shape.
  const std::map<std::string, VariableInfo>& Variables() const;
  // Errors: NotFound; DataLoss if the checksum does not match.
  Tensor Read(const std::string& name) const;
  // The box that starts at `begin` and is `size` wide of a variable, partitioned or not.
  Tensor ReadSlice(const std::string& name, const std::vector<int64_t>& begin, const Shape& size) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes a checkpoint whole or not at all: the files get their names only in Finish(), after they are on the device,
// the index last; a checkpoint of the same prefix is replaced at one instant, and a power loss finds it or the new one.
// Destroyed without Finish(), it leaves nothing behind. The directory must exist.
class CheckpointWriter {
 public:
  explicit CheckpointWriter(const std::string& prefix);
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;

  // Appends to the data file. Errors: AlreadyExists for a name added before; ResourceExhausted for a full disk.
  void Add(const std::string& name, const Tensor& value);
  // One part of a partitioned variable of this full shape, which starts at `begin`.
  void AddSlice(const std::string& name, const Shape& full_shape, const std::vector<int64_t>& begin,
                const Tensor& value);
  void Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Joins checkpoints (the shards of several servers) into one, as the op MergeV2Checkpoints does.
void MergeCheckpoints(const std::vector<std::string>& prefixes, const std::string& destination, bool delete_old);
bool CheckpointExists(const std::string& prefix);
// Removes the files of a checkpoint and its .meta; those that are absent are no error.
void RemoveCheckpoint(const std::string& prefix);

// A directory's `checkpoint` file. Paths here are usable as they are; in the file they are relative to the directory
// where they lie in it.
struct CheckpointState {
  std::string latest;
  std::vector<std::string> all;    // oldest first, `latest` last
  std::vector<double> timestamps;  // seconds; empty or one for each of `all`
  double last_preserved = 0;
};
// Nothing if there is no such file. Errors: DataLoss if it cannot be parsed.
std::optional<CheckpointState> ReadCheckpointState(const std::string& directory,
                                                   const std::string& file_name = "checkpoint");
void WriteCheckpointState(const std::string& directory, const CheckpointState& state,
                          const std::string& file_name = "checkpoint");
// The latest checkpoint's prefix; "" if there is none.
std::string LatestCheckpoint(const std::string& directory, const std::string& file_name = "checkpoint");

}  // namespace headrace
