// The canned models: a deep network, a linear model, and both side by side. Scopes are opened as 1.15 opens them, since
// the names of variables and slots follow from that.
#include "headrace/canned.h"

#include <algorithm>
#include <cmath>

#include "headrace/log.h"
#include "headrace/summary.h"
#include "nn/filled.h"

namespace headrace {
namespace {

constexpr double kDnnLearningRate = 0.05;
constexpr double kCombinedDnnLearningRate = 0.001;
constexpr double kLinearLearningRate = 0.2;
constexpr double kCombinedLinearLearningRate = 0.005;
constexpr int64_t kInputLayerSlice = 64 << 20;  // bytes below which input layers' variables aren't cut

std::shared_ptr<Optimizer> Choose(const OptimizerChoice& choice, double learning_rate) {
  if (const auto* name = std::get_if<std::string>(&choice)) return OptimizerByName(*name, learning_rate);
  const auto* make = std::get_if<std::function<std::shared_ptr<Optimizer>()>>(&choice);
  const std::shared_ptr<Optimizer> optimizer = make ? (*make)() : std::get<std::shared_ptr<Optimizer>>(choice);
  if (!optimizer) throw InvalidArgument("an estimator's optimizer must not be null");
  return optimizer;
}

Partitioner OrInputPartitioner(const Partitioner& given) {
  return given ? given : MinMaxPartitioner(1, kInputLayerSlice);
}

// Adds the update ops that layers collected (moving averages) to the train op.
Node* WithUpdateOps(Node* train) {
  std::vector<Node*> all = {train};
  for (const CollectionItem& item : Graph::Current().collection(keys::kUpdateOps)) {
    if (Node* const* node = std::get_if<Node*>(&item)) all.push_back(*node);
    if (const Output* output = std::get_if<Output>(&item)) all.push_back(output->node);
  }
  return all.size() == 1 ? train : Group(all);
}

void SummarizeLayer(Output value, const std::string& tag) {
  SummarizeScalar(tag + "/fraction_of_zero_values", ZeroFraction(value));
  SummarizeHistogram(tag + "/activation", value);
}

// Inside the variable scope "dnn".
Output DnnLogits(const FeatureTensors& features, Mode mode, int64_t units, const DnnOptions& options) {
  const std::string scope = VariableScope::Current().name;
  Output net;
  {
    VariableScope input("input_from_feature_columns",
                        {.partitioner = OrInputPartitioner(options.input_layer_partitioner), .use_resource = true});
    net = InputLayer(features, options.feature_columns);
  }
  const auto dense = [&](const std::string& name, int64_t size, const Activation& activation) {
    net = Dense(net, size,
                {.activation = activation,
                 .kernel_initializer = GlorotUniformInitializer(),
                 .use_resource = true,
                 .name = name});
  };
  for (size_t i = 0; i < options.hidden_units.size(); ++i) {
    const std::string name = "hiddenlayer_" + std::to_string(i);
    dense(name, options.hidden_units[i], options.activation);
    if (options.dropout && mode == Mode::kTrain) net = DropoutLayer(net, *options.dropout, true);
    SummarizeLayer(net, scope + "/" + name);
  }
  dense("logits", units, {});
  SummarizeLayer(net, scope + "/logits");
  return net;
}

// The share of zeros among all weights: [total zeros] / [total size].
Output FractionOfZeroWeights(const VariableList& weights) {
  NameScope scope("zero_fraction");
  OpArgument zeros;
  double size = 0;
  for (const auto& variable : weights) {
    const double elements = static_cast<double>(variable->shape().ToShape().num_elements());
    size += elements;
    zeros.push_back(
        ApplyOp("Mul", {{ZeroFraction(ReadVariable(*variable))}, {ScalarConstant(DType::kFloat, elements)}}));
  }
  const Output total = ApplyOp("AddN", {zeros}, {}, "total_zero");
  return ApplyOp("RealDiv", {{total}, {ScalarConstant(DType::kFloat, size)}}, {}, "zero_fraction_or_nan");
}

// Inside the variable scope "linear".
Output LinearLogits(const FeatureTensors& features, int64_t units, const FeatureColumns& columns,
                    const std::string& sparse_combiner) {
  ColumnParts parts;
  const Output logits = LinearModel(features, columns, {.units = units, .sparse_combiner = sparse_combiner}, &parts);
  const Output bias = ReadVariable(*parts.bias);
  if (units > 1) {
    SummarizeHistogram("bias", bias);
  } else {
    SummarizeScalar("bias", ApplyOp("Squeeze", {{bias}}));
  }
  VariableList weights = {parts.bias};
  for (const auto& [column, made] : parts.variables) weights.insert(weights.end(), made.begin(), made.end());
  std::ranges::sort(weights, {}, &Variable::name);
  SummarizeScalar("fraction_of_zero_weights", FractionOfZeroWeights(weights));
  return logits;
}

VariableList TrainableBelow(const std::string& scope) {
  VariableList chosen;
  for (const auto& variable : Graph::Current().variables(keys::kTrainableVariables)) {
    if (variable->name.starts_with(scope + "/")) chosen.push_back(variable);
  }
  return chosen;
}

void CheckColumns(const FeatureColumns& columns, const char* model) {
  if (columns.empty()) throw InvalidArgument(model, " needs at least one feature column");
}

}  // namespace

ModelFn DnnModel(std::shared_ptr<const Head> head, DnnOptions options) {
  CheckColumns(options.feature_columns, "a DNN");
  return [head = std::move(head), options = std::move(options)](const Features& features, const Features& labels,
                                                                const ModelContext& context) {
    VariableScope scope("dnn", {.partitioner = MinMaxPartitioner(1)});
    const Output logits = DnnLogits(features, context.mode, head->logits_dimension(), options);
    return head->Spec(features, labels, context.mode, logits, [&](Output loss) {
      return WithUpdateOps(Choose(options.optimizer, kDnnLearningRate)->Minimize(loss, GetGlobalStep()));
    });
  };
}

ModelFn LinearModelFn(std::shared_ptr<const Head> head, LinearOptions options) {
  CheckColumns(options.feature_columns, "a linear model");
  return [head = std::move(head), options = std::move(options)](const Features& features, const Features& labels,
                                                                const ModelContext& context) {
    VariableScope scope("linear", {.partitioner = OrInputPartitioner(options.partitioner), .use_resource = true});
    const Output logits =
        LinearLogits(features, head->logits_dimension(), options.feature_columns, options.sparse_combiner);
    const double rate =
        std::min(kLinearLearningRate, 1 / std::sqrt(static_cast<double>(options.feature_columns.size())));
    return head->Spec(features, labels, context.mode, logits, [&](Output loss) {
      return WithUpdateOps(Choose(options.optimizer, rate)->Minimize(loss, GetGlobalStep()));
    });
  };
}

ModelFn DnnLinearCombinedModel(std::shared_ptr<const Head> head, DnnLinearCombinedOptions options) {
  if (options.linear_feature_columns.empty() && options.dnn_feature_columns.empty()) {
    throw InvalidArgument("Either linear_feature_columns or dnn_feature_columns must be defined.");
  }
  if (!options.dnn_feature_columns.empty() && options.dnn_hidden_units.empty()) {
    throw InvalidArgument("dnn_hidden_units must be defined when dnn_feature_columns is specified.");
  }
  return [head = std::move(head), options = std::move(options)](const Features& features, const Features& labels,
                                                                const ModelContext& context) {
    const int64_t units = head->logits_dimension();
    Output dnn_logits, linear_logits;
    if (!options.dnn_feature_columns.empty()) {
      VariableScope scope("dnn", {.partitioner = MinMaxPartitioner(1)});
      dnn_logits = DnnLogits(features, context.mode, units,
                             {.hidden_units = options.dnn_hidden_units,
                              .feature_columns = options.dnn_feature_columns,
                              .activation = options.dnn_activation,
                              .dropout = options.dnn_dropout,
                              .input_layer_partitioner = options.input_layer_partitioner});
    }
    if (!options.linear_feature_columns.empty()) {
      VariableScope scope("linear",
                          {.partitioner = OrInputPartitioner(options.input_layer_partitioner), .use_resource = true});
      linear_logits = LinearLogits(features, units, options.linear_feature_columns, options.linear_sparse_combiner);
      SummarizeLayer(linear_logits, "linear");
    }
    Output logits = dnn_logits ? dnn_logits : linear_logits;
    if (dnn_logits && linear_logits) logits = ApplyOp("AddV2", {{dnn_logits}, {linear_logits}}, {}, "add");

    return head->Spec(features, labels, context.mode, logits, [&](Output loss) {
      std::vector<Node*> updates;
      if (dnn_logits) {
        updates.push_back(
            Choose(options.dnn_optimizer, kCombinedDnnLearningRate)->Minimize(loss, nullptr, TrainableBelow("dnn")));
      }
      if (linear_logits) {
        const double rate = std::min(kCombinedLinearLearningRate,
                                     1 / std::sqrt(static_cast<double>(options.linear_feature_columns.size())));
        updates.push_back(Choose(options.linear_optimizer, rate)->Minimize(loss, nullptr, TrainableBelow("linear")));
      }
      const auto global_step = GetGlobalStep();
      ControlDependencies after({Group(updates)});
      return WithUpdateOps(ApplyOp("AssignAdd", {{global_step->handle}, {ScalarConstant(DType::kInt64, 1)}}).node);
    });
  };
}

namespace {

template <class Options>
std::shared_ptr<const Head> RegressionHeadFor(const Options& options) {
  return RegressionHead({.weight_column = options.weight_column,
                         .label_dimension = options.label_dimension,
                         .loss_reduction = options.loss_reduction});
}

template <class Options>
std::shared_ptr<const Head> ClassificationHeadFor(const Options& options) {
  return ClassificationHead({.n_classes = options.n_classes,
                             .weight_column = options.weight_column,
                             .label_vocabulary = options.label_vocabulary,
                             .loss_reduction = options.loss_reduction});
}

}  // namespace

DnnRegressor::DnnRegressor(const DnnOptions& options)
    : Estimator(DnnModel(RegressionHeadFor(options), options), options.config) {}

DnnClassifier::DnnClassifier(const DnnOptions& options)
    : Estimator(DnnModel(ClassificationHeadFor(options), options), options.config) {}

LinearRegressor::LinearRegressor(const LinearOptions& options)
    : Estimator(LinearModelFn(RegressionHeadFor(options), options), options.config) {}

LinearClassifier::LinearClassifier(const LinearOptions& options)
    : Estimator(LinearModelFn(ClassificationHeadFor(options), options), options.config) {}

DnnLinearCombinedRegressor::DnnLinearCombinedRegressor(const DnnLinearCombinedOptions& options)
    : Estimator(DnnLinearCombinedModel(RegressionHeadFor(options), options), options.config) {}

DnnLinearCombinedClassifier::DnnLinearCombinedClassifier(const DnnLinearCombinedOptions& options)
    : Estimator(DnnLinearCombinedModel(ClassificationHeadFor(options), options), options.config) {}

}  // namespace headrace
