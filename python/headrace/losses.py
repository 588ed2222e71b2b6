"""tf.losses: each gives the loss to minimise and adds it to the collection of losses."""

from __future__ import annotations

from typing import Any

from headrace import _core
from headrace.framework import GraphKeys, Tensor, add_to_collection, convert_to_tensor, get_collection


class Reduction:
    """How losses of elements become one."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = SUM_OVER_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        return cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def validate(cls, key: str) -> None:
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}; expected one of {cls.all()}")


_MEAN = Reduction.SUM_BY_NONZERO_WEIGHTS


def _options(weights: Any, scope: str | None, loss_collection: str | None, reduction: str) -> dict[str, Any]:
    if weights is None:
        raise ValueError("`weights` must not be None.")
    Reduction.validate(reduction)
    return {"weights": weights, "scope": scope, "loss_collection": loss_collection, "reduction": reduction}


def compute_weighted_loss(
    losses: Any, weights: Any = 1.0, scope: str | None = None, loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _MEAN,
) -> Tensor:  # fmt: skip
    return _core.compute_weighted_loss(losses, **_options(weights, scope, loss_collection, reduction))


def _pair(native: str, doc: str, second: str = "predictions") -> Any:
    if second == "logits":

        def loss(labels: Any, logits: Any, weights: Any = 1.0, scope: str | None = None,
                 loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Tensor:  # fmt: skip
            _given(labels=labels, logits=logits)
            return getattr(_core, native)(labels, logits, **_options(weights, scope, loss_collection, reduction))
    else:

        def loss(labels: Any, predictions: Any, weights: Any = 1.0, scope: str | None = None,
                 loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN) -> Tensor:  # fmt: skip
            labels, predictions = _same_type(labels, predictions)
            return getattr(_core, native)(labels, predictions, **_options(weights, scope, loss_collection, reduction))

    loss.__name__ = native
    loss.__doc__ = doc
    return loss


def _given(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is None:
            raise ValueError(f"{name} must not be None.")


def _same_type(labels: Any, predictions: Any, names: tuple[str, str] = ("labels", "predictions")) -> tuple[Any, Any]:
    _given(**dict(zip(names, (labels, predictions))))
    predictions = convert_to_tensor(predictions)
    from headrace.math import cast

    return cast(convert_to_tensor(labels), predictions.dtype.base_dtype), predictions


mean_squared_error = _pair("mean_squared_error", "(predictions - labels) ** 2.")
absolute_difference = _pair("absolute_difference", "|predictions - labels|.")
hinge_loss = _pair("hinge_loss", "max(0, 1 - labels * logits) with labels 0 or 1 taken as -1 and 1.", "logits")
sparse_softmax_cross_entropy = _pair(
    "sparse_softmax_cross_entropy", "Cross entropy of softmax(logits); labels are class numbers.", "logits"
)


def log_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN,
) -> Tensor:  # fmt: skip
    labels, predictions = _same_type(labels, predictions)
    return _core.log_loss(labels, predictions, epsilon, **_options(weights, scope, loss_collection, reduction))


def huber_loss(
    labels: Any, predictions: Any, weights: Any = 1.0, delta: float = 1.0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN,
) -> Tensor:  # fmt: skip
    labels, predictions = _same_type(labels, predictions)
    return _core.huber_loss(labels, predictions, delta, **_options(weights, scope, loss_collection, reduction))


def sigmoid_cross_entropy(
    multi_class_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN,
) -> Tensor:  # fmt: skip
    labels, logits = _same_type(multi_class_labels, logits, ("multi_class_labels", "logits"))
    options = _options(weights, scope, loss_collection, reduction)
    return _core.sigmoid_cross_entropy(labels, logits, label_smoothing, **options)


def softmax_cross_entropy(
    onehot_labels: Any, logits: Any, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES, reduction: str = _MEAN,
) -> Tensor:  # fmt: skip
    labels, logits = _same_type(onehot_labels, logits, ("onehot_labels", "logits"))
    options = _options(weights, scope, loss_collection, reduction)
    return _core.softmax_cross_entropy(labels, logits, label_smoothing, **options)


def add_loss(loss: Tensor, loss_collection: str = GraphKeys.LOSSES) -> None:
    add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    return get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    from headrace.framework import constant
    from headrace.math import add_n

    found = get_regularization_losses(scope)
    return add_n(found, name) if found else constant(0.0)


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of the losses collected, with the regularization losses."""
    if scope is None:
        return _core.total_loss(add_regularization_losses, name)
    from headrace.math import add_n

    return add_n(get_losses(scope) + (get_regularization_losses(scope) if add_regularization_losses else []), name)
