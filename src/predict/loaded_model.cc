// A SavedModel's serving part in a session; each signature is prepared once as a callable behind a batcher.
#include "predict/loaded_model.h"

#include <thread>

#include "formats/saved_model.h"
#include "headrace/error.h"
#include "headrace/file_system.h"
#include "headrace/session.h"
#include "predict/batcher.h"
#include "predict/instances.h"

namespace headrace {
namespace {

constexpr const char* kDefaultSignature = "serving_default";

std::string Join(const auto& named) {
  std::string names;
  for (const auto& [name, value] : named) names += (names.empty() ? "" : ", ") + name;
  return names;
}

}  // namespace

struct LoadedModel::State {
  MetaGraph meta;
  Session session;
  std::map<const Signature*, std::unique_ptr<Batcher>> runners;

  State(const std::string& directory, const std::vector<std::string>& tags)
      : meta(ReadSavedModel(directory, tags, /*serving_only=*/true)), session(meta.graph) {
    Restore(directory);
    for (const auto& [name, signature] : meta.info.signatures) {
      runners[&signature] =
          std::make_unique<Batcher>(Prepare(signature), static_cast<int>(std::thread::hardware_concurrency()));
    }
  }

  Feeds AssetFeeds(const std::string& directory) const {
    Feeds feeds;
    for (const AssetInfo& asset : meta.info.assets) {
      feeds.emplace_back(meta.graph->FindOutput(asset.tensor),
                         Tensor::Scalar(JoinPath(JoinPath(directory, "assets"), asset.filename)));
    }
    return feeds;
  }

  Node* FindNode(const std::string& name, const char* what) const {
    Node* node = meta.graph->FindNode(name.substr(0, name.find(':')));
    if (!node) throw InvalidArgument("the SavedModel's ", what, " '", name, "' is not in its graph");
    return node;
  }

  void Restore(const std::string& directory) {
    std::string prefix = SavedModelVariablesPrefix(directory);
    if (meta.info.saver && CheckpointExists(prefix)) {
      Feeds feeds = AssetFeeds(directory);
      feeds.emplace_back(meta.graph->FindOutput(meta.info.saver->filename_tensor), Tensor::Scalar(prefix));
      session.Run(feeds, {}, {FindNode(meta.info.saver->restore_op, "restore op")});
    }
    if (!meta.info.init_op.empty()) session.Run(AssetFeeds(directory), {}, {FindNode(meta.info.init_op, "init op")});
  }

  Batcher::Function Prepare(const Signature& signature) {
    std::vector<Output> feeds, fetches;
    for (const auto& [name, info] : signature.inputs) feeds.push_back(meta.graph->FindOutput(info.name));
    for (const auto& [name, info] : signature.outputs) fetches.push_back(meta.graph->FindOutput(info.name));
    return [call = session.MakeCallable(feeds, fetches)](const std::vector<Tensor>& inputs) { return call(inputs); };
  }

  const Signature& Find(const std::string& name) const {
    const auto& signatures = meta.info.signatures;
    auto found = signatures.find(name.empty() ? kDefaultSignature : name);
    if (found == signatures.end() && name.empty()) {
      found = signatures.size() == 1 ? signatures.begin() : signatures.find("predict");
    }
    if (found == signatures.end()) {
      throw InvalidArgument("the model has no signature '", name.empty() ? kDefaultSignature : name, "'; it has ",
                            signatures.empty() ? "none" : Join(signatures));
    }
    return found->second;
  }
};

LoadedModel::LoadedModel(const std::string& directory, const std::vector<std::string>& tags)
    : state_(std::make_unique<State>(directory, tags)) {}
LoadedModel::~LoadedModel() = default;
LoadedModel::LoadedModel(LoadedModel&&) noexcept = default;
LoadedModel& LoadedModel::operator=(LoadedModel&&) noexcept = default;

const std::map<std::string, Signature>& LoadedModel::signatures() const {
  return state_->meta.info.signatures;
}

const Signature& LoadedModel::signature(const std::string& name) const {
  return state_->Find(name);
}

std::map<std::string, Tensor> LoadedModel::Predict(const std::map<std::string, Tensor>& inputs,
                                                   const std::string& signature_name) const {
  const Signature& signature = state_->Find(signature_name);
  std::vector<Tensor> values;
  for (const auto& [name, info] : signature.inputs) {
    auto given = inputs.find(name);
    if (given == inputs.end()) {
      throw InvalidArgument("input '", name, "' is missing; the signature takes ", Join(signature.inputs));
    }
    if (given->second.dtype() != info.dtype || !info.shape.IsCompatibleWith(given->second.shape())) {
      throw InvalidArgument("input '", name, "' is ", given->second.dtype(), given->second.shape(), ", expected ",
                            info.dtype, info.shape);
    }
    values.push_back(given->second);
  }
  for (const auto& [name, value] : inputs) {
    if (!signature.inputs.contains(name)) {
      throw InvalidArgument("unexpected input '", name, "'; the signature takes ", Join(signature.inputs));
    }
  }
  std::vector<Tensor> results = state_->runners.at(&signature)->RunUnjoined(values);
  std::map<std::string, Tensor> outputs;
  size_t position = 0;
  for (const auto& [name, info] : signature.outputs) outputs[name] = std::move(results.at(position++));
  return outputs;
}

std::string LoadedModel::PredictJson(std::string_view request) const {
  const Signature* signature = nullptr;
  InstanceBatch batch = ParseRequest(request, [&](const std::string& name) -> const Signature& {
    signature = &state_->Find(name);
    return *signature;
  });
  return FormatPredictions(state_->runners.at(signature)->Run(batch.inputs, batch.rows), *signature, batch.rows);
}

std::string PredictLocally(const std::string& model_directory, std::string_view json_instances,
                           const std::string& signature_name) {
  std::string request = RequestFromLines(json_instances, /*as_text=*/false, signature_name);
  return LoadedModel(model_directory).PredictJson(request);
}

std::string PredictLocallyText(const std::string& model_directory, std::string_view text_instances,
                               const std::string& signature_name) {
  std::string request = RequestFromLines(text_instances, /*as_text=*/true, signature_name);
  return LoadedModel(model_directory).PredictJson(request);
}

}  // namespace headrace
