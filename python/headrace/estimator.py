"""tf.estimator: the library's estimators, and those whose model function is Python."""

from __future__ import annotations

import inspect
import os
from collections import namedtuple
from collections.abc import Callable, Iterator
from typing import Any

from headrace import _core
from headrace.framework import Tensor
from headrace.losses import Reduction


class ModeKeys:
    """What a model function is called for."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


# ----------------------------------------------------------------------------------------------------- configuration


class RunConfig:
    """How an estimator runs: where it keeps its model, how often it saves and logs.

    Args:
      save_checkpoints_secs, save_checkpoints_steps: one of them; every 600 seconds by default.
    """

    def __init__(
        self, model_dir: Any = None, tf_random_seed: int | None = None, save_summary_steps: int = 100,
        save_checkpoints_steps: Any = "unset", save_checkpoints_secs: Any = "unset", session_config: Any = None,
        keep_checkpoint_max: int | None = 5, keep_checkpoint_every_n_hours: float = 10000,
        log_step_count_steps: int | None = 100, train_distribute: Any = None, device_fn: Any = None,
        protocol: Any = None, eval_distribute: Any = None, experimental_distribute: Any = None,
        experimental_max_worker_delay_secs: Any = None, session_creation_timeout_secs: int = 7200,
    ) -> None:  # fmt: skip
        if save_checkpoints_steps == "unset" and save_checkpoints_secs == "unset":
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        elif save_checkpoints_secs == "unset":
            save_checkpoints_secs = None
        elif save_checkpoints_steps == "unset":
            save_checkpoints_steps = None
        elif save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.")
        if save_checkpoints_steps is not None and save_checkpoints_steps < 0:
            raise ValueError("save_checkpoints_steps should be >= 0")
        self.model_dir = None if model_dir is None else os.fspath(model_dir)
        self.tf_random_seed, self.save_summary_steps = tf_random_seed, save_summary_steps
        self.save_checkpoints_steps, self.save_checkpoints_secs = save_checkpoints_steps, save_checkpoints_secs
        self.session_config, self.keep_checkpoint_max = session_config, keep_checkpoint_max
        self.keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self.log_step_count_steps = log_step_count_steps
        self.train_distribute, self.eval_distribute, self.device_fn = train_distribute, eval_distribute, device_fn

    is_chief = property(lambda self: True)
    task_type = property(lambda self: "worker")
    task_id = property(lambda self: 0)
    num_worker_replicas = property(lambda self: 1)
    num_ps_replicas = property(lambda self: 0)
    master = property(lambda self: "")
    evaluation_master = property(lambda self: "")
    global_id_in_cluster = property(lambda self: 0)

    def replace(self, **kwargs: Any) -> RunConfig:
        """A copy with other values."""
        copy = RunConfig.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        for name, value in kwargs.items():
            if name not in self.__dict__:
                raise ValueError(f"Replacing {name} is not supported; allowed are {sorted(self.__dict__)}")
            setattr(copy, name, value)
        return copy

    def _native(self) -> dict[str, Any]:
        names = (
            "model_dir", "tf_random_seed", "save_summary_steps", "save_checkpoints_steps", "save_checkpoints_secs",
            "keep_checkpoint_max", "keep_checkpoint_every_n_hours", "log_step_count_steps",
        )  # fmt: skip
        return {name: getattr(self, name) for name in names}


def _configured(config: Any, model_dir: Any) -> RunConfig:
    if config is None:
        config = RunConfig()
    elif isinstance(config, dict):
        config = RunConfig(**config)
    elif not isinstance(config, RunConfig):
        raise ValueError(f"config must be an instance of `RunConfig`, but provided {config}.")
    if model_dir is not None:
        if config.model_dir is not None and config.model_dir != os.fspath(model_dir):
            raise ValueError(
                f"`model_dir` are set both in constructor and `RunConfig`, but with different values. In constructor: "
                f"'{model_dir}', in `RunConfig`: '{config.model_dir}'"
            )
        config = config.replace(model_dir=os.fspath(model_dir))
    return config


# ------------------------------------------------------------------------------------------------------ specifications

_SPEC = [
    "mode", "predictions", "loss", "train_op", "eval_metric_ops", "export_outputs", "training_chief_hooks",
    "training_hooks", "scaffold", "evaluation_hooks", "prediction_hooks",
]  # fmt: skip


class EstimatorSpec(namedtuple("EstimatorSpec", _SPEC)):
    """What a model function returns: the operations and tensors of its mode."""

    def __new__(
        cls, mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None,
        export_outputs: Any = None, training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None,
        evaluation_hooks: Any = None, prediction_hooks: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        if mode == ModeKeys.TRAIN and train_op is None:
            raise ValueError("Missing train_op.")
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL) and loss is None:
            raise ValueError("Missing loss.")
        if mode == ModeKeys.PREDICT and predictions is None:
            raise ValueError("Missing predictions.")
        if mode not in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT):
            raise ValueError(f"mode must be one of ModeKeys, got {mode!r}")
        if loss is not None and loss.shape.ndims not in (None, 0):
            if loss.shape.num_elements() != 1:
                raise ValueError(f"Loss must be scalar, given: {loss}")
            from headrace.arrays import reshape

            loss = reshape(loss, [])
        for name, pair in (eval_metric_ops or {}).items():
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(
                    f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {pair} for key: {name}"
                )
        return super().__new__(
            cls, mode, predictions if predictions is not None else {}, loss, train_op, eval_metric_ops or {},
            export_outputs, training_chief_hooks or (), training_hooks or (), scaffold, evaluation_hooks or (),
            prediction_hooks or (),
        )  # fmt: skip


class TrainSpec(namedtuple("TrainSpec", ["input_fn", "max_steps", "hooks", "saving_listeners"])):
    """The training part of train_and_evaluate."""

    def __new__(
        cls, input_fn: Callable, max_steps: int | None = None, hooks: Any = None, saving_listeners: Any = None
    ) -> TrainSpec:
        if not callable(input_fn):
            raise TypeError(f"`input_fn` must be callable, given {input_fn}")
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        return super().__new__(cls, input_fn, max_steps, tuple(hooks or ()), tuple(saving_listeners or ()))


class EvalSpec(
    namedtuple("EvalSpec", ["input_fn", "steps", "name", "hooks", "exporters", "start_delay_secs", "throttle_secs"])
):
    """The evaluation part of train_and_evaluate."""

    def __new__(
        cls, input_fn: Callable, steps: int | None = 100, name: str | None = None, hooks: Any = None,
        exporters: Any = None, start_delay_secs: float = 120, throttle_secs: float = 600,
    ) -> EvalSpec:  # fmt: skip
        if not callable(input_fn):
            raise TypeError(f"`input_fn` must be callable, given {input_fn}")
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if start_delay_secs < 0 or throttle_secs < 0:
            raise ValueError("start_delay_secs and throttle_secs must not be negative")
        exporters = (
            () if exporters is None else tuple(exporters) if isinstance(exporters, (list, tuple)) else (exporters,)
        )
        return super().__new__(
            cls, input_fn, steps, name, tuple(hooks or ()), exporters, start_delay_secs, throttle_secs
        )


# ------------------------------------------------------------------------------------------------------ export outputs


class ExportOutput:
    """Base class of what an exported model gives."""


class PredictOutput(ExportOutput):
    """Any outputs, by name."""

    kind = "predict"

    def __init__(self, outputs: Any) -> None:
        self.outputs = outputs if isinstance(outputs, dict) else {"output": outputs}


class RegressionOutput(ExportOutput):
    """One float."""

    kind = "regression"

    def __init__(self, value: Tensor) -> None:
        if not (isinstance(value, Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value}")
        self.value = value


class ClassificationOutput(ExportOutput):
    """Scores, classes or both."""

    kind = "classification"

    def __init__(self, scores: Tensor | None = None, classes: Tensor | None = None) -> None:
        if scores is None and classes is None:
            raise ValueError("At least one of scores and classes must be set.")
        self.scores, self.classes = scores, classes


class ServingInputReceiver(
    namedtuple("ServingInputReceiver", ["features", "receiver_tensors", "receiver_tensors_alternatives"])
):
    """What a serving input function returns: the features, and the tensors that are fed."""

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> ServingInputReceiver:
        if features is None:
            raise ValueError("features must be defined.")
        if not isinstance(features, dict):
            features = {"feature": features}
        if receiver_tensors is None:
            raise ValueError("receiver_tensors must be defined.")
        return super().__new__(cls, features, receiver_tensors, receiver_tensors_alternatives)


class TensorServingInputReceiver(
    namedtuple("TensorServingInputReceiver", ["features", "receiver_tensors", "receiver_tensors_alternatives"])
):
    """As ServingInputReceiver, for models whose features are one tensor."""

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> TensorServingInputReceiver:
        if not isinstance(features, Tensor):
            raise ValueError("feature must be a Tensor")
        return super().__new__(cls, features, receiver_tensors, receiver_tensors_alternatives)


def build_raw_serving_input_receiver_fn(features: dict[str, Tensor], default_batch_size: int | None = None) -> Callable:
    """A function that feeds these features as they are."""
    from headrace.arrays import placeholder

    def serving_input_receiver_fn() -> ServingInputReceiver:
        tensors = {
            name: placeholder(t.dtype.base_dtype, [default_batch_size] + t.shape.as_list()[1:], name)
            for name, t in features.items()
        }
        return ServingInputReceiver(tensors, tensors)

    return serving_input_receiver_fn


def build_parsing_serving_input_receiver_fn(
    feature_spec: dict[str, Any], default_batch_size: int | None = None
) -> Callable:
    """A function that is fed serialized tf.train.Examples and reads the features from them."""
    from headrace import dtypes
    from headrace.arrays import placeholder
    from headrace.parsing import parse_example

    def serving_input_receiver_fn() -> ServingInputReceiver:
        serialized = placeholder(dtypes.string, [default_batch_size], "input_example_tensor")
        return ServingInputReceiver(parse_example(serialized, feature_spec), {"examples": serialized})

    return serving_input_receiver_fn


# ---------------------------------------------------------------------------------------------------------- estimators


class Estimator:
    """Trains, evaluates and predicts with the model that `model_fn` builds, and exports it.

    Args:
      model_fn: a function of features, labels and, if it has such parameters, mode, params and config; it returns an
        EstimatorSpec.
      model_dir: where checkpoints and events are kept; a temporary directory by default.
    """

    def __init__(
        self,
        model_fn: Callable,
        model_dir: Any = None,
        config: Any = None,
        params: Any = None,
        warm_start_from: Any = None,
    ) -> None:
        if warm_start_from is not None:
            raise NotImplementedError("warm_start_from is not available yet")
        self._config = _configured(config, model_dir)
        self._params = dict(params) if isinstance(params, dict) else params
        self._model_fn = model_fn
        self._attach(_core.NativeEstimator(self._call_model_fn, **self._config._native()))

    @classmethod
    def _around(cls, native: Any, config: RunConfig, params: Any = None) -> Estimator:
        estimator = Estimator.__new__(cls)
        estimator._config, estimator._params = config, params
        estimator._attach(native)
        return estimator

    def _attach(self, native: Any) -> None:
        self._native = native
        self._config = self._config.replace(model_dir=native.model_dir)

    def _call_model_fn(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        parameters = inspect.signature(self._model_fn).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        arguments: dict[str, Any] = {}
        if "labels" in parameters or takes_all:
            arguments["labels"] = labels
        elif labels is not None:
            raise ValueError("model_fn does not take labels, but input_fn returns labels.")
        for name, value in (("mode", mode), ("params", self.params), ("config", self.config)):
            if name in parameters:
                arguments[name] = value
        spec = self._model_fn(features=features, **arguments)
        if not isinstance(spec, EstimatorSpec):
            raise ValueError("model_fn should return an EstimatorSpec.")
        return spec

    model_dir = property(lambda self: self._native.model_dir)
    config = property(lambda self: self._config)

    @property
    def params(self) -> Any:
        import copy

        return copy.deepcopy(self._params) if self._params is not None else {}

    @property
    def model_fn(self) -> Callable:
        """The model function, with the parameters features, labels, mode and config."""

        def public_model_fn(features: Any, labels: Any, mode: str, config: Any) -> EstimatorSpec:
            if hasattr(self, "_model_fn"):
                return self._call_model_fn(features, labels, mode)
            return self._native.call_model_fn(features, labels, mode)

        return public_model_fn

    def _input(self, input_fn: Callable, mode: str) -> Callable:
        if not callable(input_fn):
            raise TypeError(f"input_fn must be a function, got {input_fn!r}")
        try:
            parameters = inspect.signature(input_fn).parameters
        except (TypeError, ValueError):
            return input_fn
        arguments = {
            name: value for name, value in (("mode", mode), ("params", self.params), ("config", self.config))
            if name in parameters and parameters[name].default is inspect.Parameter.empty
        }  # fmt: skip
        return (lambda: input_fn(**arguments)) if arguments else input_fn

    def train(
        self, input_fn: Callable, hooks: Any = None, steps: int | None = None, max_steps: int | None = None,
        saving_listeners: Any = None,
    ) -> Estimator:  # fmt: skip
        """Trains from the latest checkpoint: `steps` more, until the step `max_steps`, or to the end of the input."""
        if steps is not None and max_steps is not None:
            raise ValueError("Can not provide both steps and max_steps.")
        for name, value in (("steps", steps), ("max_steps", max_steps)):
            if value is not None and value <= 0:
                raise ValueError(f"Must specify {name} > 0, given: {value}")
        self._native.train(self._input(input_fn, ModeKeys.TRAIN), _checked(hooks), steps, max_steps, saving_listeners)
        return self

    def evaluate(
        self, input_fn: Callable, steps: int | None = None, hooks: Any = None, checkpoint_path: Any = None,
        name: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The metrics over `steps` batches, or all of the input, and the global step."""
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        self._require_model(checkpoint_path)
        return self._native.evaluate(
            self._input(input_fn, ModeKeys.EVAL), steps, _checked(hooks), checkpoint_path, name
        )

    def predict(
        self, input_fn: Callable, predict_keys: Any = None, hooks: Any = None, checkpoint_path: Any = None,
        yield_single_examples: bool = True,
    ) -> Iterator[Any]:  # fmt: skip
        """The predictions, one example (or one batch) at a time."""
        self._require_model(checkpoint_path)
        keys = [predict_keys] if isinstance(predict_keys, str) else predict_keys
        native = self._native.predict(self._input(input_fn, ModeKeys.PREDICT), keys, _checked(hooks), checkpoint_path)
        while (values := native.next(yield_single_examples)) is not None:
            yield values[""] if set(values) == {""} else values

    def export_saved_model(
        self, export_dir_base: Any, serving_input_receiver_fn: Callable, assets_extra: Any = None,
        as_text: bool = False, checkpoint_path: Any = None, experimental_mode: str = ModeKeys.PREDICT,
    ) -> bytes:  # fmt: skip
        """Writes a SavedModel to EXPORT_DIR_BASE/TIMESTAMP; returns that path, as bytes."""
        if serving_input_receiver_fn is None:
            raise ValueError("An input_receiver_fn must be defined.")
        _refuse(as_text=as_text)
        self._require_model(checkpoint_path)
        return self._native.export_saved_model(
            os.fspath(export_dir_base), serving_input_receiver_fn, assets_extra, checkpoint_path, True
        ).encode()

    def export_savedmodel(
        self, export_dir_base: Any, serving_input_receiver_fn: Callable, assets_extra: Any = None,
        as_text: bool = False, checkpoint_path: Any = None, strip_default_attrs: bool = False,
    ) -> bytes:  # fmt: skip
        _refuse(as_text=as_text)
        self._require_model(checkpoint_path)
        return self._native.export_saved_model(
            os.fspath(export_dir_base), serving_input_receiver_fn, assets_extra, checkpoint_path, strip_default_attrs
        ).encode()

    def _require_model(self, checkpoint_path: Any) -> None:
        if checkpoint_path is None and not self.latest_checkpoint():
            raise ValueError(f"Could not find trained model in model_dir: {self.model_dir}.")

    def eval_dir(self, name: str | None = None) -> str:
        return self._native.eval_dir(name or "")

    def latest_checkpoint(self) -> str | None:
        return self._native.latest_checkpoint() or None

    def get_variable_names(self) -> list[str]:
        """The names of the trained model's variables."""
        return self._native.variable_names()

    def get_variable_value(self, name: str) -> Any:
        """A variable's value in the latest checkpoint, a NumPy array."""
        return self._native.variable_value(name.removesuffix(":0"))


