"""Random tensors: Philox with the graph's and the op's seed, so that both given yield TensorFlow's numbers."""

from __future__ import annotations

from typing import Any

from headrace import _core, _ops, dtypes
from headrace.framework import Tensor, convert_to_tensor, get_default_graph, name_scope
from headrace.math import stack

DEFAULT_GRAPH_SEED = 87654321  # of a graph without a seed of its own, for ops that have one


def _shape(shape: Any) -> Tensor:
    if isinstance(shape, Tensor):
        return shape
    return _core.convert_to_tensor(_sizes(shape), dtypes.int32, "shape", None) if _plain(shape) else stack(shape)


def _plain(shape: Any) -> bool:
    return not isinstance(shape, (list, tuple)) or not any(isinstance(s, Tensor) for s in shape)


def _sizes(shape: Any) -> list[int]:
    from headrace.shapes import TensorShape

    return [int(size) for size in TensorShape(shape).as_list()]  # type: ignore[arg-type]


def random_uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: int | None = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Numbers uniform in [minval, maxval); maxval is 1 for floating types and required for integers."""
    dtype = dtypes.as_dtype(dtype)
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as scope:
        sizes = _shape(shape)
        minval = convert_to_tensor(minval, dtype, "min")
        maxval = convert_to_tensor(maxval, dtype, "max")
        seed1, seed2 = _core.get_seed(seed)
        if dtype.is_integer:
            return _ops.random_uniform_int(sizes, minval, maxval, seed=seed1, seed2=seed2, name=scope)
        return _ops.add_v2(
            _ops.random_uniform(sizes, dtype, seed=seed1, seed2=seed2) * (maxval - minval), minval, name=scope
        )


def _normal(op: str, default_name: str) -> Any:
    def make(
        shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: int | None = None,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        with name_scope(name, default_name, [shape, mean, stddev]) as scope:
            sizes = _shape(shape)
            mean = convert_to_tensor(mean, dtype, "mean")
            stddev = convert_to_tensor(stddev, dtype, "stddev")
            seed1, seed2 = _core.get_seed(seed)
            draws = getattr(_ops, op)(sizes, dtypes.as_dtype(dtype), seed=seed1, seed2=seed2)
            return _ops.add_v2(draws * stddev, mean, name=scope)

    make.__name__ = default_name
    make.__doc__ = f"Numbers of a {default_name.replace('_', ' ')} distribution with this mean and standard deviation."
    return make


random_normal = _normal("random_standard_normal", "random_normal")
truncated_normal = _normal("truncated_normal", "truncated_normal")


def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    seed1, seed2 = _core.get_seed(seed)
    return _ops.random_shuffle(value, seed=seed1, seed2=seed2, name=name)


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The two seeds of a random op, from the graph's seed and the op's; None where neither is given."""
    if op_seed is None and get_default_graph().seed is None:
        return None, None
    return _core.get_seed(op_seed)
