"""tf.test.compute_gradient: a symbolic Jacobian beside a numeric one, in a graph and a session."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace import arrays, dtypes, framework
from headrace.default_session import get_default_session
from headrace.gradients import gradients as differentiate
from headrace.testing import jacobians


def _checked_dtypes(*tensors: Any) -> None:
    for tensor in tensors:
        dtype = dtypes.as_dtype(tensor.dtype).base_dtype
        if not (dtype.is_floating or dtype.is_complex):
            raise ValueError(f"{tensor.name} has dtype {dtype.name}; gradients need a floating or complex one")


def _start(session: Any, x: Any, shape: Any, initial: Any) -> np.ndarray:
    dtype = dtypes.as_dtype(x.dtype).base_dtype.as_numpy_dtype
    if initial is not None:
        return np.asarray(initial, dtype).reshape(shape)
    values = np.random.random_sample(shape)
    if dtypes.as_dtype(x.dtype).is_complex:
        values = values + 1j * np.random.random_sample(shape)
    return values.astype(dtype)


def compute_gradient(
    x: Any, x_shape: Any, y: Any, y_shape: Any, x_init_value: Any = None, delta: float = 1e-3,
    init_targets: Any = None, extra_feed_dict: Any = None,
) -> Any:  # fmt: skip
    """The Jacobian of y by x, [elements of x, elements of y]: by tf.gradients, and by differences of 2 * delta.

    Complex numbers count as two, real and imaginary part. For lists of x and of shapes there is a pair for each.

    Args:
      x_init_value: where it is taken; random numbers in [0, 1) by default.
      init_targets: operations that run first.
    """
    session = get_default_session()
    if session is None:
        raise ValueError("compute_gradient needs a default session: call it in a `with tf.Session()` block")
    for target in (
        [] if init_targets is None else init_targets if isinstance(init_targets, (list, tuple)) else [init_targets]
    ):
        session.run(target)
    several = isinstance(x, list)
    xs, shapes = (x, x_shape) if several else ([x], [x_shape])
    initial = (x_init_value if several else [x_init_value]) if x_init_value is not None else [None] * len(xs)
    _checked_dtypes(*xs, y)
    seed = framework.constant(1.0, dtype=dtypes.as_dtype(y.dtype).base_dtype, shape=list(y_shape), name="hack")
    seed = arrays.placeholder_with_default(seed, list(y_shape)) if seed.dtype.is_complex else seed
    gradients = differentiate([y], xs, [seed])
    if any(g is None for g in gradients):
        raise ValueError(f"{y.name} does not depend on {[v.name for v, g in zip(xs, gradients) if g is None]}")
    points = [_start(session, v, s, i) for v, s, i in zip(xs, shapes, initial)]
    feeds = dict(extra_feed_dict or {})
    pairs = []
    for i, (v, shape) in enumerate(zip(xs, shapes)):
        others = {**feeds, **{xs[j]: points[j] for j in range(len(xs)) if j != i}}

        def value_of(point: np.ndarray, v: Any = v, others: Any = others) -> np.ndarray:
            return session.run(y, {**others, v: point})

        def gradient_of(
            dy: np.ndarray, v: Any = v, g: Any = gradients[i], point: Any = points[i], o: Any = others
        ) -> Any:
            return session.run(g, {**o, v: point, seed: dy})

        analytic = jacobians.by_gradients(gradient_of, shape, y_shape, points[i].dtype, _numpy(y))
        numeric = jacobians.by_differences(value_of, points[i], y_shape, _numpy(y), delta)
        pairs.append((analytic, numeric))
    return pairs if several else pairs[0]


def _numpy(tensor: Any) -> Any:
    return np.dtype(dtypes.as_dtype(tensor.dtype).base_dtype.as_numpy_dtype)


def compute_gradient_error(
    x: Any, x_shape: Any, y: Any, y_shape: Any, x_init_value: Any = None, delta: float = 1e-3,
    init_targets: Any = None, extra_feed_dict: Any = None,
) -> float:  # fmt: skip
    """The largest difference of an element between the symbolic and the numeric Jacobian."""
    pairs = compute_gradient(x, x_shape, y, y_shape, x_init_value, delta, init_targets, extra_feed_dict)
    return jacobians.largest_difference(pairs if isinstance(x, list) else [pairs])