def _checked(hooks: Any) -> list[Any]:
    from headrace.hooks import SessionRunHook

    hooks = list(hooks or [])
    for hook in hooks:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"Hooks must be a SessionRunHook, given: {hook}")
    return hooks


def _optimizer(optimizer: Any) -> Any:
    from headrace.optimizers import Optimizer

    if isinstance(optimizer, (str, Optimizer)):
        return optimizer
    if callable(optimizer):
        return optimizer()
    raise ValueError(f"The given object is not an Optimizer instance. Given: {optimizer}")


class DNNRegressor(Estimator):
    """A neural network with ReLU layers of the given sizes that predicts numbers."""

    def __init__(
        self, hidden_units: Any, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1,
        weight_column: Any = None, optimizer: Any = "Adagrad", activation_fn: Any = None, dropout: float | None = None,
        input_layer_partitioner: Any = None, config: Any = None, warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM, batch_norm: bool = False,
    ) -> None:  # fmt: skip
        _refuse(warm_start_from=warm_start_from, batch_norm=batch_norm)
        self._config, self._params = _configured(config, model_dir), None
        options = dict(
            hidden_units=hidden_units, feature_columns=feature_columns, label_dimension=label_dimension,
            weight_column=_weight_name(weight_column), optimizer=_optimizer(optimizer), activation=activation_fn,
            dropout=dropout, loss_reduction=loss_reduction,
        )  # fmt: skip
        self._attach(_core.dnn_regressor(options, self._config._native()))


