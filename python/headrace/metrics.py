"""tf.metrics: streaming metrics, each a tensor of the value so far and an op that updates it from a batch."""

from __future__ import annotations

from typing import Any

from headrace import _core
from headrace.framework import Tensor, add_to_collections, convert_to_tensor


def _collected(
    pair: tuple[Tensor, Tensor], metrics_collections: Any, updates_collections: Any
) -> tuple[Tensor, Tensor]:
    if metrics_collections:
        add_to_collections(metrics_collections, pair[0])
    if updates_collections:
        add_to_collections(updates_collections, pair[1])
    return pair


def mean(
    values: Any, weights: Any = None, metrics_collections: Any = None, updates_collections: Any = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The weighted mean of all values seen."""
    return _collected(_core.mean_metric(values, weights=weights, name=name), metrics_collections, updates_collections)


def _pair(native: str, doc: str, same_type: bool) -> Any:
    def metric(
        labels: Any, predictions: Any, weights: Any = None, metrics_collections: Any = None,
        updates_collections: Any = None, name: str | None = None,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        predictions = convert_to_tensor(predictions)
        if same_type:
            from headrace.math import cast

            labels = cast(convert_to_tensor(labels), predictions.dtype.base_dtype)
        pair = getattr(_core, native)(labels, predictions, weights=weights, name=name)
        return _collected(pair, metrics_collections, updates_collections)

    metric.__name__ = native.removesuffix("_metric")
    metric.__doc__ = doc
    return metric


mean_squared_error = _pair("mean_squared_error_metric", "The mean of (predictions - labels) ** 2.", True)
root_mean_squared_error = _pair(
    "root_mean_squared_error_metric", "The square root of the mean of (predictions - labels) ** 2.", True
)
mean_absolute_error = _pair("mean_absolute_error_metric", "The mean of |predictions - labels|.", True)
accuracy = _pair("accuracy_metric", "How often predictions equal labels.", True)
precision = _pair("precision_metric", "Of what was predicted true, how much is.", False)
recall = _pair("recall_metric", "Of what is true, how much was predicted.", False)


def auc(
    labels: Any, predictions: Any, weights: Any = None, num_thresholds: int = 200, metrics_collections: Any = None,
    updates_collections: Any = None, curve: str = "ROC", name: str | None = None,
    summation_method: str = "trapezoidal", thresholds: Any = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The area under the ROC or PR curve, from counts at `num_thresholds` (or at these `thresholds`).

    Raises:
      ValueError: for an unknown curve or summation method. InvalidArgumentError: when run, for a prediction outside
        [0, 1].
    """
    given = [] if thresholds is None else [float(threshold) for threshold in thresholds]
    labels, predictions = convert_to_tensor(labels), convert_to_tensor(predictions)
    pair = _core.auc_metric(
        labels, predictions, curve, num_thresholds, given, summation_method, weights=weights, name=name
    )
    return _collected(pair, metrics_collections, updates_collections)
