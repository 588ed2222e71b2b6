// The canned estimators.
#include "headrace/canned.h"

#include "bind.h"
#include "casters.h"
#include "estimator.h"
#include "feature_columns.h"
#include "nn.h"
#include "optimizers.h"

namespace headrace::python {
namespace {

OptimizerChoice ChoiceFromPython(nb::handle optimizer) {
  if (nb::isinstance<nb::str>(optimizer)) return nb::cast<std::string>(optimizer);
  return OptimizerFromPython(optimizer, 0);
}

FeatureColumns ColumnsOrNone(nb::handle columns) {
  return columns.is_none() ? FeatureColumns() : ColumnsFromPython(columns);
}

// The arguments that all regressors share.
template <class Options>
void SetCommon(const nb::kwargs& kwargs, Options* options) {
  SetIfGiven(kwargs, "label_dimension", &options->label_dimension);
  SetIfGiven(kwargs, "weight_column", &options->weight_column);
  if (nb::object reduction = Given(kwargs, "loss_reduction"); !reduction.is_none()) {
    options->loss_reduction = ParseReduction(nb::cast<std::string>(reduction));
  }
}

std::vector<int64_t> UnitsFromPython(nb::handle units) {
  return units.is_none() ? std::vector<int64_t>() : nb::cast<std::vector<int64_t>>(nb::list(nb::borrow(units)));
}

std::optional<double> OptionalDouble(nb::handle value) {
  return value.is_none() ? std::optional<double>() : nb::cast<double>(value);
}

using EstimatorPtr = std::shared_ptr<Estimator>;

EstimatorPtr MakeDnn(const nb::kwargs& kwargs, nb::dict config) {
  DnnOptions options{.hidden_units = UnitsFromPython(Given(kwargs, "hidden_units")),
                     .feature_columns = ColumnsOrNone(Given(kwargs, "feature_columns")),
                     .optimizer = ChoiceFromPython(Given(kwargs, "optimizer")),
                     .dropout = OptionalDouble(Given(kwargs, "dropout")),
                     .config = RunConfigFrom(nb::borrow<nb::kwargs>(config))};
  if (nb::object activation = Given(kwargs, "activation"); !activation.is_none()) {
    options.activation = ActivationFromPython(activation);
  }
  SetCommon(kwargs, &options);
  return AsValueError([&] { return std::make_shared<DnnRegressor>(options); });
}

EstimatorPtr MakeLinear(const nb::kwargs& kwargs, nb::dict config) {
  LinearOptions options{.feature_columns = ColumnsOrNone(Given(kwargs, "feature_columns")),
                        .optimizer = ChoiceFromPython(Given(kwargs, "optimizer")),
                        .config = RunConfigFrom(nb::borrow<nb::kwargs>(config))};
  SetIfGiven(kwargs, "sparse_combiner", &options.sparse_combiner);
  SetCommon(kwargs, &options);
  return AsValueError([&] { return std::make_shared<LinearRegressor>(options); });
}

EstimatorPtr MakeCombined(const nb::kwargs& kwargs, nb::dict config) {
  DnnLinearCombinedOptions options{.linear_feature_columns = ColumnsOrNone(Given(kwargs, "linear_feature_columns")),
                                   .linear_optimizer = ChoiceFromPython(Given(kwargs, "linear_optimizer")),
                                   .dnn_feature_columns = ColumnsOrNone(Given(kwargs, "dnn_feature_columns")),
                                   .dnn_optimizer = ChoiceFromPython(Given(kwargs, "dnn_optimizer")),
                                   .dnn_hidden_units = UnitsFromPython(Given(kwargs, "dnn_hidden_units")),
                                   .dnn_dropout = OptionalDouble(Given(kwargs, "dnn_dropout")),
                                   .config = RunConfigFrom(nb::borrow<nb::kwargs>(config))};
  if (nb::object activation = Given(kwargs, "dnn_activation"); !activation.is_none()) {
    options.dnn_activation = ActivationFromPython(activation);
  }
  SetIfGiven(kwargs, "linear_sparse_combiner", &options.linear_sparse_combiner);
  SetCommon(kwargs, &options);
  return AsValueError([&] { return std::make_shared<DnnLinearCombinedRegressor>(options); });
}

}  // namespace

void BindCanned(nb::module_& m) {
  m.def("dnn_regressor",
        [](nb::dict options, nb::dict config) { return MakeDnn(nb::borrow<nb::kwargs>(options), config); });
  m.def("linear_regressor",
        [](nb::dict options, nb::dict config) { return MakeLinear(nb::borrow<nb::kwargs>(options), config); });
  m.def("dnn_linear_combined_regressor",
        [](nb::dict options, nb::dict config) { return MakeCombined(nb::borrow<nb::kwargs>(options), config); });
}

}  // namespace headrace::python