class LinearRegressor(Estimator):
    """A linear model that predicts numbers."""

    def __init__(
        self, feature_columns: Any, model_dir: Any = None, label_dimension: int = 1, weight_column: Any = None,
        optimizer: Any = "Ftrl", config: Any = None, partitioner: Any = None, warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM, sparse_combiner: str = "sum",
    ) -> None:  # fmt: skip
        _refuse(warm_start_from=warm_start_from)
        self._config, self._params = _configured(config, model_dir), None
        options = dict(
            feature_columns=feature_columns, label_dimension=label_dimension,
            weight_column=_weight_name(weight_column), optimizer=_optimizer(optimizer),
            sparse_combiner=sparse_combiner, loss_reduction=loss_reduction,
        )  # fmt: skip
        self._attach(_core.linear_regressor(options, self._config._native()))


class DNNLinearCombinedRegressor(Estimator):
    """A linear model and a neural network side by side (wide and deep) that predict numbers."""

    def __init__(
        self, model_dir: Any = None, linear_feature_columns: Any = None, linear_optimizer: Any = "Ftrl",
        dnn_feature_columns: Any = None, dnn_optimizer: Any = "Adagrad", dnn_hidden_units: Any = None,
        dnn_activation_fn: Any = None, dnn_dropout: float | None = None, label_dimension: int = 1,
        weight_column: Any = None, input_layer_partitioner: Any = None, config: Any = None,
        warm_start_from: Any = None, loss_reduction: str = Reduction.SUM, batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
    ) -> None:  # fmt: skip
        _refuse(warm_start_from=warm_start_from, batch_norm=batch_norm)
        if not linear_feature_columns and not dnn_feature_columns:
            raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
        self._config, self._params = _configured(config, model_dir), None
        options = dict(
            linear_feature_columns=linear_feature_columns, linear_optimizer=_optimizer(linear_optimizer),
            dnn_feature_columns=dnn_feature_columns, dnn_optimizer=_optimizer(dnn_optimizer),
            dnn_hidden_units=dnn_hidden_units, dnn_activation=dnn_activation_fn, dnn_dropout=dnn_dropout,
            label_dimension=label_dimension, weight_column=_weight_name(weight_column),
            linear_sparse_combiner=linear_sparse_combiner, loss_reduction=loss_reduction,
        )  # fmt: skip
        self._attach(_core.dnn_linear_combined_regressor(options, self._config._native()))


