// Models, versions and operations of the ml v1 API. Creating a version is a long-running operation: it copies the
// SavedModel under HOME/models, starts a replica of it and waits until that answers. An operation that a killed engine
// left unfinished is carried on by the next.
#pragma once

#include <string>
#include <vector>

#include "engine/context.h"
#include "engine/replicas.h"
#include "engine/resources.h"
#include "http/router.h"

namespace headrace::engine {

struct CreateModelRequest {
  std::string parent;
  Model model;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("parent", parent);
    v("model", model);
  }
};

struct PatchModelRequest {
  std::string name, update_mask;
  Model model;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("updateMask", update_mask);
    v("model", model);
  }
};

struct CreateVersionRequest {
  std::string parent;
  Version version;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("parent", parent);
    v("version", version);
  }
};

struct PatchVersionRequest {
  std::string name, update_mask;
  Version version;
  template <class Visitor>
  void Fields(Visitor& v) {
    v("name", name);
    v("updateMask", update_mask);
    v("version", version);
  }
};

class ModelService {
 public:
  ModelService(Context& context, Replicas& replicas);

  // Brings back what the store says: replicas and routes of ready versions, unfinished operations.
  void Resume();

  Model CreateModel(const CreateModelRequest& request);
  Model GetModel(const NamedRequest& request);
  std::vector<Model> ListModels(const ParentRequest& request);
  Operation DeleteModel(const NamedRequest& request);
  Operation PatchModel(const PatchModelRequest& request);

  Operation CreateVersion(const CreateVersionRequest& request);
  Version GetVersion(const NamedRequest& request);
  std::vector<Version> ListVersions(const ParentRequest& request);
  Operation DeleteVersion(const NamedRequest& request);
  Operation PatchVersion(const PatchVersionRequest& request);
  Version SetDefault(const NamedRequest& request);

  Operation GetOperation(const NamedRequest& request);
  std::vector<Operation> ListOperations(const NamedRequest& request);
  Empty CancelOperation(const NamedRequest& request);

  void AddRoutes(http::Router* router);

 private:
  void WaitOperation(const http::Request& request, const http::Reply& reply);
  Operation NewOperation(const std::string& type, const std::string& name, const Version* version) const;
  // Records an operation that is already done.
  Operation Done(Operation operation, Json response = Json::object());
  // The work of CreateVersion; runs on a worker thread.
  void Deploy(const std::string& operation, const std::string& version);
  void CopyModel(const Version& version, const std::string& directory) const;
  Model WithDefault(const std::string& name, Model model);
  std::string ModelDirectory(const std::string& version) const;

  Context& context_;
  Replicas& replicas_;
  Collection<Model> models_;  // default_version holds a name only
  Collection<Version> versions_;
  Collection<Operation> operations_;
};

}  // namespace headrace::engine
