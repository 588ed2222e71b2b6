"""tf.train's smaller parts: the global step, learning rates that decay, input-independent helpers."""

from __future__ import annotations

from typing import Any

from headrace import _core, _ops
from headrace.framework import Graph, Tensor, convert_to_tensor, get_default_graph, name_scope
from headrace.math import cast


def get_global_step(graph: Graph | None = None) -> Any:
    """The variable "global_step", or None."""
    with (graph or get_default_graph()).as_default():
        return _core.get_global_step()


def get_or_create_global_step(graph: Graph | None = None) -> Any:
    with (graph or get_default_graph()).as_default():
        return _core.get_or_create_global_step()


def create_global_step(graph: Graph | None = None) -> Any:
    if get_global_step(graph) is not None:
        raise ValueError('"global_step" already exists.')
    return get_or_create_global_step(graph)


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The step's value in a session."""
    return int(sess.run(global_step_tensor))


def _step(global_step: Any, dtype: Any) -> Tensor:
    if global_step is None:
        raise ValueError("global_step is required")
    return cast(convert_to_tensor(global_step), dtype)


def _rate_and_periods(learning_rate: Any, global_step: Any, decay_steps: Any, staircase: bool) -> tuple[Tensor, Tensor]:
    """The initial rate and how many periods of decay_steps have passed, whole ones only with `staircase`."""
    rate = convert_to_tensor(learning_rate, name="learning_rate")
    periods = _step(global_step, rate.dtype) / cast(convert_to_tensor(decay_steps), rate.dtype)
    return rate, _ops.floor(periods) if staircase else periods


def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate * decay_rate ** (global_step / decay_steps)."""
    with name_scope(name, "ExponentialDecay", [learning_rate, global_step]) as scope:
        rate, p = _rate_and_periods(learning_rate, global_step, decay_steps, staircase)
        return _ops.mul(rate, _ops.pow(cast(convert_to_tensor(decay_rate), rate.dtype), p), name=scope)


def inverse_time_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate / (1 + decay_rate * global_step / decay_steps)."""
    with name_scope(name, "InverseTimeDecay", [learning_rate, global_step]) as scope:
        rate, p = _rate_and_periods(learning_rate, global_step, decay_steps, staircase)
        return _ops.real_div(rate, 1 + cast(convert_to_tensor(decay_rate), rate.dtype) * p, name=scope)


def natural_exp_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate * exp(-decay_rate * global_step / decay_steps)."""
    with name_scope(name, "NaturalExpDecay", [learning_rate, global_step]) as scope:
        rate, p = _rate_and_periods(learning_rate, global_step, decay_steps, staircase)
        return _ops.mul(rate, _ops.exp(-cast(convert_to_tensor(decay_rate), rate.dtype) * p), name=scope)


def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
    cycle: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """From learning_rate to end_learning_rate over decay_steps, along a polynomial."""
    with name_scope(name, "PolynomialDecay", [learning_rate, global_step]) as scope:
        rate = convert_to_tensor(learning_rate, name="learning_rate")
        end = cast(convert_to_tensor(end_learning_rate), rate.dtype)
        step = _step(global_step, rate.dtype)
        steps = cast(convert_to_tensor(decay_steps), rate.dtype)
        if cycle:
            steps = steps * _ops.maximum(_ops.ceil(step / steps), convert_to_tensor(1.0, rate.dtype))
        else:
            step = _ops.minimum(step, steps)
        share = 1 - step / steps
        return _ops.add_v2((rate - end) * _ops.pow(share, cast(convert_to_tensor(power), rate.dtype)), end, name=scope)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Tensor:
    """Half a cosine from learning_rate to alpha * learning_rate."""
    import math

    with name_scope(name, "CosineDecay", [learning_rate, global_step]):
        rate = convert_to_tensor(learning_rate, name="learning_rate")
        steps = cast(convert_to_tensor(decay_steps), rate.dtype)
        share = _ops.minimum(_step(global_step, rate.dtype), steps) / steps
        decayed = (1 - alpha) * 0.5 * (1.0 + _ops.cos(convert_to_tensor(math.pi, rate.dtype) * share)) + alpha
        return rate * decayed


def write_graph(graph_or_graph_def: Any, logdir: str, name: str, as_text: bool = True) -> str:
    """Writes a graph as a GraphDef, text by default; returns the path."""
    import os

    from headrace import gfile

    gfile.makedirs(logdir)
    path = os.path.join(logdir, name)
    if isinstance(graph_or_graph_def, Graph):
        data = _core.serialize_graph(graph_or_graph_def, as_text)
    elif as_text:
        from google.protobuf import text_format

        data = text_format.MessageToString(graph_or_graph_def).encode()
    else:
        data = graph_or_graph_def.SerializeToString()
    with gfile.GFile(path, "wb") as file:
        file.write(data)
    return path


class Coordinator:
    """Asks threads to stop and waits for them."""

    def __init__(self, clean_stop_exception_types: Any = None) -> None:
        import threading

        self._stop = threading.Event()

    def should_stop(self) -> bool:
        return self._stop.is_set()

    def request_stop(self, ex: Any = None) -> None:
        self._stop.set()

    def wait_for_stop(self, timeout: float | None = None) -> bool:
        return self._stop.wait(timeout)

    def join(self, threads: Any = None, stop_grace_period_secs: float = 120, ignore_live_threads: bool = False) -> None:
        for thread in threads or []:
            thread.join(stop_grace_period_secs)

    def clear_stop(self) -> None:
        self._stop.clear()


def start_queue_runners(
    sess: Any = None, coord: Any = None, daemon: bool = True, start: bool = True, collection: str = "queue_runners"
) -> list[Any]:
    """No threads: queues are not available, tf.data replaces them."""
    return []
