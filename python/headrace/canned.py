"""tf.estimator's canned estimators: C++ models, whose options the library describes; signatures and docstrings come
from that description."""

from __future__ import annotations

import inspect
from typing import Any

from headrace import _core
from headrace.estimator import Estimator
from headrace.refusal import refuse
from headrace.run_config import configured

# What TensorFlow 1.15 takes beside the options, with its place behind one of them; refused where it is given.
_NOT_YET = {"warm_start_from": ("partitioner", "config"), "batch_norm": ("loss_reduction",)}


def _parameters(described: list[Any], required: tuple[str, ...], refused: tuple[str, ...]) -> list[Any]:
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(name, keyword, default=inspect.Parameter.empty if name in required else default)
        for name, default, _ in described
    ]
    for name in refused:
        names = [parameter.name for parameter in parameters]
        behind = next(before for before in _NOT_YET[name] if before in names)
        default = False if name == "batch_norm" else None
        parameters.insert(names.index(behind) + 1, inspect.Parameter(name, keyword, default=default))
    return parameters


def _canned(name: str, native: str, doc: str, required: tuple[str, ...], refused: tuple[str, ...]) -> type:
    """The class of one canned estimator."""
    described = getattr(_core, f"{native}_options")()
    parameters = _parameters(described, required, refused)
    signature = inspect.Signature(parameters)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from None
        given = dict(bound.arguments)
        refuse(name, **{option: given.pop(option, None) for option in refused})
        self._config, self._params = configured(given.pop("config", None), given.pop("model_dir", None)), None
        self._attach(getattr(_core, native)(given, self._config._native()))

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    __init__.__signature__ = signature.replace(parameters=[own, *parameters])  # type: ignore[attr-defined]
    arguments = "\n".join(f"      {option}: {sentence}." for option, _, sentence in described)
    __init__.__doc__ = f"Makes the estimator.\n\n    Args:\n{arguments}"
    return type(name, (Estimator,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


_DNN = ("warm_start_from", "batch_norm")

DNNRegressor = _canned(
    "DNNRegressor",
    "dnn_regressor",
    "A neural network that predicts numbers.",
    ("hidden_units", "feature_columns"),
    _DNN,
)
DNNClassifier = _canned(
    "DNNClassifier", "dnn_classifier", "A neural network that predicts classes.", ("hidden_units", "feature_columns"),
    _DNN,
)  # fmt: skip
LinearRegressor = _canned(
    "LinearRegressor", "linear_regressor", "A linear model that predicts numbers.", ("feature_columns",),
    ("warm_start_from",),
)  # fmt: skip
LinearClassifier = _canned(
    "LinearClassifier", "linear_classifier", "A linear model that predicts classes.", ("feature_columns",),
    ("warm_start_from",),
)  # fmt: skip
DNNLinearCombinedRegressor = _canned(
    "DNNLinearCombinedRegressor", "dnn_linear_combined_regressor",
    "A linear model and a neural network side by side (wide and deep) that predict numbers.", (), _DNN,
)  # fmt: skip
DNNLinearCombinedClassifier = _canned(
    "DNNLinearCombinedClassifier", "dnn_linear_combined_classifier",
    "A linear model and a neural network side by side (wide and deep) that predict classes.", (), _DNN,
)  # fmt: skip
