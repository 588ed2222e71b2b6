// tf.estimator: model and input functions of Python around the library's loops, which run without the GIL.
#include "headrace/estimator.h"

#include <csignal>

#include "bind.h"
#include "casters.h"
#include "data.h"
#include "estimator.h"
#include "headrace/log.h"
#include "hooks.h"

namespace headrace::python {
namespace {

nb::object Skin(const char* name) {
  return nb::module_::import_("headrace.estimator").attr(name);
}

nb::object FeaturesToPython(const Features& features) {
  if (features.empty()) return nb::none();
  if (features.size() == 1 && features.sparse().empty() && features.contains(""))
    return OutputToPython(features.at(""));
  nb::dict by_name;
  for (const auto& [name, tensor] : features) by_name[name.c_str()] = OutputToPython(tensor);
  nb::object sparse = nb::module_::import_("headrace.framework").attr("SparseTensor");
  for (const auto& [name, tensor] : features.sparse()) {
    by_name[name.c_str()] =
        sparse(OutputToPython(tensor.indices), OutputToPython(tensor.values), OutputToPython(tensor.dense_shape));
  }
  return by_name;
}

// A dict of tensors, or one tensor under the name "".
Features FeaturesFromPython(nb::handle value) {
  Features features;
  if (value.is_none()) return features;
  if (!PyDict_Check(value.ptr())) {
    features.Set("", OutputFromPython(value));
    return features;
  }
  for (auto [name, tensor] : nb::borrow<nb::dict>(value)) {
    const auto key = nb::cast<std::string>(name);
    if (PyObject_HasAttrString(tensor.ptr(), "dense_shape")) {
      features.Set(key, SparseTensor{OutputFromPython(tensor.attr("indices")), OutputFromPython(tensor.attr("values")),
                                     OutputFromPython(tensor.attr("dense_shape"))});
    } else {
      features.Set(key, OutputFromPython(tensor));
    }
  }
  return features;
}

std::map<std::string, Output> OutputsByName(nb::handle value) {
  std::map<std::string, Output> outputs;
  for (const auto& [name, tensor] : FeaturesFromPython(value)) outputs.emplace(name.empty() ? "output" : name, tensor);
  return outputs;
}

ExportOutput ExportOutputFromPython(nb::handle value) {
  std::string kind = nb::cast<std::string>(value.attr("kind"));
  if (kind == "regression") return ExportOutput::Regression(OutputFromPython(value.attr("value")));
  if (kind == "predict") return ExportOutput::Predict(OutputsByName(value.attr("outputs")));
  nb::object scores = value.attr("scores"), classes = value.attr("classes");
  return ExportOutput::Classification(scores.is_none() ? Output() : OutputFromPython(scores),
                                      classes.is_none() ? Output() : OutputFromPython(classes));
}

Scaffold ScaffoldFromPython(nb::handle value) {
  Scaffold scaffold;
  if (value.is_none()) return scaffold;
  if (nb::object saver = value.attr("_native_saver"); !saver.is_none()) {
    scaffold.saver = nb::cast<std::shared_ptr<Saver>>(saver);
  }
  if (nb::object op = value.attr("summary_op"); !op.is_none()) scaffold.summary = OutputFromPython(op);
  if (nb::object op = value.attr("init_op"); !op.is_none()) scaffold.init = NodeFromPython(op);
  if (nb::object op = value.attr("local_init_op"); !op.is_none()) scaffold.local_init = NodeFromPython(op);
  if (nb::object init = value.attr("_session_init_fn"); !init.is_none()) {
    scaffold.init_fn = [kept = Kept(init)](Session& session) {
      nb::gil_scoped_acquire gil;
      nb::borrow(kept.get())(SessionToPython(session));
    };
  }
  return scaffold;
}

void AddMetrics(nb::handle metrics, std::map<std::string, Metric>* result) {
  if (metrics.is_none()) return;
  for (auto [name, pair] : nb::borrow<nb::dict>(metrics)) {
    Output update = nb::isinstance<OperationRef>(pair[1]) ? OutputFromPython(pair[0]) : OutputFromPython(pair[1]);
    (*result)[nb::cast<std::string>(name)] = Metric{OutputFromPython(pair[0]), update};
  }
}

Mode ModeFromPython(const std::string& mode) {
  return mode == "train" ? Mode::kTrain : mode == "eval" ? Mode::kEval : Mode::kPredict;
}

nb::object PredictionsToPython(const EstimatorSpec& spec) {
  if (spec.predictions.empty()) return nb::none();
  if (spec.predictions.size() == 1 && spec.predictions[0].first.empty()) {
    return OutputToPython(spec.predictions[0].second);
  }
  nb::dict by_name;
  for (const auto& [name, tensor] : spec.predictions) by_name[name.c_str()] = OutputToPython(tensor);
  return by_name;
}

EstimatorSpec SpecFromPython(nb::handle value, Mode mode) {
  EstimatorSpec spec{.mode = mode};
  if (nb::object predictions = value.attr("predictions"); !predictions.is_none()) {
    for (const auto& [name, tensor] : FeaturesFromPython(predictions)) spec.predictions.emplace_back(name, tensor);
  }
  if (nb::object loss = value.attr("loss"); !loss.is_none()) spec.loss = OutputFromPython(loss);
  if (nb::object train_op = value.attr("train_op"); !train_op.is_none()) spec.train_op = NodeFromPython(train_op);
  AddMetrics(value.attr("eval_metric_ops"), &spec.eval_metrics);
  if (nb::object exports = value.attr("export_outputs"); !exports.is_none()) {
    for (auto [name, output] : nb::borrow<nb::dict>(exports)) {
      spec.export_outputs[nb::cast<std::string>(name)] = ExportOutputFromPython(output);
    }
  }
  spec.training_chief_hooks = HooksFromPython(value.attr("training_chief_hooks"));
  spec.training_hooks = HooksFromPython(value.attr("training_hooks"));
  spec.evaluation_hooks = HooksFromPython(value.attr("evaluation_hooks"));
  spec.prediction_hooks = HooksFromPython(value.attr("prediction_hooks"));
  spec.scaffold = ScaffoldFromPython(value.attr("scaffold"));
  return spec;
}

nb::object ExportOutputToPython(const ExportOutput& output) {
  if (output.kind == ExportOutput::Kind::kRegression) return Skin("RegressionOutput")(OutputToPython(output.value));
  if (output.kind == ExportOutput::Kind::kClassification) {
    return Skin("ClassificationOutput")(OutputToPython(output.scores), OutputToPython(output.classes));
  }
  nb::dict outputs;
  for (const auto& [name, tensor] : output.outputs) outputs[name.c_str()] = OutputToPython(tensor);
  return Skin("PredictOutput")(outputs);
}

// What a model function of C++ built, for Python to read or to change with `_replace`; such ones set neither hooks nor
// a scaffold.
nb::object SpecToPython(const EstimatorSpec& spec) {
  nb::dict fields, metrics, exports;
  for (const auto& [name, metric] : spec.eval_metrics) {
    metrics[name.c_str()] = nb::make_tuple(OutputToPython(metric.value), OutputToPython(metric.update));
  }
  for (const auto& [name, output] : spec.export_outputs) exports[name.c_str()] = ExportOutputToPython(output);
  fields["mode"] = ModeName(spec.mode);
  fields["predictions"] = PredictionsToPython(spec);
  fields["loss"] = OutputToPython(spec.loss);
  fields["train_op"] = NodeToPython(spec.train_op);
  fields["eval_metric_ops"] = metrics;
  fields["export_outputs"] = exports;
  return Skin("EstimatorSpec")(**fields);
}

ModelFn ModelFnFromPython(nb::handle model_fn) {
  return [kept = Kept(model_fn)](const Features& features, const Features& labels, const ModelContext& context) {
    nb::gil_scoped_acquire gil;
    nb::object spec = nb::borrow(kept.get())(FeaturesToPython(features), FeaturesToPython(labels),
                                             std::string(ModeName(context.mode)));
    return SpecFromPython(spec, context.mode);
  };
}

// `input_fn` gives a dataset, (features, labels) or features.
InputFn InputFnFromPython(nb::handle input_fn) {
  return [kept = Kept(input_fn)]() -> Input {
    nb::gil_scoped_acquire gil;
    nb::object input = nb::borrow(kept.get())();
    nb::object native = nb::getattr(input, "_native", nb::none());
    Dataset* dataset = nullptr;
    if (nb::try_cast(native, dataset, false) && dataset) return *dataset;
    if (PyTuple_Check(input.ptr()) || PyList_Check(input.ptr())) {
      if (nb::len(input) != 2) {
        throw nb::value_error(
            internal::Concat("input_fn should return (features, labels) as a len 2 tuple, got ", nb::len(input))
                .c_str());
      }
      return Input(FeaturesFromPython(input[0]), FeaturesFromPython(input[1]));
    }
    return Input(FeaturesFromPython(input));
  };
}

ServingInputFn ServingInputFnFromPython(nb::handle function) {
  return [kept = Kept(function)] {
    nb::gil_scoped_acquire gil;
    nb::object receiver = nb::borrow(kept.get())();
    return ServingInput{FeaturesFromPython(receiver.attr("features")),
                        FeaturesFromPython(receiver.attr("receiver_tensors"))};
  };
}

std::optional<int64_t> OptionalInt(nb::handle value) {
  return value.is_none() ? std::optional<int64_t>() : nb::cast<int64_t>(value);
}

std::string OptionalText(nb::handle value) {
  return value.is_none() ? std::string() : nb::cast<std::string>(nb::str(value));
}

nb::dict TensorsToPython(const std::map<std::string, Tensor>& tensors) {
  nb::dict result;
  for (const auto& [name, value] : tensors) result[name.c_str()] = ToPython(value);
  return result;
}

std::map<std::string, Tensor> TensorsFromPython(nb::handle tensors) {
  std::map<std::string, Tensor> result;
  for (auto [name, value] : nb::borrow<nb::dict>(tensors)) {
    result.emplace(nb::cast<std::string>(name), ToTensor(value));
  }
  return result;
}

std::map<std::string, std::string> TextsFromPython(nb::handle texts) {
  std::map<std::string, std::string> result;
  if (texts.is_none()) return result;
  for (auto [name, value] : nb::borrow<nb::dict>(texts)) {
    result.emplace(nb::cast<std::string>(name), nb::cast<std::string>(value));
  }
  return result;
}

// An exporter written in Python; `estimator` is the skin's estimator that it is given.
class PythonExporter : public Exporter {
 public:
  PythonExporter(nb::handle exporter, nb::handle estimator) : exporter_(exporter), estimator_(estimator) {
    name_ = nb::cast<std::string>(exporter.attr("name"));
  }
  std::string name() const override { return name_; }
  std::string Export(Estimator&, const std::string& export_path, const std::string& checkpoint_path,
                     const EvalResult& result, bool is_the_final_export) override {
    nb::gil_scoped_acquire gil;
    return OptionalText(nb::borrow(exporter_.get())
                            .attr("export")(nb::borrow(estimator_.get()), export_path, checkpoint_path,
                                            TensorsToPython(result), is_the_final_export));
  }

