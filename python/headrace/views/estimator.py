"""Views of tensorflow_estimator.python.estimator, and of tensorflow.python.estimator before it."""

_MODULES = """\
estimator = estimator:Estimator
estimator_lib = @estimator
canned.dnn = @estimator
canned.linear = @estimator
canned.dnn_linear_combined = @estimator
canned.baseline = @estimator
canned.boosted_trees = @estimator
canned.head = @estimator
canned.optimizers = @estimator
canned.metric_keys = @estimator
canned.prediction_keys = @estimator
export.export = @estimator.export
export.export_lib = @estimator.export
export.export_output = @estimator.export
exporter = @estimator
extenders = @estimator
gc = @estimator
head.base_head = @estimator
head.binary_class_head = @estimator
head.multi_class_head = @estimator
head.multi_head = @estimator
head.multi_label_head = @estimator
head.regression_head = @estimator
hooks.basic_session_run_hooks = hooks
hooks.session_run_hook = hooks
inputs.inputs = @estimator.inputs
inputs.numpy_io = @estimator.inputs
inputs.pandas_io = @estimator.inputs
keras = @estimator
mode_keys = estimator:ModeKeys
model_fn = estimator:ModeKeys estimator:EstimatorSpec @estimator
run_config = estimator:RunConfig
training = estimator
util = estimator
"""

TABLE = "".join(
    f"{root}.{line}\n"
    for root in ("tensorflow_estimator.python.estimator", "python.estimator")
    for line in _MODULES.splitlines()
)
