// Saver: the part of a graph that saves and restores its variables, and the bookkeeping of checkpoints in a directory.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "headrace/session.h"
#include "headrace/variables.h"

namespace headrace {

struct SaverOptions {
  std::vector<std::shared_ptr<Variable>> variables = {};        // all global ones if empty
  std::map<std::string, std::shared_ptr<Variable>> names = {};  // instead: variables by their names in checkpoints
  bool reshape = false;                          // restore values of as many elements, whatever their shape
  bool pad_step_number = false;                  // "model.ckpt-00000042"
  int max_to_keep = 5;                           // older checkpoints are removed; 0 keeps all
  double keep_checkpoint_every_n_hours = 10000;  // one in this time is never removed
  std::string name = "save";
  bool allow_empty = false;  // to have nothing to save
};

class Saver {
 public:
  // Adds the nodes to the current graph, with 1.15's names: "save/SaveV2", "save/restore_all", …
  // Errors: InvalidArgument if there are no variables and that isn't allowed, or two of one name.
  explicit Saver(const SaverOptions& options = {});

  // Writes PREFIX-STEP (or PREFIX without a step) whole or not at all, with PREFIX-STEP.meta if asked, lists it in the
  // directory's `checkpoint` file and removes checkpoints beyond max_to_keep. Returns the checkpoint's prefix.
  // Errors: as the file system's; the checkpoints before it stay valid. InvalidArgument for a session of another graph.
  std::string Save(Session& session, const std::string& prefix, std::optional<int64_t> step = {},
                   bool write_meta_graph = true, const std::string& latest_filename = "checkpoint",
                   bool write_state = true);
  // Errors: InvalidArgument if there is no such checkpoint; NotFound for a variable that it lacks.
  void Restore(Session& session, const std::string& prefix) const;

  // Checkpoints made before, so that they count for max_to_keep; those that are gone are left out.
  void RecoverLastCheckpoints(const std::vector<std::string>& prefixes);
  const std::vector<std::string>& last_checkpoints() const { return last_; }

  const SaverOptions& options() const { return options_; }
  Output filename() const { return filename_; }    // feed the prefix
  Output save_tensor() const { return save_; }     // fetch to save
  Node* restore_node() const { return restore_; }  // run to restore

 private:
  struct Entry;  // a variable and its name in the checkpoint
  void BuildSave(const std::vector<Entry>& entries);
  void BuildRestore(const std::vector<Entry>& entries);
  void WriteMetaGraph(const Graph& graph, const std::string& path) const;
  void RemoveOld();
  void CheckSameGraph(const Session& session) const;

  SaverOptions options_;
  std::weak_ptr<Graph> graph_;  // in which the nodes are
  Output filename_, save_;
  Node* restore_ = nullptr;
  std::vector<std::string> last_;
  std::vector<double> times_;  // when each of last_ was made
  double next_preserved_ = 0;
};

}  // namespace headrace
