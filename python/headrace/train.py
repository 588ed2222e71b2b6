"""tf.train's smaller parts: the global step, learning rates that decay, input-independent helpers."""

from __future__ import annotations

from typing import Any

from headrace import _core
from headrace.framework import Graph, Tensor, convert_to_tensor, get_default_graph


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


def _scalars(rate: Any, global_step: Any, decay_steps: Any) -> tuple[Tensor, Tensor, Tensor]:
    if global_step is None:
        raise ValueError("global_step is required for a decaying learning rate.")
    rate = convert_to_tensor(rate, name="learning_rate")
    return rate, convert_to_tensor(global_step), convert_to_tensor(decay_steps)


def exponential_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate * decay_rate ** (global_step / decay_steps); whole periods only with `staircase`."""
    scalars = _scalars(learning_rate, global_step, decay_steps)
    return _core.exponential_decay(*scalars, convert_to_tensor(decay_rate), staircase, name or "ExponentialDecay")


def inverse_time_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate / (1 + decay_rate * global_step / decay_steps); whole periods only with `staircase`."""
    scalars = _scalars(learning_rate, global_step, decay_steps)
    return _core.inverse_time_decay(*scalars, convert_to_tensor(decay_rate), staircase, name or "InverseTimeDecay")


def natural_exp_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, decay_rate: Any, staircase: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """learning_rate * exp(-decay_rate * global_step / decay_steps); whole periods only with `staircase`."""
    scalars = _scalars(learning_rate, global_step, decay_steps)
    return _core.natural_exp_decay(*scalars, convert_to_tensor(decay_rate), staircase, name or "NaturalExpDecay")


def polynomial_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, end_learning_rate: Any = 0.0001, power: Any = 1.0,
    cycle: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """From learning_rate to end_learning_rate over decay_steps, along a polynomial; again and again with `cycle`."""
    scalars = _scalars(learning_rate, global_step, decay_steps)
    end, power = convert_to_tensor(end_learning_rate), convert_to_tensor(power)
    return _core.polynomial_decay(*scalars, end, power, cycle, name or "PolynomialDecay")


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: float = 0.0, name: str | None = None
) -> Tensor:
    """Half a cosine from learning_rate to alpha * learning_rate."""
    scalars = _scalars(learning_rate, global_step, decay_steps)
    return _core.cosine_decay(*scalars, alpha, name or "CosineDecay")


def piecewise_constant(x: Any, boundaries: Any, values: Any, name: str | None = None) -> Tensor:
    """values[i] where boundaries[i - 1] < x <= boundaries[i].

    Raises:
      ValueError: for another number of values than boundaries and one, and for values of different dtypes.
    """
    x = convert_to_tensor(x)
    limits = [convert_to_tensor(boundary, x.dtype.base_dtype) for boundary in boundaries]
    return _core.piecewise_constant(x, limits, [convert_to_tensor(v) for v in values], name or "PiecewiseConstant")


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


def start_queue_runners(
    sess: Any = None, coord: Any = None, daemon: bool = True, start: bool = True, collection: str = "queue_runners"
) -> list[Any]:
    """No threads: queues are not available, tf.data replaces them."""
    return []
