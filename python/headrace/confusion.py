"""tf.math.confusion_matrix, and labels and predictions of ranks that differ by one."""

from __future__ import annotations

from typing import Any

from headrace import _ops, arrays, checks, dtypes, framework, math
from headrace.framework import Tensor, convert_to_tensor, name_scope


def remove_squeezable_dimensions(
    labels: Any, predictions: Any, expected_rank_diff: int = 0, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """The two, the one of the larger rank without its last dimension if the ranks differ by one too many.

    Args:
      expected_rank_diff: by how much the rank of predictions is the larger anyway.
    Raises:
      ValueError: if that dimension is not 1.
    """
    with name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions, labels = convert_to_tensor(predictions), convert_to_tensor(labels)
        ranks = predictions.shape.ndims, labels.shape.ndims
        if None in ranks:  # known only in a run: left as they are, broadcasting or failing there
            return labels, predictions
        difference = ranks[0] - ranks[1]
        if difference == expected_rank_diff + 1:
            predictions = arrays.squeeze(predictions, [-1])
        elif difference == expected_rank_diff - 1:
            labels = arrays.squeeze(labels, [-1])
        return labels, predictions


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: Any = None, dtype: Any = dtypes.int32, name: str | None = None,
    weights: Any = None,
) -> Tensor:  # fmt: skip
    """How often (or with which weight) each class, a row each, was predicted as each other, a column each.

    Args:
      num_classes: their number; by default one more than the largest label and prediction.
    """
    with name_scope(name, "confusion_matrix", [predictions, labels, num_classes, weights]) as scope:
        labels, predictions = remove_squeezable_dimensions(
            convert_to_tensor(labels, name="labels"), convert_to_tensor(predictions, name="predictions")
        )
        predictions, labels = math.cast(predictions, dtypes.int64), math.cast(labels, dtypes.int64)
        with framework.control_dependencies(
            [checks.assert_non_negative(labels, message="`labels` contains negative values")]
        ):
            labels = arrays.identity(labels)
        with framework.control_dependencies(
            [checks.assert_non_negative(predictions, message="`predictions` contains negative values")]
        ):
            predictions = arrays.identity(predictions)
        if num_classes is None:
            num_classes = _ops.maximum(math.reduce_max(predictions), math.reduce_max(labels)) + 1
        else:
            count = math.cast(convert_to_tensor(num_classes), dtypes.int64)
            with framework.control_dependencies([checks.assert_less(labels, count, message="`labels` out of bound")]):
                labels = arrays.identity(labels)
            with framework.control_dependencies(
                [checks.assert_less(predictions, count, message="`predictions` out of bound")]
            ):
                predictions = arrays.identity(predictions)
            num_classes = count
        if weights is not None:
            weights = convert_to_tensor(weights)
            predictions.shape.assert_is_compatible_with(weights.shape)
            weights = math.cast(weights, dtype)
        shape = arrays.stack([num_classes, num_classes])
        pairs = arrays.transpose(arrays.stack([labels, predictions]))
        values = arrays.ones_like(predictions, dtype) if weights is None else weights
        return _ops.scatter_nd(pairs, values, math.cast(shape, dtypes.int64), name=scope)


confusion_matrix_v1 = confusion_matrix
