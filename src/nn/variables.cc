// Variables of a graph: the store that get_variable shares them from, the stack of variable scopes, and the nodes that
// make up a variable of either kind (a reference, VariableV2, or a resource, VarHandleOp).
#include "headrace/variables.h"

#include <algorithm>

#include "headrace/eager.h"

namespace headrace {
namespace {

// What a graph remembers for get_variable.
struct VariableStore {
  std::map<std::string, std::shared_ptr<Variable>> variables;  // by full name; a partitioned one by that of the whole
  VariableScopeState scope;
  std::map<const Node*, Constraint> constraints;  // by the variable's handle
  std::map<std::string, int> scope_counts;        // how often each variable scope was opened
};

VariableStore& Store(Graph& graph) {
  return graph.Extension<VariableStore>();
}

Initializer DefaultInitializer(DType dtype, std::string_view name) {
  if (IsFloating(dtype)) return GlorotUniformInitializer();
  if (IsInteger(dtype) || dtype == DType::kBool) return ZerosInitializer();
  throw InvalidArgument("An initializer for variable ", name, " of ", dtype, " is required");
}

void AddToCollections(Graph& graph, const std::shared_ptr<Variable>& variable, std::vector<std::string> collections) {
  if (IsEagerVariable(variable->handle)) return;
  if (variable->trainable && std::ranges::find(collections, keys::kTrainableVariables) == collections.end()) {
    collections.emplace_back(keys::kTrainableVariables);
  }
  for (const std::string& key : collections) graph.collection(key).emplace_back(variable);
}

void AddReferenceNodes(Graph& graph, const std::string& scope, Variable* variable) {
  const DType dtype = variable->initial_value.dtype();
  variable->handle = ApplyOp("VariableV2", {}, {{"shape", variable->initial_value.shape()}, {"dtype", dtype}}, scope);
  variable->initializer = graph.Apply("Assign", {{variable->handle}, {variable->initial_value}}, {}, "Assign");
  variable->value = ApplyOp("Identity", {{variable->handle}}, {}, "read");
}

void AddResourceNodes(Graph& graph, const std::string& scope, Variable* variable) {
  const DType dtype = variable->initial_value.dtype();
  variable->handle =
      ApplyOp("VarHandleOp", {},
              {{"shape", variable->initial_value.shape()}, {"dtype", dtype}, {"shared_name", variable->name}}, scope);
  {
    NameScope checks("IsInitialized");
    graph.Apply("VarIsInitializedOp", {{variable->handle}});
  }
  variable->initializer =
      graph.Apply("AssignVariableOp", {{variable->handle}, {variable->initial_value}}, {}, "Assign");
  NameScope reads("Read");
  variable->value = ApplyOp("ReadVariableOp", {{variable->handle}}, {{"dtype", dtype}});
}

// A variable of eager execution: nobody initialises it later, and it lives as long as somebody has it.
std::shared_ptr<Variable> MakeEagerVariable(Output initial_value, const std::string& name, bool trainable) {
  auto [home, handle] = NewEagerVariable(name, initial_value.dtype(), initial_value.shape(), trainable);
  Graph::Current().Apply("AssignVariableOp", {{handle}, {initial_value}});
  Variable variable;
  variable.name = name;
  variable.trainable = trainable;
  variable.handle = handle;
  {
    GraphScope scope(*home);
    variable.value = ApplyOp("ReadVariableOp", {{handle}}, {{"dtype", initial_value.dtype()}}, "Read");
  }
  struct Held {  // the variable's nodes end with it
    std::shared_ptr<Graph> home;
    Variable variable;
  };
  auto held = std::make_shared<Held>(Held{std::move(home), std::move(variable)});
  return {held, &held->variable};
}

// All nodes of a variable. `initial_value` is called in the scope "NAME/Initializer", or not in a scope of its own.
std::shared_ptr<Variable> BuildVariable(const std::function<Output()>& initial_value, bool initializer_scope,
                                        std::string_view name, bool use_resource, bool trainable) {
  Graph& graph = Graph::Current();
  const auto no_dependencies = ControlDependencies::Clear(graph);
  if (ExecutingEagerly()) return MakeEagerVariable(initial_value(), graph.name_scope() + std::string(name), trainable);
  NameScope scope(name, graph);
  auto variable = std::make_shared<Variable>();
  variable->name = scope.name().substr(0, scope.name().size() - 1);
  variable->trainable = trainable;
  if (initializer_scope) {
    NameScope initializer("Initializer", graph);
    variable->initial_value = initial_value();
  } else {
    variable->initial_value = initial_value();
  }
  use_resource ? AddResourceNodes(graph, scope.name(), variable.get())
               : AddReferenceNodes(graph, scope.name(), variable.get());
  return variable;
}

void CheckShared(const Variable& variable, const std::string& name, const Shape& shape, std::optional<DType> dtype) {
  if (!variable.shape().IsCompatibleWith(shape)) {
    throw InvalidArgument("Trying to share variable ", name, ", but specified shape ", shape, " and found shape ",
                          variable.shape(), ".");
  }
  if (dtype && *dtype != variable.dtype()) {
    throw InvalidArgument("Trying to share variable ", name, ", but specified dtype ", *dtype, " and found dtype ",
                          variable.dtype(), ".");
  }
}

std::shared_ptr<Variable> MakeOutsideStore(const std::function<Output()>& initial_value, bool initializer_scope,
                                           std::string_view name, const VariableOptions& options) {
  Graph& graph = Graph::Current();
  auto variable = BuildVariable(initial_value, initializer_scope, name,
                                options.use_resource.value_or(Store(graph).scope.use_resource), options.trainable);
  if (options.constraint) Store(graph).constraints[variable->handle.node] = options.constraint;
  AddToCollections(graph, variable, options.collections);
  return variable;
}

// The variable that get_variable's store has under this name, if it may be shared; nullptr if there is none.
std::shared_ptr<Variable> FindShared(VariableStore& store, const std::string& full_name, Reuse reuse) {
  const auto found = store.variables.find(full_name);
  if (found == store.variables.end()) {
    if (reuse != Reuse::kYes || ExecutingEagerly()) return nullptr;
    throw InvalidArgument("Variable ", full_name,
                          " does not exist, or was not created with tf.get_variable(). Did you mean to set "
                          "reuse=tf.AUTO_REUSE in VarScope?");
  }
  if (reuse == Reuse::kNo) {
    throw InvalidArgument("Variable ", full_name,
                          " already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
                          "VarScope?");
  }
  return found->second;
}

std::string FullName(const VariableScopeState& scope, std::string_view name) {
  return scope.name.empty() ? std::string(name) : scope.name + "/" + std::string(name);
}

}  // namespace

Partitioner MinMaxPartitioner(int64_t max_partitions, int64_t min_slice_bytes) {
  if (max_partitions < 1) throw InvalidArgument("max_partitions must be positive, got ", max_partitions);
  if (min_slice_bytes < 1) throw InvalidArgument("min_slice_size must be positive, got ", min_slice_bytes);
  return [=](const Shape& shape, DType dtype) {
    std::vector<int64_t> parts(shape.rank(), 1);
    if (parts.empty()) return parts;
    const int64_t element_bytes = dtype == DType::kString ? 16 : static_cast<int64_t>(SizeOf(dtype));
    const int64_t wanted = std::max<int64_t>(1, shape.num_elements() * element_bytes / min_slice_bytes);
    parts[0] = std::max<int64_t>(1, std::min({max_partitions, shape[0], wanted}));
    return parts;
  };
}

std::shared_ptr<Variable> GetVariable(std::string_view name, const Shape& shape, const VariableOptions& options) {
  Graph& graph = Graph::Current();
  VariableStore& store = Store(graph);
  const VariableScopeState& scope = store.scope;
  const std::string full_name = FullName(scope, name);
  if (const auto shared = FindShared(store, full_name, options.reuse.value_or(scope.reuse))) {
    CheckShared(*shared, full_name, shape, options.dtype);
    return shared;
  }

  const DType dtype = options.dtype.value_or(scope.dtype);
  Initializer initializer = options.initializer ? options.initializer : scope.initializer;
  if (!initializer) initializer = DefaultInitializer(dtype, full_name);
  const Partitioner& partitioner = options.partitioner ? options.partitioner : scope.partitioner;
  const bool partitioned = partitioner && shape.rank() > 0;
  if (partitioned) {
    const std::vector<int64_t> parts = partitioner(shape, dtype);
    if (std::ranges::any_of(parts, [](int64_t count) { return count != 1; })) {
      throw Unimplemented("the partitioner cuts variable ", full_name,
                          " into several parts; on a single machine a variable has one part");
    }
  }

  NameScope root("", graph);
  auto variable =
      BuildVariable([&] { return initializer(shape, dtype); }, true, partitioned ? full_name + "/part_0" : full_name,
                    options.use_resource.value_or(scope.use_resource), options.trainable);
  if (partitioned) {
    variable->save_name = full_name;
    variable->slice_begin.assign(shape.rank(), 0);
    variable->slice_full_shape.assign(shape.begin(), shape.end());
  }
  if (IsEagerVariable(variable->handle)) return variable;  // neither shared nor collected; losses are of the moment
  store.variables[full_name] = variable;
  if (const Constraint& constraint = options.constraint ? options.constraint : scope.constraint) {
    store.constraints[variable->handle.node] = constraint;
  }
  AddToCollections(graph, variable, options.collections);

  if (const Regularizer& regularizer = options.regularizer ? options.regularizer : scope.regularizer) {
    NameScope losses(variable->name + "/Regularizer/", graph);
    if (const Output loss = regularizer(ReadVariable(*variable))) {
      graph.collection(keys::kRegularizationLosses).emplace_back(loss);
    }
  }
  return variable;
}

std::shared_ptr<Variable> GetExistingVariable(std::string_view name, const VariableOptions& options) {
  VariableStore& store = Store(Graph::Current());
  const std::string full_name = FullName(store.scope, name);
  const auto shared = FindShared(store, full_name, options.reuse.value_or(store.scope.reuse));
  if (!shared) {
    throw InvalidArgument("Shape of a new variable (", full_name,
                          ") must be fully defined, but instead was <unknown>. Give its shape, or a value as "
                          "initializer.");
  }
  CheckShared(*shared, full_name, shared->shape().ToShape(), options.dtype);
  return shared;
}

Constraint ConstraintOf(const Variable& variable) {
  const auto& constraints = Store(*variable.handle.graph()).constraints;
  const auto found = constraints.find(variable.handle.node);
  return found == constraints.end() ? Constraint() : found->second;
}

std::shared_ptr<Variable> MakeVariable(Output initial_value, std::string_view name, const VariableOptions& options) {
  return MakeOutsideStore([&] { return initial_value; }, false, name, options);
}

std::shared_ptr<Variable> MakeVariable(const Tensor& initial_value, std::string_view name,
                                       const VariableOptions& options) {
  return MakeOutsideStore([&] { return Constant(initial_value, "initial_value"); }, false, name, options);
}

std::shared_ptr<Variable> MakeVariable(const std::function<Output()>& initial_value, std::string_view name,
                                       const VariableOptions& options, bool initializer_scope) {
  return MakeOutsideStore(initial_value, initializer_scope, name, options);
}

Output ReadVariable(const Variable& variable) {
  if (!variable.is_resource() && variable.save_name.empty()) return variable.value;
  const AttrMap attrs = {{"dtype", variable.dtype()}};
  if (variable.save_name.empty()) return ApplyOp("ReadVariableOp", {{variable.handle}}, attrs);
  NameScope root("");
  NameScope whole(variable.save_name);
  const Output part = variable.is_resource() ? ApplyOp("ReadVariableOp", {{variable.handle}}, attrs) : variable.value;
  return ApplyOp("Identity", {{part}}, {}, whole.name());
}

Node* AssignVariable(const Variable& variable, Output value, std::string_view name) {
  return Graph::Current().Apply(variable.is_resource() ? "AssignVariableOp" : "Assign", {{variable.handle}, {value}},
                                {}, name);
}

// ------------------------------------------------------------------------------------------------------------ scopes

void VariableScope::Enter(std::string full_name, const VariableScopeState& base, const VariableScopeOptions& options) {
  VariableStore& store = Store(*graph_);
  state_ = base;
  state_.name = std::move(full_name);
  if (options.reuse && *options.reuse != Reuse::kNo) state_.reuse = *options.reuse;
  if (options.initializer) state_.initializer = options.initializer;
  if (options.regularizer) state_.regularizer = options.regularizer;
  if (options.partitioner) state_.partitioner = options.partitioner;
  if (options.constraint) state_.constraint = options.constraint;
  if (options.use_resource) state_.use_resource = *options.use_resource;
  if (options.dtype) state_.dtype = *options.dtype;
  outer_ = store.scope;
  store.scope = state_;
  ++store.scope_counts[state_.name];
}

VariableScope::VariableScope(std::string_view name, const VariableScopeOptions& options) : graph_(&Graph::Current()) {
  const VariableScopeState& outer = Store(*graph_).scope;
  if (options.name_scope) name_scope_ = std::make_unique<NameScope>(name, *graph_);
  VariableScopeState base = outer;
  base.original_name_scope = graph_->name_scope();
  Enter(outer.name.empty() ? std::string(name) : outer.name + "/" + std::string(name), base, options);
}

VariableScope::VariableScope(const VariableScopeState& scope, const VariableScopeOptions& options)
    : graph_(&Graph::Current()), outer_counts_(Store(*graph_).scope_counts) {
  if (options.name_scope && !scope.name.empty()) {
    name_scope_ = std::make_unique<NameScope>(scope.name.substr(scope.name.rfind('/') + 1), *graph_);
  }
  Enter(scope.name, scope, options);
}

std::unique_ptr<VariableScope> VariableScope::Unique(std::string_view default_name,
                                                     const VariableScopeOptions& options) {
  VariableStore& store = Store(Graph::Current());
  const std::string prefix = store.scope.name.empty() ? "" : store.scope.name + "/";
  auto scope = std::unique_ptr<VariableScope>(new VariableScope());
  scope->graph_ = &Graph::Current();
  if (options.name_scope) scope->name_scope_ = std::make_unique<NameScope>(default_name, *scope->graph_);
  std::string name = prefix + std::string(default_name);
  const auto opened = [&](const std::string& candidate) {
    const auto found = store.scope_counts.find(candidate);
    return found != store.scope_counts.end() && found->second > 0;
  };
  for (int i = 1; opened(name); ++i) name = prefix + std::string(default_name) + "_" + std::to_string(i);
  VariableScopeState base = store.scope;
  base.original_name_scope = scope->graph_->name_scope();
  scope->Enter(name, base, options);
  return scope;
}

VariableScope::~VariableScope() {
  VariableStore& store = Store(*graph_);
  if (outer_counts_) {
    store.scope_counts = std::move(*outer_counts_);
  } else {  // scopes below this one may be opened afresh when it is opened again
    const std::string prefix = state_.name.empty() ? "" : state_.name + "/";
    for (auto& [name, count] : store.scope_counts) {
      if (name.starts_with(prefix)) count = 0;
    }
  }
  store.scope = outer_;
}

VariableScopeState& VariableScope::Current() {
  return Store(Graph::Current()).scope;
}

// ------------------------------------------------------------------------------------------- groups of initializers

Node* Group(const std::vector<Node*>& nodes, std::string_view name) {
  Graph& graph = Graph::Current();
  ControlDependencies after(nodes, graph);
  return graph.Apply("NoOp", {}, {}, name);
}

Node* VariablesInitializer(const std::vector<std::shared_ptr<Variable>>& variables, std::string_view name) {
  std::vector<Node*> initializers;
  for (const auto& variable : variables) initializers.push_back(variable->initializer);
  return Group(initializers, name);
}

Node* GlobalVariablesInitializer() {
  return VariablesInitializer(Graph::Current().variables());
}

Node* LocalVariablesInitializer() {
  return VariablesInitializer(Graph::Current().variables(keys::kLocalVariables));
}

// ------------------------------------------------------------------------------------------------------- global step

std::shared_ptr<Variable> GetGlobalStep() {
  const auto steps = Graph::Current().variables(keys::kGlobalStep);
  if (steps.size() > 1) throw FailedPrecondition("Multiple tensors in global_step collection.");
  return steps.empty() ? nullptr : steps.front();
}

std::shared_ptr<Variable> GetOrCreateGlobalStep() {
  if (auto step = GetGlobalStep()) return step;
  Graph& graph = Graph::Current();
  // Outside of whatever scopes are open, as 1.15 has it.
  VariableScope root(VariableScopeState{});
  NameScope root_names("", graph);
  return GetVariable("global_step", {},
                     {.dtype = DType::kInt64,
                      .initializer = ZerosInitializer(),
                      .trainable = false,
                      .collections = {keys::kGlobalVariables, keys::kGlobalStep}});
}

}  // namespace headrace
