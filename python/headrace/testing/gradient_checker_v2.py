"""tf.test.compute_gradient of 2.x: the Jacobians of a function of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace import arrays, dtypes, framework
from headrace.gradients import gradients as differentiate
from headrace.session import Session
from headrace.testing import jacobians


def _to_numpy(a: Any) -> np.ndarray:
    """The value of a tensor, array or number."""
    if framework.is_tensor(a):
        if framework.executing_eagerly():
            return a.numpy()
        from headrace.default_session import get_default_session

        session = get_default_session()
        if session is not None:
            return np.asarray(session.run(a))
        with Session(graph=a.graph) as session:
            return np.asarray(session.run(a))
    return np.asarray(a)


def _in_graph(f: Callable, points: list[np.ndarray], i: int) -> Any:
    """Functions for f's value by its i-th argument and for its gradient, and f's shape and dtype."""
    xs = [arrays.placeholder(p.dtype, p.shape) for p in points]
    y = framework.convert_to_tensor(f(*xs))
    dy = arrays.placeholder(y.dtype, y.shape)
    gradient = differentiate([y], [xs[i]], [dy])[0]
    session = Session()

    def value_of(point: np.ndarray) -> Any:
        return session.run(y, dict(zip(xs, [*points[:i], point, *points[i + 1 :]])))

    def gradient_of(seed: np.ndarray) -> Any:
        if gradient is None:
            return np.zeros_like(points[i])
        return session.run(gradient, {dy: seed, **dict(zip(xs, points))})

    shape = np.shape(value_of(points[i]))
    return value_of, gradient_of, shape, np.dtype(dtypes.as_dtype(y.dtype).as_numpy_dtype)


def _eagerly(f: Callable, points: list[np.ndarray], i: int) -> Any:
    from headrace import backprop

    def value_of(point: np.ndarray) -> Any:
        return _to_numpy(f(*[framework.constant(p) for p in [*points[:i], point, *points[i + 1 :]]]))

    def gradient_of(seed: np.ndarray) -> Any:
        xs = [framework.constant(p) for p in points]
        with backprop.GradientTape() as tape:
            tape.watch(xs[i])
            y = f(*xs)
        gradient = tape.gradient(y, xs[i], output_gradients=framework.constant(seed))
        return np.zeros_like(points[i]) if gradient is None else _dense(gradient, points[i])

    value = value_of(points[i])
    return value_of, gradient_of, np.shape(value), np.asarray(value).dtype


def _dense(gradient: Any, like: np.ndarray) -> np.ndarray:
    if isinstance(gradient, framework.IndexedSlices):
        dense = np.zeros_like(like)
        np.add.at(dense, gradient.indices.numpy(), gradient.values.numpy())
        return dense
    return gradient.numpy()


def compute_gradient(f: Callable, x: Any, delta: float = 1e-3) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The Jacobians of f by each of its arguments, symbolic and numeric.

    Args:
      x: a list of values, one an argument, at which they are taken.
    Raises:
      ValueError: if x is not a list.
    """
    if not isinstance(x, (list, tuple)):
        raise ValueError(f"`x` must be a list or tuple of arguments, got {type(x).__name__}")
    points = [_to_numpy(v) for v in x]
    analytic, numeric = [], []
    for i, point in enumerate(points):
        if framework.executing_eagerly():
            value_of, gradient_of, shape, dtype = _eagerly(f, points, i)
        else:
            with framework.Graph().as_default():
                value_of, gradient_of, shape, dtype = _in_graph(f, points, i)
        analytic.append(jacobians.by_gradients(gradient_of, point.shape, shape, point.dtype, dtype))
        numeric.append(jacobians.by_differences(value_of, point, shape, dtype, delta))
    return analytic, numeric


def max_error(grad1: Any, grad2: Any) -> float:
    """The largest difference of an element between two lists of Jacobians."""
    return jacobians.largest_difference(zip(grad1, grad2))
