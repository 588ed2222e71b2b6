"""tf.train's hooks. A subclass of SessionRunHook is called only where it overrides something; the others are C++."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from headrace import _core
from headrace.framework import Operation, Tensor, get_default_graph


class SessionRunArgs(namedtuple("SessionRunArgs", ["fetches", "feed_dict", "options"])):
    """What a hook wants fetched and fed along with a step."""

    def __new__(cls, fetches: Any, feed_dict: Any = None, options: Any = None) -> SessionRunArgs:
        return super().__new__(cls, fetches, feed_dict, options)


SessionRunValues = namedtuple("SessionRunValues", ["results", "options", "run_metadata"])


class SessionRunContext:
    """What a hook knows about a step, and its way to stop the loop."""

    def __init__(self, original_args: Any, session: Any) -> None:
        self.original_args, self.session = original_args, session
        self._stop_requested = False

    stop_requested = property(lambda self: self._stop_requested)

    def request_stop(self) -> None:
        self._stop_requested = True


class SessionRunHook:
    """Base class of hooks: override what you need."""

    def begin(self) -> None:
        """Before the session is made; the graph may still be changed."""

    def after_create_session(self, session: Any, coord: Any) -> None:
        """After the session has its variables."""

    def before_run(self, run_context: SessionRunContext) -> Any:
        """Before each step: returns SessionRunArgs to have something fetched, or None."""

    def after_run(self, run_context: SessionRunContext, run_values: Any) -> None:
        """After each step, with the values asked for."""

    def end(self, session: Any) -> None:
        """After the last step."""


class CheckpointSaverListener:
    """Base class of what is told about checkpoints."""

    def begin(self) -> None:
        """Before the session is made."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Before a checkpoint is written."""

    def after_save(self, session: Any, global_step_value: int) -> Any:
        """After it is written; returning True stops training."""

    def end(self, session: Any, global_step_value: int) -> None:
        """After the last step."""


def parse_request(request: Any) -> tuple[list[Any], Any, dict[Any, Any]]:
    """The flat fetches of a request, the function that arranges their values, and its feeds: for the C++ loop."""
    from headrace.session import _parse

    graph = get_default_graph()

    class _Graph:
        pass

    _Graph.graph = graph  # type: ignore[attr-defined]
    flat: list[Any] = []
    rebuild = (lambda values: None) if request.fetches is None else _parse(request.fetches, flat, _Graph)  # type: ignore[arg-type]
    feeds = dict(request.feed_dict or {})
    keys = [graph.as_graph_element(key, allow_operation=False) for key in feeds]
    return flat, rebuild, dict(zip(keys, feeds.values()))


class _NativeHook(SessionRunHook):
    """A hook of the library: `_make_native` makes it when the graph is there."""

    def _make_native(self) -> Any:
        raise NotImplementedError


def _element(tensor: Any) -> Tensor:
    """A tensor by itself, by its name, or as the only output of an operation or its name."""
    graph = get_default_graph()
    element = graph.as_graph_element(tensor)
    if isinstance(element, Operation):
        if len(element.outputs) != 1:
            raise ValueError(
                f"{element.name!r} has {len(element.outputs)} outputs; expected a tensor, or an operation that has one"
            )
        element = element.outputs[0]
    return element


class LoggingTensorHook(_NativeHook):
    """Logs tensors every so many steps or seconds, or at the end."""

    def __init__(
        self, tensors: Any, every_n_iter: int | None = None, every_n_secs: float | None = None, at_end: bool = False,
        formatter: Any = None,
    ) -> None:  # fmt: skip
        if (every_n_iter is None) + (every_n_secs is None) != 1 and not (
            at_end and every_n_iter is every_n_secs is None
        ):
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is not None and every_n_iter <= 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        self._tensors = tensors if isinstance(tensors, dict) else {_name(t): t for t in tensors}
        self._options = (every_n_iter, every_n_secs, at_end, formatter)

    def _make_native(self) -> Any:
        pairs = [(tag, _element(tensor)) for tag, tensor in self._tensors.items()]
        return _core.logging_tensor_hook(pairs, *self._options)


def _name(tensor: Any) -> str:
    return tensor if isinstance(tensor, str) else tensor.name


