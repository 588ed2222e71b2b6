"""tf.estimator.export: what an exported model gives, and what it is fed."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from headrace import dtypes
from headrace.framework import SparseTensor, Tensor

# ------------------------------------------------------------------------------------------------------------- outputs

_DEFAULT = "serving_default"


class ExportOutput:
    """Base class of what an exported model gives."""


def _floats(value: Any, what: str) -> Any:
    if value is not None and not (isinstance(value, Tensor) and value.dtype.is_floating):
        raise ValueError(f"{what} must be a float32 Tensor; got {value}")
    return value


class PredictOutput(ExportOutput):
    """Any outputs, by name."""

    kind = "predict"

    def __init__(self, outputs: Any) -> None:
        outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
        for name, tensor in outputs.items():
            key = name[0] if isinstance(name, tuple) else name
            if not isinstance(key, str):
                raise ValueError(f"Prediction output key must be a string; got {name}.")
            if not isinstance(tensor, Tensor):
                raise ValueError(f"Prediction output value must be a Tensor; got {tensor}.")
        self.outputs = outputs


class RegressionOutput(ExportOutput):
    """One float."""

    kind = "regression"

    def __init__(self, value: Tensor) -> None:
        if value is None:
            raise ValueError("Regression output value must be a float32 Tensor; got None")
        self.value = _floats(value, "Regression output value")


class ClassificationOutput(ExportOutput):
    """Scores, classes or both."""

    kind = "classification"

    def __init__(self, scores: Tensor | None = None, classes: Tensor | None = None) -> None:
        self.scores = _floats(scores, "Classification scores")
        if classes is not None and not (isinstance(classes, Tensor) and classes.dtype == dtypes.string):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes}")
        if scores is None and classes is None:
            raise ValueError("At least one of scores and classes must be set.")
        self.classes = classes


def with_default(export_outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs with one of them as the default: a single one is."""
    if len(export_outputs) == 1:
        ((key, output),) = export_outputs.items()
        return {**export_outputs, _DEFAULT: output} if key != _DEFAULT else export_outputs
    if len(export_outputs) > 1 and _DEFAULT not in export_outputs:
        raise ValueError(
            f"Multiple export_outputs were provided, but none of them is specified as the default.  Do this by naming "
            f"one of them with signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY ({_DEFAULT!r}); given are "
            f"{sorted(export_outputs)}."
        )
    return export_outputs


# ----------------------------------------------------------------------------------------------------------- receivers


def _checked_tensor(tensor: Any, name: Any, what: str) -> None:
    if not isinstance(tensor, (Tensor, SparseTensor)):
        raise ValueError(f"{what}{f' {name}' if name else ''} must be a Tensor, SparseTensor, or RaggedTensor.")


def _by_name(tensors: Any, what: str, single: str, allow_ints: bool = False) -> dict[Any, Any]:
    """Tensors by name; one alone gets the name `single`."""
    if tensors is None:
        raise ValueError(f"{what}s must be defined.")
    if not isinstance(tensors, dict):
        tensors = {single: tensors}
    for name, tensor in tensors.items():
        if not isinstance(name, (str, int) if allow_ints else str):
            kinds = "strings or ints" if allow_ints else "strings"
            raise ValueError(f"{what} keys must be {kinds}: {name}.")
        _checked_tensor(tensor, name, what)
    return tensors


def _checked_alternatives(alternatives: Any) -> Any:
    if alternatives is None:
        return None
    if not isinstance(alternatives, dict):
        raise ValueError(f"receiver_tensors_alternatives must be a dict: {alternatives}.")
    return {name: _by_name(tensors, "receiver_tensors_alternative", "input") for name, tensors in alternatives.items()}


_RECEIVER = ["features", "receiver_tensors", "receiver_tensors_alternatives"]


class ServingInputReceiver(namedtuple("ServingInputReceiver", _RECEIVER)):
    """What a serving input function returns: the features, and the tensors that are fed.

    Raises:
      ValueError: for what is no tensor, or not by name.
    """

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> ServingInputReceiver:
        return super().__new__(
            cls, _by_name(features, "feature", "feature", allow_ints=True),
            _by_name(receiver_tensors, "receiver_tensor", "input"),
            _checked_alternatives(receiver_tensors_alternatives),
        )  # fmt: skip


class TensorServingInputReceiver(namedtuple("TensorServingInputReceiver", _RECEIVER)):
    """As ServingInputReceiver, for models whose features are one tensor."""

    def __new__(
        cls, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Any = None
    ) -> TensorServingInputReceiver:
        if features is None:
            raise ValueError("features must be defined.")
        _checked_tensor(features, None, "feature")
        return super().__new__(
            cls, features, _by_name(receiver_tensors, "receiver_tensor", "input"),
            _checked_alternatives(receiver_tensors_alternatives),
        )  # fmt: skip


def build_raw_serving_input_receiver_fn(features: dict[str, Tensor], default_batch_size: int | None = None) -> Callable:
    """A function that feeds these features as they are: a placeholder for each, of its type and shape."""
    from headrace.arrays import placeholder

    def shape_of(tensor: Tensor) -> Any:
        return None if tensor.shape.ndims is None else [default_batch_size] + tensor.shape.as_list()[1:]

    def serving_input_receiver_fn() -> ServingInputReceiver:
        tensors = {
            name: placeholder(tensor.dtype.base_dtype, shape_of(tensor), name) for name, tensor in features.items()
        }
        return ServingInputReceiver(tensors, tensors)

    return serving_input_receiver_fn


def build_parsing_serving_input_receiver_fn(
    feature_spec: dict[str, Any], default_batch_size: int | None = None
) -> Callable:
    """A function that is fed serialized tf.train.Examples and reads the features from them."""
    from headrace.arrays import placeholder
    from headrace.parsing import parse_example

    def serving_input_receiver_fn() -> ServingInputReceiver:
        serialized = placeholder(dtypes.string, [default_batch_size], "input_example_tensor")
        return ServingInputReceiver(parse_example(serialized, feature_spec), {"examples": serialized})

    return serving_input_receiver_fn