 private:
  Kept exporter_, estimator_;
  std::string name_;
};

ExporterOptions ExporterOptionsFrom(nb::handle assets_extra, nb::handle exports_to_keep) {
  ExporterOptions options{.assets_extra = TextsFromPython(assets_extra)};
  options.exports_to_keep = exports_to_keep.is_none() ? std::optional<int>() : nb::cast<int>(exports_to_keep);
  return options;
}

std::vector<std::shared_ptr<Exporter>> ExportersFromPython(nb::handle exporters, nb::handle estimator) {
  std::vector<std::shared_ptr<Exporter>> list;
  for (nb::handle exporter : exporters) {
    nb::object native = nb::getattr(exporter, "_native", nb::none());
    list.push_back(native.is_none() ? std::make_shared<PythonExporter>(exporter, estimator)
                                    : nb::cast<std::shared_ptr<Exporter>>(native));
  }
  return list;
}

nb::object TrainAndEvaluateFromPython(nb::handle python_estimator, nb::handle train, nb::handle eval) {
  auto& estimator = nb::cast<Estimator&>(python_estimator.attr("_native"));
  TrainSpec train_spec{.input = InputFnFromPython(train.attr("input_fn")),
                       .max_steps = OptionalInt(train.attr("max_steps")),
                       .hooks = HooksFromPython(train.attr("hooks")),
                       .saving_listeners = ListenersFromPython(train.attr("saving_listeners"))};
  EvalSpec eval_spec{.input = InputFnFromPython(eval.attr("input_fn")),
                     .steps = OptionalInt(eval.attr("steps")),
                     .name = OptionalText(eval.attr("name")),
                     .hooks = HooksFromPython(eval.attr("hooks")),
                     .exporters = ExportersFromPython(eval.attr("exporters"), python_estimator),
                     .start_delay_secs = nb::cast<double>(eval.attr("start_delay_secs")),
                     .throttle_secs = nb::cast<double>(eval.attr("throttle_secs"))};
  TrainAndEvaluateResult result;
  {
    nb::gil_scoped_release release;
    result = TrainAndEvaluate(estimator, train_spec, eval_spec);
  }
  nb::object metrics = result.eval ? nb::object(TensorsToPython(*result.eval)) : nb::none();
  return nb::make_tuple(metrics, nb::cast(result.export_paths));
}

void BindEstimatorClass(nb::module_& m) {
  nb::class_<Estimator>(m, "NativeEstimator")
      .def(nb::new_([](nb::handle model_fn, const nb::kwargs& config) {
        return std::make_shared<Estimator>(ModelFnFromPython(model_fn), RunConfigFrom(config));
      }))
      .def(
          "train",
          [](Estimator& self, nb::handle input_fn, nb::handle hooks, nb::handle steps, nb::handle max_steps,
             nb::handle listeners) {
            InputFn input = InputFnFromPython(input_fn);
            TrainOptions options{.hooks = HooksFromPython(hooks),
                                 .steps = OptionalInt(steps),
                                 .max_steps = OptionalInt(max_steps),
                                 .saving_listeners = ListenersFromPython(listeners)};
            nb::gil_scoped_release release;
            self.Train(input, options);
          },
          nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none())
      .def(
          "evaluate",
          [](Estimator& self, nb::handle input_fn, nb::handle steps, nb::handle hooks, nb::handle checkpoint,
             nb::handle name) {
            InputFn input = InputFnFromPython(input_fn);
            EvaluateOptions options{.steps = OptionalInt(steps),
                                    .hooks = HooksFromPython(hooks),
                                    .checkpoint_path = OptionalText(checkpoint),
                                    .name = OptionalText(name)};
            EvalResult result;
            {
              nb::gil_scoped_release release;
              result = self.Evaluate(input, options);
            }
            return TensorsToPython(result);
          },
          nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none(), nb::arg().none())
      .def(
          "predict",
          [](Estimator& self, nb::handle input_fn, nb::handle keys, nb::handle hooks, nb::handle checkpoint) {
            InputFn input = InputFnFromPython(input_fn);
            PredictOptions options{.hooks = HooksFromPython(hooks), .checkpoint_path = OptionalText(checkpoint)};
            if (!keys.is_none()) options.predict_keys = nb::cast<std::vector<std::string>>(nb::list(keys));
            nb::gil_scoped_release release;
            return std::make_shared<PredictionIterator>(self.Predict(input, options));
          },
          nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none())
      .def(
          "export_saved_model",
          [](Estimator& self, const std::string& base, nb::handle receiver_fn, nb::handle assets_extra,
             nb::handle checkpoint, bool strip_default_attrs) {
            ServingInputFn serving = ServingInputFnFromPython(receiver_fn);
            ExportOptions options{.checkpoint_path = OptionalText(checkpoint),
                                  .assets_extra = TextsFromPython(assets_extra),
                                  .strip_default_attrs = strip_default_attrs};
            nb::gil_scoped_release release;
            return self.ExportSavedModel(base, serving, options);
          },
          nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg())
      .def("with_metrics",
           [](Estimator& self, nb::handle metric_fn) {
             ModelFn inner = self.model_fn();
             ModelFn outer = [inner, kept = Kept(metric_fn)](const Features& features, const Features& labels,
                                                             const ModelContext& context) {
               EstimatorSpec spec = inner(features, labels, context);
               if (context.mode != Mode::kEval) return spec;
               nb::gil_scoped_acquire gil;
               AddMetrics(nb::borrow(kept.get())(FeaturesToPython(features), FeaturesToPython(labels),
                                                 PredictionsToPython(spec)),
                          &spec.eval_metrics);
               return spec;
             };
             return std::make_shared<Estimator>(outer, self.config());
           })
      .def(
          "call_model_fn",
          [](Estimator& self, nb::handle features, nb::handle labels, const std::string& mode) {
            const ModelContext context{ModeFromPython(mode), self.config()};
            return SpecToPython(AsValueError(
                [&] { return self.model_fn()(FeaturesFromPython(features), FeaturesFromPython(labels), context); }));
          },
          nb::arg(), nb::arg().none(), nb::arg())
      .def_prop_ro("model_dir", &Estimator::model_dir)
      .def("eval_dir", &Estimator::EvalDir)
      .def("latest_checkpoint", &Estimator::LatestCheckpoint)
      .def("variable_names", &Estimator::VariableNames)
      .def("variable_value", [](const Estimator& self, const std::string& name) { return self.VariableValue(name); });
  nb::class_<PredictionIterator>(m, "PredictionIterator")
      .def("next", [](PredictionIterator& self, bool by_example) -> nb::object {
        std::optional<std::map<std::string, Tensor>> values;
        {
          nb::gil_scoped_release release;
          values = by_example ? self.Next() : self.NextBatch();
        }
        return values ? nb::object(TensorsToPython(*values)) : nb::none();
      });
}

void BindExporters(nb::module_& m) {
  nb::class_<Exporter>(m, "NativeExporter").def_prop_ro("name", &Exporter::name);
  m.def(
      "latest_exporter",
      [](const std::string& name, nb::handle receiver_fn, nb::handle assets, nb::handle keep) {
        return AsValueError([&] {
          return LatestExporter(name, ServingInputFnFromPython(receiver_fn), ExporterOptionsFrom(assets, keep));
        });
      },
      nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none());
  m.def(
      "final_exporter",
      [](const std::string& name, nb::handle receiver_fn, nb::handle assets) {
        return AsValueError([&] {
          return FinalExporter(name, ServingInputFnFromPython(receiver_fn), ExporterOptionsFrom(assets, nb::none()));
        });
      },
      nb::arg(), nb::arg(), nb::arg().none());
  m.def(
      "best_exporter",
      [](const std::string& name, nb::handle receiver_fn, const std::string& event_file_pattern, nb::handle better,
         nb::handle assets, nb::handle keep) {
        BestExporterOptions options{
            .name = name,
            .event_file_pattern = event_file_pattern,
            .assets_extra = TextsFromPython(assets),
        };
        options.exports_to_keep = keep.is_none() ? std::optional<int>() : nb::cast<int>(keep);
        if (!better.is_none()) {
          options.better = [kept = Kept(better)](const EvalResult& best, const EvalResult& current) {
            nb::gil_scoped_acquire gil;
            return nb::cast<bool>(nb::bool_(nb::borrow(kept.get())(TensorsToPython(best), TensorsToPython(current))));
          };
        }
        return AsValueError([&] { return BestExporter(ServingInputFnFromPython(receiver_fn), options); });
      },
      nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg().none(), nb::arg().none());
}

}  // namespace

RunConfig RunConfigFrom(const nb::kwargs& kwargs) {
  RunConfig config = AsValueError([] { return RunConfig(); });
  SetIfGiven(kwargs, "model_dir", &config.model_dir);
  config.tf_random_seed = OptionalInt(Given(kwargs, "tf_random_seed"));
  SetIfGiven(kwargs, "save_summary_steps", &config.save_summary_steps);
  config.save_checkpoints_steps = OptionalInt(Given(kwargs, "save_checkpoints_steps"));
  if (nb::object secs = Given(kwargs, "save_checkpoints_secs"); !secs.is_none()) {
    config.save_checkpoints_secs = nb::cast<double>(secs);
  }
  config.keep_checkpoint_max = nb::cast<int>(
      Given(kwargs, "keep_checkpoint_max").is_none() ? nb::object(nb::int_(0)) : Given(kwargs, "keep_checkpoint_max"));
  SetIfGiven(kwargs, "keep_checkpoint_every_n_hours", &config.keep_checkpoint_every_n_hours);
  config.log_step_count_steps = OptionalInt(Given(kwargs, "log_step_count_steps"));
  return config;
}

void BindEstimator(nb::module_& m) {
  BindEstimatorClass(m);
  BindExporters(m);
  m.def("train_and_evaluate", &TrainAndEvaluateFromPython);
  m.def("task_from_environment", [] {
    const ClusterTask task = AsValueError(&TaskFromEnvironment);
    nb::dict fields;
    fields["task_type"] = task.type;
    fields["task_id"] = task.index;
    fields["is_chief"] = task.is_chief;
    fields["num_ps_replicas"] = task.num_ps_replicas;
    fields["num_worker_replicas"] = task.num_worker_replicas;
    fields["global_id_in_cluster"] = task.global_id ? nb::object(nb::int_(*task.global_id)) : nb::none();
    fields["master"] = task.master;
    fields["evaluation_master"] = task.evaluation_master;
    fields["cluster"] = task.cluster;
    fields["model_dir"] = task.model_dir;
    return fields;
  });
  m.def(
      "set_log_sink",
      [](nb::handle sink) {
        if (sink.is_none()) {
          SetLogSink({});
          return;
        }
        SetLogSink([kept = Kept(sink)](LogLevel level, const std::string& message) {
          nb::gil_scoped_acquire gil;
          try {
            nb::borrow(kept.get())(static_cast<int>(level), message);
          } catch (nb::python_error& error) {
            // Ctrl-C while a line is logged is left to the loop, which then keeps a checkpoint.
            if (error.matches(PyExc_KeyboardInterrupt)) {
              PyErr_SetInterrupt();
            } else {
              error.discard_as_unraisable("headrace's log");
            }
          }
        });
      },
      nb::arg().none());
  // Python's signal handlers run between steps: Ctrl-C raises KeyboardInterrupt out of the loop.
  SetInterruptPoll([] {
    nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) nb::raise_python_error();
  });
}

}  // namespace headrace::python