class StopAtStepHook(_NativeHook):
    """Stops after `num_steps` more steps, or at the step `last_step`."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if (num_steps is None) == (last_step is None):
            raise ValueError("Exactly one of num_steps or last_step must be specified.")
        self._arguments = num_steps, last_step

    def _make_native(self) -> Any:
        return _core.stop_at_step_hook(*self._arguments)


class StepCounterHook(_NativeHook):
    """Logs global_step/sec and writes it to the events."""

    def __init__(
        self, every_n_steps: int | None = 100, every_n_secs: float | None = None, output_dir: str | None = None,
        summary_writer: Any = None,
    ) -> None:  # fmt: skip
        self._arguments = every_n_steps, every_n_secs, output_dir or getattr(summary_writer, "_logdir", "")

    def _make_native(self) -> Any:
        return _core.step_counter_hook(*self._arguments)


class SummarySaverHook(_NativeHook):
    """Writes a summary to the events every so many steps or seconds."""

    def __init__(
        self, save_steps: int | None = None, save_secs: float | None = None, output_dir: str | None = None,
        summary_writer: Any = None, scaffold: Any = None, summary_op: Any = None,
    ) -> None:  # fmt: skip
        self._arguments = save_steps, save_secs, output_dir or getattr(summary_writer, "_logdir", "")
        self._summary_op = scaffold.summary_op if summary_op is None and scaffold is not None else summary_op

    def _make_native(self) -> Any:
        from headrace.summary import merge

        op = merge(self._summary_op) if isinstance(self._summary_op, (list, tuple)) else self._summary_op
        return _core.summary_saver_hook(*self._arguments, op)


class NanLossDuringTrainingError(RuntimeError):
    """The loss became NaN."""

    def __str__(self) -> str:
        return "NaN loss during training."


class NanTensorHook(_NativeHook):
    """Fails, or stops, when the loss is NaN."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._arguments = loss_tensor, fail_on_nan_loss

    def _make_native(self) -> Any:
        return _core.nan_tensor_hook(*self._arguments)


class CheckpointSaverHook(_NativeHook):
    """Writes checkpoints every so many steps or seconds, and at the end."""

    def __init__(
        self, checkpoint_dir: str, save_secs: float | None = None, save_steps: int | None = None, saver: Any = None,
        checkpoint_basename: str = "model.ckpt", scaffold: Any = None, listeners: Any = None,
    ) -> None:  # fmt: skip
        if (save_secs is None) == (save_steps is None):
            raise ValueError("exactly one of save_steps and save_secs should be provided.")
        self._saver = saver
        self._arguments = checkpoint_dir, save_secs, save_steps
        self._rest = checkpoint_basename, listeners

    def _make_native(self) -> Any:
        from headrace.saver import Saver

        saver = self._saver or Saver()
        return _core.checkpoint_saver_hook(*self._arguments, saver._native, *self._rest)


class FinalOpsHook(SessionRunHook):
    """Evaluates tensors after the last step."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: Any = None) -> None:
        self._final_ops, self._feed_dict = final_ops, final_ops_feed_dict
        self.final_ops_values: Any = None

    def end(self, session: Any) -> None:
        if self._final_ops is not None:
            self.final_ops_values = session.run(self._final_ops, self._feed_dict)


class FeedFnHook(SessionRunHook):
    """Feeds what a function gives in each step."""

    def __init__(self, feed_fn: Any) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs:
        return SessionRunArgs(fetches=[], feed_dict=self.feed_fn())


class SecondOrStepTimer:
    """When something is due that happens every so many seconds or steps."""

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if (every_secs is None) == (every_steps is None):
            raise ValueError("Exactly one of every_secs and every_steps should be provided.")
        self._every_secs, self._every_steps = every_secs, every_steps
        self.reset()

    def reset(self) -> None:
        self._last_step: int | None = None
        self._last_time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        import time

        if self._last_step is None:
            return True
        if self._last_step == step:
            return False
        if self._every_secs is not None:
            return time.time() >= self._last_time + self._every_secs  # type: ignore[operator]
        return step >= self._last_step + self._every_steps  # type: ignore[operator]

    def update_last_triggered_step(self, step: int) -> tuple[Any, Any]:
        import time

        now = time.time()
        elapsed = (None, None) if self._last_step is None else (now - self._last_time, step - self._last_step)  # type: ignore[operator]
        self._last_time, self._last_step = now, step
        return elapsed

    def last_triggered_step(self) -> int | None:
        return self._last_step
