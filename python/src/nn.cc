// tf.layers, tf.losses, tf.metrics and tf.summary.
#include "nn.h"
#include "bind.h"
#include "casters.h"
#include "headrace/layers.h"
#include "headrace/losses.h"
#include "headrace/metrics.h"
#include "headrace/summary.h"
#include "variables.h"

namespace headrace::python {

nb::object GradientToPython(const Gradient& gradient) {
  if (!gradient) return nb::none();
  if (!gradient.sparse()) return OutputToPython(gradient.values);
  return nb::module_::import_("headrace.framework")
      .attr("IndexedSlices")(OutputToPython(gradient.values), OutputToPython(gradient.indices),
                             OutputToPython(gradient.dense_shape));
}

Gradient GradientFromPython(nb::handle value) {
  if (value.is_none()) return {};
  if (!PyObject_HasAttrString(value.ptr(), "indices")) return OutputFromPython(value);
  nb::object dense_shape = value.attr("dense_shape");
  return {OutputFromPython(value.attr("values")), OutputFromPython(value.attr("indices")),
          dense_shape.is_none() ? Output() : OutputFromPython(dense_shape)};
}

Activation ActivationFromPython(nb::handle value) {
  if (value.is_none()) return {};
  return [kept = Kept(value)](Output x) {
    nb::gil_scoped_acquire gil;
    return OutputFromPython(nb::borrow(kept.get())(OutputToPython(x)));
  };
}

namespace {

DenseOptions DenseOptionsFrom(const nb::kwargs& kwargs) {
  DenseOptions options;
  options.activation = ActivationFromPython(Given(kwargs, "activation"));
  SetIfGiven(kwargs, "use_bias", &options.use_bias);
  options.kernel_initializer = InitializerFromPython(Given(kwargs, "kernel_initializer"));
  if (nb::object bias = Given(kwargs, "bias_initializer"); !bias.is_none()) {
    options.bias_initializer = InitializerFromPython(bias);
  }
  options.kernel_regularizer = RegularizerFromPython(Given(kwargs, "kernel_regularizer"));
  options.bias_regularizer = RegularizerFromPython(Given(kwargs, "bias_regularizer"));
  options.kernel_constraint = RegularizerFromPython(Given(kwargs, "kernel_constraint"));
  options.bias_constraint = RegularizerFromPython(Given(kwargs, "bias_constraint"));
  options.activity_regularizer = RegularizerFromPython(Given(kwargs, "activity_regularizer"));
  SetIfGiven(kwargs, "trainable", &options.trainable);
  SetIfGiven(kwargs, "name", &options.name);
  if (nb::object reuse = Given(kwargs, "reuse"); !reuse.is_none()) {
    options.reuse = PyBool_Check(reuse.ptr()) ? (reuse.ptr() == Py_True ? Reuse::kYes : Reuse::kNo) : Reuse::kAuto;
  }
  return options;
}

LossOptions LossOptionsFrom(const nb::kwargs& kwargs) {
  LossOptions options;
  if (nb::object weights = Given(kwargs, "weights"); !weights.is_none()) {
    bool is_one = nb::isinstance<nb::float_>(weights) && nb::cast<double>(weights) == 1.0;
    if (!is_one) options.weights = OutputFromPython(weights, DType::kInvalid, "weights");
  }
  SetIfGiven(kwargs, "scope", &options.scope);
  if (kwargs.contains("loss_collection")) {
    nb::object collection = kwargs["loss_collection"];
    options.collection = collection.is_none() ? "" : nb::cast<std::string>(collection);
  }
  if (nb::object reduction = Given(kwargs, "reduction"); !reduction.is_none()) {
    options.reduction = ParseReduction(nb::cast<std::string>(reduction));
  }
  return options;
}

nb::tuple MetricToPython(const Metric& metric) {
  return nb::make_tuple(OutputToPython(metric.value), OutputToPython(metric.update));
}

MetricOptions MetricOptionsFrom(const nb::kwargs& kwargs) {
  MetricOptions options;
  if (nb::object weights = Given(kwargs, "weights"); !weights.is_none()) options.weights = OutputFromPython(weights);
  SetIfGiven(kwargs, "name", &options.name);
  return options;
}

using PairLoss = Output (*)(Output, Output, const LossOptions&);
using PairMetric = Metric (*)(Output, Output, const MetricOptions&);

void DefineLoss(nb::module_& m, const char* name, PairLoss loss) {
  m.def(name, [loss](Output labels, Output predictions, nb::kwargs kwargs) {
    return AsValueError([&] { return loss(labels, predictions, LossOptionsFrom(kwargs)); });
  });
}

void DefineMetric(nb::module_& m, const char* name, PairMetric metric) {
  m.def(name, [metric](Output labels, Output predictions, nb::kwargs kwargs) {
    return AsValueError([&] { return MetricToPython(metric(labels, predictions, MetricOptionsFrom(kwargs))); });
  });
}

std::vector<std::string> Strings(nb::handle list) {
  return nb::cast<std::vector<std::string>>(nb::list(nb::borrow(list)));
}

void BindLosses(nb::module_& m) {
  m.def("compute_weighted_loss", [](Output losses, nb::kwargs kwargs) {
    return AsValueError([&] { return ComputeWeightedLoss(losses, LossOptionsFrom(kwargs)); });
  });
  DefineLoss(m, "mean_squared_error", &MeanSquaredError);
  DefineLoss(m, "absolute_difference", &AbsoluteDifference);
  DefineLoss(m, "hinge_loss", &HingeLoss);
  DefineLoss(m, "sparse_softmax_cross_entropy", &SparseSoftmaxCrossEntropy);
  m.def("log_loss", [](Output labels, Output predictions, double epsilon, nb::kwargs kwargs) {
    return AsValueError([&] { return LogLoss(labels, predictions, epsilon, LossOptionsFrom(kwargs)); });
  });
  m.def("huber_loss", [](Output labels, Output predictions, double delta, nb::kwargs kwargs) {
    return AsValueError([&] { return HuberLoss(labels, predictions, delta, LossOptionsFrom(kwargs)); });
  });
  m.def("sigmoid_cross_entropy", [](Output labels, Output logits, double smoothing, nb::kwargs kwargs) {
    return AsValueError([&] { return SigmoidCrossEntropy(labels, logits, smoothing, LossOptionsFrom(kwargs)); });
  });
  m.def("softmax_cross_entropy", [](Output labels, Output logits, double smoothing, nb::kwargs kwargs) {
    return AsValueError([&] { return SoftmaxCrossEntropy(labels, logits, smoothing, LossOptionsFrom(kwargs)); });
  });
  m.def("total_loss", [](bool add_regularization_losses, const std::string& name) {
    return TotalLoss(add_regularization_losses, name);
  });
}

void BindMetrics(nb::module_& m) {
  m.def("mean_metric", [](Output values, nb::kwargs kwargs) {
    return AsValueError([&] { return MetricToPython(MeanMetric(values, MetricOptionsFrom(kwargs))); });
  });
  DefineMetric(m, "mean_squared_error_metric", &MeanSquaredErrorMetric);
  DefineMetric(m, "root_mean_squared_error_metric", &RootMeanSquaredErrorMetric);
  DefineMetric(m, "mean_absolute_error_metric", &MeanAbsoluteErrorMetric);
  DefineMetric(m, "accuracy_metric", &AccuracyMetric);
  DefineMetric(m, "precision_metric", &PrecisionMetric);
  DefineMetric(m, "recall_metric", &RecallMetric);
  m.def("auc_metric", [](Output labels, Output predictions, const std::string& curve, int64_t num_thresholds,
                         const std::vector<double>& thresholds, const std::string& method, nb::kwargs kwargs) {
    const AucOptions auc{
        .curve = curve, .num_thresholds = num_thresholds, .thresholds = thresholds, .summation_method = method};
    return AsValueError([&] { return MetricToPython(AucMetric(labels, predictions, MetricOptionsFrom(kwargs), auc)); });
  });
}

}  // namespace

void BindNn(nb::module_& m) {
  m.def("dense", [](Output x, int64_t units, nb::kwargs kwargs) {
    return AsValueError([&] { return Dense(x, units, DenseOptionsFrom(kwargs)); });
  });
  BindLosses(m);
  BindMetrics(m);
  m.def("summarize_scalar", [](const std::string& name, Output value, nb::handle collections) {
    return SummarizeScalar(name, value, Strings(collections));
  });
  m.def("summarize_histogram", [](const std::string& name, Output values, nb::handle collections) {
    return SummarizeHistogram(name, values, Strings(collections));
  });
  m.def("merge_summary", [](nb::handle summaries, const std::string& name) {
    return MergeSummaries(OutputsFromPython(summaries), name);
  });
  m.def("merge_all_summaries", [](const std::string& collection) { return MergeAllSummaries(collection); });
}

}  // namespace headrace::python
