// The text file `checkpoint`: which checkpoints a directory holds, and which is the latest.

#include "formats/checkpoint.h"
#include "formats/text_format.h"
#include "headrace/error.h"
#include "headrace/file_system.h"
#include "headrace/log.h"
#include "wire/checkpoint.pb.h"

namespace headrace {
namespace {

// Paths inside the directory are stored relative to it, so that the directory can be moved.
std::string Relative(const std::string& path, const std::string& directory) {
  std::string prefix = JoinPath(directory, "x");
  prefix.pop_back();
  return !directory.empty() && path.starts_with(prefix) ? path.substr(prefix.size()) : path;
}

}  // namespace

std::optional<CheckpointState> ReadCheckpointState(const std::string& directory, const std::string& file_name) {
  std::string path = JoinPath(directory, file_name);
  if (!FileExists(path)) return std::nullopt;
  wire::CheckpointState proto;
  ReadTextProto(path, "CheckpointState", &proto);
  CheckpointState state;
  if (!proto.model_checkpoint_path().empty()) state.latest = JoinPath(directory, proto.model_checkpoint_path());
  for (const std::string& checkpoint : proto.all_model_checkpoint_paths()) {
    state.all.push_back(JoinPath(directory, checkpoint));
  }
  state.timestamps.assign(proto.all_model_checkpoint_timestamps().begin(),
                          proto.all_model_checkpoint_timestamps().end());
  state.last_preserved = proto.last_preserved_timestamp();
  return state;
}

void WriteCheckpointState(const std::string& directory, const CheckpointState& state, const std::string& file_name) {
  wire::CheckpointState proto;
  proto.set_model_checkpoint_path(Relative(state.latest, directory));
  for (const std::string& checkpoint : state.all) {
    proto.add_all_model_checkpoint_paths(Relative(checkpoint, directory));
  }
  for (double timestamp : state.timestamps) proto.add_all_model_checkpoint_timestamps(timestamp);
  proto.set_last_preserved_timestamp(state.last_preserved);
  WriteFileAtomically(JoinPath(directory, file_name), PrintText(proto));
}

std::string LatestCheckpoint(const std::string& directory, const std::string& file_name) {
  auto state = ReadCheckpointState(directory, file_name);
  if (!state || state->latest.empty()) return "";
  if (CheckpointExists(state->latest)) return state->latest;
  LogError("Couldn't match files for checkpoint ", state->latest, ", which ", JoinPath(directory, file_name),
           " names.");
  return "";
}

}  // namespace headrace
