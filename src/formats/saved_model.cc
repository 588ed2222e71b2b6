// MetaGraphDefs and the directory around them.
#include "formats/saved_model.h"

#include <algorithm>
#include <set>

#include "formats/collections.h"
#include "formats/graph_reader.h"
#include "formats/graph_writer.h"
#include "formats/tensor_proto.h"
#include "formats/text_format.h"
#include "formats/wire.h"
#include "headrace/error.h"
#include "headrace/file_system.h"
#include "wire/saved_model.pb.h"

namespace headrace {
namespace {

// Where TensorFlow's versions have kept the op that runs after restoring.
constexpr const char* kInitSignature = "__saved_model_init_op";
constexpr const char* kInitCollections[] = {"saved_model_main_op", "main_op", "legacy_init_op"};

std::string StripIndex(const std::string& tensor) {
  return tensor.substr(0, tensor.find(':'));
}

void TensorInfoToProto(const TensorInfo& info, wire::TensorInfo* proto) {
  proto->set_name(info.name);
  proto->set_dtype(static_cast<wire::DataType>(info.dtype));
  ShapeToProto(info.shape, proto->mutable_tensor_shape());
}

TensorInfo TensorInfoFromProto(const wire::TensorInfo& proto, const std::string& what) {
  if (!proto.has_coo_sparse() && proto.name().empty()) {
    throw Unimplemented("signature ", what, " is neither a plain nor a sparse tensor");
  }
  if (proto.has_coo_sparse()) throw Unimplemented("signature ", what, " is a sparse tensor");
  return {proto.name(), DTypeFromProto(proto.dtype()), ShapeFromProto(proto.tensor_shape())};
}

void SignatureToProto(const Signature& signature, wire::SignatureDef* proto) {
  for (const auto& [name, info] : signature.inputs) TensorInfoToProto(info, &(*proto->mutable_inputs())[name]);
  for (const auto& [name, info] : signature.outputs) TensorInfoToProto(info, &(*proto->mutable_outputs())[name]);
  proto->set_method_name(signature.method_name);
}

Signature SignatureFromProto(const wire::SignatureDef& proto, const std::string& name) {
  Signature signature;
  for (const auto& [key, info] : proto.inputs()) {
    signature.inputs[key] = TensorInfoFromProto(info, name + " input '" + key + "'");
  }
  for (const auto& [key, info] : proto.outputs()) {
    signature.outputs[key] = TensorInfoFromProto(info, name + " output '" + key + "'");
  }
  signature.method_name = proto.method_name();
  return signature;
}

void MetaGraphToProto(const Graph& graph, const MetaGraphInfo& info, const GraphDefOptions& options,
                      wire::MetaGraphDef* proto) {
  auto* meta = proto->mutable_meta_info_def();
  for (const std::string& tag : info.tags) meta->add_tags(tag);
  meta->set_tensorflow_version(info.tensorflow_version);
  meta->set_stripped_default_attrs(options.strip_default_attrs);
  GraphToProto(graph, options, proto->mutable_graph_def());
  CollectionsToProto(graph, proto);
  for (const auto& [name, signature] : info.signatures) {
    SignatureToProto(signature, &(*proto->mutable_signature_def())[name]);
  }
  if (info.saver) {
    auto* saver = proto->mutable_saver_def();
    saver->set_filename_tensor_name(info.saver->filename_tensor);
    saver->set_save_tensor_name(info.saver->save_tensor);
    saver->set_restore_op_name(info.saver->restore_op);
    saver->set_max_to_keep(info.saver->max_to_keep);
    saver->set_sharded(info.saver->sharded);
    saver->set_keep_checkpoint_every_n_hours(info.saver->keep_checkpoint_every_n_hours);
    saver->set_version(wire::SaverDef::V2);
  }
  for (const AssetInfo& asset : info.assets) {
    auto* asset_proto = proto->add_asset_file_def();
    asset_proto->mutable_tensor_info()->set_name(asset.tensor);
    asset_proto->set_filename(asset.filename);
  }
  if (!info.init_op.empty()) {
    auto& collection = (*proto->mutable_collection_def())[kInitCollections[0]];
    collection.mutable_node_list()->clear_value();
    collection.mutable_node_list()->add_value(info.init_op);
  }
}

std::string InitOpOf(const wire::MetaGraphDef& proto) {
  if (auto found = proto.signature_def().find(kInitSignature); found != proto.signature_def().end()) {
    for (const auto& [key, info] : found->second.outputs()) return StripIndex(info.name());
  }
  for (const char* key : kInitCollections) {
    auto found = proto.collection_def().find(key);
    if (found != proto.collection_def().end() && found->second.node_list().value_size() > 0) {
      return StripIndex(found->second.node_list().value(0));
    }
  }
  return "";
}

MetaGraphInfo InfoFromProto(const wire::MetaGraphDef& proto) {
  MetaGraphInfo info;
  info.tags.assign(proto.meta_info_def().tags().begin(), proto.meta_info_def().tags().end());
  info.tensorflow_version = proto.meta_info_def().tensorflow_version();
  for (const auto& [name, signature] : proto.signature_def()) {
    if (name != kInitSignature) info.signatures[name] = SignatureFromProto(signature, name);
  }
  if (proto.has_saver_def() && !proto.saver_def().restore_op_name().empty()) {
    const auto& saver = proto.saver_def();
    info.saver =
        SaverInfo{saver.filename_tensor_name(), saver.save_tensor_name(), saver.restore_op_name(),
                  saver.max_to_keep(),          saver.sharded(),          saver.keep_checkpoint_every_n_hours()};
  }
  for (const auto& asset : proto.asset_file_def()) {
    info.assets.push_back({asset.tensor_info().name(), asset.filename()});
  }
  info.init_op = InitOpOf(proto);
  return info;
}

MetaGraph MetaGraphFromProto(const wire::MetaGraphDef& proto, bool serving_only) {
  MetaGraph meta{std::make_shared<Graph>(), InfoFromProto(proto)};
  ImportOptions options;
  if (serving_only) {
    for (const auto& [name, signature] : meta.info.signatures) {
      for (const auto& [key, tensor] : signature.inputs) options.needed.push_back(tensor.name);
      for (const auto& [key, tensor] : signature.outputs) options.needed.push_back(tensor.name);
    }
    if (meta.info.saver) {
      options.needed.push_back(meta.info.saver->filename_tensor);
      options.needed.push_back(meta.info.saver->restore_op);
    }
    for (const AssetInfo& asset : meta.info.assets) options.needed.push_back(asset.tensor);
    if (!meta.info.init_op.empty()) options.needed.push_back(meta.info.init_op);
  }
  GraphFromProto(*meta.graph, proto.graph_def(), options);
  CollectionsFromProto(*meta.graph, proto, "", /*whole_graph=*/!serving_only);
  return meta;
}

wire::MetaGraphDef ParseProto(std::string_view bytes) {
  return FromBytes<wire::MetaGraphDef>(bytes, "MetaGraphDef");
}

std::string ModelPath(const std::string& directory) {
  return JoinPath(directory, "saved_model.pb");
}
std::string TextModelPath(const std::string& directory) {
  return JoinPath(directory, "saved_model.pbtxt");
}

wire::SavedModel ReadModelProto(const std::string& directory) {
  wire::SavedModel proto;
  if (std::string path = ModelPath(directory); FileExists(path)) {
    if (!proto.ParseFromString(ReadFile(path))) throw DataLoss("cannot read ", path, ": it is not a SavedModel");
  } else if (path = TextModelPath(directory); FileExists(path)) {
    ReadTextProto(path, "SavedModel", &proto);
  } else {
    throw NotFound("no SavedModel in ", directory, ": expected a file saved_model.pb or saved_model.pbtxt there");
  }
  return proto;
}

std::string TagsToString(const std::set<std::string>& tags) {
  std::string text;
  for (const std::string& tag : tags) text += (text.empty() ? "" : ", ") + tag;
  return "{" + text + "}";
}

}  // namespace

TensorInfo InfoOf(const Output& output) {
  return {output.name(), output.dtype(), output.shape()};
}

std::string SerializeMetaGraph(const Graph& graph, const MetaGraphInfo& info, const GraphDefOptions& options) {
  wire::MetaGraphDef proto;
  MetaGraphToProto(graph, info, options, &proto);
  return ToBytes(proto);
}

MetaGraph ParseMetaGraph(std::string_view bytes) {
  return MetaGraphFromProto(ParseProto(bytes), false);
}

void ImportCollections(Graph& graph, std::string_view meta_graph_bytes, const std::string& prefix) {
  CollectionsFromProto(graph, ParseProto(meta_graph_bytes), prefix);
}

MetaGraph ReadSavedModel(const std::string& directory, const std::vector<std::string>& tags, bool serving_only) {
  wire::SavedModel proto = ReadModelProto(directory);
  std::set<std::string> wanted(tags.begin(), tags.end());
  std::string present;
  for (const auto& meta : proto.meta_graphs()) {
    std::set<std::string> has(meta.meta_info_def().tags().begin(), meta.meta_info_def().tags().end());
    if (has == wanted) return MetaGraphFromProto(meta, serving_only);
    present += (present.empty() ? "" : ", ") + TagsToString(has);
  }
  throw NotFound("the SavedModel in ", directory, " has no graph with the tags ", TagsToString(wanted), "; it has ",
                 present.empty() ? "none" : present);
}

bool IsSavedModel(const std::string& directory) {
  return FileExists(ModelPath(directory)) || FileExists(TextModelPath(directory));
}

std::string SavedModelVariablesPrefix(const std::string& directory) {
  return JoinPath(directory, "variables/variables");
}

SavedModelWriter::SavedModelWriter(const std::string& directory) : directory_(directory) {
  if (IsSavedModel(directory)) throw AlreadyExists(directory, " holds a SavedModel already");
  MakeDirs(JoinPath(directory, "variables"));
}

CheckpointWriter& SavedModelWriter::variables() {
  if (!variables_) variables_ = std::make_unique<CheckpointWriter>(SavedModelVariablesPrefix(directory_));
  return *variables_;
}

std::string SavedModelWriter::AddAsset(const std::string& source) {
  if (auto known = assets_.find(source); known != assets_.end()) return known->second;
  std::string stem = FileNameOf(source), name = stem;
  auto taken = [&] {
    return std::any_of(assets_.begin(), assets_.end(), [&](const auto& asset) { return asset.second == name; });
  };
  for (int i = 1; taken(); ++i) name = stem + "_" + std::to_string(i);
  MakeDirs(JoinPath(directory_, "assets"));
  CopyFile(source, JoinPath(JoinPath(directory_, "assets"), name));
  assets_[source] = name;
  return name;
}

void SavedModelWriter::AddMetaGraph(const Graph& graph, const MetaGraphInfo& info, const GraphDefOptions& options) {
  meta_graphs_.push_back(SerializeMetaGraph(graph, info, options));
}

void SavedModelWriter::Finish() {
  if (variables_) variables_->Finish();
  wire::SavedModel proto;
  proto.set_saved_model_schema_version(1);
  for (const std::string& meta : meta_graphs_) *proto.add_meta_graphs() = ParseProto(meta);
  WriteFileAtomically(ModelPath(directory_), ToBytes(proto));
}

}  // namespace headrace
