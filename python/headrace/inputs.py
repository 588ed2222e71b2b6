"""tf.estimator.inputs: input functions over arrays in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.data import Dataset


def numpy_input_fn(
    x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: Any = None,
    queue_capacity: int = 1000, num_threads: int = 1,
) -> Callable:  # fmt: skip
    """An input function over NumPy arrays of equal length: x an array or a dict of them, y the labels or None.

    Raises:
      ValueError: for arrays of different lengths, or if `shuffle` is not given.
    """
    if not isinstance(shuffle, bool):
        raise ValueError(f"shuffle must be given as True (for training) or False, got {shuffle}")
    features = x if isinstance(x, dict) else {"": x}
    for name, values in features.items():
        if not isinstance(values, np.ndarray):
            raise TypeError(
                f"x must be a dict of NumPy arrays or a NumPy array, got {type(values).__name__} for {name!r}"
            )
    labels = y if isinstance(y, dict) else ({} if y is None else {"": np.asarray(y)})
    lengths = {len(values) for values in [*features.values(), *labels.values()]}
    if len(lengths) > 1:
        raise ValueError(f"Length of tensors in x and y is mismatched: {sorted(lengths)}")

    def input_fn() -> Any:
        plain_x = features[""] if set(features) == {""} else dict(features)
        plain_y = labels[""] if set(labels) == {""} else dict(labels)
        dataset = Dataset.from_tensor_slices(plain_x if y is None else (plain_x, plain_y))
        if shuffle:
            dataset = dataset.shuffle(max(queue_capacity, batch_size))
        return dataset.repeat(num_epochs).batch(batch_size).make_one_shot_iterator().get_next()

    return input_fn


def pandas_input_fn(
    x: Any, y: Any = None, batch_size: int = 128, num_epochs: int | None = 1, shuffle: Any = None,
    queue_capacity: int = 1000, num_threads: int = 1, target_column: str = "target",
) -> Callable:  # fmt: skip
    """An input function over a pandas DataFrame: a feature a column; y a Series, a DataFrame or None."""
    features = {str(name): np.asarray(x[name]) for name in x.columns}
    if y is None:
        labels = None
    elif hasattr(y, "columns"):
        labels = {str(name): np.asarray(y[name]) for name in y.columns}
    else:
        if not x.index.equals(y.index):
            raise ValueError("Index for x and y are mismatched.")
        labels = np.asarray(y)
    return numpy_input_fn(features, labels, batch_size, num_epochs, shuffle, queue_capacity, num_threads)
