"""What model functions return and what train_and_evaluate is told, checked as TensorFlow 1.15 checks it."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from headrace.export_outputs import ExportOutput, with_default
from headrace.framework import Operation, Tensor, get_default_graph
from headrace.hooks import CheckpointSaverListener, SessionRunHook
from headrace.refusal import steps as as_steps
from headrace.variables import Variable


class ModeKeys:
    """What a model function is called for."""

    TRAIN, EVAL, PREDICT = "train", "eval", "infer"


def checked_hooks(hooks: Any, name: str = "`SessionRunHook`") -> tuple[Any, ...]:
    """Hooks as a tuple. Raises TypeError for one that is none."""
    try:
        hooks = tuple(hooks or ())
    except TypeError:
        raise TypeError(f"hooks must be a list of {name} instances, given: {hooks}") from None
    for hook in hooks:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be {name} instances, given: {hook}")
    return hooks


def checked_listeners(listeners: Any) -> tuple[Any, ...]:
    listeners = tuple(listeners or ())
    for listener in listeners:
        if not isinstance(listener, CheckpointSaverListener):
            raise TypeError(f"All saving_listeners must be `CheckpointSaverListener` instances, given: {listener}")
    return listeners


def _checked_input(input_fn: Any) -> Callable:
    if not callable(input_fn):
        raise TypeError(f"`input_fn` must be callable, given: {input_fn}")
    return input_fn


# ------------------------------------------------------------------------------------------------------ EstimatorSpec

_SPEC = [
    "mode", "predictions", "loss", "train_op", "eval_metric_ops", "export_outputs", "training_chief_hooks",
    "training_hooks", "scaffold", "evaluation_hooks", "prediction_hooks",
]  # fmt: skip


def _of_this_graph(what: str, item: Any) -> None:
    if item.graph is not get_default_graph():
        raise ValueError(
            f'{what} with "{item.name}" must be from the default graph. Possible causes of this error include: \n\n'
            f"1) {what} was created outside the context of the default graph.\n\n"
            f"2) The object passed through to EstimatorSpec was not created in the most recent call to "
            f'"model_fn".'
        )


def _tensor(value: Any, name: str) -> Tensor:
    """A tensor as it is; a variable's value."""
    if isinstance(value, Variable):
        return value.value()
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be Tensor, given: {value}")
    return value


def _checked_loss(loss: Any, mode: str) -> Any:
    if loss is None:
        if mode in (ModeKeys.TRAIN, ModeKeys.EVAL):
            raise ValueError("Missing loss.")
        return None
    loss = _tensor(loss, "loss")
    if loss.shape.num_elements() not in (None, 1):
        raise ValueError(f"Loss must be scalar, given: {loss}")
    if loss.shape.ndims not in (None, 0):
        from headrace.arrays import reshape

        loss = reshape(loss, [])
    _of_this_graph("loss", loss)
    return loss


def _checked_train_op(train_op: Any, mode: str) -> Any:
    if train_op is None:
        if mode == ModeKeys.TRAIN:
            raise ValueError("Missing train_op.")
        return None
    if not isinstance(train_op, (Operation, Tensor, Variable)):
        raise TypeError(f"train_op must be Operation or Tensor, given: {train_op}")
    _of_this_graph("train_op", train_op)
    return train_op.op if isinstance(train_op, Variable) else train_op


def _checked_predictions(predictions: Any, mode: str) -> Any:
    if predictions is None:
        if mode == ModeKeys.PREDICT:
            raise ValueError("Missing predictions.")
        return {}
    if isinstance(predictions, dict):
        predictions = {key: _tensor(value, f"predictions[{key}]") for key, value in predictions.items()}
        for value in predictions.values():
            _of_this_graph("prediction values", value)
        return predictions
    predictions = _tensor(predictions, "predictions")
    _of_this_graph("prediction values", predictions)
    return predictions


def _checked_exports(export_outputs: Any, mode: str) -> Any:
    if mode != ModeKeys.PREDICT or export_outputs is None:
        return export_outputs
    if not isinstance(export_outputs, dict):
        raise TypeError(f"export_outputs must be dict, given: {export_outputs}")
    for output in export_outputs.values():
        if not isinstance(output, ExportOutput):
            raise TypeError(f"Values in export_outputs must be ExportOutput objects. Given: {export_outputs}")
    return with_default(export_outputs)


def _checked_metrics(eval_metric_ops: Any) -> dict[str, Any]:
    if eval_metric_ops is None:
        return {}
    if not isinstance(eval_metric_ops, dict):
        raise TypeError(f"eval_metric_ops must be a dict, given: {eval_metric_ops}")
    for key, pair in eval_metric_ops.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"Values of eval_metric_ops must be (metric_value, update_op) tuples, given: {pair} for key: {key}"
            )
        for item in pair:
            if not isinstance(item, (Tensor, Operation, Variable)):
                raise TypeError(
                    f"Values of eval_metric_ops must be (metric_value, update_op) tuples of tensors or operations, "
                    f"given: {item} for key: {key}"
                )
            _of_this_graph("eval_metric_ops", item)
    return eval_metric_ops


