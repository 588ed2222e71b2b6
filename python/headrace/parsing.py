"""How features are read from tf.train.Example."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

from headrace import dtypes


class FixedLenFeature(namedtuple("FixedLenFeature", ["shape", "dtype", "default_value"])):
    """A feature of so many values in each example."""

    def __new__(cls, shape: Any, dtype: Any, default_value: Any = None) -> FixedLenFeature:
        return super().__new__(cls, shape, dtypes.as_dtype(dtype), default_value)


class VarLenFeature(namedtuple("VarLenFeature", ["dtype"])):
    """A feature of any number of values."""

    def __new__(cls, dtype: Any) -> VarLenFeature:
        return super().__new__(cls, dtypes.as_dtype(dtype))
