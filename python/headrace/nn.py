"""tf.nn: activations, losses of logits, and what layers are made of."""

from __future__ import annotations

from typing import Any

from headrace import _core, _ops
from headrace.arrays import shape
from headrace.framework import Tensor, convert_to_tensor, name_scope
from headrace.math import cast, reduce_mean, reduce_sum, sigmoid, tanh  # noqa: F401


def relu(features: Any, name: str | None = None) -> Tensor:
    return _ops.relu(features, name=name)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    with name_scope(name, "LeakyRelu", [features, alpha]) as scope:
        return _ops.leaky_relu(features, alpha=alpha, name=scope)


def relu6(features: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "Relu6", [features]) as scope:
        return _ops.relu6(features, name=scope)


def swish(features: Any) -> Tensor:
    """features * sigmoid(features)"""
    return _core.swish(convert_to_tensor(features, name="features"))


def _softmax(op: str, default_name: str) -> Any:
    def function(logits: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
        logits = convert_to_tensor(logits)
        axis = dim if axis is None else axis
        rank = logits.shape.ndims
        if axis not in (None, -1) and (rank is None or axis != rank - 1):
            from headrace.arrays import transpose

            if rank is None:
                raise ValueError(f"{default_name} along axis {axis} needs logits of known rank")
            order = list(range(rank))
            order[axis], order[-1] = order[-1], order[axis]
            return transpose(getattr(_ops, op)(transpose(logits, order)), order, name=name or default_name)
        return getattr(_ops, op)(logits, name=name)

    function.__name__ = op
    function.__doc__ = f"{default_name} along `axis`, the last by default."
    return function


softmax = _softmax("softmax", "Softmax")
log_softmax = _softmax("log_softmax", "LogSoftmax")


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """value + bias, where bias is as long as value's last axis (or axis 1 with data_format "NCHW")."""
    with name_scope(name, "BiasAdd", [value, bias]) as scope:
        layout = "NCHW" if data_format and data_format.startswith("NC") else "NHWC"
        return _ops.bias_add(value, bias, data_format=layout, name=scope)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    with name_scope(name, "xw_plus_b", [x, weights, biases]) as scope:
        return bias_add(_ops.mat_mul(x, weights), biases, name=scope)


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """sum(t ** 2) / 2"""
    return _ops.l2_loss(t, name=name)


def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None, dim: Any = None) -> Tensor:
    """x divided by its L2 norm along `axis` (an int or a list; None is all), or sqrt(epsilon) if larger."""
    axis = dim if axis is None else axis
    return _core.l2_normalize(convert_to_tensor(x, name="x"), axis, epsilon, name or "l2_normalize")


def moments(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance over `axes`. `shift` is not used, as in TensorFlow 1.15."""
    keep = bool(keep_dims if keepdims is None else keepdims)
    return _core.moments(convert_to_tensor(x, name="x"), axes, keep, name or "moments")


def dropout(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: int | None = None, name: str | None = None,
    rate: Any = None,
) -> Tensor:  # fmt: skip
    """Zeros elements with probability `rate` (1 - keep_prob) and scales the others up, so that sums stay.

    Args:
      noise_shape: the shape of the draws; along an axis of size 1 elements are kept or dropped together.
    Raises:
      ValueError: for a rate outside [0, 1), for both keep_prob and another rate, and for x that is no float.
    """
    x = convert_to_tensor(x, name="x")
    if keep_prob is not None:
        if rate is not None and rate != 1 - keep_prob:
            raise ValueError("Cannot specify both 'rate' and 'keep_prob'")
        rate = 1 - keep_prob
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    if noise_shape is not None and not isinstance(noise_shape, Tensor):
        sizes = list(noise_shape)
        known = shape(x)
        noise_shape = [known[i] if size is None else size for i, size in enumerate(sizes)]
    return _core.dropout(x, rate, noise_shape, seed, name or "dropout")


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), elementwise and stable.

    Raises:
      ValueError: for labels and logits of different shapes.
    """
    _named_only("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(labels, logits.dtype.base_dtype, "labels")
    return _core.sigmoid_cross_entropy_with_logits(labels, logits, name or "logistic_loss")


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """As sigmoid_cross_entropy_with_logits, with errors on positives counted `pos_weight` times."""
    logits = convert_to_tensor(logits, name="logits")
    labels = convert_to_tensor(targets if labels is None else labels, logits.dtype.base_dtype, "labels")
    weight = convert_to_tensor(pos_weight, logits.dtype.base_dtype, "pos_weight")
    return _core.weighted_cross_entropy_with_logits(labels, logits, weight, name or "logistic_loss")


def _named_only(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    if sentinel is not None or labels is None or logits is None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: str | None = None, dim: Any = None
) -> Tensor:
    """The cross entropy of softmax(logits) under label distributions, along `axis`, the last by default."""
    axis = dim if axis is None else axis
    logits, labels = convert_to_tensor(logits, name="logits"), convert_to_tensor(labels, name="labels")
    return _core.softmax_cross_entropy_with_logits(
        labels, logits, -1 if axis is None else axis, name or "softmax_cross_entropy_with_logits"
    )


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: Any = -1,
    name: str | None = None,
    axis: Any = None,
) -> Tensor:
    """As softmax_cross_entropy_with_logits_v2, without a gradient for the labels."""
    _named_only("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    return softmax_cross_entropy_with_logits_v2(
        _ops.stop_gradient(labels), logits, dim if axis is None else axis,
        name or "softmax_cross_entropy_with_logits_sg",
    )  # fmt: skip


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """As softmax_cross_entropy_with_logits_v2, with the classes' numbers as labels.

    Raises:
      ValueError: for logits that have not one axis more than the labels.
    """
    _named_only("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    logits, labels = convert_to_tensor(logits, name="logits"), convert_to_tensor(labels, name="labels")
    return _core.sparse_softmax_cross_entropy_with_logits(labels, logits, name or "SparseSoftmaxCrossEntropyWithLogits")


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> Any:  # noqa: A002
    """The k largest elements along the last axis and their indices."""
    return _ops.top_kv2(input, k, sorted=sorted, name=name)


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    return _ops.in_top_kv2(predictions, targets, k, name=name)


def embedding_lookup(
    params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None, validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:  # fmt: skip
    """The rows of `params` at `ids`; several params are parts of one table.

    Args:
      partition_strategy: "mod" (row i is in part i % n) or "div" (the parts follow one another).
      validate_indices: ids outside are an error on a CPU, whatever is asked for here (as in TensorFlow).
      max_norm: rows are scaled to at most this L2 norm.
    """
    params = list(params) if isinstance(params, (list, tuple)) else [params]
    if not params:
        raise ValueError("Need at least one param")
    tables = params if len(params) == 1 and isinstance(params[0], _core.Variable) else convert_all(params)
    return _core.embedding_lookup(
        tables, convert_to_tensor(ids, name="ids"), partition_strategy, max_norm, name or "embedding_lookup"
    )


def convert_all(values: Any) -> list[Tensor]:
    return [convert_to_tensor(value) for value in values]


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of elements that are 0."""
    return _core.zero_fraction(convert_to_tensor(value, name="value"), name or "zero_fraction")
