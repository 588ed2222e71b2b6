// tf.train.Saver, checkpoints, event files and records.
#include "headrace/saver.h"

#include "bind.h"
#include "casters.h"
#include "formats/checkpoint.h"
#include "formats/event_file.h"
#include "formats/graph_def.h"
#include "formats/tf_record.h"

namespace headrace::python {
namespace {

std::vector<std::shared_ptr<Variable>> VariablesOf(nb::handle list) {
  std::vector<std::shared_ptr<Variable>> variables;
  for (nb::handle variable : list) variables.push_back(nb::cast<std::shared_ptr<Variable>>(variable));
  return variables;
}

std::map<std::string, std::shared_ptr<Variable>> VariablesByName(nb::handle dict) {
  std::map<std::string, std::shared_ptr<Variable>> variables;
  for (auto [name, variable] : nb::borrow<nb::dict>(dict)) {
    variables[nb::cast<std::string>(name)] = nb::cast<std::shared_ptr<Variable>>(variable);
  }
  return variables;
}

std::string_view View(const nb::bytes& bytes) {
  return {bytes.c_str(), bytes.size()};
}

void BindSaver(nb::module_& m) {
  nb::class_<Saver>(m, "NativeSaver")
      .def(nb::new_([](nb::handle variables, int max_to_keep, double every_n_hours, const std::string& name,
                       bool allow_empty, bool reshape, bool pad_step_number) {
        return AsValueError([&] {
          const bool named = PyDict_Check(variables.ptr());
          const auto list = named ? std::vector<std::shared_ptr<Variable>>() : VariablesOf(variables);
          const auto names = named ? VariablesByName(variables) : std::map<std::string, std::shared_ptr<Variable>>();
          return std::make_shared<Saver>(SaverOptions{.variables = list,
                                                      .names = names,
                                                      .reshape = reshape,
                                                      .pad_step_number = pad_step_number,
                                                      .max_to_keep = max_to_keep,
                                                      .keep_checkpoint_every_n_hours = every_n_hours,
                                                      .name = name,
                                                      .allow_empty = allow_empty});
        });
      }))
      .def(
          "save",
          [](Saver& self, Session& session, const std::string& prefix, nb::handle step, bool write_meta_graph,
             const std::string& latest_filename, bool write_state) {
            std::optional<int64_t> number;
            if (!step.is_none()) number = nb::cast<int64_t>(step);
            nb::gil_scoped_release release;
            return self.Save(session, prefix, number, write_meta_graph, latest_filename, write_state);
          },
          nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg())
      .def("restore",
           [](const Saver& self, Session& session, const std::string& prefix) {
             nb::gil_scoped_release release;
             self.Restore(session, prefix);
           })
      .def("recover_last_checkpoints", &Saver::RecoverLastCheckpoints)
      .def_prop_ro("last_checkpoints", &Saver::last_checkpoints);
}

void BindCheckpoints(nb::module_& m) {
  nb::class_<CheckpointReader>(m, "CheckpointReader")
      .def(nb::init<const std::string&>())
      .def("has_tensor", &CheckpointReader::Has)
      .def("get_tensor", [](const CheckpointReader& self, const std::string& name) { return self.Read(name); })
      .def("variables", [](const CheckpointReader& self) {
        nb::dict variables;
        for (const auto& [name, info] : self.Variables()) {
          nb::list shape;
          for (int64_t size : info.shape) shape.append(nb::int_(size));
          variables[name.c_str()] = nb::make_tuple(DTypeToPython(info.dtype), shape);
        }
        return variables;
      });
  m.def("latest_checkpoint", &LatestCheckpoint);
  m.def("checkpoint_exists", &CheckpointExists);
  m.def("remove_checkpoint", &RemoveCheckpoint);
  m.def("checkpoint_state", [](const std::string& directory, const std::string& file_name) -> nb::object {
    auto state = ReadCheckpointState(directory, file_name);
    return state ? nb::object(nb::make_tuple(state->latest, nb::cast(state->all))) : nb::none();
  });
  m.def("write_checkpoint_state", [](const std::string& directory, const std::string& latest,
                                     std::vector<std::string> all, const std::string& file_name) {
    WriteCheckpointState(directory, {.latest = latest, .all = std::move(all)}, file_name);
  });
}

void BindRecords(nb::module_& m) {
  nb::class_<EventWriter>(m, "EventWriter")
      .def(nb::init<const std::string&, const std::string&>())
      .def("add_summary",
           [](EventWriter& self, nb::bytes summary, int64_t step) { self.AddSummary(View(summary), step); })
      .def("add_scalar", &EventWriter::AddScalar)
      .def("add_graph", [](EventWriter& self, std::shared_ptr<Graph> graph) { self.AddGraph(*graph); })
      .def("add_session_log",
           [](EventWriter& self, int status, int64_t step, const std::string& path) {
             self.AddSessionLog(static_cast<SessionStatus>(status), step, path);
           })
      .def("add_event", [](EventWriter& self, nb::bytes event) { self.AddEvent(View(event)); })
      .def("flush", &EventWriter::Flush, nb::call_guard<nb::gil_scoped_release>())
      .def("close", &EventWriter::Close, nb::call_guard<nb::gil_scoped_release>())
      .def_prop_ro("path", &EventWriter::path);
  nb::class_<EventRecord>(m, "EventRecord")
      .def_ro("wall_time", &EventRecord::wall_time)
      .def_ro("step", &EventRecord::step)
      .def_ro("scalars", &EventRecord::scalars)
      .def_ro("file_version", &EventRecord::file_version)
      .def_prop_ro("summary", [](const EventRecord& e) { return nb::bytes(e.summary.data(), e.summary.size()); });
  m.def("read_events", &ReadEvents);
  nb::class_<RecordWriter>(m, "RecordWriter")
      .def("__init__", [](RecordWriter* self, const std::string& path) { new (self) RecordWriter(path); })
      .def("write", [](RecordWriter& self, nb::bytes record) { self.Write(View(record)); })
      .def("flush", &RecordWriter::Flush)
      .def("close", &RecordWriter::Close);
  nb::class_<RecordReader>(m, "RecordReader")
      .def("__init__", [](RecordReader* self, const std::string& path) { new (self) RecordReader(path); })
      .def("next", [](RecordReader& self) -> nb::object {
        std::string record;
        return self.Next(record) ? nb::object(nb::bytes(record.data(), record.size())) : nb::none();
      });
  m.def("serialize_graph", [](std::shared_ptr<Graph> graph, bool as_text) {
    std::string bytes = as_text ? GraphToText(*graph) : SerializeGraph(*graph);
    return nb::bytes(bytes.data(), bytes.size());
  });
  m.def("import_graph_def", [](nb::bytes graph_def, const std::string& prefix, nb::dict input_map,
                               std::vector<std::string> return_elements) {
    ImportOptions options{.prefix = prefix, .return_elements = std::move(return_elements)};
    for (auto [name, tensor] : input_map) {
      options.input_map.emplace(nb::cast<std::string>(name), OutputFromPython(tensor));
    }
    return AsValueError([&] { return OutputsToPython(ImportGraphDef(Graph::Current(), View(graph_def), options)); });
  });
  m.def("scalar_summary", [](const std::string& tag, float value) {
    std::string bytes = ScalarSummary(tag, value);
    return nb::bytes(bytes.data(), bytes.size());
  });
}

}  // namespace

void BindFormats(nb::module_& m) {
  BindSaver(m);
  BindCheckpoints(m);
  BindRecords(m);
}

}  // namespace headrace::python