def _refuse(**options: Any) -> None:
    for name, value in options.items():
        if value:
            raise NotImplementedError(f"{name} is not available yet")


def _weight_name(weight_column: Any) -> str | None:
    return weight_column if weight_column is None or isinstance(weight_column, str) else weight_column.key


def add_metrics(estimator: Estimator, metric_fn: Callable) -> Estimator:
    """An estimator that also evaluates the metrics of metric_fn, which takes any of features, labels, predictions,
    config and returns them by name."""
    parameters = inspect.signature(metric_fn).parameters
    unknown = set(parameters) - {"features", "labels", "predictions", "config"}
    if unknown:
        raise ValueError(f"metric_fn ({metric_fn}) has following not expected args: {sorted(unknown)}")

    def metrics(features: Any, labels: Any, predictions: Any) -> dict[str, Any]:
        given = {"features": features, "labels": labels, "predictions": predictions, "config": estimator.config}
        return metric_fn(**{name: given[name] for name in parameters})

    return Estimator._around(estimator._native.with_metrics(metrics), estimator.config, estimator._params)


# ---------------------------------------------------------------------------------------------------------- exporters


class Exporter:
    """Base class: subclass it and define `name` and `export` for an exporter of one's own."""

    @property
    def name(self) -> str:
        raise NotImplementedError

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        raise NotImplementedError


