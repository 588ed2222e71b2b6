// What canned estimators take, once: each option by its name in TensorFlow, in TensorFlow's order, with what it is for.
// Python's signatures, docstrings and the conversion of arguments come from it; so can any other front.
//
//   struct Print {
//     template <class T> void operator()(const char* name, T& option, const char* doc) { std::cout << name << ": " <<
//     doc; }
//   };
//   hr::DnnOptions options;
//   hr::VisitOptions(options, hr::CannedTarget::kRegression, Print());
#pragma once

#include "headrace/canned.h"

namespace headrace {

enum class CannedTarget { kRegression, kClassification };

// Options that every canned estimator has besides its own: a front fills in `config` from model_dir and config.
inline constexpr const char* kModelDirOption = "model_dir";
inline constexpr const char* kConfigOption = "config";

namespace internal {

template <class Options, class Visit>
void VisitTarget(Options& options, CannedTarget target, Visit& visit) {
  if (target == CannedTarget::kRegression) {
    visit("label_dimension", options.label_dimension, "numbers to predict for each example");
  } else {
    visit("n_classes", options.n_classes, "classes to tell apart, at least 2");
  }
  visit("weight_column", options.weight_column,
        "a feature, or a numeric column, by which an example's loss counts more or less");
  if (target == CannedTarget::kClassification) {
    visit("label_vocabulary", options.label_vocabulary,
          "the classes' names, if labels are strings; otherwise labels are the numbers below n_classes");
  }
}

}  // namespace internal

template <class Visit>
void VisitOptions(DnnOptions& options, CannedTarget target, Visit visit) {
  visit("hidden_units", options.hidden_units, "the sizes of the hidden layers");
  visit("feature_columns", options.feature_columns, "the columns that make up the network's input; dense ones");
  visit(kModelDirOption, options.config, "where checkpoints and events are kept; a temporary directory by default");
  internal::VisitTarget(options, target, visit);
  visit("optimizer", options.optimizer, "by name, or an optimizer, or a function that makes it in the model's graph");
  visit("activation_fn", options.activation, "applied to each hidden layer; None for linear layers");
  visit("dropout", options.dropout, "the fraction of each hidden layer's outputs that training drops");
  visit("input_layer_partitioner", options.input_layer_partitioner, "how to cut the input layer's variables");
  visit(kConfigOption, options.config, "a RunConfig");
  visit("loss_reduction", options.loss_reduction, "how examples' losses become one: one of tf.losses.Reduction");
}

template <class Visit>
void VisitOptions(LinearOptions& options, CannedTarget target, Visit visit) {
  visit("feature_columns", options.feature_columns, "the columns that are weighted and summed");
  visit(kModelDirOption, options.config, "where checkpoints and events are kept; a temporary directory by default");
  internal::VisitTarget(options, target, visit);
  visit("optimizer", options.optimizer, "by name, or an optimizer, or a function that makes it in the model's graph");
  visit(kConfigOption, options.config, "a RunConfig");
  visit("partitioner", options.partitioner, "how to cut the weights");
  visit("loss_reduction", options.loss_reduction, "how examples' losses become one: one of tf.losses.Reduction");
  visit("sparse_combiner", options.sparse_combiner, "how a column's several ids count: \"sum\", \"mean\" or \"sqrtn\"");
}

template <class Visit>
void VisitOptions(DnnLinearCombinedOptions& options, CannedTarget target, Visit visit) {
  visit(kModelDirOption, options.config, "where checkpoints and events are kept; a temporary directory by default");
  visit("linear_feature_columns", options.linear_feature_columns, "the columns of the linear (wide) part");
  visit("linear_optimizer", options.linear_optimizer, "of the linear part: by name, or as for the others");
  visit("dnn_feature_columns", options.dnn_feature_columns, "the columns of the network (deep) part; dense ones");
  visit("dnn_optimizer", options.dnn_optimizer, "of the network");
  visit("dnn_hidden_units", options.dnn_hidden_units, "the sizes of the hidden layers");
  visit("dnn_activation_fn", options.dnn_activation, "applied to each hidden layer; None for linear layers");
  visit("dnn_dropout", options.dnn_dropout, "the fraction of each hidden layer's outputs that training drops");
  internal::VisitTarget(options, target, visit);
  visit("input_layer_partitioner", options.input_layer_partitioner, "how to cut the input layers' variables");
  visit(kConfigOption, options.config, "a RunConfig");
  visit("loss_reduction", options.loss_reduction, "how examples' losses become one: one of tf.losses.Reduction");
  visit("linear_sparse_combiner", options.linear_sparse_combiner,
        "how a column's several ids count: \"sum\", \"mean\" or \"sqrtn\"");
}

}  // namespace headrace
