"""What test cases compare: tensors, sparse tensors, messages and nests of them as NumPy values."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace import framework


def as_array(test: Any, value: Any) -> np.ndarray:
    """The value of a tensor (evaluated by the test case), number, list or array as a NumPy array."""
    if isinstance(value, np.ndarray):
        return value
    if framework.is_tensor(value):
        value = test.evaluate(value)
    if isinstance(value, (framework.IndexedSlicesValue, framework.SparseTensorValue)):
        return value  # type: ignore[return-value]  # compared member by member
    return value if isinstance(value, np.ndarray) else np.array(value)


def is_nest(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def mapping_of(value: Any) -> dict[Any, Any] | None:
    """The dict that a mapping, a namedtuple or an attrs object stands for; None for anything else."""
    if isinstance(value, dict):
        return value
    if hasattr(value, "_asdict"):
        return value._asdict()
    if hasattr(type(value), "__attrs_attrs__"):
        return {a.name: getattr(value, a.name) for a in type(value).__attrs_attrs__}
    return None


def is_bfloat16(array: np.ndarray) -> bool:
    return array.dtype.name == "bfloat16"


def comparable(array: np.ndarray) -> np.ndarray:
    """bfloat16 as float32, which NumPy can compare."""
    return array.astype(np.float32) if is_bfloat16(array) else array


def subscripts(where: tuple[np.ndarray, ...], array: np.ndarray, limit: int = 10) -> list[str]:
    """Lines "[i, j] : value" for the first places of `where` (as np.where gives them)."""
    places = list(zip(*[axis.tolist() for axis in where]))
    lines = [f"  {list(place)} : {array[place]}" for place in places[:limit]]
    return lines + (["  ..."] if len(places) > limit else [])
