"""tf.estimator: estimators, whose model function is Python or one of the library's."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

from headrace import _core
from headrace.export_outputs import (  # noqa: F401
    ClassificationOutput,
    ExportOutput,
    PredictOutput,
    RegressionOutput,
    ServingInputReceiver,
    TensorServingInputReceiver,
    build_parsing_serving_input_receiver_fn,
    build_raw_serving_input_receiver_fn,
)
from headrace.exporters import BestExporter, Exporter, FinalExporter, LatestExporter  # noqa: F401
from headrace.refusal import refuse
from headrace.refusal import steps as as_steps
from headrace.run_config import RunConfig, configured
from headrace.specifications import (
    EstimatorSpec,
    EvalSpec,
    ModeKeys,
    TrainSpec,
    checked_hooks,
    checked_listeners,
)

_MODEL_FN_ARGUMENTS = {"features", "labels", "mode", "params", "self", "config"}


def _check_model_fn(model_fn: Callable, params: Any) -> None:
    """Raises ValueError for a model function with parameters that it is not called with, or without those it needs."""
    try:
        parameters = inspect.signature(model_fn).parameters
    except (TypeError, ValueError):
        return
    named = {p.name for p in parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    if "features" not in named and not takes_all:
        raise ValueError(f"model_fn ({model_fn}) must include features argument.")
    if params is not None and "params" not in named and not takes_all:
        raise ValueError(
            f"model_fn ({model_fn}) does not include params argument, but params ({params}) is passed to Estimator."
        )
    unknown = {
        p.name for p in parameters.values() if p.name in named - _MODEL_FN_ARGUMENTS and p.default is p.empty
    }  # fmt: skip
    if unknown:
        raise ValueError(f"model_fn ({model_fn}) has following not expected args: {sorted(unknown)}")


def _checked(hooks: Any) -> list[Any]:
    return list(checked_hooks(hooks, "a SessionRunHook"))


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
        refuse("Estimator", warm_start_from=warm_start_from)
        if model_fn is None:
            raise ValueError("model_fn must be provided to Estimator.")
        _check_model_fn(model_fn, params)
        self._config = configured(config, model_dir)
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
        self._native.train(
            self._input(input_fn, ModeKeys.TRAIN), _checked(hooks), as_steps(steps), as_steps(max_steps),
            checked_listeners(saving_listeners),
        )  # fmt: skip
        return self

    def evaluate(
        self, input_fn: Callable, steps: int | None = None, hooks: Any = None, checkpoint_path: Any = None,
        name: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The metrics over `steps` batches, or all of the input, and the global step. Without a checkpoint, of the
        variables' initial values."""
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        return self._native.evaluate(
            self._input(input_fn, ModeKeys.EVAL), as_steps(steps), _checked(hooks), checkpoint_path, name
        )

    def predict(
        self, input_fn: Callable, predict_keys: Any = None, hooks: Any = None, checkpoint_path: Any = None,
        yield_single_examples: bool = True,
    ) -> Iterator[Any]:  # fmt: skip
        """The predictions, one example (or one batch) at a time. Without a checkpoint, by the variables' initial
        values."""
        keys = [predict_keys] if isinstance(predict_keys, str) else predict_keys
        native = self._native.predict(self._input(input_fn, ModeKeys.PREDICT), keys, _checked(hooks), checkpoint_path)
        while (values := native.next(yield_single_examples)) is not None:
            yield values[""] if set(values) == {""} else values

    def export_saved_model(
        self, export_dir_base: Any, serving_input_receiver_fn: Callable, assets_extra: Any = None,
        as_text: bool = False, checkpoint_path: Any = None, experimental_mode: str = ModeKeys.PREDICT,
    ) -> bytes:  # fmt: skip
        """Writes a SavedModel to EXPORT_DIR_BASE/TIMESTAMP; returns that path, as bytes."""
        if experimental_mode != ModeKeys.PREDICT:
            refuse("export_saved_model", experimental_mode=experimental_mode)
        return self.export_savedmodel(
            export_dir_base, serving_input_receiver_fn, assets_extra, as_text, checkpoint_path, True
        )

    def export_savedmodel(
        self, export_dir_base: Any, serving_input_receiver_fn: Callable, assets_extra: Any = None,
        as_text: bool = False, checkpoint_path: Any = None, strip_default_attrs: bool = False,
    ) -> bytes:  # fmt: skip
        if serving_input_receiver_fn is None:
            raise ValueError("An input_receiver_fn must be defined.")
        refuse("export_savedmodel", as_text=as_text)
        if checkpoint_path is None and not self.latest_checkpoint():
            raise ValueError(f"Couldn't find trained model at {self.model_dir}.")

        def receiver() -> Any:
            made = serving_input_receiver_fn()
            refuse("ServingInputReceiver", receiver_tensors_alternatives=made.receiver_tensors_alternatives)
            return made

        return self._native.export_saved_model(
            os.fspath(export_dir_base), receiver, assets_extra, checkpoint_path, strip_default_attrs
        ).encode()

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


def add_metrics(estimator: Estimator, metric_fn: Callable) -> Estimator:
    """An estimator that also evaluates the metrics of metric_fn, which takes any of features, labels, predictions,
    config and returns them by name."""
    parameters = inspect.signature(metric_fn).parameters
    unknown = set(parameters) - {"self", "features", "labels", "predictions", "config"}
    if unknown:
        raise ValueError(f"metric_fn ({metric_fn}) has following not expected args: {sorted(unknown)}")

    def metrics(features: Any, labels: Any, predictions: Any) -> dict[str, Any]:
        given = {"features": features, "labels": labels, "predictions": predictions, "config": estimator.config}
        return metric_fn(**{name: given[name] for name in parameters})

    return Estimator._around(estimator._native.with_metrics(metrics), estimator.config, estimator._params)


def train_and_evaluate(estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec) -> tuple[Any, list[str]]:
    """Trains; evaluates and exports after checkpoints and at the end. Returns the last metrics and the exports.

    Raises:
      TypeError: for what is no Estimator, TrainSpec or EvalSpec.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`, given {type(estimator)}")
    if not isinstance(train_spec, TrainSpec):
        raise TypeError(f"`train_spec` must have type `tf.estimator.TrainSpec`, given {type(train_spec)}")
    if not isinstance(eval_spec, EvalSpec):
        raise TypeError(
            f"`eval_spec` must be either `None` or have type `tf.estimator.EvalSpec`, given {type(eval_spec)}"
        )
    train_spec = train_spec._replace(
        input_fn=estimator._input(train_spec.input_fn, ModeKeys.TRAIN), hooks=_checked(train_spec.hooks)
    )
    eval_spec = eval_spec._replace(
        input_fn=estimator._input(eval_spec.input_fn, ModeKeys.EVAL), hooks=_checked(eval_spec.hooks)
    )
    return _core.train_and_evaluate(estimator, train_spec, eval_spec)
