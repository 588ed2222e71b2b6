"""tf.eye and norms: linear algebra that is made of other ops."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace import _ops, arrays, dtypes, framework, math
from headrace.framework import Tensor, convert_to_tensor, name_scope


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Identity matrices: ones on the diagonal, zeros elsewhere; one, or batch_shape of them.

    Raises:
      TypeError: for numbers of rows or columns that are no integers.
    """
    with name_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        columns = num_rows if num_columns is None else num_columns
        for count in (num_rows, columns):
            if not framework.is_tensor(count) and not isinstance(count, (int, np.integer)):
                raise TypeError("num_rows and num_columns must be positive integer values.")
        dtype = dtypes.as_dtype(dtype)
        one, zero = (convert_to_tensor(np.array(n, dtype.as_numpy_dtype)) for n in (1, 0))
        matrix = _ops.one_hot(math.range(num_rows), columns, one, zero)
        static = [None if framework.is_tensor(count) else int(count) for count in (num_rows, columns)]
        if batch_shape is None:
            matrix.set_shape(static)
            return matrix
        known = None if framework.is_tensor(batch_shape) else [int(size) for size in batch_shape]
        batch = convert_to_tensor(batch_shape if known is None else known, dtypes.int32, name="shape")
        inner = arrays.stack([convert_to_tensor(c, dtypes.int32) for c in (num_rows, columns)])
        matrix = arrays.broadcast_to(matrix, arrays.concat([arrays.reshape(batch, [-1]), inner], 0))
        if known is not None:
            matrix.set_shape([*known, *static])
        return matrix


def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None,  # noqa: A002
    keep_dims: bool | None = None,
) -> Tensor:  # fmt: skip
    """The norm of vectors (axis an int) or matrices (a pair of ints), or of all elements as one vector.

    Args:
      ord: "euclidean" or 2, 1, np.inf, or another positive number; of matrices "fro" or "euclidean", 1 and np.inf.
    Raises:
      ValueError: for another `ord` or axis. NotImplementedError: for the 2-norm of matrices.
    """
    keepdims = bool(keep_dims if keepdims is None else keepdims)
    is_matrix = isinstance(axis, (tuple, list)) and len(axis) == 2
    if is_matrix:
        axis = tuple(axis)
        if not all(isinstance(a, (int, np.integer)) for a in axis) or axis[0] == axis[1]:
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        supported = ["euclidean", "fro", 1, 2, np.inf]
        if ord not in supported:
            raise ValueError(f"'ord' must be a supported matrix norm in {supported}, got {ord}")
        if ord == 2:
            raise NotImplementedError("the 2-norm of matrices needs singular values, which are not available yet")
    else:
        if axis is not None and not isinstance(axis, (int, np.integer)) and not framework.is_tensor(axis):
            raise ValueError(f"'axis' must be None, an integer, or a tuple of 2 unique integers, got {axis}")
        if ord in ("fro",) or (isinstance(ord, str) and ord != "euclidean"):
            raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
        if not isinstance(ord, str) and (not np.isreal(ord) or ord <= 0):
            raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    with name_scope(name, "norm", [tensor]):
        x = convert_to_tensor(tensor)
        if ord in ("fro", "euclidean", 2):
            squares = math.abs(x) * math.abs(x) if x.dtype.is_complex else x * x
            result = _ops.sqrt(math.reduce_sum(squares, axis, keepdims=True))
        else:
            result = _power_norm(math.abs(x), ord, axis, is_matrix)
        if not keepdims:
            result = arrays.squeeze(result, list(axis) if is_matrix else None if axis is None else [axis])
        return result


def _power_norm(x: Tensor, ord: Any, axis: Any, is_matrix: bool) -> Tensor:  # noqa: A002
    if is_matrix:  # the largest sum of a column (1) or of a row (inf)
        summed, compared = (axis[0], axis[1]) if ord == 1 else (axis[1], axis[0])
        return math.reduce_max(math.reduce_sum(x, summed, keepdims=True), compared, keepdims=True)
    if ord == np.inf:
        return math.reduce_max(x, axis, keepdims=True)
    if ord == 1:
        return math.reduce_sum(x, axis, keepdims=True)
    return math.pow(math.reduce_sum(math.pow(x, ord), axis, keepdims=True), 1.0 / ord)
