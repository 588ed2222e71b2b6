// Canned estimators: models that need no model function, with 1.15's defaults (Adagrad 0.05 for networks, FTRL for
// linear models, a loss summed over the batch) and names of variables, so that checkpoints go to and fro.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "headrace/estimator.h"
#include "headrace/feature_column.h"
#include "headrace/layers.h"
#include "headrace/losses.h"
#include "headrace/optimizers.h"

namespace headrace {

using FeatureColumns = std::vector<FeatureColumnPtr>;
// By name, with the model's learning rate ("Adagrad", "Adam", "Ftrl", "RMSProp", "SGD"); one's own; or a function that
// makes it inside the model's graph, where the global step is, for a learning rate that decays.
using OptimizerChoice =
    std::variant<std::string, std::shared_ptr<Optimizer>, std::function<std::shared_ptr<Optimizer>()>>;

// The feature by which an example's loss counts more or less: its name, or a numeric column of it with a normalizer.
// Without one each example counts once.
struct WeightColumn {
  WeightColumn() = default;
  WeightColumn(const char* feature) : WeightColumn(std::string(feature)) {}  // NOLINT
  WeightColumn(const std::string& feature) {                                 // NOLINT: "" for none
    if (!feature.empty()) column = NumericColumn(feature);
  }
  WeightColumn(FeatureColumnPtr of) : column(std::move(of)) {}  // NOLINT
  FeatureColumnPtr column;
};

// What turns logits and labels into predictions, a loss, metrics and export outputs.
class Head {
 public:
  virtual ~Head() = default;
  virtual int64_t logits_dimension() const = 0;
  // `train` builds the training op for a loss; called in training mode.
  virtual EstimatorSpec Spec(const FeatureTensors& features, const Features& labels, Mode mode, Output logits,
                             const std::function<Node*(Output loss)>& train) const = 0;
};

struct RegressionHeadOptions {
  WeightColumn weight_column = {};
  int64_t label_dimension = 1;
  Reduction loss_reduction = Reduction::kSum;
  std::string name = {};
};
std::shared_ptr<const Head> RegressionHead(RegressionHeadOptions options = {});

struct ClassificationHeadOptions {
  int64_t n_classes = 2;  // labels are 0 … n_classes - 1
  WeightColumn weight_column = {};
  std::vector<std::string> label_vocabulary = {};  // or strings: the name of each class
  Reduction loss_reduction = Reduction::kSum;
  std::string name = {};
};
std::shared_ptr<const Head> ClassificationHead(ClassificationHeadOptions options = {});

struct DnnOptions {
  std::vector<int64_t> hidden_units;
  FeatureColumns feature_columns;
  int64_t label_dimension = 1;  // of regressors
  int64_t n_classes = 2;        // of classifiers
  WeightColumn weight_column = {};
  std::vector<std::string> label_vocabulary = {};  // of classifiers whose labels are strings: the classes' names
  OptimizerChoice optimizer = "Adagrad";
  Activation activation = ActivationOp("Relu");
  std::optional<double> dropout = {};
  Partitioner input_layer_partitioner = {};
  Reduction loss_reduction = Reduction::kSum;
  RunConfig config = {};
};
class DnnRegressor : public Estimator {
 public:
  explicit DnnRegressor(const DnnOptions& options);
};
class DnnClassifier : public Estimator {
 public:
  explicit DnnClassifier(const DnnOptions& options);
};

struct LinearOptions {
  FeatureColumns feature_columns;
  int64_t label_dimension = 1;  // of regressors
  int64_t n_classes = 2;        // of classifiers
  WeightColumn weight_column = {};
  std::vector<std::string> label_vocabulary = {};  // of classifiers whose labels are strings: the classes' names
  OptimizerChoice optimizer = "Ftrl";
  std::string sparse_combiner = "sum";
  Partitioner partitioner = {};
  Reduction loss_reduction = Reduction::kSum;
  RunConfig config = {};
};
class LinearRegressor : public Estimator {
 public:
  explicit LinearRegressor(const LinearOptions& options);
};
class LinearClassifier : public Estimator {
 public:
  explicit LinearClassifier(const LinearOptions& options);
};

struct DnnLinearCombinedOptions {
  FeatureColumns linear_feature_columns = {};
  OptimizerChoice linear_optimizer = "Ftrl";
  FeatureColumns dnn_feature_columns = {};
  OptimizerChoice dnn_optimizer = "Adagrad";
  std::vector<int64_t> dnn_hidden_units = {};
  Activation dnn_activation = ActivationOp("Relu");
  std::optional<double> dnn_dropout = {};
  int64_t label_dimension = 1;  // of regressors
  int64_t n_classes = 2;        // of classifiers
  WeightColumn weight_column = {};
  std::vector<std::string> label_vocabulary = {};  // of classifiers whose labels are strings: the classes' names
  Partitioner input_layer_partitioner = {};
  std::string linear_sparse_combiner = "sum";
  Reduction loss_reduction = Reduction::kSum;
  RunConfig config = {};
};
class DnnLinearCombinedRegressor : public Estimator {
 public:
  explicit DnnLinearCombinedRegressor(const DnnLinearCombinedOptions& options);
};
class DnnLinearCombinedClassifier : public Estimator {
 public:
  explicit DnnLinearCombinedClassifier(const DnnLinearCombinedOptions& options);
};

// The model functions behind them, for any head.
ModelFn DnnModel(std::shared_ptr<const Head> head, DnnOptions options);
ModelFn LinearModelFn(std::shared_ptr<const Head> head, LinearOptions options);
ModelFn DnnLinearCombinedModel(std::shared_ptr<const Head> head, DnnLinearCombinedOptions options);

}  // namespace headrace
