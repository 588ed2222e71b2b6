"""Jacobians, [elements of x, elements of y]; a complex element is two real ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def _real(dtype: np.dtype) -> np.dtype:
    return np.zeros(0, dtype).real.dtype


def _parts(dtype: np.dtype) -> int:
    return 2 if dtype.kind == "c" else 1


def _size(shape: Any) -> int:
    return int(np.prod([int(s) for s in shape], dtype=np.int64))


def _flat(value: Any, dtype: np.dtype) -> np.ndarray:
    """The elements of a value as real numbers."""
    array = np.ascontiguousarray(np.asarray(value, dtype)).reshape(-1)
    return array.view(_real(dtype)) if dtype.kind == "c" else array


def by_gradients(
    gradient_of: Callable[[np.ndarray], Any], x_shape: Any, y_shape: Any, x_dtype: np.dtype, y_dtype: np.dtype
) -> np.ndarray:
    """One run of the gradient for each element of y. A gradient may be sparse (values, indices).

    Raises:
      ValueError: if the gradient has another shape than x.
    """
    x_size, y_size = _size(x_shape), _size(y_shape)
    jacobian = np.zeros((x_size * _parts(x_dtype), y_size * _parts(y_dtype)), _real(x_dtype))
    for column in range(jacobian.shape[1]):
        dy = np.zeros(y_size * _parts(y_dtype), _real(y_dtype))
        dy[column] = 1
        dy = dy.view(y_dtype).reshape([int(s) for s in y_shape])
        gradient = gradient_of(dy)
        if hasattr(gradient, "indices"):
            dense = np.zeros([int(s) for s in x_shape], x_dtype)
            np.add.at(dense, np.asarray(gradient.indices), np.asarray(gradient.values))
            gradient = dense
        if np.shape(gradient) != tuple(int(s) for s in x_shape):
            raise ValueError(f"The gradient has shape {np.shape(gradient)}, x has {tuple(x_shape)}")
        jacobian[:, column] = _flat(gradient, x_dtype)
    if y_size == 0 and x_size and np.any(np.asarray(gradient_of(np.zeros([int(s) for s in y_shape], y_dtype)))):
        raise ValueError("The gradient of an empty y is not zero")
    return jacobian


def by_differences(
    value_of: Callable[[np.ndarray], Any], x: np.ndarray, y_shape: Any, y_dtype: np.dtype, delta: float
) -> np.ndarray:
    """Two runs for each element of x, which is moved by delta to either side."""
    flat = _flat(x, x.dtype).copy()
    real = _real(y_dtype if y_dtype.itemsize > 2 else np.dtype(np.float32))
    jacobian = np.zeros((flat.size, _size(y_shape) * _parts(y_dtype)), real)
    for row in range(flat.size):
        sides = []
        for step in (delta, -delta):
            moved = flat.copy()
            moved[row] += np.asarray(step, moved.dtype)
            sides.append(_flat(value_of(moved.view(x.dtype).reshape(x.shape)), y_dtype).astype(real))
        jacobian[row] = (sides[0] - sides[1]) / (2 * delta)
    return jacobian


def largest_difference(pairs: Any) -> float:
    """Over all pairs of Jacobians, 0 where there is no element; NaN where one has a NaN that the other lacks."""
    largest = 0.0
    for first, second in pairs:
        first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
        if first.size or second.size:
            if np.array_equal(np.isnan(first), np.isnan(second)):
                first, second = np.nan_to_num(first), np.nan_to_num(second)
            largest = max(largest, float(np.max(np.abs(first - second))))
            if np.isnan(np.max(np.abs(first - second))):
                return float("nan")
    return largest
