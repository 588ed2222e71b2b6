"""tf.nn: activations, losses of logits, and what layers are made of."""

from __future__ import annotations

from typing import Any

from headrace import _core, _ops, dtypes
from headrace.arrays import concat, gather, reshape, shape
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
    with name_scope(None, "swish", [features]):
        features = convert_to_tensor(features)
        return features * sigmoid(features)


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
    axis = dim if axis is None else axis
    with name_scope(name, "l2_normalize", [x]) as scope:
        x = convert_to_tensor(x, name="x")
        squares = reduce_sum(_ops.square(x), axis, keepdims=True)
        return _ops.mul(x, _ops.rsqrt(_ops.maximum(squares, epsilon)), name=scope)


def moments(
    x: Any, axes: Any, shift: Any = None, name: str | None = None, keep_dims: Any = None, keepdims: Any = None
) -> tuple[Tensor, Tensor]:
    """The mean and the variance over `axes`."""
    keep = bool(keep_dims if keepdims is None else keepdims)
    with name_scope(name, "moments", [x, axes]):
        x = convert_to_tensor(x)
        mean = reduce_mean(x, axes, keepdims=True, name="mean")
        variance = reduce_mean(
            _ops.squared_difference(x, _ops.stop_gradient(mean)), axes, keepdims=True, name="variance"
        )
        if keep:
            return mean, variance
        from headrace.arrays import squeeze

        return squeeze(mean, axes), squeeze(variance, axes)


def dropout(
    x: Any, keep_prob: Any = None, noise_shape: Any = None, seed: int | None = None, name: str | None = None,
    rate: Any = None,
) -> Tensor:  # fmt: skip
    """Zeros elements with probability `rate` (1 - keep_prob) and scales the others up, so that sums stay."""
    if keep_prob is not None and rate is None:
        rate = 1 - keep_prob
    if rate is None:
        raise ValueError("dropout needs rate (or keep_prob)")
    from headrace.random import random_uniform

    with name_scope(name, "dropout", [x]):
        x = convert_to_tensor(x, name="x")
        if not isinstance(rate, Tensor):
            if not 0 <= rate < 1:
                raise ValueError(f"rate must be a scalar tensor or a float in the range [0, 1), got {rate}")
            if rate == 0:
                return x
        draws = random_uniform(shape(x) if noise_shape is None else noise_shape, dtype=x.dtype.base_dtype, seed=seed)
        scale = 1 / (1 - rate)
        result = x * scale * cast(draws >= rate, x.dtype.base_dtype)
        result.set_shape(x.shape)
        return result


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)), elementwise and stable."""
    _named_only("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = convert_to_tensor(labels, name="labels")
        zeros = _ops.zeros_like(logits)
        condition = logits >= zeros
        return _ops.add_v2(
            _ops.select(condition, logits, zeros) - logits * labels,
            _ops.log1p(_ops.exp(_ops.select(condition, -logits, logits))),
            name=scope,
        )


def _named_only(function: str, sentinel: Any, labels: Any, logits: Any) -> None:
    if sentinel is not None or labels is None or logits is None:
        raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: Any = None, name: str | None = None, dim: Any = None
) -> Tensor:
    """The cross entropy of softmax(logits) under label distributions, along the last axis."""
    with name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as scope:
        logits = convert_to_tensor(logits, name="logits")
        labels = cast(convert_to_tensor(labels, name="labels"), logits.dtype)
        classes = shape(logits)[-1]
        cost = _ops.softmax_cross_entropy_with_logits(
            reshape(logits, [-1, classes]) if logits.shape.ndims != 2 else logits,
            reshape(labels, [-1, classes]) if labels.shape.ndims != 2 else labels,
            name=scope if logits.shape.ndims == 2 else None,
        )[0]
        return cost if logits.shape.ndims == 2 else reshape(cost, shape(logits)[:-1])


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: Any = None,
) -> Tensor:
    _named_only("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    return softmax_cross_entropy_with_logits_v2(
        _ops.stop_gradient(labels), logits, axis, name or "softmax_cross_entropy_with_logits_sg"
    )


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """As softmax_cross_entropy_with_logits_v2, with the classes' numbers as labels."""
    _named_only("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        logits, labels = convert_to_tensor(logits), convert_to_tensor(labels)
        if logits.shape.ndims == 2:
            return _ops.sparse_softmax_cross_entropy_with_logits(logits, labels, name=name)[0]
        flat = _ops.sparse_softmax_cross_entropy_with_logits(
            reshape(logits, [-1, shape(logits)[-1]]), reshape(labels, [-1]), name=name
        )[0]
        return reshape(flat, shape(labels))


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> Any:  # noqa: A002
    """The k largest elements along the last axis and their indices."""
    return _ops.top_kv2(input, k, sorted=sorted, name=name)


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    return _ops.in_top_kv2(predictions, targets, k, name=name)


def embedding_lookup(
    params: Any, ids: Any, partition_strategy: str = "mod", name: str | None = None, validate_indices: bool = True,
    max_norm: Any = None,
) -> Tensor:  # fmt: skip
    """The rows of `params` at `ids`; several params are parts of one table."""
    if isinstance(params, (list, tuple)):
        if len(params) > 1:
            if partition_strategy != "div":
                raise NotImplementedError(
                    'embedding_lookup over several tensors takes partition_strategy="div" for now'
                )
            params = concat(list(params), 0)
        else:
            params = params[0]
    with name_scope(name, "embedding_lookup", [params, ids]) as scope:
        if isinstance(params, _core.Variable) and params._is_resource:
            return _ops.resource_gather(params.handle, ids, params.dtype.base_dtype, name=scope)
        return gather(params, ids, name=scope)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The share of elements that are 0."""
    with name_scope(name, "zero_fraction", [value]):
        value = convert_to_tensor(value)
        zero = _ops.equal(value, convert_to_tensor(0, value.dtype))
        return reduce_mean(cast(zero, dtypes.float32))
