"""How features are read from tf.train.Example."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from headrace import _core, dtypes


class FixedLenFeature(namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
    """A feature of so many values in each example."""

    def __new__(cls, shape: Any, dtype: Any, default_value: Any = None) -> FixedLenFeature:
        return super().__new__(cls, shape, dtypes.as_dtype(dtype), default_value)


class VarLenFeature(namedtuple("VarLenFeature", ["dtype"])):
    """A feature of any number of values."""

    def __new__(cls, dtype: Any) -> VarLenFeature:
        return super().__new__(cls, dtypes.as_dtype(dtype))


def parse_example(
    serialized: Any, features: dict[str, Any], name: str | None = None, example_names: Any = None
) -> dict:
    """The features of serialized tf.train.Examples, a vector of them: dense [batch, shape…] for a FixedLenFeature, a
    SparseTensor for a VarLenFeature.

    Raises:
      ValueError: for a spec that has neither. InvalidArgumentError: when run, naming feature and example.
    """
    for key, feature in (features or {}).items():
        if not isinstance(feature, (FixedLenFeature, VarLenFeature)):
            raise ValueError(f"Invalid feature {key}: {feature}; expected FixedLenFeature or VarLenFeature.")
    if not features:
        raise ValueError("Missing: features was {}.")
    return _core.parse_example(serialized, features)


def parse_single_example(
    serialized: Any, features: dict[str, Any], name: str | None = None, example_names: Any = None
) -> dict:
    """As parse_example, for one example: a scalar, and features without the batch axis."""
    return parse_example(serialized, features, name)