def _checked_scaffold(scaffold: Any) -> Any:
    from headrace.saver import Scaffold

    if scaffold is not None and not isinstance(scaffold, Scaffold):
        raise TypeError(f"scaffold must be tf.train.Scaffold. Given: {scaffold}")
    return scaffold or Scaffold()


class EstimatorSpec(namedtuple("EstimatorSpec", _SPEC)):
    """What a model function returns: the operations and tensors of its mode.

    Raises:
      ValueError: for what the mode needs and is missing, a loss that is no scalar, and what is of another graph.
      TypeError: for what is no tensor, operation, hook, scaffold or export output where one is wanted.
    """

    def __new__(
        cls, mode: str, predictions: Any = None, loss: Any = None, train_op: Any = None, eval_metric_ops: Any = None,
        export_outputs: Any = None, training_chief_hooks: Any = None, training_hooks: Any = None, scaffold: Any = None,
        evaluation_hooks: Any = None, prediction_hooks: Any = None,
    ) -> EstimatorSpec:  # fmt: skip
        train_op = _checked_train_op(train_op, mode)
        loss = _checked_loss(loss, mode)
        predictions = _checked_predictions(predictions, mode)
        export_outputs = _checked_exports(export_outputs, mode)
        hooks = [
            checked_hooks(hooks, "SessionRunHook")
            for hooks in (training_chief_hooks, training_hooks, evaluation_hooks, prediction_hooks)
        ]
        metrics = _checked_metrics(eval_metric_ops)
        if mode not in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT):
            raise ValueError(f"mode must be one of tf.estimator.ModeKeys, got {mode!r}")
        return super().__new__(
            cls, mode, predictions, loss, train_op, metrics, export_outputs, hooks[0], hooks[1],
            _checked_scaffold(scaffold), hooks[2], hooks[3],
        )  # fmt: skip

    def _replace(self, **kwargs: Any) -> EstimatorSpec:
        """A checked copy with other values."""
        if "mode" in kwargs and kwargs["mode"] != self.mode:
            raise ValueError("mode of EstimatorSpec cannot be changed.")
        return type(self)(**{**self._asdict(), **kwargs})


# -------------------------------------------------------------------------------------------- training and evaluation


class TrainSpec(namedtuple("TrainSpec", ["input_fn", "max_steps", "hooks", "saving_listeners"])):
    """The training part of train_and_evaluate.

    Raises:
      ValueError: for max_steps that are not positive. TypeError: for an input_fn, hooks or listeners that are none.
    """

    def __new__(
        cls, input_fn: Callable, max_steps: int | None = None, hooks: Any = None, saving_listeners: Any = None
    ) -> TrainSpec:
        _checked_input(input_fn)
        if max_steps is not None and max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {max_steps}")
        return super().__new__(
            cls, input_fn, as_steps(max_steps), checked_hooks(hooks), checked_listeners(saving_listeners)
        )


def _checked_exporters(exporters: Any) -> tuple[Any, ...]:
    from headrace.exporters import Exporter

    if not exporters:
        return ()
    listed = [exporters] if isinstance(exporters, Exporter) else exporters
    try:
        listed = tuple(listed)
    except TypeError:
        listed = (None,)
    if not all(isinstance(exporter, Exporter) for exporter in listed):
        raise TypeError(f"`exporters` must be an Exporter, an iterable of Exporter, or `None`, found {exporters}.")
    names = [exporter.name for exporter in listed]
    for name in names:
        if not name:
            raise ValueError(f"An Exporter cannot have a name that is `None` or empty. All exporter names: {names}")
        if not isinstance(name, str):
            raise ValueError(f"An Exporter must have a string name. Given: {type(name)}")
    if len(set(names)) != len(names):
        raise ValueError(
            f"`exporters` must have unique names. Such a name cannot be `None`. All exporter names: {names}"
        )
    return listed


class EvalSpec(
    namedtuple("EvalSpec", ["input_fn", "steps", "name", "hooks", "exporters", "start_delay_secs", "throttle_secs"])
):
    """The evaluation part of train_and_evaluate.

    Raises:
      ValueError: for numbers out of range, and for exporters of one name. TypeError: for an input_fn, name, hooks or
        exporters that are none.
    """

    def __new__(
        cls, input_fn: Callable, steps: int | None = 100, name: str | None = None, hooks: Any = None,
        exporters: Any = None, start_delay_secs: float = 120, throttle_secs: float = 600,
    ) -> EvalSpec:  # fmt: skip
        _checked_input(input_fn)
        if steps is not None and steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {steps}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be string, given: {name}")
        hooks, exporters = checked_hooks(hooks), _checked_exporters(exporters)
        if start_delay_secs < 0:
            raise ValueError(f"Must specify start_delay_secs >= 0, given: {start_delay_secs}")
        if throttle_secs < 0:
            raise ValueError(f"Must specify throttle_secs >= 0, given: {throttle_secs}")
        return super().__new__(cls, input_fn, as_steps(steps), name, hooks, exporters, start_delay_secs, throttle_secs)
