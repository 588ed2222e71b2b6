// tf.Graph, tf.Operation, tf.Tensor and the scopes on a graph.
#include "headrace/graph.h"

#include "bind.h"
#include "casters.h"
#include "eager.h"
#include "formats/graph_def.h"
#include "formats/saved_model.h"
#include "graph/node_rules.h"
#include "headrace/op.h"

namespace headrace::python {
namespace {

// A C++ scope as a Python context manager: made on __enter__, undone on __exit__.
template <class Scope>
class Context {
 public:
  using Make = std::function<std::unique_ptr<Scope>()>;
  explicit Context(Make make) : make_(std::move(make)) {}
  Context(Context&&) noexcept = default;
  Scope& Enter() {
    scopes_.push_back(make_());
    return *scopes_.back();
  }
  void Exit() { scopes_.pop_back(); }

 private:
  Make make_;
  std::vector<std::unique_ptr<Scope>> scopes_;
};

struct DeviceScope {
  DeviceScope(std::shared_ptr<Graph> graph, std::string device) : graph(std::move(graph)) {
    saved = std::exchange(this->graph->current_device(), std::move(device));
  }
  ~DeviceScope() { graph->current_device() = saved; }
  std::shared_ptr<Graph> graph;
  std::string saved;
};

// Any Python object in a collection.
class PythonItem : public Object {
 public:
  explicit PythonItem(nb::handle object) : object(object) {}
  std::string DebugString() const override { return "a Python object"; }
  Kept object;
};

// What Python keeps with a graph: it lives as long as the graph, while tf.Graph objects come and go.
struct PythonState {
  std::optional<Kept> dict;
};

CollectionItem ItemFromPython(nb::handle value) {
  TensorRef* tensor = nullptr;
  if (nb::try_cast(value, tensor, false) && tensor) return OutputOfRef(*tensor);
  OperationRef* operation = nullptr;
  if (nb::try_cast(value, operation, false) && operation) return operation->node;
  std::shared_ptr<Variable> variable;
  if (nb::isinstance<Variable>(value) && nb::try_cast(value, variable, false)) return variable;
  if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
  return std::static_pointer_cast<Object>(std::make_shared<PythonItem>(value));
}

nb::object ItemToPython(const CollectionItem& item) {
  return std::visit(
      [](const auto& v) -> nb::object {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, Output>) {
          return OutputToPython(v);
        } else if constexpr (std::is_same_v<T, Node*>) {
          return NodeToPython(v);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return nb::str(v.c_str());
        } else if constexpr (std::is_same_v<T, std::shared_ptr<Variable>>) {
          return nb::cast(v);
        } else {
          auto held = std::dynamic_pointer_cast<PythonItem>(v);
          return held ? nb::borrow(held->object.get()) : nb::str(v->DebugString().c_str());
        }
      },
      item);
}

// An operation that is about to be added, as device functions and scopes of attributes see it.
void BindDraft(nb::module_& m) {
  nb::class_<NodeSpec>(m, "OperationDraft", nb::dynamic_attr())
      .def_ro("name", &NodeSpec::name)
      .def_ro("type", &NodeSpec::op)
      .def_prop_ro("inputs", [](const NodeSpec& spec) { return OutputsToPython(spec.inputs); })
      .def_prop_ro("device", [](const NodeSpec& spec) { return spec.device; })
      .def("_set_device", [](NodeSpec& spec, std::string device) { spec.device = std::move(device); })
      .def_prop_ro("_attr_names",
                   [](const NodeSpec& spec) {
                     nb::list names;
                     for (const OpAttr& attr : OpRegistry::Global().Find(spec.op).attrs) {
                       names.append(nb::str(attr.name.c_str()));
                     }
                     for (const auto& [name, value] : spec.attrs) names.append(nb::str(name.c_str()));
                     return names;
                   })
      .def("get_attr",
           [](const NodeSpec& spec, const std::string& name) -> nb::object {
             if (auto found = spec.attrs.find(name); found != spec.attrs.end()) return AttrToPython(found->second);
             const OpAttr* attr = OpRegistry::Global().Find(spec.op).FindAttr(name);
             if (attr && attr->default_value) return AttrToPython(*attr->default_value);
             throw nb::value_error(
                 internal::Concat("Operation '", spec.name, "' has no attr named '", name, "'.").c_str());
           })
      .def("_set_attr", [](NodeSpec& spec, const std::string& name, nb::handle value, const std::string& type) {
        spec.attrs[name] = AttrFromPython(value, type, spec.name);
      });
}

void BindScopes(nb::module_& m) {
  using GraphContext = Context<GraphScope>;
  using NameContext = Context<NameScope>;
  using ControlContext = Context<ControlDependencies>;
  using DeviceContext = Context<DeviceScope>;
  nb::class_<GraphContext>(m, "GraphContext")
      .def("__enter__",
           [](GraphContext& self) {
             self.Enter();
             return Graph::SharedCurrent();
           })
      .def("__exit__", [](GraphContext& self, nb::args) { self.Exit(); });
  nb::class_<NameContext>(m, "NameContext")
      .def("__enter__", [](NameContext& self) { return self.Enter().name(); })
      .def("__exit__", [](NameContext& self, nb::args) { self.Exit(); });
  nb::class_<ControlContext>(m, "ControlContext")
      .def("__enter__",
           [](nb::handle self) {
             nb::cast<ControlContext&>(self).Enter();
             return nb::borrow(self);
           })
      .def("__exit__", [](ControlContext& self, nb::args) { self.Exit(); });
  nb::class_<DeviceContext>(m, "DeviceContext")
      .def("__enter__",
           [](nb::handle self) {
             nb::cast<DeviceContext&>(self).Enter();
             return nb::borrow(self);
           })
      .def("__exit__", [](DeviceContext& self, nb::args) { self.Exit(); });
  m.def("graph_context", [](std::shared_ptr<Graph> graph) {
    return GraphContext([graph] { return std::make_unique<GraphScope>(*graph); });
  });
  m.def("name_context", [](std::shared_ptr<Graph> graph, std::string name) {
    return NameContext([graph, name] { return std::make_unique<NameScope>(name, *graph); });
  });
  m.def(
      "control_context",
      [](std::shared_ptr<Graph> graph, nb::handle nodes) {
        if (nodes.is_none()) return ControlContext([graph] { return ControlDependencies::Clear(*graph); });
        return ControlContext(
            [graph, list = NodesFromPython(nodes)] { return std::make_unique<ControlDependencies>(list, *graph); });
      },
      nb::arg("graph"), nb::arg("nodes").none());
  m.def("device_context", [](std::shared_ptr<Graph> graph, std::string device) {
    return DeviceContext([graph, device] { return std::make_unique<DeviceScope>(graph, device); });
  });
}

void BindTensor(nb::module_& m) {
  nb::class_<TensorRef>(m, "Tensor", nb::dynamic_attr(), nb::is_weak_referenceable())
      .def_prop_ro("name", [](const TensorRef& t) { return t.output.name(); })
      .def_prop_ro("dtype",
                   [](const TensorRef& t) {
                     return DTypeToPython(t.output.dtype(), t.output.node->output_is_ref(t.output.index));
                   })
      .def_prop_ro("shape", [](const TensorRef& t) { return t.output.shape(); })
      .def_prop_ro("op",
                   [](const TensorRef& t) {
                     return OperationRef{t.output.node, t.graph};
                   })
      .def_prop_ro("graph", [](const TensorRef& t) { return t.graph; })
      .def_prop_ro("device", [](const TensorRef& t) { return t.output.node->device(); })
      .def_prop_ro("value_index", [](const TensorRef& t) { return t.output.index; })
      .def("consumers",
           [](const TensorRef& t) {
             nb::list consumers;
             for (const auto& node : t.output.graph()->nodes()) {
               for (const Output& input : node->inputs()) {
                 if (input == t.output) {
                   consumers.append(NodeToPython(node.get()));
                   break;
                 }
               }
             }
             return consumers;
           })
      .def("set_shape",
           [](const TensorRef& t, PartialShape shape) {
             t.output.node->set_output_shape(t.output.index, t.output.shape().MergeWith(shape));
           })
      .def("__hash__",
           [](const TensorRef& t) {
             return static_cast<Py_hash_t>((reinterpret_cast<uintptr_t>(t.output.node) >> 4) +
                                           uintptr_t{7919} * t.output.index);
           })
      .def(
          "__eq__",
          [](const TensorRef& t, nb::handle other) {
            TensorRef* same = nullptr;
            return nb::try_cast(other, same, false) && same && same->output == t.output;
          },
          nb::arg("other").none());
}

void BindOperation(nb::module_& m) {
  nb::class_<OperationRef>(m, "Operation", nb::dynamic_attr(), nb::is_weak_referenceable())
      .def_prop_ro("name", [](const OperationRef& o) { return o.node->name(); })
      .def_prop_ro("type", [](const OperationRef& o) { return o.node->type(); })
      .def_prop_ro("device", [](const OperationRef& o) { return o.node->device(); })
      .def_prop_ro("graph", [](const OperationRef& o) { return o.graph; })
      .def_prop_ro("inputs", [](const OperationRef& o) { return OutputsToPython(o.node->inputs()); })
      .def_prop_ro("outputs", [](const OperationRef& o) { return OutputsToPython(o.node->outputs()); })
      .def_prop_ro("control_inputs",
                   [](const OperationRef& o) {
                     nb::list list;
                     for (Node* node : o.node->control_inputs()) list.append(NodeToPython(node));
                     return list;
                   })
      .def_prop_ro("_id", [](const OperationRef& o) { return o.node->id(); })
      .def("get_attr",
           [](const OperationRef& o, const std::string& name) {
             if (!o.node->has_attr(name)) {
               throw nb::value_error(
                   internal::Concat("Operation '", o.node->name(), "' has no attr named '", name, "'.").c_str());
             }
             return AttrToPython(o.node->attr(name));
           })
      .def_prop_ro("_attr_names",
                   [](const OperationRef& o) {
                     nb::list names;
                     for (const auto& [name, value] : o.node->attrs()) names.append(nb::str(name.c_str()));
                     return names;
                   })
      .def("_set_attr",
           [](const OperationRef& o, const std::string& name, nb::handle value, const std::string& type) {
             o.node->set_attr(name, AttrFromPython(value, type, o.node->name()));
           })
      .def("_serialized_node",
           [](const OperationRef& o) {
             const std::string bytes = SerializeNode(*o.node);
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def("_serialized_op",
           [](const OperationRef& o) {
             const std::string bytes = SerializeOpDef(o.node->op());
             return nb::bytes(bytes.data(), bytes.size());
           })
      .def("_replace_input", [](const OperationRef& o, int i,
                                nb::handle with) { o.node->graph()->ReplaceInput(o.node, i, OutputFromPython(with)); })
      .def("_remove_all_control_inputs", [](const OperationRef& o) { o.node->graph()->ClearControlInputs(o.node); })
      .def_prop_ro("_input_refs",
                   [](const OperationRef& o) {
                     nb::list refs;
                     for (size_t i = 0; i < o.node->inputs().size(); ++i) {
                       refs.append(o.node->input_is_ref(static_cast<int>(i)));
                     }
                     return refs;
                   })
      .def("_add_control_input",
           [](const OperationRef& o, nb::handle input) {
             o.node->graph()->AddControlInput(o.node, NodeFromPython(input));
           })
      .def("__hash__",
           [](const OperationRef& o) { return static_cast<Py_hash_t>(reinterpret_cast<uintptr_t>(o.node) >> 4); })
      .def(
          "__eq__",
          [](const OperationRef& o, nb::handle other) {
            OperationRef* same = nullptr;
            return nb::try_cast(other, same, false) && same && same->node == o.node;
          },
          nb::arg("other").none());
}

}  // namespace

void BindGraph(nb::module_& m) {
  BindTensor(m);
  BindOperation(m);
  BindDraft(m);
  BindScopes(m);
  nb::class_<Graph>(m, "Graph", nb::dynamic_attr(), nb::is_weak_referenceable())
      .def(nb::new_([] { return std::make_shared<Graph>(); }))
      .def_prop_rw(
          "seed", [](Graph& g) { return g.seed; }, [](Graph& g, std::optional<int64_t> seed) { g.seed = seed; },
          nb::arg("seed").none())
      .def_prop_ro("version", &Graph::version)
      .def_prop_ro("finalized", &Graph::finalized)
      .def_prop_ro("_last_id", &Graph::last_id)
      .def_prop_ro("_state",
                   [](Graph& g) {
                     auto& state = g.Extension<PythonState>();
                     if (!state.dict) state.dict.emplace(nb::dict());
                     return nb::borrow(state.dict->get());
                   })
      .def_prop_ro("_name_scope", [](Graph& g) { return g.name_scope(); })
      .def_prop_ro("_outer", [](Graph& g) { return g.outer() ? g.outer()->weak_from_this().lock() : nullptr; })
      .def("finalize", &Graph::Finalize)
      .def(
          "_call_for_each_new_operation",
          [](Graph& g, nb::handle function) {
            auto& rules = g.Extension<NodeRules>();
            if (function.is_none()) {
              rules.change = nullptr;
            } else {
              rules.change = [held = Kept(function)](NodeSpec& spec) {
                nb::gil_scoped_acquire gil;
                held.get()(nb::cast(&spec, nb::rv_policy::reference));
              };
            }
          },
          nb::arg("function").none())
      .def_prop_ro("_device", [](Graph& g) { return g.current_device(); })
      .def("get_operations",
           [](Graph& g) {
             nb::list list;
             for (const auto& node : g.nodes()) list.append(NodeToPython(node.get()));
             return list;
           })
      .def("_find_operation", [](Graph& g, const std::string& name) { return NodeToPython(g.FindNode(name)); })
      .def("_find_tensor", [](Graph& g, const std::string& name) { return g.FindOutput(name); })
      .def(
          "unique_name",
          [](Graph& g, const std::string& name, bool mark_as_used) { return g.UniqueName(name, mark_as_used); },
          nb::arg("name"), nb::arg("mark_as_used") = true)
      .def(
          "add_to_collection",
          [](Graph& g, const std::string& name, nb::handle value) {
            g.collection(name).push_back(ItemFromPython(value));
          },
          nb::arg("name"), nb::arg("value").none())
      .def("_collection",
           [](Graph& g, const std::string& name) {
             nb::list list;
             auto found = g.collections().find(name);
             if (found == g.collections().end()) return list;
             for (const CollectionItem& item : found->second) list.append(ItemToPython(item));
             return list;
           })
      .def("get_all_collection_keys",
           [](Graph& g) {
             nb::list names;
             for (const auto& [name, items] : g.collections()) {
               if (!items.empty()) names.append(nb::str(name.c_str()));
             }
             return names;
           })
      .def("clear_collection", &Graph::ClearCollection, nb::arg("name"));
  m.def(
      "apply_op",
      [](std::shared_ptr<Graph> graph, const std::string& type, nb::list inputs, nb::dict attrs,
         const std::string& name) {
        const OpDef& op = OpRegistry::Global().Find(type);
        AttrMap values;
        for (auto [key, value] : attrs) {
          const std::string attr_name = nb::cast<std::string>(key);
          const OpAttr* attr = op.FindAttr(attr_name);
          if (attr) values[attr_name] = AttrFromPython(value, attr->type, op.name);
        }
        std::vector<OpArgument> arguments;
        for (nb::handle input : inputs) {
          const bool is_list = PyList_Check(input.ptr()) || PyTuple_Check(input.ptr());
          arguments.push_back(is_list ? OutputsFromPython(input) : OpArgument{OutputFromPython(input)});
        }
        return AsValueError([&] { return NodeToPython(graph->Apply(type, arguments, std::move(values), name)); });
      },
      "Adds an operation whose inputs (one for each argument of the op) are tensors.");
  m.def(
      "serialize_meta_graph",
      [](std::shared_ptr<Graph> graph, bool strip_default_attrs) {
        const std::string bytes = SerializeMetaGraph(*graph, {}, {.strip_default_attrs = strip_default_attrs});
        return nb::bytes(bytes.data(), bytes.size());
      },
      "The graph and its collections as a MetaGraphDef.");
  m.def(
      "import_collections",
      [](std::shared_ptr<Graph> graph, nb::bytes meta_graph, const std::string& prefix) {
        ImportCollections(*graph, std::string_view(meta_graph.c_str(), meta_graph.size()), prefix);
      },
      "Fills the collections of a graph that holds a MetaGraphDef's nodes.");
  m.def(
      "set_conversion",
      [](nb::object function) {
        Py_XDECREF(std::exchange(Skin().convert, function.is_none() ? nullptr : function.release().ptr()));
      },
      nb::arg("function").none(), "What OutputFromPython asks about values that are no tensors.");
  m.def("current_graph", &Graph::SharedCurrent, "The innermost graph in force, else the thread's default graph.");
  m.def("reset_default_graph", &Graph::ResetDefault);
}

}  // namespace headrace::python
