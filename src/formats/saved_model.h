// Meta graphs (a graph with its collections, signatures and saver: .meta files) and SavedModels (a directory with
// saved_model.pb, variables/ and assets/): docs/formats/saved_model.md.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/checkpoint.h"
#include "formats/graph_def.h"
#include "headrace/graph.h"
#include "headrace/signature.h"

namespace headrace {

TensorInfo InfoOf(const Output& output);

// How a graph saves and restores its own variables: feed the file name tensor, then run one of the two.
struct SaverInfo {
  std::string filename_tensor, save_tensor, restore_op;
  int max_to_keep = 5;
  bool sharded = false;
  float keep_checkpoint_every_n_hours = 10000;
};

struct AssetInfo {
  std::string tensor;    // the string tensor that is fed the file's path
  std::string filename;  // below assets/
};

struct MetaGraphInfo {
  std::vector<std::string> tags;
  std::map<std::string, Signature> signatures;
  std::optional<SaverInfo> saver;
  std::vector<AssetInfo> assets;
  std::string init_op;  // runs once after the variables are restored (initialises tables); "" for none
  std::string tensorflow_version = "1.15.0";
};

// The graph's collections go with it: variables, tensors, nodes and strings. Objects stay behind.
std::string SerializeMetaGraph(const Graph& graph, const MetaGraphInfo& info, const GraphDefOptions& options = {});

struct MetaGraph {
  std::shared_ptr<Graph> graph;  // collections filled
  MetaGraphInfo info;
};
MetaGraph ParseMetaGraph(std::string_view bytes);

// The collections of a serialized MetaGraphDef, set on a graph that holds its nodes (under `prefix`).
void ImportCollections(Graph& graph, std::string_view meta_graph_bytes, const std::string& prefix = "");

// Errors: NotFound if the directory holds no saved_model.pb (or .pbtxt), or no meta graph with exactly these tags (the
// message lists those there are). With `serving_only`, the graph has just the nodes that the signatures, the restore op
// and the init op need.
MetaGraph ReadSavedModel(const std::string& directory, const std::vector<std::string>& tags = {"serve"},
                         bool serving_only = false);
bool IsSavedModel(const std::string& directory);
// Where its variables lie: DIRECTORY/variables/variables.
std::string SavedModelVariablesPrefix(const std::string& directory);

// Writes a SavedModel; it is complete, saved_model.pb last, after Finish().
class SavedModelWriter {
 public:
  // Errors: AlreadyExists if the directory holds a model.
  explicit SavedModelWriter(const std::string& directory);
  // The variables of all meta graphs.
  CheckpointWriter& variables();
  // Copies a file into assets/; returns its name there, made unique.
  std::string AddAsset(const std::string& source);
  void AddMetaGraph(const Graph& graph, const MetaGraphInfo& info, const GraphDefOptions& options = {});
  void Finish();

 private:
  std::string directory_;
  std::unique_ptr<CheckpointWriter> variables_;
  std::map<std::string, std::string> assets_;  // source -> name
  std::vector<std::string> meta_graphs_;       // serialized
};

}  // namespace headrace
