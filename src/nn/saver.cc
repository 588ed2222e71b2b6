// Savers. The graph's part is SaveV2 and RestoreV2 over all variables, in the order of their names in the checkpoint;
// the rest is the list of checkpoints kept.
#include "headrace/saver.h"

#include <algorithm>
#include <chrono>
#include <sstream>

#include "formats/checkpoint.h"
#include "formats/saved_model.h"
#include "headrace/file_system.h"

namespace headrace {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// "128 0,128": of a variable of full shape [128], the part that begins at 0 and is 128 long. Empty for a whole one.
std::string SliceText(const Variable& variable) {
  if (variable.save_name.empty()) return "";
  std::ostringstream text;
  const PartialShape& part = variable.shape();
  for (int64_t size : variable.slice_full_shape) text << size << ' ';
  for (int axis = 0; axis < part.rank(); ++axis) {
    text << (axis ? ":" : "") << variable.slice_begin[axis] << ',' << part[axis];
  }
  return text.str();
}

}  // namespace

struct Saver::Entry {
  std::string name;
  std::shared_ptr<Variable> variable;
};

Saver::Saver(const SaverOptions& options) : options_(options), graph_(Graph::Current().weak_from_this()) {
  if (options_.variables.empty() && options_.names.empty()) options_.variables = Graph::Current().variables();
  if (options_.variables.empty() && options_.names.empty()) {
    if (options_.allow_empty) return;
    throw InvalidArgument("No variables to save");
  }
  std::vector<Entry> entries;
  for (const auto& variable : options_.variables) {
    entries.push_back({variable->save_name.empty() ? variable->name : variable->save_name, variable});
  }
  for (const auto& [name, variable] : options_.names) entries.push_back({name, variable});
  std::ranges::sort(entries, {}, &Entry::name);
  const auto twice = std::ranges::adjacent_find(entries, {}, &Entry::name);
  if (twice != entries.end()) throw InvalidArgument("At least two variables have the same name: ", twice->name);

  const auto no_dependencies = ControlDependencies::Clear();
  NameScope root("");
  NameScope scope(options_.name);
  {
    NameScope filename("filename");
    const Output model = Constant(Tensor::Scalar("model"), "input");
    const Output given = ApplyOp("PlaceholderWithDefault", {{model}}, {{"shape", Shape()}}, filename.name());
    NameScope constant(scope.name());
    filename_ = ApplyOp("PlaceholderWithDefault", {{given}}, {{"shape", Shape()}}, "Const");
  }
  BuildSave(entries);
  BuildRestore(entries);
}

namespace {

// The two string vectors that SaveV2 and RestoreV2 take.
template <class Entries>
std::pair<Output, Output> NamesAndSlices(const Entries& entries, const char* op) {
  std::vector<std::string> names, slices;
  for (const auto& entry : entries) {
    names.push_back(entry.name);
    slices.push_back(SliceText(*entry.variable));
  }
  const std::string below = std::string(op) + "/";
  return {Constant(Tensor::Vector(names), below + "tensor_names"),
          Constant(Tensor::Vector(slices), below + "shape_and_slices")};
}

}  // namespace

void Saver::BuildSave(const std::vector<Entry>& entries) {
  OpArgument values;
  for (const Entry& entry : entries) {
    if (!entry.variable->is_resource()) {
      values.push_back(entry.variable->handle);
      continue;
    }
    NameScope read("Read");
    values.push_back(ApplyOp("ReadVariableOp", {{entry.variable->handle}}, {{"dtype", entry.variable->dtype()}}));
  }
  const auto [names, slices] = NamesAndSlices(entries, "SaveV2");
  Node* save = Graph::Current().Apply("SaveV2", {{filename_}, {names}, {slices}, values});
  ControlDependencies after({save});
  save_ = ApplyOp("Identity", {{filename_}}, {}, "control_dependency");
}

