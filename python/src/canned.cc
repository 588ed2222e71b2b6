// The canned estimators, from the schema of their options: it gives Python their signatures and docstrings, and this
// file their arguments' conversion, by the type of the option.
#include "headrace/canned_schema.h"

#include "bind.h"
#include "casters.h"
#include "estimator.h"
#include "feature_columns.h"
#include "nn.h"
#include "optimizers.h"
#include "variables.h"

namespace headrace::python {
namespace {

// ------------------------------------------------------------------------------------------- from Python's arguments

void Read(nb::handle value, std::string* option) {
  *option = nb::cast<std::string>(value);
}
// Any number or text that int() takes.
void Read(nb::handle value, int64_t* option) {
  *option = nb::cast<int64_t>(nb::int_(nb::borrow(value)));
}
void Read(nb::handle value, std::vector<int64_t>* option) {
  option->clear();
  if (value.is_none()) return;
  for (nb::handle size : nb::list(nb::borrow(value))) Read(size, &option->emplace_back());
}
void Read(nb::handle value, std::vector<std::string>* option) {
  option->clear();
  if (value.is_none()) return;
  for (nb::handle word : nb::list(nb::borrow(value))) option->push_back(nb::cast<std::string>(nb::str(word)));
}
void Read(nb::handle value, std::optional<double>* option) {
  *option = value.is_none() ? std::optional<double>() : nb::cast<double>(nb::float_(nb::borrow(value)));
}
void Read(nb::handle value, FeatureColumns* option) {
  *option = value.is_none() ? FeatureColumns() : ColumnsFromPython(value);
}
void Read(nb::handle value, WeightColumn* option) {
  if (value.is_none()) return;
  if (nb::isinstance<nb::str>(value)) {
    *option = WeightColumn(nb::cast<std::string>(value));
    return;
  }
  const FeatureColumnPtr column = PyObject_HasAttrString(value.ptr(), "_native") ? ColumnFromPython(value) : nullptr;
  if (!column || !dynamic_cast<const DenseColumn*>(column.get())) {
    throw nb::type_error(internal::Concat("Weight column must be either a string or NumericColumn. Given type: ",
                                          nb::repr(value.type()).c_str(), ".")
                             .c_str());
  }
  *option = WeightColumn(column);
}
void Read(nb::handle value, Activation* option) {
  *option = ActivationFromPython(value);
}
void Read(nb::handle value, Partitioner* option) {
  *option = PartitionerFromPython(value);
}
void Read(nb::handle value, Reduction* option) {
  const bool text = nb::isinstance<nb::str>(value);
  if (!text || nb::cast<std::string>(value) == "none") {
    throw nb::value_error(internal::Concat("Invalid loss_reduction: ", nb::str(value).c_str()).c_str());
  }
  *option = AsValueError([&] { return ParseReduction(nb::cast<std::string>(value)); });
}

[[noreturn]] void RefuseOptimizer(nb::handle value) {
  throw nb::value_error(
      internal::Concat("The given object is not an Optimizer instance. Given: ", nb::repr(value).c_str()).c_str());
}
bool IsOptimizer(nb::handle value) {
  return nb::isinstance(value, nb::module_::import_("headrace.optimizers").attr("Optimizer"));
}
void Read(nb::handle value, OptimizerChoice* option) {
  if (nb::isinstance<nb::str>(value)) {
    *option = nb::cast<std::string>(value);
  } else if (IsOptimizer(value)) {
    *option = OptimizerFromPython(value, 0);
  } else if (PyCallable_Check(value.ptr())) {
    *option = std::function<std::shared_ptr<Optimizer>()>([kept = Kept(value)] {
      nb::gil_scoped_acquire gil;
      nb::object made = nb::borrow(kept.get())();
      if (!IsOptimizer(made)) RefuseOptimizer(made);
      return OptimizerFromPython(made, 0);
    });
  } else {
    RefuseOptimizer(value);
  }
}

// Reads the options that the arguments give; model_dir and config come as a RunConfig.
struct Reader {
  const nb::dict& arguments;
  template <class T>
  void operator()(const char* name, T& option, const char*) const {
    if constexpr (!std::is_same_v<T, RunConfig>) {
      if (arguments.contains(name)) Read(arguments[name], &option);
    }
  }
};

// ----------------------------------------------------------------------------------------------- to Python's defaults

nb::object Default(const std::string& option) {
  return nb::str(option.c_str());
}
nb::object Default(int64_t option) {
  return nb::int_(option);
}
nb::object Default(const OptimizerChoice& option) {
  return Default(std::get<std::string>(option));
}
nb::object Default(const Activation& option) {
  return option ? nb::module_::import_("headrace.nn").attr("relu") : nb::none();
}
nb::object Default(Reduction) {
  return nb::module_::import_("headrace.losses").attr("Reduction").attr("SUM");
}
template <class T>
nb::object Default(const T&) {
  return nb::none();
}

// (name, default, sentence) of each option, in the order of the signature.
struct Describer {
  nb::list& options;
  template <class T>
  void operator()(const char* name, T& option, const char* doc) const {
    options.append(nb::make_tuple(name, Default(option), doc));
  }
};

// ------------------------------------------------------------------------------------------------------ the estimators

template <class Options, class Made>
void DefineCanned(nb::module_& m, const char* name, CannedTarget target) {
  const std::string schema = internal::Concat(name, "_options");
  m.def(schema.c_str(), [target] {
    nb::list described;
    Options options{};
    VisitOptions(options, target, Describer{described});
    return described;
  });
  m.def(name, [target](nb::dict arguments, nb::dict config) -> std::shared_ptr<Estimator> {
    Options options{};
    VisitOptions(options, target, Reader{arguments});
    options.config = RunConfigFrom(nb::borrow<nb::kwargs>(config));
    return AsValueError([&] { return std::make_shared<Made>(options); });
  });
}

}  // namespace

void BindCanned(nb::module_& m) {
  DefineCanned<DnnOptions, DnnRegressor>(m, "dnn_regressor", CannedTarget::kRegression);
  DefineCanned<DnnOptions, DnnClassifier>(m, "dnn_classifier", CannedTarget::kClassification);
  DefineCanned<LinearOptions, LinearRegressor>(m, "linear_regressor", CannedTarget::kRegression);
  DefineCanned<LinearOptions, LinearClassifier>(m, "linear_classifier", CannedTarget::kClassification);
  DefineCanned<DnnLinearCombinedOptions, DnnLinearCombinedRegressor>(m, "dnn_linear_combined_regressor",
                                                                     CannedTarget::kRegression);
  DefineCanned<DnnLinearCombinedOptions, DnnLinearCombinedClassifier>(m, "dnn_linear_combined_classifier",
                                                                      CannedTarget::kClassification);
}

}  // namespace headrace::python