class _NativeExporter(Exporter):
    _native: Any
    name = property(lambda self: self._native.name)


class LatestExporter(_NativeExporter):
    """Exports after every evaluation and keeps the newest `exports_to_keep`."""

    def __init__(
        self, name: str, serving_input_receiver_fn: Callable, assets_extra: Any = None, as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:  # fmt: skip
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError("`exports_to_keep`, if provided, must be positive number")
        _refuse(as_text=as_text)
        self._native = _core.latest_exporter(name, serving_input_receiver_fn, assets_extra, exports_to_keep)


class FinalExporter(_NativeExporter):
    """Exports once, at the end."""

    def __init__(
        self, name: str, serving_input_receiver_fn: Callable, assets_extra: Any = None, as_text: bool = False
    ) -> None:
        _refuse(as_text=as_text)
        self._native = _core.final_exporter(name, serving_input_receiver_fn, assets_extra)


class BestExporter(_NativeExporter):
    """Exports when an evaluation is better than all before it: of a smaller loss, unless compare_fn says else."""

    def __init__(
        self, name: str = "best_exporter", serving_input_receiver_fn: Any = None,
        event_file_pattern: str = "eval/*.tfevents.*", compare_fn: Any = None, assets_extra: Any = None,
        as_text: bool = False, exports_to_keep: int | None = 5,
    ) -> None:  # fmt: skip
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError("`exports_to_keep`, if provided, must be positive number")
        better = None
        if compare_fn is not None:

            def better(best: Any, current: Any) -> Any:
                return compare_fn(best_eval_result=best, current_eval_result=current)

        _refuse(as_text=as_text)
        self._native = _core.best_exporter(
            name, serving_input_receiver_fn, event_file_pattern, better, assets_extra, exports_to_keep
        )


def train_and_evaluate(estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec) -> tuple[Any, list[str]]:
    """Trains; evaluates and exports after checkpoints and at the end. Returns the last metrics and the exports."""
    if not isinstance(train_spec, TrainSpec):
        raise TypeError(f"`train_spec` must have type `tf.estimator.TrainSpec`. Got: {type(train_spec)}")
    if not isinstance(eval_spec, EvalSpec):
        raise TypeError(f"`eval_spec` must have type `tf.estimator.EvalSpec`. Got: {type(eval_spec)}")
    train_spec = train_spec._replace(
        input_fn=estimator._input(train_spec.input_fn, ModeKeys.TRAIN), hooks=_checked(train_spec.hooks)
    )
    eval_spec = eval_spec._replace(
        input_fn=estimator._input(eval_spec.input_fn, ModeKeys.EVAL), hooks=_checked(eval_spec.hooks)
    )
    return _core.train_and_evaluate(estimator, train_spec, eval_spec)