void Saver::BuildRestore(const std::vector<Entry>& entries) {
  const auto [names, slices] = NamesAndSlices(entries, "RestoreV2");
  std::vector<DType> dtypes;
  for (const Entry& entry : entries) dtypes.push_back(entry.variable->dtype());
  Node* restored = Graph::Current().Apply("RestoreV2", {{filename_}, {names}, {slices}}, {{"dtypes", dtypes}});
  std::vector<Node*> assignments;
  for (size_t i = 0; i < entries.size(); ++i) {
    Output value = restored->output(static_cast<int>(i));
    const PartialShape& shape = entries[i].variable->shape();
    if (options_.reshape && shape.IsFullyDefined()) {
      const std::vector<int64_t> sizes(shape.dims().begin(), shape.dims().end());
      value = ApplyOp("Reshape", {{value}, {Constant(Tensor::Vector(sizes), "Reshape/shape")}});
    }
    if (entries[i].variable->is_resource()) value = ApplyOp("Identity", {{value}});
    assignments.push_back(AssignVariable(*entries[i].variable, value));
  }
  restore_ = Group(assignments, "restore_all");
}

std::string Saver::Save(Session& session, const std::string& prefix, std::optional<int64_t> step, bool write_meta_graph,
                        const std::string& latest_filename, bool write_state) {
  std::string number = step ? std::to_string(*step) : "";
  constexpr size_t kPaddedDigits = 8;
  if (options_.pad_step_number && number.size() < kPaddedDigits) number.insert(0, kPaddedDigits - number.size(), '0');
  std::string path = step ? prefix + "-" + number : prefix;
  const std::string directory = DirectoryOf(path);
  CheckSameGraph(session);
  if (save_) {
    if (!directory.empty()) MakeDirs(directory);
    session.Run({{filename_, Tensor::Scalar(path)}}, {}, {save_.node});
  }
  if (write_meta_graph) WriteMetaGraph(*session.graph(), path + ".meta");
  if (!write_state) return path;

  const auto known = std::ranges::find(last_, path);
  if (known != last_.end()) {  // saved again: it is the newest now
    times_.erase(times_.begin() + (known - last_.begin()));
    last_.erase(known);
  }
  last_.push_back(path);
  times_.push_back(Now());
  // The list names the new checkpoint before an old one is removed: at no instant does it name only what is gone.
  std::vector<std::string> before_removal = last_;
  WriteCheckpointState(directory, {path, before_removal, times_, next_preserved_}, latest_filename);
  const size_t count = last_.size();
  RemoveOld();
  if (last_.size() != count) WriteCheckpointState(directory, {path, last_, times_, next_preserved_}, latest_filename);
  return path;
}

void Saver::CheckSameGraph(const Session& session) const {
  if (!save_ && !restore_) return;  // made for no variables: it has no nodes
  if (graph_.lock() != session.graph()) {
    throw InvalidArgument("the saver was made in another graph than the session's, one that may be gone");
  }
}

void Saver::RemoveOld() {
  if (options_.max_to_keep <= 0) return;
  const double preserve_every = options_.keep_checkpoint_every_n_hours * 3600;
  if (next_preserved_ == 0) next_preserved_ = Now() + preserve_every;
  while (last_.size() > static_cast<size_t>(options_.max_to_keep)) {
    if (times_.front() > next_preserved_) {
      next_preserved_ += preserve_every;
    } else {
      RemoveCheckpoint(last_.front());
    }
    last_.erase(last_.begin());
    times_.erase(times_.begin());
  }
}

void Saver::WriteMetaGraph(const Graph& graph, const std::string& path) const {
  MetaGraphInfo info;
  if (save_) {
    info.saver = SaverInfo{.filename_tensor = filename_.name(),
                           .save_tensor = save_.name(),
                           .restore_op = restore_->name(),
                           .max_to_keep = options_.max_to_keep,
                           .keep_checkpoint_every_n_hours = static_cast<float>(options_.keep_checkpoint_every_n_hours)};
  }
  WriteFileAtomically(path, SerializeMetaGraph(graph, info));
}

void Saver::Restore(Session& session, const std::string& prefix) const {
  CheckSameGraph(session);
  if (!restore_) return;
  if (!CheckpointExists(prefix)) {
    throw InvalidArgument("The passed save_path is not a valid checkpoint: ", prefix);
  }
  session.Run({{filename_, Tensor::Scalar(prefix)}}, {}, {restore_});
}

void Saver::RecoverLastCheckpoints(const std::vector<std::string>& prefixes) {
  last_.clear(), times_.clear();
  for (const std::string& prefix : prefixes) {
    if (!CheckpointExists(prefix)) continue;
    last_.push_back(prefix);
    times_.push_back(static_cast<double>(FileSystemFor(prefix).Stat(prefix + ".index").modified_nanoseconds) * 1e-9);
  }
}

}  // namespace headrace
