"""Views of tf.contrib: what of it has a counterpart in the API proper, and what programs used most."""

TABLE = """\
contrib.data = data
contrib.eager = context backprop function variables:Variable compat:enable_eager_execution
contrib.eager = implicit_gradients=backprop:implicit_grad implicit_value_and_gradients=backprop:implicit_val_and_grad
contrib.estimator = @estimator
contrib.estimator.python.estimator.extenders = @estimator
contrib.feature_column = @feature_column
contrib.framework = train variables @ @train
contrib.framework.python.framework.checkpoint_utils = saver
contrib.framework.python.ops.variables = train variables
contrib.layers = feature_columns layers initializers losses nn
contrib.learn = estimator
contrib.learn.python.learn.estimators.run_config = estimator:RunConfig
contrib.lookup = lookup
contrib.losses = losses
contrib.metrics = metrics
contrib.saved_model = @saved_model
contrib.summary = summary
contrib.testing = testing.fake_summaries
contrib.testing.python.framework.fake_summary_writer = testing.fake_summaries
contrib.testing.python.framework.util_test = testing.fake_summaries
contrib.training = hyperparameters
contrib.training.python.training.hparam = hyperparameters
"""
